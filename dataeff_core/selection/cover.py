"""The `cover` rule: farthest-first traversal of each cluster, scored once, compared for ever.

Start at the most central member and take, again and again, the member least similar to all taken so far
(Gonzalez 1985; the greedy k-center of Sener and Savarese 2018). F_i, a member's largest cosine to those taken
before it, never falls along the order. Keep i iff F_i <= eta. Then, with no further computing:

- kept sets are nested as eta moves;
- no two kept members of a cluster are more similar than eta;
- every dropped member has a kept one in its cluster that is more similar than eta.

This rule is our own choice beside those of the papers (`rules`).
"""

from collections.abc import Iterator

import numpy as np

from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.selection.similarity import DenseRows, Rows, cluster_rows
from dataeff_core.selection.vectors import unit_rows

START_SCORE = -1.0  # nothing came before it, so no limit drops it


def farthest_first(similarity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Traverse one cluster from its first row.

    `similarity` (m, m) is any symmetric matrix. Returns `order` (m,) int64, the rows as they are taken, and
    `insertion_similarity` (m,) float32 by row, START_SCORE for the first. Ties go to the lowest row.
    Raises BadInput when the matrix is not square, or holds NaN.
    """
    matrix = np.asarray(similarity, dtype=np.float32)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise BadInput(f"a similarity matrix of shape {matrix.shape} is not square; give (m, m)")
    if np.isnan(matrix).any():
        raise BadInput("the similarity matrix holds NaN; every pair needs a number")
    if len(matrix) == 0:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    return traverse(DenseRows(matrix), 0)


def traverse(rows: Rows, start: int, *, limit: float = np.inf) -> tuple[np.ndarray, np.ndarray]:
    """`farthest_first` from row `start`, over rows that need not be in memory. It ends where all that are left are
    more similar than `limit`: those are not in the order, and score what is known of them, which is above it."""
    m = rows.size
    order = np.empty(m, dtype=np.int64)
    insertion = np.empty(m, dtype=np.float32)
    best = np.full(m, -np.inf, dtype=np.float32)
    taken, score = start, np.float32(START_SCORE)
    for position in range(m):
        if score > limit:
            left = best < np.inf
            insertion[left] = best[left]
            return order[:position], insertion
        order[position] = taken
        insertion[taken] = score
        best[taken] = np.inf  # from now on never the least similar
        np.maximum(best, rows.row(taken, best), out=best)
        taken = int(best.argmin())
        score = best[taken]
    return order, insertion


def scores(
    vectors: np.ndarray, labels: np.ndarray, distances: np.ndarray, *, reporter: Reporter | None = None
) -> np.ndarray:
    """F of all clusters at once: (n, d) vectors, (n,) labels, (n,) distances -> (n,) float32.

    `vectors` float16 or float32, perhaps memory-mapped, of any length (they are normalised here); a negative
    label leaves the frame out and scores NaN. The start of each cluster is its most central member (smallest
    distance, ties to the lowest row) and scores START_SCORE.
    """
    insertion = np.full(len(labels), np.nan, dtype=np.float32)
    for members in watched(clusters(labels), len(labels), reporter):
        rows = cluster_rows(unit_rows(vectors[members]))
        insertion[members] = traverse(rows, int(np.argmin(distances[members])))[1]
    return insertion.clip(-1, 1)


def clusters(labels: np.ndarray) -> list[np.ndarray]:
    """The rows (int64, ascending) of each label from 0 up, one array a label that occurs."""
    by_label = np.argsort(labels, kind="stable")
    first = np.searchsorted(labels[by_label], 0)
    by_label = by_label[first:]
    if len(by_label) == 0:
        return []
    return np.split(by_label, np.flatnonzero(np.diff(labels[by_label])) + 1)


def watched(members: list[np.ndarray], total: int, reporter: Reporter | None) -> Iterator[np.ndarray]:
    """Yield each cluster's rows, reporting frames done."""
    reporter = reporter or Reporter()
    reporter.phase("comparing", total)
    for rows in members:
        yield rows
        reporter.advance(len(rows))
