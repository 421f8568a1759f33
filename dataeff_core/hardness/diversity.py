"""No two chosen patches too alike: the `cover` rule over the MAE's own vectors, clustered once for every choice."""

import numpy as np

from dataeff_core.reporting import Reporter
from dataeff_core.selection import cover, kmeans
from dataeff_core.selection.similarity import DENSE_LIMIT, LOOK_AHEAD, DenseRows, LazyRows, RepeatedRows, distinct
from dataeff_core.selection.vectors import check_vectors, unit_rows

ABOUT = 4096  # patches of a cluster: comparing then costs as much for each patch, however many there are
A_CENTRE = 256  # vectors that a cluster's centre is found from; all are then given to the nearest
ITERATIONS = 10


class Diversity:
    """Clusters of all patches there are to choose from, and how alike the chosen ones are within them.

    Up to ABOUT patches make one cluster, so that each is compared with each; of more, pairs of different clusters are
    not compared (our choice).
    """

    def __init__(self, vectors: np.ndarray, rows: np.ndarray) -> None:
        """(m, d) float16 or float32, perhaps memory-mapped, and the (n,) int64 rows that there are to choose from."""
        self.vectors = vectors
        self.rows = np.sort(rows)  # ascending rows read a memory-mapped file once
        self._clusters: tuple[int, np.ndarray, np.ndarray] | None = None  # seed, labels, distances
        self._scored: tuple[int, float, np.ndarray, np.ndarray] | None = None  # seed, limit, rows, scores

    def distinct(
        self, rows: np.ndarray, limit: float, *, seed: int = 0, reporter: Reporter | None = None
    ) -> np.ndarray:
        """(n,) bool for these rows (n,) int64, all of them among those to choose from: those that the cover rule
        keeps. Asked again for the same rows with a lower limit it only compares. Raises BadInput for vectors that
        are not finite, Cancelled."""
        known = self._scored
        if known is None or known[0] != seed or known[1] < limit or not np.array_equal(known[2], rows):
            known = self._scored = seed, limit, rows, self._scores(rows, limit, seed, reporter)
        return known[3] <= np.float32(limit)

    def _scores(self, rows: np.ndarray, limit: float, seed: int, reporter: Reporter | None) -> np.ndarray:
        """(n,) float32: each row's largest cosine to those taken before it (selection.cover), right up to `limit`."""
        labels, distances = self.clusters(seed, reporter)
        chosen = np.full(len(labels), -1, np.int32)
        chosen[rows] = labels[rows]
        found = np.empty(len(labels), np.float32)
        for members in cover.watched(cover.clusters(chosen), len(rows), reporter):
            found[members] = _within(unit_rows(self.vectors[members]), distances[members], limit)
        return found[rows].clip(-1, 1)

    def clusters(self, seed: int, reporter: Reporter | None = None) -> tuple[np.ndarray, np.ndarray]:
        """(m,) int32 cluster of each row, -1 where there is nothing to choose, and (m,) float32 cosine distance to
        its centre."""
        known = self._clusters
        if known is None or known[0] != seed:
            known = self._clusters = seed, *self._clustered(seed, reporter)
        return known[1], known[2]

    def _clustered(self, seed: int, reporter: Reporter | None) -> tuple[np.ndarray, np.ndarray]:
        check_vectors(self.vectors)
        n = len(self.rows)
        k = -(-n // ABOUT)
        some = self.rows
        if n > A_CENTRE * k:
            some = np.sort(np.random.default_rng(seed).choice(self.rows, A_CENTRE * k, replace=False))
        centres = kmeans.fit(self.vectors[some], k, seed=seed, iterations=ITERATIONS, reporter=reporter).centroids
        whole = n == len(self.vectors)
        found = kmeans.assigned(self.vectors if whole else self.vectors[self.rows], centres, unit=False)
        labels = np.full(len(self.vectors), -1, np.int32)
        distances = np.full(len(self.vectors), np.inf, np.float32)
        labels[self.rows], distances[self.rows] = found.labels, found.distances
        return labels, distances


def _within(vectors: np.ndarray, distances: np.ndarray, limit: float) -> np.ndarray:
    """(m, d) float32 unit vectors of one cluster and their (m,) distances to its centre -> (m,) float32 scores."""
    first, where = distinct(vectors)
    rows = RepeatedRows(_GrowingRows(vectors[first]), where, again=False)
    return cover.traverse(rows, int(np.argmin(distances)), limit=limit)[1]


class _GrowingRows:
    """Rows of a cluster a few at a time as long as few are asked for, which is so where few patches are distinct;
    then all at once."""

    def __init__(self, vectors: np.ndarray) -> None:
        self.vectors, self.size = vectors, len(vectors)
        self.few: LazyRows | DenseRows = LazyRows(vectors, sequential=False)
        self.left = self.size // 32 if LOOK_AHEAD < self.size <= DENSE_LIMIT else 0

    def row(self, item: int, best: np.ndarray) -> np.ndarray:
        if self.size <= DENSE_LIMIT and isinstance(self.few, LazyRows):
            self.left -= 1
            if self.left < 0:
                self.few = DenseRows(self.vectors @ self.vectors.T)
        return self.few.row(item, best)
