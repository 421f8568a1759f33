"""MedDEL: order of its steps, limits that move, exact shares, representatives, notes."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataeff_core.errors import BadInput
from dataeff_core.selection.base import BUDGET, DUPLICATE, INVALID, OUTLIER, Pool
from dataeff_core.selection.meddel import MedDEL, default_k
from dataeff_core.selection.rules import RULES
from dataeff_core.selection.scored import CODES, MedDELScores
from dataeff_core.selection.vectors import unit_rows
from tests.selection.conftest import pool_of_videos

every_rule = pytest.mark.parametrize("rule", [rule.name for rule in RULES])


def assert_same_scores(one: MedDELScores, other: MedDELScores) -> None:
    for name in ("labels", "distances", "outside"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    np.testing.assert_allclose(one.insertion_similarity, other.insertion_similarity, atol=1e-6)
    for name in ("k", "seed", "rule", "keep", "epsilon", "invalid", "lowest_eta", "highest_eta"):
        assert getattr(one, name) == getattr(other, name), name


class Memory:
    """A store in memory that counts what was found."""

    def __init__(self) -> None:
        self.held: dict[str, dict[str, np.ndarray]] = {}
        self.found: list[str] = []

    def load(self, key: str) -> dict[str, np.ndarray] | None:
        if key in self.held:
            self.found.append(key)
        return self.held.get(key)

    def save(self, key: str, arrays: Mapping[str, np.ndarray]) -> None:
        self.held[key] = dict(arrays)


# The order of the steps


def test_invalid_frames_go_first_then_outliers_then_duplicates(pool: Pool) -> None:
    assert pool.invalid_score is not None
    found = MedDEL(epsilon=0.55, k=4).select(pool)
    invalid = pool.invalid_score > np.float32(0.6)
    np.testing.assert_array_equal(found.reason == INVALID, invalid)
    np.testing.assert_array_equal(found.reason == OUTLIER, ~invalid & (found.distance > np.float32(0.55)))
    assert set(found.dropped_by_reason()) == {INVALID, OUTLIER, DUPLICATE}
    np.testing.assert_array_equal(found.score[invalid], pool.invalid_score[invalid])
    np.testing.assert_array_equal(found.score[found.reason == OUTLIER], found.distance[found.reason == OUTLIER])


def test_a_frame_that_was_set_aside_stands_for_none_and_hides_none() -> None:
    """Two copies of each frame; where one is invalid the other is kept, whichever comes first."""
    pool = pool_of_videos(200)
    assert pool.vectors is not None
    rng = np.random.default_rng(0)
    bad = np.r_[rng.random(100) < 0.5, np.zeros(100, bool)]
    bad[100:] = ~bad[:100]
    twice = replace(
        pool,
        vectors=np.vstack([unit_rows(rng.standard_normal((100, 64)))] * 2),
        invalid_score=bad.astype(np.float32),
    )
    np.testing.assert_array_equal(MedDEL().select(twice).kept, ~bad)


def test_nothing_is_an_outlier_or_invalid_unless_a_limit_says_so(pool: Pool) -> None:
    found = MedDEL().select(replace(pool, invalid_limit=None))
    assert set(found.dropped_by_reason()) == {DUPLICATE}
    assert (found.params["epsilon"], found.params["invalid"]) == (2.0, 1.0)
    assert set(MedDEL(epsilon=0.9).select(pool).dropped_by_reason()) <= {DUPLICATE, INVALID, OUTLIER}


def test_eta_of_one_removes_nothing(pool: Pool) -> None:
    """As in the paper's Table 2, exact copies included."""
    assert MedDEL(eta=1.0, invalid=1.0).select(pool).kept.all()


def test_identical_frames_leave_one() -> None:
    pool = pool_of_videos(50, vectors=np.tile(np.ones((1, 8), np.float32), (50, 1)), invalid_limit=None)
    found = MedDEL(k=3).select(pool)
    assert np.flatnonzero(found.kept).tolist() == [0]
    assert (found.representative[1:] == 0).all()
    assert "1 clusters instead of 3" in found.notes["clustering"]


def test_fewer_frames_than_clusters_keeps_each() -> None:
    pool = pool_of_videos(5, vectors=np.eye(5, dtype=np.float32), invalid_limit=None)
    found = MedDEL(k=50).select(pool)
    assert found.kept.all()
    assert found.params["k"] == 50


def test_zero_vectors_are_nobodys_copies() -> None:
    vectors = np.zeros((4, 8), np.float32)
    vectors[:2, 0] = 1
    pool = Pool.of(vectors, calibrated_eta=0.5)
    assert MedDEL(k=1).select(pool).kept.tolist() == [True, False, True, True]


def test_a_vector_with_nan_is_named_by_its_frame(pool: Pool) -> None:
    assert pool.vectors is not None
    vectors = pool.vectors.copy()
    vectors[11, 2] = np.nan
    with pytest.raises(BadInput, match=f"frame {pool.frame_ids[11]} "):
        MedDEL().select(replace(pool, vectors=vectors))


@pytest.mark.parametrize(("n", "k"), [(0, 1), (1, 1), (600, 4), (88_282, 47), (1_000_000, 158)])
def test_default_number_of_clusters(n: int, k: int) -> None:
    assert default_k(n) == k


# eta: given, calibrated, or missing


def test_without_any_limit_the_ways_out_are_named(pool: Pool) -> None:
    bare = replace(pool, calibrated_eta=None)
    with pytest.raises(BadInput, match=r"calibrate.*eta=0\.9.*keep"):
        MedDEL().select(bare)
    assert MedDEL(eta=0.9).select(bare).params["eta"] == 0.9
    assert set(MedDEL().select(bare, keep=0.1).dropped_by_reason()) == {INVALID, BUDGET}


def test_the_record_says_where_eta_came_from(pool: Pool) -> None:
    calibrated = MedDEL().select(pool)
    assert calibrated.params["eta"] == 0.9
    assert "measured on this dataset" in calibrated.notes["eta"]
    assert "given" in MedDEL(eta=0.8).select(pool).notes["eta"]
    assert MedDEL(eta=0.8).wants_calibration(None) is False
    assert MedDEL().wants_calibration(None) is True
    assert MedDEL().wants_calibration(0.2) is False
    assert MedDEL(rule="leader").wants_calibration(0.2) is True


def test_frames_at_a_limit_are_counted_in_the_notes(pool: Pool) -> None:
    score = MedDEL().score(pool).insertion_similarity
    at = float(np.sort(score[np.isfinite(score)])[100])
    assert MedDEL(eta=at).select(pool).notes["rounding"].split()[0].isdigit()
    assert "rounding" not in MedDEL(eta=at + 1e-4).select(pool).notes


# Limits move without computing


@every_rule
@pytest.mark.parametrize("keep", ["near", "far", "random"])
def test_codes_are_the_decision(pool: Pool, rule: str, keep: str) -> None:
    method = MedDEL(rule=rule, keep=keep, epsilon=0.6, k=3)
    scores = method.score(pool, seed=2)
    codes = scores.codes(0.9)
    assert codes.dtype == np.uint8
    np.testing.assert_array_equal(np.array([CODES[one] for one in method.select(pool, seed=2).reason]), codes)


@settings(max_examples=8, deadline=None)
@given(st.floats(-1, 1))
def test_a_moved_eta_decides_as_if_scored_with_it(eta: float) -> None:
    pool = pool_of_videos(120)
    moved = MedDEL(k=3).decide(pool, MedDEL(k=3).score(pool), eta=eta)
    anew = MedDEL(k=3, eta=eta).select(pool)
    np.testing.assert_array_equal(moved.reason, anew.reason)
    np.testing.assert_array_equal(moved.representative, anew.representative)


@every_rule
def test_moved_limits_score_as_from_scratch(pool: Pool, rule: str) -> None:
    method = MedDEL(rule=rule, k=6)
    scores = method.score(pool)
    for epsilon, invalid in [(0.5, 0.6), (0.3, 0.4), (2.0, 1.0), (0.45, 0.4), (0.0, 0.6)]:
        scores = method.rescore(pool, scores, epsilon=epsilon, invalid=invalid)
        anew = MedDEL(rule=rule, k=6, epsilon=epsilon, invalid=invalid).score(pool)
        assert_same_scores(scores, anew)


def test_only_clusters_that_change_are_walked_again(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataeff_core.selection import cover

    method = MedDEL(k=6, invalid=1.0)
    scores = method.score(pool)
    farthest = float(np.sort(scores.distances)[-2])
    walked: list[int] = []
    whole = cover.traverse
    monkeypatch.setattr(
        "dataeff_core.selection.rules.traverse", lambda rows, start: walked.append(rows.size) or whole(rows, start)
    )
    moved = method.rescore(pool, scores, epsilon=farthest)
    lost = scores.labels[np.argmax(scores.distances)]
    assert walked == [int((scores.labels == lost).sum()) - 1]
    assert (moved.outside != 0).sum() == 1
    walked.clear()
    method.rescore(pool, moved, epsilon=farthest)
    assert walked == []


@pytest.mark.parametrize("rule", ["leader", "pairwise"])
def test_rules_walked_for_one_eta_refuse_another_until_scored_again(pool: Pool, rule: str) -> None:
    method = MedDEL(rule=rule, k=3)
    scores = method.score(pool)
    assert not scores.movable
    with pytest.raises(BadInput, match="score again"):
        scores.codes(0.8)
    again = method.rescore(pool, scores, eta=0.8)
    assert_same_scores(again, MedDEL(rule=rule, k=3, eta=0.8).score(pool))
    again.codes(0.8)


@pytest.mark.parametrize(
    ("limits", "words"), [({"epsilon": 2.5}, "epsilon 2.5"), ({"invalid": -0.1}, "invalid -0.1")]
)
def test_limits_out_of_range_are_refused(pool: Pool, limits: dict[str, float], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        MedDEL().rescore(pool, MedDEL().score(pool), **limits)
    with pytest.raises(BadInput, match="eta"):
        MedDEL().score(pool).codes(1.5)


def test_what_was_scored_before_is_not_scored_again(pool: Pool) -> None:
    memory = Memory()
    kept = replace(pool, store=memory)
    first = MedDEL(k=3).score(kept, seed=1)
    assert memory.found == []
    assert_same_scores(MedDEL(k=3).score(kept, seed=1), first)
    assert sorted(key.split("-")[0] for key in memory.found) == ["joined", "scores"]
    for other in (MedDEL(k=3, rule="semdedup"), MedDEL(k=3, keep="far"), MedDEL(k=3, epsilon=0.4)):
        memory.found.clear()
        assert_same_scores(other.score(kept, seed=1), other.score(pool, seed=1))
        assert "joined-3-1-20" in memory.found
    memory.found.clear()
    for other in (MedDEL(k=4), MedDEL(k=3, iterations=5), MedDEL(k=3, across=False)):
        assert_same_scores(other.score(kept, seed=1), other.score(pool, seed=1))
    assert_same_scores(MedDEL(k=3).score(kept, seed=2), MedDEL(k=3).score(pool, seed=2))
    assert memory.found == []


# Shares


def test_a_share_ranks_by_score_and_names_what_is_over_the_limit_duplicate(pool: Pool) -> None:
    method = MedDEL(k=3)
    scores = method.score(pool)
    found = method.decide(pool, scores, keep=0.1)
    score = scores.insertion_similarity
    compared = scores.outside == 0
    assert score[found.kept].max() <= score[compared & ~found.kept].min()
    np.testing.assert_array_equal(found.reason == DUPLICATE, compared & ~found.kept & (score > np.float32(0.9)))
    np.testing.assert_array_equal(found.reason == BUDGET, compared & ~found.kept & (score <= np.float32(0.9)))
    assert (found.representative[found.reason == BUDGET] >= 0).all()


def test_ties_at_the_share_go_by_frame_id() -> None:
    ids = np.array(["c", "a", "d", "b"], dtype=object)
    pool = Pool(frame_ids=ids, vectors=np.eye(4, dtype=np.float32))
    kept = [set(ids[MedDEL(k=1).select(pool, keep=count / 4).kept]) for count in (2, 3)]
    assert kept == [{"a", "c"}, {"a", "b", "c"}]  # c is the start, the others tie


def test_more_than_is_left_is_refused_with_what_is_possible(pool: Pool) -> None:
    method = MedDEL(invalid=0.3)
    eligible = int((method.score(pool).outside == 0).sum())
    with pytest.raises(BadInput, match=f"{240 - eligible} are invalid or outliers; ask for at most 0"):
        method.select(pool, keep=0.99)
    assert method.select(pool, keep=eligible / 240).kept.sum() == eligible


# Representatives


@every_rule
def test_representatives_are_the_most_similar_kept_frames_of_the_cluster(pool: Pool, rule: str) -> None:
    assert pool.vectors is not None
    method = MedDEL(rule=rule, k=3, epsilon=0.55)
    scores = method.score(pool)
    found = method.decide(pool, scores)
    cosines = unit_rows(pool.vectors) @ unit_rows(pool.vectors).T
    for row in np.flatnonzero(~found.kept):
        candidates = np.flatnonzero(found.kept & (scores.labels == scores.labels[row]))
        best = cosines[row, candidates].max()
        if found.reason[row] in (INVALID, OUTLIER) and best <= 0.9:
            assert found.representative[row] == -1
            continue
        assert cosines[row, found.representative[row]] == pytest.approx(best, abs=1e-6)
        assert found.similarity[row] == pytest.approx(best, abs=1e-6)
        assert scores.labels[found.representative[row]] == scores.labels[row]
        if rule in ("cover", "leader") and found.reason[row] == DUPLICATE:
            assert best > 0.9 - 1e-6


def test_one_frames_representative_is_that_of_all(pool: Pool) -> None:
    method = MedDEL(k=3, epsilon=0.55)
    scores = method.score(pool)
    found = method.decide(pool, scores)
    codes = scores.codes(0.9)
    for row in range(len(pool)):
        representative, similarity = method.representative_of(pool, scores, codes, row)
        assert representative == found.representative[row]
        np.testing.assert_allclose(similarity, found.similarity[row], atol=1e-6)


# The same on another machine

SELECT = """
from dataeff_core.selection.meddel import MedDEL
from tests.selection.conftest import pool_of_videos
found = MedDEL(k=5, epsilon=0.6).select(pool_of_videos(2000), seed=7)
print("".join(str(reason)[0] for reason in found.reason), found.representative.tolist())
"""


def test_the_number_of_cores_decides_nothing() -> None:
    """Exact copies among the frames tie, which sums in another order must not break."""
    root = Path(__file__).parent.parent.parent
    told = [
        subprocess.run(
            [sys.executable, "-c", SELECT],
            env=os.environ | {"OMP_NUM_THREADS": cores, "OPENBLAS_NUM_THREADS": cores},
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for cores in ("1", "2")
    ]
    assert told[0] == told[1]
    assert {"k", "d", "o", "i"} <= set(told[0])


# Confirmation


def same_video(pool: Pool) -> Pool:
    """Confirms pairs of one group only."""
    assert pool.groups is not None
    groups = pool.groups
    return replace(pool, confirm=lambda left, right: groups[left] == groups[right])


def test_confirmed_duplicates_are_stood_for_by_a_confirmed_frame(pool: Pool) -> None:
    checked = same_video(pool)
    assert checked.groups is not None
    found = MedDEL(k=2, confirm=True).select(checked)
    duplicate = found.reason == DUPLICATE
    assert (checked.groups[found.representative[duplicate]] == checked.groups[duplicate]).all()
    assert (found.similarity[duplicate] > 0.9 - 1e-6).all()
    assert found.kept.sum() > MedDEL(k=2).select(checked).kept.sum()
    codes = np.array([CODES[one] for one in found.reason])
    scores = MedDEL(k=2, confirm=True).score(checked)
    for row in np.flatnonzero(duplicate):
        mine = MedDEL(k=2, confirm=True).representative_of(checked, scores, codes, row)
        assert mine[0] == found.representative[row]


def test_confirmed_scores_hold_from_the_limit_up(pool: Pool) -> None:
    scores = MedDEL(k=2, confirm=True).score(same_video(pool))
    assert (scores.lowest_eta, scores.highest_eta) == (0.9, 1.0)
    assert (scores.codes(0.95) == 1).sum() < (scores.codes(0.9) == 1).sum()
    with pytest.raises(BadInput, match=r"\[0\.9, 1\]"):
        scores.codes(0.89)


def test_frames_that_a_denied_pair_puts_at_the_limit_are_not_counted_as_near_ties(pool: Pool) -> None:
    checked = same_video(pool)
    scores = MedDEL(k=2, confirm=True).score(checked)
    assert (scores.insertion_similarity == np.float32(0.9)).sum() > 10
    assert "rounding" not in MedDEL(k=2, confirm=True).select(checked).notes


def test_confirmation_needs_pictures(pool: Pool) -> None:
    with pytest.raises(BadInput, match="confirm=true"):
        MedDEL(confirm=True).select(pool)
