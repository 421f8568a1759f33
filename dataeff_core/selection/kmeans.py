"""Spherical k-means by faiss on all vectors, in memory or straight from a half-precision file."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.selection.vectors import blocks, check_vectors, unit_rows

IN_MEMORY_BYTES = 1 << 30  # a float32 copy up to this size is made; beyond it faiss reads the vectors in place


@dataclass(frozen=True)
class Clustering:
    """Clusters of n vectors of d dimensions."""

    centroids: np.ndarray  # (k, d) float32, rows of length 1
    labels: np.ndarray  # (n,) int32: the most similar centroid, ties to the lowest
    distances: np.ndarray  # (n,) float32 in [0, 2]: cosine distance to that centroid, 1 - cos
    notes: tuple[str, ...] = ()  # what had to be done differently from what was asked, in words

    @property
    def k(self) -> int:
        """Clusters that have members."""
        return len(self.centroids)


def fit(
    vectors: np.ndarray,
    k: int,
    *,
    seed: int,
    iterations: int = 20,
    reporter: Reporter | None = None,
    start: np.ndarray | None = None,
) -> Clustering:
    """Cluster (n, d) float16 or float32 vectors, perhaps memory-mapped, by cosine.

    Lloyd's iterations with centroids brought back to length 1 after each (spherical k-means: Dhillon and
    Modha 2001), on all vectors, from k of them drawn by `seed`, or from the centroids `start` (k, d). MedDEL
    (Sec 3.1) names k-means, neither metric nor iterations: cosine and 20 are our choice. An empty cluster
    takes over part of the largest (faiss); one that stays empty is left out, so the result may have fewer than
    k clusters, which its notes then say. Zero vectors are at distance 1 from everything.

    Peak memory beside `vectors`: one float32 copy where that is at most 1 GiB, else one block; the rows then count
    in the centroids as they are, so they should be of length 1 as embeddings are.
    Raises BadInput for k or iterations below 1, no vectors, NaN or infinity (naming the row); Cancelled.
    """
    check_vectors(vectors)
    if k < 1 or iterations < 1:
        raise BadInput(f"{k} clusters in {iterations} iterations cannot be made; give at least 1 of each")
    n, d = vectors.shape
    asked, k = k, min(k, n)
    small = n * d * 4 <= IN_MEMORY_BYTES
    data = unit_rows(vectors) if small else np.ascontiguousarray(vectors)
    centroids = trained(data, k, seed=seed, iterations=iterations, reporter=reporter or Reporter(), start=start)
    clustering = assigned(data, unit_rows(centroids), unit=small)
    if clustering.k == asked:
        return clustering
    lack = "frames" if k < asked else "distinct ones"
    note = f"{clustering.k} clusters instead of {asked}, as there are no more {lack}"
    return replace(clustering, notes=(note,))


def trained(
    data: np.ndarray, k: int, *, seed: int, iterations: int, reporter: Reporter, start: np.ndarray | None
) -> np.ndarray:
    """(k, d) float32 centroids. One faiss call an iteration, so that it can be watched and stopped."""
    import faiss

    n, d = data.shape
    clustering = faiss.Clustering(d, k)
    clustering.spherical = True
    clustering.niter = 1
    clustering.check_input_data_for_NaNs = False  # `check_vectors` did, once
    clustering.min_points_per_centroid = 1
    clustering.max_points_per_centroid = n  # faiss would take a sample of 256 a centroid
    clustering.seed = seed % (1 << 31)
    if start is not None:
        faiss.copy_array_to_vector(unit_rows(start).ravel(), clustering.centroids)
    index = faiss.IndexFlatIP(d)
    for _ in reporter.over(range(iterations), "clustering"):
        train_once(clustering, data, index)
    return faiss.vector_to_array(clustering.centroids).reshape(k, d)


def train_once(clustering: Any, data: np.ndarray, index: Any) -> None:
    """One Lloyd iteration from the centroids that `clustering` has. float16 rows are decoded as they are read."""
    import faiss

    if data.dtype == np.float16:
        codec = faiss.IndexScalarQuantizer(data.shape[1], faiss.ScalarQuantizer.QT_fp16)
        codec.is_trained = True  # half precision has nothing to learn
        clustering.train_encoded(data.view(np.uint8), codec, index)
    else:
        clustering.train(data, index)


def assigned(data: np.ndarray, centroids: np.ndarray, *, unit: bool) -> Clustering:
    """Each row of `data` to its most similar centroid; centroids without a row are left out. `unit`: the rows are
    float32 of length 1 already."""
    import faiss

    index = faiss.IndexFlatIP(centroids.shape[1])
    index.add(centroids)
    nearest = np.empty(len(data), dtype=np.int64)
    distances = np.empty(len(data), dtype=np.float32)
    for part in blocks(data):
        rows = data[part] if unit else unit_rows(data[part])
        nearest[part] = index.search(rows, 1)[1][:, 0]
        # Row by row, not from the search: the same vector then has the same distance to the last bit.
        distances[part] = 1 - np.einsum("ij,ij->i", rows, centroids[nearest[part]])
    used, labels = np.unique(nearest, return_inverse=True)
    return Clustering(centroids[used], labels.astype(np.int32), distances.clip(0, 2))
