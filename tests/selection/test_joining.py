"""Near-duplicates that a border between clusters parts are brought together, and nothing else changes."""

import numpy as np
import pytest

from dataeff_core.reporting import Reporter
from dataeff_core.selection import cover, joining, kmeans
from dataeff_core.selection.base import Pool
from dataeff_core.selection.meddel import MedDEL


@pytest.fixture
def pairs() -> np.ndarray:
    """(600, 24) unit vectors: row i and row i + 300 are near-duplicates, all else is scattered evenly."""
    rng = np.random.default_rng(0)
    scattered = rng.standard_normal((300, 24))
    both = np.vstack([scattered, scattered + 0.3 * rng.standard_normal((300, 24))])
    return (both / np.linalg.norm(both, axis=1, keepdims=True)).astype(np.float32)


def test_the_neighbour_is_the_most_similar_frame_of_the_two_nearest_clusters(
    pairs: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "BLOCK", 37)
    found = kmeans.fit(pairs, 9, seed=0)
    cosines = (pairs @ pairs.T).astype(np.float64)
    probed = np.argsort(-(pairs @ found.centroids.T), axis=1)[:, :2]
    for row, neighbour in enumerate(joining.nearest_neighbours(pairs, found, Reporter())):
        candidates = np.flatnonzero(np.isin(found.labels, probed[row]))
        candidates = candidates[candidates != row]
        assert neighbour in candidates
        assert cosines[row, neighbour] == pytest.approx(cosines[row, candidates].max(), abs=1e-6)


def test_a_frame_alone_is_its_own_neighbour() -> None:
    found = kmeans.fit(np.eye(3, dtype=np.float32), 3, seed=0)
    assert len(set(joining.joined_labels(np.eye(3, dtype=np.float32), found).tolist())) <= 3


@pytest.mark.parametrize(
    ("neighbour", "sets"),
    [([0], [0]), ([1, 0, 3, 2], [0, 0, 1, 1]), ([1, 2, 3, 2, 4], [0, 0, 0, 0, 1]), ([4, 4, 4, 4, 3], [0] * 5)],
)
def test_sets_of_frames_tied_together(neighbour: list[int], sets: list[int]) -> None:
    assert joining.components(np.array(neighbour)).tolist() == sets


def test_pairs_that_k_means_parts_are_together_and_few_frames_move(pairs: np.ndarray) -> None:
    found = kmeans.fit(pairs, 12, seed=0)
    joined = joining.joined_labels(pairs, found)
    parted = found.labels[:300] != found.labels[300:]
    assert parted.sum() >= 10
    assert (joined[:300] != joined[300:]).sum() <= 2
    assert (joined != found.labels).mean() < 0.15
    assert set(joined.tolist()) <= set(found.labels.tolist())


def test_a_set_goes_where_its_most_central_member_is(pairs: np.ndarray) -> None:
    found = kmeans.fit(pairs, 12, seed=0)
    joined = joining.joined_labels(pairs, found)
    sets = joining.components(joining.nearest_neighbours(pairs, found, Reporter()))
    for members in (np.flatnonzero(sets == one) for one in np.unique(sets)):
        central = members[np.argmin(found.distances[members])]
        assert set(joined[members]) == {found.labels[central]}


def test_selection_finds_what_a_border_parts_only_when_looking_across(pairs: np.ndarray) -> None:
    pool = Pool.of(pairs)
    kept = {across: MedDEL(k=12, eta=0.8, across=across).select(pool).kept for across in (True, False)}
    twice = {across: int((one[:300] & one[300:]).sum()) for across, one in kept.items()}
    whole = cover.scores(pairs, np.zeros(600, int), np.zeros(600, np.float32)) <= 0.8
    assert twice[True] <= (whole[:300] & whole[300:]).sum() + 2 < twice[False]


def test_without_looking_across_clusters_are_those_of_k_means(pairs: np.ndarray) -> None:
    scores = MedDEL(k=12, eta=0.9, across=False).score(Pool.of(pairs), seed=3)
    np.testing.assert_array_equal(scores.labels, kmeans.fit(pairs, 12, seed=3).labels)
