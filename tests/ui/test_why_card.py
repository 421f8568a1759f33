"""What the card claims is true: the numbers stand on the right side of the limit, and moving the limit as the card
says changes the decision."""

import re
from dataclasses import replace

import numpy as np
import pytest

from dataeff_core.selection.base import REASONS
from dataeff_core.ui import why_card
from dataeff_core.ui.explore.explored import SHARE, Explored, Limits


def rows_with(explored: Explored, limits: Limits, reason: str, most: int = 6) -> list[int]:
    rows = np.flatnonzero(explored.decide(limits).codes == REASONS.index(reason))
    assert len(rows)
    return rows[:: max(1, len(rows) // most)].tolist()


@pytest.mark.parametrize("reason", ["kept", "duplicate", "outlier", "invalid"])
def test_numbers_stand_on_their_side_of_the_limit(explored: Explored, strict: Limits, reason: str) -> None:
    decided = explored.decide(strict)
    for row in rows_with(explored, strict, reason):
        found = why_card.why(explored, decided, row)
        assert found.reason == reason
        assert found.limit is not None
        assert (found.score > np.float32(found.limit)) == (reason != "kept")
        assert found.sentence.startswith("Kept" if reason == "kept" else "Removed")


def test_a_duplicate_names_a_kept_frame_more_alike_than_the_limit(explored: Explored, strict: Limits) -> None:
    decided = explored.decide(strict)
    for row in rows_with(explored, strict, "duplicate"):
        found = why_card.why(explored, decided, row)
        assert decided.kept[found.partner]
        assert found.similarity is not None
        assert found.similarity > np.float32(strict.eta)
        vectors = explored.pool.vectors
        assert vectors is not None
        a, b = (vectors[one].astype(np.float64) for one in (row, found.partner))
        assert found.similarity == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b), abs=1e-5)


def test_the_margin_of_a_duplicate_is_where_it_would_stay(explored: Explored, strict: Limits) -> None:
    for row in rows_with(explored, strict, "duplicate"):
        found = why_card.why(explored, explored.decide(strict), row)
        assert "would stay" in found.margin
        assert explored.decide(replace(strict, eta=found.score)).kept[row]
        assert not explored.decide(replace(strict, eta=found.score - 1e-3)).kept[row]
        assert f"{found.score:.3f}" in re.findall(r"\d\.\d{3}", found.margin)


def test_the_margin_of_a_kept_frame_is_where_it_would_go(explored: Explored, strict: Limits) -> None:
    for row in rows_with(explored, strict, "kept"):
        found = why_card.why(explored, explored.decide(strict), row)
        if found.score <= -1:
            assert "no limit" in found.margin
            assert explored.decide(replace(strict, eta=-1.0)).kept[row]
        else:
            assert not explored.decide(replace(strict, eta=found.score - 1e-3)).kept[row]


def test_each_duplicate_is_stood_for_by_the_frame_that_its_card_shows(explored: Explored, strict: Limits) -> None:
    decided = explored.decide(strict)
    for row in rows_with(explored, strict, "duplicate"):
        partner = why_card.why(explored, decided, row).partner
        assert row in why_card.why(explored, decided, partner).stands_for


def test_a_kept_frame_of_an_exact_share_makes_no_claim_about_a_limit(explored: Explored, strict: Limits) -> None:
    limits = replace(strict, mode=SHARE, keep=0.1)
    for row in rows_with(explored, limits, "kept"):
        assert "limit" not in why_card.why(explored, explored.decide(limits), row).sentence
