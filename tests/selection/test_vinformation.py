"""The frame's score by hand, the margins, and what happens where there are too few frames or patches."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from dataeff_core.errors import BadInput
from dataeff_core.review.queue import queue_of
from dataeff_core.selection import make
from dataeff_core.selection.base import BUDGET, INVALID, KEPT, TOO_EASY, TOO_HARD, PatchScores, Pool
from dataeff_core.selection.saving import decisions_of
from dataeff_core.selection.vinformation import frame_scores

IDS = np.array([f"f{i}" for i in range(10)], dtype=object)


def pool_of(scores: dict[str, list[float]], **changes: object) -> Pool:
    frames = [one for one, values in scores.items() for _ in values]
    values = [value for each in scores.values() for value in each]
    scored = PatchScores("h-1", np.array(frames, object), np.array(values, np.float32))
    return replace(Pool(frame_ids=IDS, patch_scores=lambda wanted: scored), **changes)  # type: ignore[arg-type]


RISING = {one: [float(i)] for i, one in enumerate(IDS)}


def test_a_frames_score_is_the_mean_of_its_hardest_patches() -> None:
    scored = PatchScores("h", np.array(["b", "a", "a", "gone", "a"], object), np.array([5, 1, 4, 9, 2], np.float32))
    found = frame_scores(scored, np.array(["a", "b", "c"], object), 2)
    np.testing.assert_array_equal(found, np.array([3, 5, np.nan], np.float32))


def test_margins_are_quantiles_of_the_frames() -> None:
    found = make("vinformation", {"lower": 0.3, "upper": 0.9}).select(pool_of(RISING))
    assert found.reason.tolist() == [TOO_EASY] * 3 + [KEPT] * 6 + [TOO_HARD]
    np.testing.assert_array_equal(found.scores["hardness"], np.arange(10, dtype=np.float32))
    np.testing.assert_allclose(found.score, np.arange(10) / 10 + 0.05, rtol=1e-6)
    assert found.params["hardness"] == "h-1"


def test_a_share_takes_the_hardest_between_the_margins_then_their_neighbours() -> None:
    method = make("vinformation", {"lower": 0.3, "upper": 0.9})
    orders = []
    for count in range(1, 11):
        found = method.select(pool_of(RISING), keep=count / 10)
        assert found.kept.sum() == count
        orders.append(set(np.flatnonzero(found.kept).tolist()))
    assert all(one < other for one, other in itertools.pairwise(orders))
    assert orders[1] == {8, 7}
    assert orders[6] == {8, 7, 6, 5, 4, 3, 2}
    assert orders[8] == set(range(9))  # the suspicious one comes last
    assert set(method.select(pool_of(RISING), keep=0.2).reason) == {KEPT, BUDGET, TOO_EASY, TOO_HARD}


def test_frames_without_a_patch_are_too_easy_and_come_last() -> None:
    some = {one: values for one, values in RISING.items() if one not in ("f4", "f9")}
    method = make("vinformation", {"lower": 0, "upper": 1})
    found = method.select(pool_of(some))
    assert found.reason[[4, 9]].tolist() == [TOO_EASY] * 2
    assert found.kept.sum() == 8
    assert np.isnan(found.score[[4, 9]]).all()
    assert "2 frames have no patch" in found.notes["without"]
    assert not method.select(pool_of(some), keep=0.8).kept[[4, 9]].any()
    assert method.select(pool_of(some), keep=1.0).kept.all()


def test_unusable_frames_go_first() -> None:
    invalid = np.zeros(10, np.float32)
    invalid[8] = 0.9
    pool = pool_of(RISING, invalid_score=invalid, invalid_limit=0.5)
    found = make("vinformation", {"lower": 0, "upper": 1}).select(pool)
    assert found.reason[8] == INVALID
    assert found.score[8] == np.float32(0.9)
    assert np.isnan(found.scores["quantile"][8])
    np.testing.assert_allclose(found.score[:8], (np.arange(8) + 0.5) / 9, rtol=1e-6)
    assert found.params["invalid"] == 0.5
    with pytest.raises(BadInput, match="10 of 10 frames cannot be kept"):
        make("vinformation", {}).select(pool, keep=1.0)
    assert make("vinformation", {"invalid": 1, "lower": 0, "upper": 1}).select(pool).kept.all()


def test_crossed_margins_are_one_sentence() -> None:
    with pytest.raises(BadInput, match="nothing would lie between"):
        make("vinformation", {"lower": 0.9, "upper": 0.2})


def test_few_hard_frames_are_warned_of() -> None:
    ids = np.array([f"f{i:03d}" for i in range(300)], object)
    scored = PatchScores("h", ids, np.arange(300, dtype=np.float32), dimension=5.0)
    pool = Pool(frame_ids=ids, patch_scores=lambda wanted: scored)
    assert "6 hardest of 300" in make("vinformation", {}).select(pool, keep=0.02).notes["warning"]
    assert "warning" not in make("vinformation", {}).select(pool, keep=0.3).notes
    assert "warning" not in make("vinformation", {"lower": 0}).select(pool, keep=0.02).notes


@pytest.mark.parametrize("keep", [None, 0.15, 0.4, 0.9])
@pytest.mark.parametrize("margins", [(0.5, 0.98), (0.33, 0.71), (0.0, 1.0)])
def test_a_score_lies_on_its_side_of_the_margin_and_closeness_is_the_distance_to_staying(
    keep: float | None, margins: tuple[float, float]
) -> None:
    """Hardness is skewed by many powers of ten; the order of review goes by shares of frames all the same."""
    lower, upper = margins
    ids = np.array([f"f{i:03d}" for i in range(157)], object)
    hardness = np.random.default_rng(0).lognormal(0, 4, 157).astype(np.float32)
    pool = Pool(frame_ids=ids, patch_scores=lambda wanted: PatchScores("h", ids, hardness))
    found = make("vinformation", {"lower": lower, "upper": upper}).select(pool, keep=keep)
    assert (found.score[found.reason == TOO_EASY] < lower).all()
    assert (found.score[found.reason == TOO_HARD] > upper).all()
    if keep is None:
        inside = found.score[found.kept]
        assert (inside > lower - 1 / 157).all()
        assert (inside < upper + 1 / 157).all()
    queue = queue_of(decisions_of(found))
    for reason in (TOO_EASY, TOO_HARD, BUDGET):
        rows = queue.rows[found.reason[queue.rows] == reason]
        by_hardness = rows[np.argsort(hardness[rows] * (1 if reason == TOO_HARD else -1), kind="stable")]
        assert rows.tolist() == by_hardness.tolist()
    nearest = queue.closeness[np.isin(found.reason[queue.rows], (TOO_EASY, TOO_HARD))]
    assert keep is not None or not len(nearest) or nearest.max() == 1
