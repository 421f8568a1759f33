"""k-means against scikit-learn, and on input that is hard to cluster."""

from pathlib import Path

import numpy as np
import pytest

from dataeff_core.errors import BadInput, Cancelled
from dataeff_core.reporting import Reporter
from dataeff_core.selection import cover, kmeans
from dataeff_core.selection.vectors import unit_rows
from tests.selection import references


def inertia(vectors: np.ndarray, centroids: np.ndarray, labels: np.ndarray) -> float:
    return float(((vectors - centroids[labels]) ** 2).sum(dtype=np.float64))


@pytest.mark.parametrize("noise", [0.1, 0.6])
def test_is_scikit_learns_lloyd_from_the_same_start(noise: float) -> None:
    """scikit-learn iterates once at a time, and its centroids are brought back to length 1 in between."""
    from sklearn.cluster import KMeans

    vectors = references.planted(2000, scenes=20, dim=32, noise=noise)
    start = centroids = vectors[cover.farthest_first(vectors @ vectors.T)[0][:20]]  # no cluster runs empty
    for _ in range(20):
        centroids = unit_rows(KMeans(20, init=centroids, n_init=1, max_iter=1, tol=0).fit(vectors).cluster_centers_)
    labels = np.argmax(vectors @ centroids.T, axis=1)
    found = kmeans.fit(vectors, 20, seed=0, iterations=20, start=start)
    assert (found.labels == labels).mean() >= 0.999
    assert inertia(vectors, found.centroids, found.labels) == pytest.approx(
        inertia(vectors, centroids, labels), rel=1e-5
    )


def test_labels_and_distances_are_those_of_the_nearest_centroid() -> None:
    vectors = references.planted(500)
    found = kmeans.fit(vectors, 12, seed=1)
    cosines = vectors @ found.centroids.T
    np.testing.assert_allclose(np.linalg.norm(found.centroids, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(found.distances, 1 - cosines.max(axis=1), atol=1e-6)
    np.testing.assert_allclose(cosines[np.arange(500), found.labels], cosines.max(axis=1), atol=1e-6)
    assert (found.centroids.dtype, found.labels.dtype, found.distances.dtype) == (np.float32, np.int32, np.float32)


def test_equal_seeds_agree_and_others_differ() -> None:
    vectors = references.planted(500, noise=0.8)
    one, same, other = (kmeans.fit(vectors, 12, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.centroids, same.centroids)
    assert not np.array_equal(one.labels, other.labels)


def test_all_vectors_count_not_a_sample_of_256_a_centroid() -> None:
    """Three of 4,000 vectors point elsewhere; a sample of 512 would probably miss them, the mean of all does not."""
    vectors = np.tile(np.array([[1, 0, 0]], np.float32), (4000, 1))
    vectors[:3] = [0, 1, 0]
    found = kmeans.fit(vectors, 2, seed=0, start=np.array([[1, 0, 0], [0.9, 0.4, 0]], np.float32))
    assert np.flatnonzero(found.labels == found.labels[0]).tolist() == [0, 1, 2]


def test_half_precision_files_cluster_as_memory_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = references.planted(2000, dim=64).astype(np.float16)
    np.save(tmp_path / "v.npy", vectors)
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    in_memory = kmeans.fit(mapped, 30, seed=0)
    monkeypatch.setattr(kmeans, "IN_MEMORY_BYTES", 0)
    from_file = kmeans.fit(mapped, 30, seed=0)
    assert (in_memory.labels == from_file.labels).mean() >= 0.99
    np.testing.assert_allclose(in_memory.distances, from_file.distances, atol=0.01)
    single = kmeans.fit(vectors.astype(np.float32), 30, seed=0)
    np.testing.assert_array_equal(single.labels, from_file.labels)


def test_fewer_frames_than_clusters() -> None:
    found = kmeans.fit(np.eye(3, dtype=np.float32), 10, seed=0)
    assert sorted(found.labels.tolist()) == [0, 1, 2]
    assert found.notes == ("3 clusters instead of 10, as there are no more frames",)


def test_one_frame() -> None:
    found = kmeans.fit(np.array([[3.0, 4.0]], np.float32), 1, seed=0)
    assert found.labels.tolist() == [0]
    np.testing.assert_allclose(found.centroids, [[0.6, 0.8]], atol=1e-6)


def test_identical_frames_make_one_cluster_and_say_so() -> None:
    found = kmeans.fit(np.tile(np.array([[0.6, 0.8]], np.float32), (50, 1)), 4, seed=0)
    assert found.k == len(set(found.labels.tolist())) == 1
    np.testing.assert_allclose(found.distances, 0, atol=1e-4)
    assert found.notes == ("1 clusters instead of 4, as there are no more distinct ones",)


def test_zero_vectors_are_far_from_everything() -> None:
    vectors = np.vstack([np.zeros((2, 8), np.float32), references.planted(40, dim=8)])
    np.testing.assert_array_equal(kmeans.fit(vectors, 3, seed=0).distances[:2], 1)
    np.testing.assert_array_equal(kmeans.fit(np.zeros((5, 8), np.float32), 3, seed=0).distances, 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_what_is_no_number_is_refused_by_its_row(bad: float, dtype: type) -> None:
    vectors = references.planted(30).astype(dtype)
    vectors[17, 3] = bad
    with pytest.raises(BadInput, match="row 17 "):
        kmeans.fit(vectors, 3, seed=0)


def test_large_finite_numbers_are_not_taken_for_infinity() -> None:
    vectors = references.planted(30) * np.float32(1e37)
    assert kmeans.fit(vectors, 3, seed=0).k == 3


@pytest.mark.parametrize(
    ("vectors", "k", "iterations", "words"),
    [
        (np.eye(3), 0, 5, "0 clusters"),
        (np.eye(3), 2, 0, "0 iterations"),
        (np.empty((0, 3)), 2, 5, "no frames"),
        (np.zeros(3), 2, 5, "shape"),
        (np.empty((3, 0)), 2, 5, "shape"),
        (np.eye(3, dtype=int), 2, 5, "int64"),
    ],
)
def test_what_cannot_be_clustered_is_refused(vectors: np.ndarray, k: int, iterations: int, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        kmeans.fit(vectors, k, seed=0, iterations=iterations)


class Stopped(Reporter):
    def stop_asked(self) -> bool:
        return self.done >= 2


def test_can_be_stopped_between_iterations() -> None:
    reporter = Stopped()
    with pytest.raises(Cancelled, match="clustering"):
        kmeans.fit(references.planted(100), 4, seed=0, reporter=reporter)
    assert reporter.done == 2
