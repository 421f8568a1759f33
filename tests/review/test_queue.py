"""The queue's score by hand; the bound against a slow count."""

from math import comb

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataeff_core.errors import BadInput
from dataeff_core.review.queue import closeness_of, enough_reviewed, most_harmful, past_limit, queue_of

DECISIONS = pd.DataFrame(
    {
        "frame_id": list("abcdef"),
        "decision": ["kept", "dropped", "dropped", "dropped", "dropped", "kept"],
        "reason": ["kept", "duplicate", "duplicate", "duplicate", "invalid", "kept"],
        "representative_id": [None, "a", "a", "f", None, None],
        "score": [0.1, 0.92, 0.9, 0.94, 0.7, 0.2],
    }
)


def test_the_order_by_hand() -> None:
    found = queue_of(DECISIONS)
    # margins of duplicates: .02, 0, .04; median .02 -> closeness 1/2, 1, 1/4; the one invalid frame is at its limit
    # views: a stands for a, b, c (1/3 each), f for d, f (1/2); e is alone (1)
    assert found.rows.tolist() == [4, 2, 1, 3]
    np.testing.assert_allclose(found.closeness, [1, 1, 0.5, 0.25])
    np.testing.assert_allclose(found.rarity, [1, 1 / 3, 1 / 3, 1 / 2])
    np.testing.assert_allclose(found.score, [0.7, 0.5 + 0.2 / 3, 0.25 + 0.2 / 3, 0.225])


def test_a_suspected_lesion_goes_ahead_and_reviewed_ones_are_passed_over() -> None:
    lesion = np.array([0, 0, 0, 1, 0, 0])
    reviewed = np.array([False, False, True, False, False, True])
    found = queue_of(DECISIONS, lesion=lesion, reviewed=reviewed)
    assert found.rows.tolist() == [4, 2, 3, 1]
    assert found.ahead.tolist() == [4, 3, 1]


def test_views_may_be_given() -> None:
    found = queue_of(DECISIONS, view=np.array([1, 1, 2, 1, 1, 1]))
    np.testing.assert_allclose(dict(zip(found.rows, found.rarity, strict=True))[2], 1)


def test_methods_without_scores_and_ties() -> None:
    np.testing.assert_allclose(closeness_of(np.full(3, np.nan), np.array(["budget"] * 3)), 0.5)
    np.testing.assert_allclose(closeness_of(np.full(3, 0.9), np.array(["duplicate"] * 3)), 1)
    assert len(queue_of(DECISIONS[:1]).rows) == 0


def scored(rows: list[tuple[str, float]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "frame_id": [str(i) for i in range(len(rows))],
            "decision": ["kept" if reason == "kept" else "dropped" for reason, _ in rows],
            "reason": [reason for reason, _ in rows],
            "representative_id": None,
            "score": [score for _, score in rows],
        }
    )


def test_too_easy_frames_and_a_budget_of_the_highest_lie_below_their_limit() -> None:
    hardest = [("too_easy", 0.1), ("too_easy", 0.3), ("budget", 0.4), ("budget", 0.5), ("kept", 0.6), ("kept", 0.7)]
    table = scored([*hardest, ("too_hard", 0.8), ("too_hard", 0.9)])
    found = queue_of(table)
    closest = dict(zip(found.rows.tolist(), found.closeness.tolist(), strict=True))
    assert {row for row, closeness in closest.items() if closeness == 1} == {1, 3, 6}
    assert past_limit(table).tolist() == [-0.1, -0.3, -0.4, -0.5, 0.6, 0.7, 0.8, 0.9]


def test_a_budget_of_the_lowest_lies_above_its_limit() -> None:
    table = scored([("kept", 0.2), ("kept", 0.3), ("budget", 0.4), ("budget", 0.5), ("budget", np.nan)])
    np.testing.assert_array_equal(past_limit(table), table["score"])
    assert queue_of(table).rows.tolist() == [2, 4, 3]
    unscored = scored([("kept", np.nan), ("budget", np.nan)])
    assert queue_of(unscored).closeness.tolist() == [0.5]


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"lesion": np.zeros(3)}, "lesion has 3 values for 6 frames"),
        ({"reviewed": np.zeros(7)}, "reviewed has 7"),
        ({"view": np.zeros(7)}, "view has 7"),
        ({"lesion": np.full(6, 1.5)}, "not in"),
        ({"lesion": np.full(6, np.nan)}, "not in"),
    ],
)
def test_bad_arrays(arrays: dict[str, np.ndarray], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        queue_of(DECISIONS, **arrays)


def slowly(removed: int, reviewed: int, harmful: int) -> int:
    def at_most(total: int) -> float:
        ways = sum(comb(total, x) * comb(removed - total, reviewed - x) for x in range(harmful + 1))
        return ways / comb(removed, reviewed)

    possible = range(harmful, removed - reviewed + harmful + 1)
    return max((total for total in possible if at_most(total) > 0.05), default=harmful)


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 60), st.data())
def test_the_bound_against_a_slow_count(removed: int, data: st.DataObject) -> None:
    reviewed = data.draw(st.integers(0, removed))
    harmful = data.draw(st.integers(0, reviewed))
    assert most_harmful(removed, reviewed, harmful) == slowly(removed, reviewed, harmful)


def test_the_rule_of_three_and_the_end_of_a_review() -> None:
    assert most_harmful(100_000, 300, 0) / 100_000 == pytest.approx(3 / 300, rel=0.02)
    done = enough_reviewed(removed=50, reviewed=50, harmful=7, limit=0.01)
    assert (done.upper, done.enough) == (0, True)
    some = enough_reviewed(removed=1000, reviewed=100, harmful=0, limit=0.01)
    assert not some.enough
    assert "100 of 1000 removals looked at, 0 of them harmful: with 95% confidence at most" in some.sentence
    assert enough_reviewed(removed=0, reviewed=0, harmful=0, limit=0.01).enough


@pytest.mark.parametrize(
    "numbers", [(10, 11, 0, 0.1), (10, 5, 6, 0.1), (10, 5, -1, 0.1), (10, 5, 1, 0), (10, 5, 1, 1)]
)
def test_numbers_that_cannot_be(numbers: tuple[int, int, int, float]) -> None:
    removed, reviewed, harmful, limit = numbers
    with pytest.raises(BadInput):
        enough_reviewed(removed=removed, reviewed=reviewed, harmful=harmful, limit=limit)
