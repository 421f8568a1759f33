"""The nearest neighbours of every vector by cosine, by faiss: exact, or shown on a sample to be nearly so."""

from typing import Any

import numpy as np

from dataeff_core.reporting import Reporter

BLOCK = 4096  # rows searched at once
EXACT_UP_TO = 8192  # rows that are compared with all others; of more, candidates are sought in cells first
COMPONENTS = 64  # principal components that candidates are sought by
CANDIDATES = 2  # times k, compared at full length
FARTHER = 1.1  # the neighbours found of a row may on average be this much farther than the true ones,
SHARE = 0.97  # in this share of a sample's rows; where nothing is near, recall says little and costs the map nothing
ROUNDING = 1e-5
SAMPLE = 128  # rows it is measured on
ROWS_A_CELL = 40  # that the cells are placed by
PROBED = (8, 16, 32)  # of about sqrt(n) cells; the next number is tried where the neighbours found are too far
FLOAT16_FROM = 200_000  # rows from which the full vectors are kept in half precision, and never all compared


def nearest(
    vectors: np.ndarray, k: int, *, axes: np.ndarray, seed: int = 0, reporter: Reporter | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest rows of each row of vectors (n, d), itself first: indices (n, k) int64, cosine distances (n, k)
    float32 in [0, 2]. A zero vector is at distance 1 from all others. Needs n >= k.

    Up to EXACT_UP_TO rows all pairs are compared. Of more rows, candidates are sought along `axes` (d, COMPONENTS),
    their principal axes, in an inverted file (Jegou, Douze, Schmid 2011) and compared at full length. Where a
    sample's neighbours are then too far (FARTHER), all pairs are compared after all, up to FLOAT16_FROM rows.
    """
    reporter = reporter or Reporter()
    n = len(vectors)
    index = _index(vectors, k, axes, seed, reporter)
    indices, distances = np.empty((n, k), np.int64), np.empty((n, k), np.float32)
    zero = np.zeros(n, bool)
    for start in reporter.over(range(0, n, BLOCK), "nearest neighbours"):
        block = unit_rows(vectors[start : start + BLOCK])
        squared, found = index.search(block, k)
        rows = np.arange(start, start + len(found))
        zero[rows] = ~block.any(axis=1)
        indices[rows], distances[rows] = _self_first(
            rows, found, squared / 2
        )  # unit vectors: |u - v|^2 / 2 = 1 - cos
    distances[:, 1:][zero[:, None] | zero[indices[:, 1:]]] = 1.0
    return indices, distances


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1 (zero rows stay), float32, contiguous."""
    vectors = np.ascontiguousarray(vectors, np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return vectors / np.maximum(lengths, 1e-12)[:, None]


def _index(vectors: np.ndarray, k: int, axes: np.ndarray, seed: int, reporter: Reporter) -> Any:
    """A faiss index that holds all rows and is set to search well enough."""
    import faiss

    n, d = vectors.shape
    if n > EXACT_UP_TO:
        reporter.phase("preparing the search")
        rng = np.random.default_rng(seed)
        index, inverted = _in_cells(axes, round(n**0.5), exact_copies=n < FLOAT16_FROM)
        inverted.cp.seed, inverted.cp.niter = seed % 2**31, 6
        index.train(unit_rows(vectors[np.sort(rng.choice(n, min(n, ROWS_A_CELL * inverted.nlist), replace=False))]))
        _fill(index, vectors, reporter)
        sample = unit_rows(vectors[np.sort(rng.choice(n, SAMPLE, replace=False))])
        if _finds_enough(index, inverted, sample, _true_distances(vectors, sample, k), k) or n >= FLOAT16_FROM:
            return index
    index = faiss.IndexFlatL2(d)
    _fill(index, vectors, reporter)
    return index


def _in_cells(axes: np.ndarray, cells: int, *, exact_copies: bool) -> tuple[Any, Any]:
    """An empty index that seeks candidates along `axes` in `cells` and compares them at full length; and its
    inverted file."""
    import faiss

    d, components = axes.shape
    turn = faiss.LinearTransform(d, components, False)
    faiss.copy_array_to_vector(np.ascontiguousarray(axes.T).ravel(), turn.A)
    turn.is_trained = True
    inverted = faiss.IndexIVFFlat(faiss.IndexFlatL2(components), components, cells, faiss.METRIC_L2)
    candidates = faiss.IndexPreTransform(turn, inverted)
    full = faiss.IndexFlatL2(d) if exact_copies else faiss.IndexScalarQuantizer(d, faiss.ScalarQuantizer.QT_fp16)
    index = faiss.IndexRefine(candidates, full)
    index.k_factor = CANDIDATES
    return index, inverted


def _fill(index: Any, vectors: np.ndarray, reporter: Reporter) -> None:
    for start in range(0, len(vectors), BLOCK):
        index.add(unit_rows(vectors[start : start + BLOCK]))
        reporter.check()


def _true_distances(vectors: np.ndarray, sample: np.ndarray, k: int) -> np.ndarray:
    """(m,) mean squared distance of each sampled row to its true k nearest."""
    best = np.full((len(sample), k), -np.inf, np.float32)
    for start in range(0, len(vectors), BLOCK):
        joined = np.hstack([best, sample @ unit_rows(vectors[start : start + BLOCK]).T])
        best = -np.partition(-joined, k - 1, axis=1)[:, :k]
    return np.maximum(2 - 2 * best, 0).mean(axis=1)


def _finds_enough(index: Any, inverted: Any, sample: np.ndarray, true: np.ndarray, k: int) -> bool:
    """Set the number of probed cells to the first that serves; False where none does."""
    for probed in PROBED:
        inverted.nprobe = probed
        found = index.search(sample, k)[0].mean(axis=1)
        if (found <= true * FARTHER + ROUNDING).mean() >= SHARE:
            return True
    return False


def _self_first(rows: np.ndarray, found: np.ndarray, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put each row itself before the others, at distance 0; where equal rows crowded it out of its own list, the
    farthest makes room. Places that a search in cells left empty (-1) repeat the neighbour before."""
    is_self = found == rows[:, None]
    is_self[~is_self.any(axis=1), -1] = True
    order = np.argsort(~is_self, axis=1, kind="stable")
    found, distances = np.take_along_axis(found, order, 1), np.take_along_axis(distances, order, 1)
    found[:, 0], distances[:, 0] = rows, 0.0
    for column in range(1, found.shape[1]):
        empty = found[:, column] < 0
        found[empty, column], distances[empty, column] = found[empty, column - 1], distances[empty, column - 1]
    return found, np.clip(distances, 0.0, 2.0)
