"""Similarities within one cluster, a row at a time, however large the cluster is.

A small cluster has its whole (m, m) matrix computed at once; a large one (m above DENSE_LIMIT) never has it
in memory: rows come in blocks, of those members that will be asked for next as far as can be foreseen.
"""

import functools
import threading
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

DENSE_LIMIT = 8192  # members; the matrix is then 256 MiB
LOOK_AHEAD = 128  # rows computed at once for a large cluster
ONE_CORE_LIMIT = 640  # members; below, cores that wait for each other cost more than they do, on a busy machine
HEAD = 16  # dimensions in which vectors differ if they differ at all, nearly always

_limiting = threading.Lock()  # the number of cores is the whole process's: threads must not undo each other's

PairCheck = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(p,) and (p,) int -> (p,) bool: True = the pair shows the same view."""


class Rows(Protocol):
    """The rows of a symmetric (m, m) similarity matrix."""

    size: int

    def row(self, item: int, best: np.ndarray) -> np.ndarray:
        """(m,) float32 similarities of `item` to all; not to be written to.

        `best` (m,) float32 is what is known of each member: the largest similarity so far, +inf for a member
        whose entry no longer matters. Entries at or below `best` may be given as less than they are.
        """


class DenseRows:
    """Rows of a matrix in memory."""

    def __init__(self, similarity: np.ndarray) -> None:
        self.similarity = similarity
        self.size = len(similarity)

    def row(self, item: int, best: np.ndarray) -> np.ndarray:
        return self.similarity[item]


class LazyRows:
    """Rows computed from vectors (m, d) when asked for, LOOK_AHEAD at once: the following members where the
    walk is `sequential`, else those with the lowest `best`, which a farthest-first traversal takes next."""

    def __init__(self, vectors: np.ndarray, *, sequential: bool) -> None:
        self.vectors = vectors
        self.size = len(vectors)
        self.sequential = sequential
        self.ready: dict[int, np.ndarray] = {}

    def row(self, item: int, best: np.ndarray) -> np.ndarray:
        if item not in self.ready:
            items = self.foreseen(item, best)
            self.ready = dict(zip(items.tolist(), self.vectors[items] @ self.vectors.T, strict=True))
        return self.ready.pop(item)

    def foreseen(self, item: int, best: np.ndarray) -> np.ndarray:
        """(<= LOOK_AHEAD + 1,) int64 members whose rows are probably wanted next, `item` among them."""
        if self.sequential:
            following = np.arange(item + 1, min(item + LOOK_AHEAD, self.size))
            following = following[best[following] < np.inf]
        else:
            ahead = min(LOOK_AHEAD, self.size - 1)
            following = np.argpartition(best, ahead)[:ahead]
        return np.union1d([item], following)


class RepeatedRows:
    """Rows for members some of which are the same vector: `rows` of the distinct ones, and `where` (m,) each
    member's vector stands among them.

    The same vector gives the same similarity to the last bit this way, which a matrix product does not promise,
    so ties between exact copies are ties and go to the lowest row, on any machine. Unless `again`, a vector's row
    asked for a second time is all -inf: a walk that has taken it once knows nothing more by it.
    """

    def __init__(self, rows: Rows, where: np.ndarray, *, again: bool) -> None:
        self.rows = rows
        self.where = where
        self.size = len(where)
        self.asked = np.zeros(rows.size, dtype=bool)
        self.nothing = None if again else np.full(self.size, -np.inf, dtype=np.float32)

    def row(self, item: int, best: np.ndarray) -> np.ndarray:
        vector = int(self.where[item])
        if self.asked[vector] and self.nothing is not None:
            return self.nothing
        self.asked[vector] = True
        open_best = np.full(self.rows.size, np.inf, dtype=np.float32)
        np.minimum.at(open_best, self.where, best)
        return self.rows.row(vector, open_best)[self.where]


class ConfirmedRows:
    """Rows of S' = S where S <= floor or the pair is confirmed, else floor.

    S' is symmetric like S, so whatever holds for a walk over any symmetric matrix holds for it, at every limit
    of at least `floor`; below it, pairs that were denied count as alike. A pair is checked only while its
    similarity can still change `best`.
    """

    def __init__(self, rows: Rows, confirm: PairCheck, floor: float) -> None:
        self.rows = rows
        self.size = rows.size
        self.confirm = confirm
        self.floor = np.float32(floor)

    def row(self, item: int, best: np.ndarray) -> np.ndarray:
        row = self.rows.row(item, best)
        doubtful = np.flatnonzero((row > self.floor) & (row > best))
        doubtful = doubtful[doubtful != item]
        if len(doubtful) == 0:
            return row
        confirmed = self.confirm(np.full(len(doubtful), item), doubtful)
        row = row.copy()
        row[doubtful[~np.asarray(confirmed, dtype=bool)]] = self.floor
        return row


def check_members(confirm: PairCheck, members: np.ndarray) -> PairCheck:
    """`confirm`, which takes rows of the pool, as a check of positions in a cluster with these `members`; each
    pair is asked in the same order of rows, whoever asks."""

    def check(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        left, right = members[left], members[right]
        return confirm(np.minimum(left, right), np.maximum(left, right))

    return check


def cluster_rows(vectors: np.ndarray, *, sequential: bool = False, again: bool = False) -> Rows:
    """Rows for a cluster of (m, d) float32 unit vectors; `sequential` and `again` as in LazyRows, RepeatedRows."""
    first, where = distinct(vectors)
    if len(first) < len(vectors):
        rows = _rows_of_distinct(vectors[first], sequential=sequential)
        return RepeatedRows(rows, where, again=again)
    return _rows_of_distinct(vectors, sequential=sequential)


def distinct(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows (u,) where each distinct vector of (m, d) first stands, and for each row its place among them (m,)."""
    first, where = _first_and_place(vectors[:, :HEAD])
    return (first, where) if len(first) == len(vectors) else _first_and_place(vectors)


def _first_and_place(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    seen: dict[bytes, int] = {}
    where = np.fromiter((seen.setdefault(row.tobytes(), len(seen)) for row in vectors), np.int64, len(vectors))
    return np.unique(where, return_index=True)[1], where


def _rows_of_distinct(vectors: np.ndarray, *, sequential: bool) -> Rows:
    if len(vectors) > DENSE_LIMIT:
        return LazyRows(vectors, sequential=sequential)
    if len(vectors) > ONE_CORE_LIMIT:
        return DenseRows(vectors @ vectors.T)
    with _limiting, _blas().limit(limits=1, user_api="blas"):
        return DenseRows(vectors @ vectors.T)


@functools.cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
