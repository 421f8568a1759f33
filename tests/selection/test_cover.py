"""The cover rule against its definition and its three properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataeff_core.errors import BadInput
from dataeff_core.selection import cover, similarity
from dataeff_core.selection.vectors import unit_rows
from tests.selection import references


@st.composite
def symmetric(draw: st.DrawFn) -> np.ndarray:
    """Any symmetric matrix of up to nine items: cover needs no more of a similarity. Few values, so many ties."""
    m = draw(st.integers(1, 9))
    values = draw(st.lists(st.sampled_from([-0.5, 0.0, 0.25, 0.3, 0.7, 0.9, 1.0]), min_size=m * m, max_size=m * m))
    matrix = np.array(values, dtype=np.float32).reshape(m, m)
    matrix = np.minimum(matrix, matrix.T)
    np.fill_diagonal(matrix, 1)
    return matrix


@given(symmetric())
def test_is_the_traversal_by_its_definition(matrix: np.ndarray) -> None:
    order, insertion = cover.farthest_first(matrix)
    expected_order, expected = references.farthest_first(matrix)
    assert order.tolist() == expected_order
    np.testing.assert_array_equal(insertion, np.array(expected, np.float32))


@given(symmetric(), st.sampled_from([-1.0, -0.5, 0.0, 0.1, 0.25, 0.5, 0.7, 0.8, 1.0]))
def test_no_kept_pair_is_above_the_limit_and_every_dropped_item_has_a_kept_one_above_it(
    matrix: np.ndarray, eta: float
) -> None:
    kept = cover.farthest_first(matrix)[1] <= np.float32(eta)
    among_kept = matrix[np.ix_(kept, kept)] - 2 * np.eye(kept.sum(), dtype=np.float32)
    assert kept.any()
    assert (among_kept <= np.float32(eta)).all()
    assert (matrix[np.ix_(~kept, kept)].max(axis=1, initial=-9) > np.float32(eta)).all()


@given(symmetric(), st.floats(-1, 1), st.floats(-1, 1))
def test_kept_sets_are_nested_as_the_limit_moves(matrix: np.ndarray, one: float, other: float) -> None:
    insertion = cover.farthest_first(matrix)[1]
    assert set(np.flatnonzero(insertion <= min(one, other))) <= set(np.flatnonzero(insertion <= max(one, other)))


@given(symmetric())
def test_scores_never_fall_along_the_order(matrix: np.ndarray) -> None:
    order, insertion = cover.farthest_first(matrix)
    assert (np.diff(insertion[order]) >= 0).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_scores_of_all_clusters_are_those_of_each(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = references.planted(60, scenes=20, seed=seed)
    labels = rng.integers(0, k, 60)
    distances = rng.random(60).astype(np.float32)
    found = cover.scores(vectors, labels, distances)
    for label in range(k):
        members = np.flatnonzero(labels == label)
        if len(members):
            start = np.argmin(distances[members])
            members = np.r_[members[start], np.delete(members, start)]
            unit = unit_rows(vectors[members])
            np.testing.assert_allclose(found[members], references.farthest_first(unit @ unit.T)[1], atol=1e-6)
            assert found[members[0]] == -1


def test_order_of_frames_and_names_of_clusters_do_not_matter() -> None:
    vectors = references.planted(200, noise=0.3)[:190]  # without exact copies there are no ties
    rng = np.random.default_rng(1)
    labels, distances = rng.integers(0, 5, 190), rng.random(190).astype(np.float32)
    shuffled = rng.permutation(190)
    found = cover.scores(vectors, labels, distances)
    again = cover.scores(vectors[shuffled], 4 - labels[shuffled], distances[shuffled])
    np.testing.assert_allclose(again, found[shuffled], atol=1e-6)


def test_large_clusters_score_as_small_ones_do(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = references.planted(400)
    labels, distances = np.zeros(400, int), np.arange(400, dtype=np.float32)
    whole = cover.scores(vectors, labels, distances)
    monkeypatch.setattr(similarity, "DENSE_LIMIT", 20)
    monkeypatch.setattr(similarity, "LOOK_AHEAD", 16)
    np.testing.assert_allclose(cover.scores(vectors, labels, distances), whole, atol=1e-6)


def test_exact_copies_tie_and_the_lowest_row_is_kept() -> None:
    vectors = np.repeat(references.planted(40, noise=0.5)[:30], 5, axis=0)
    found = cover.scores(vectors, np.zeros(150, int), np.arange(150, dtype=np.float32))
    assert np.flatnonzero(found <= 0.9999).tolist() == list(range(0, 150, 5))


def test_half_precision_and_length_make_no_difference() -> None:
    vectors = references.planted(100).astype(np.float16)
    labels, distances = np.arange(100) % 3, np.linspace(0, 1, 100).astype(np.float32)
    np.testing.assert_array_equal(
        cover.scores(vectors, labels, distances), cover.scores(vectors.astype(np.float32) * 4, labels, distances)
    )


def test_frames_without_cluster_have_no_score() -> None:
    labels = np.array([0, -1, 0, -1])
    found = cover.scores(references.planted(40)[:4], labels, np.zeros(4, np.float32))
    assert np.isnan(found).tolist() == [False, True, False, True]
    assert np.isnan(cover.scores(np.eye(2, dtype=np.float32), np.array([-1, -1]), np.zeros(2, np.float32))).all()


def test_empty_and_single_clusters() -> None:
    assert [part.tolist() for part in cover.farthest_first(np.empty((0, 0)))] == [[], []]
    assert [part.tolist() for part in cover.farthest_first(np.ones((1, 1)))] == [[0], [-1]]


def test_what_is_no_similarity_matrix_is_refused() -> None:
    with pytest.raises(BadInput, match=r"shape \(2, 3\)"):
        cover.farthest_first(np.zeros((2, 3)))
    with pytest.raises(BadInput, match="NaN"):
        cover.farthest_first(np.full((2, 2), np.nan))
