"""UMAP (McInnes, Healy, Melville 2018, arXiv 1802.03426) from given neighbours, seeded and on all processors.

Written from the paper, because umap-learn takes longer to import than this takes to run, and gives up all but one
processor once it is seeded. What differs, our choice: in each epoch every point moves by its own edges, in view of
where the others stood when the epoch began, so points can be moved in parallel and the result does not depend on
how many processors there are; and the layout begins at the principal axes instead of the graph's spectrum.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from dataeff_core.reporting import Reporter

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

NEGATIVES = 5  # random points that a point is pushed from for each edge it is pulled along
BEGIN_SIDE = 10.0  # extent of the first layout, as in umap-learn
JITTER = 1e-3  # of it, so that equal frames do not stay on one spot
SMOOTHINGS = 30
SEGMENT_BITS = 5
SEGMENTS, OCTAVES, LOWEST_OCTAVE = 1 << SEGMENT_BITS, 60, -40  # tables over squared distances of 2^-40 to 2^20
STEPS = 32  # halvings in the search for each point's bandwidth


def umap_layout(
    indices: np.ndarray,
    distances: np.ndarray,
    *,
    start: np.ndarray,
    min_dist: float = 0.1,
    seed: int = 0,
    epochs: int | None = None,
    reporter: Reporter | None = None,
) -> np.ndarray:
    """(n, 2) float32 layout of n points, given each one's k neighbours (n, k), itself first, and their distances.

    `start` (n, 2) in [-1, 1] is where the points begin. `epochs`: 500 up to 10,000 points, else 200.
    """
    reporter = reporter or Reporter()
    epochs = epochs or (500 if len(start) <= 10_000 else 200)
    graph = fuzzy_graph(indices, distances)
    graph.data[graph.data < graph.data.max(initial=0) / epochs] = 0  # would never be sampled
    graph.eliminate_zeros()
    begin = smoothed(start, graph) * (BEGIN_SIDE / 2)
    begin += np.random.default_rng(seed).normal(scale=JITTER, size=start.shape)
    return _optimise(begin.astype(np.float32), forces(graph, *curve(min_dist)), epochs, seed, reporter)


def smoothed(start: np.ndarray, graph: "csr_matrix") -> np.ndarray:
    """Positions (n, 2) after SMOOTHINGS steps half way to the mean of one's neighbours: untangles what the principal
    axes fold over itself."""
    totals = np.maximum(np.asarray(graph.sum(axis=1)), 1e-12)
    xy = start.astype(np.float64)
    for _ in range(SMOOTHINGS):
        xy = (xy + graph @ xy / totals) / 2
    return xy


def fuzzy_graph(indices: np.ndarray, distances: np.ndarray) -> "csr_matrix":
    """The symmetric graph of memberships in [0, 1] (paper, section 3.1): every point is tied to its nearest
    neighbour by 1, and its ties sum to log2 k; two points are tied if either is tied to the other."""
    from scipy.sparse import csr_matrix

    n, k = indices.shape
    others = distances[:, 1:].astype(np.float64)
    nearest = np.where(others > 0, others, np.inf).min(axis=1, initial=np.inf)
    rho = np.where(np.isfinite(nearest), nearest, 0.0)
    beyond = np.maximum(others - rho[:, None], 0.0)
    sigma = _bandwidths(beyond, np.log2(k))
    least = 1e-3 * np.where(rho > 0, others.mean(axis=1), others.mean())
    ties = np.exp(-beyond / np.maximum(np.maximum(sigma, least), 1e-12)[:, None])
    heads = np.repeat(np.arange(n), k - 1)
    one_way = csr_matrix((ties.ravel(), (heads, indices[:, 1:].ravel())), shape=(n, n))
    one_way.sum_duplicates()
    one_way.data = np.minimum(one_way.data, 1.0)
    one_way.setdiag(0)
    other_way = one_way.T.tocsr()
    both = (one_way + other_way - one_way.multiply(other_way)).tocsr()
    both.eliminate_zeros()
    both.sort_indices()
    return both


def _bandwidths(beyond: np.ndarray, goal: float) -> np.ndarray:
    """(n,) sigma with sum(exp(-beyond / sigma)) = goal in each row, by bisection."""
    low, high = np.zeros(len(beyond)), np.full(len(beyond), np.inf)
    sigma = np.ones(len(beyond))
    for _ in range(STEPS):
        too_wide = np.exp(-beyond / sigma[:, None]).sum(axis=1) > goal
        high, low = np.where(too_wide, sigma, high), np.where(too_wide, low, sigma)
        sigma = np.where(np.isinf(high), sigma * 2, (low + high) / 2)
        sigma = np.maximum(sigma, 1e-12)
    return sigma


def curve(min_dist: float, spread: float = 1.0) -> tuple[float, float]:
    """a and b of 1 / (1 + a d^(2b)), fitted to 1 up to `min_dist` and exp(-(d - min_dist) / spread) beyond
    (paper, definition 11)."""
    from scipy.optimize import curve_fit

    d = np.linspace(0, 3 * spread, 300)
    wanted = np.where(d < min_dist, 1.0, np.exp(-(d - min_dist) / spread))
    (a, b), _ = curve_fit(lambda d, a, b: 1 / (1 + a * d ** (2 * b)), d, wanted, p0=(1.0, 1.0))
    return float(a), float(b)


@dataclass(frozen=True)
class Forces:
    """What one epoch needs besides the positions."""

    ends: np.ndarray  # (n + 1,) int64: edges of point i are ends[i]..ends[i + 1]
    tails: np.ndarray  # (edges,) int64: the other point
    rates: np.ndarray  # (edges,) float32 in (0, 1]: share of the epochs in which the edge pulls
    pulls: np.ndarray  # (table,) float32: factor of the difference to a neighbour, by squared distance
    pushes: np.ndarray  # (table,) float32: the same for a random point


def forces(graph: "csr_matrix", a: float, b: float) -> Forces:
    """The edges of `graph` and the gradient's factors (paper, section 3.2 and appendix) as tables.

    With s = squared distance the pull is -2ab s^(b-1) / (1 + a s^b), twice because in UMAP an edge moves both its
    ends each time it is drawn from either, and the push 2b / ((0.001 + s)(1 + a s^b)).
    """
    s = np.ldexp(
        1.0 + np.arange(OCTAVES * SEGMENTS + 1) % SEGMENTS / SEGMENTS,
        np.arange(OCTAVES * SEGMENTS + 1) // SEGMENTS + LOWEST_OCTAVE,
    )
    pulls = 2 * -2 * a * b * s ** (b - 1) / (1 + a * s**b)
    pushes = 2 * b / ((0.001 + s) * (1 + a * s**b))
    return Forces(
        graph.indptr.astype(np.int64),
        graph.indices.astype(np.int64),
        (graph.data / graph.data.max(initial=1e-12)).astype(np.float32),
        pulls.astype(np.float32),
        pushes.astype(np.float32),
    )


def _optimise(old: np.ndarray, acting: Forces, epochs: int, seed: int, reporter: Reporter) -> np.ndarray:
    n = len(old)
    new, move = old.copy(), _compiled()
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cuts = np.linspace(0, n, min(n, 4 * processors) + 1).astype(np.int64).tolist()
    tables = (acting.ends, acting.tails, acting.rates, acting.pulls, acting.pushes)
    with ThreadPoolExecutor(processors) as threads:
        for epoch in reporter.over(range(epochs), "layout", epochs):
            turn = (epoch, 1.0 - epoch / epochs, seed)
            jobs = [threads.submit(move, old, new, *tables, *turn, *part) for part in pairwise(cuts)]
            for job in jobs:
                job.result()
            old, new = new, old
    return old


@cache
def _compiled() -> Callable[..., None]:
    """`_move` as machine code, kept on disk where there is a folder for it."""
    import numba

    options: dict[str, Any] = {"nogil": True, "fastmath": True, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **options)(_move)
    except RuntimeError:  # no folder may be written: compiled anew in each process
        return numba.njit(**options)(_move)


def _move(  # noqa: PLR0917  compiled code takes bare arrays, in order
    old: np.ndarray,
    new: np.ndarray,
    ends: np.ndarray,
    tails: np.ndarray,
    rates: np.ndarray,
    pulls: np.ndarray,
    pushes: np.ndarray,
    epoch: int,
    alpha: float,
    seed: int,
    first: int,
    last: int,
) -> None:
    """One epoch for the points first..last: pull each along its edges, push it from NEGATIVES random points at each
    pull. Reads `old`, writes `new`. Moves are clipped to 4 alpha an axis.

    The bits of a float32 are its logarithm, nearly: their upper part is the place in the tables, the rest how far
    it is to the next entry.
    """
    n = np.uint64(old.shape[0])
    step, most, least = np.float32(alpha), np.float32(4), np.float32(-4)
    lowest, highest = np.int32((127 + LOWEST_OCTAVE) << 23), np.int32((OCTAVES << 23) - 1)
    between = np.float32(1 / (1 << (23 - SEGMENT_BITS)))
    for i in range(first, last):
        x, y = old[i, 0], old[i, 1]
        # an own random sequence for each point and epoch: splitmix64 to start, xorshift64 to go on
        state = np.uint64(seed + 1) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(epoch) * np.uint64(0xBF58476D1CE4E5B9)
        state += np.uint64(i + 1) * np.uint64(0x94D049BB133111EB)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state = (state ^ (state >> np.uint64(31))) | np.uint64(1)
        for e in range(ends[i], ends[i + 1]):
            if np.floor((epoch + 1) * rates[e]) == np.floor(epoch * rates[e]):
                continue
            for turn in range(NEGATIVES + 1):
                if turn == 0:
                    other, table = np.uint64(tails[e]), pulls
                else:
                    state ^= state << np.uint64(13)
                    state ^= state >> np.uint64(7)
                    state ^= state << np.uint64(17)
                    other, table = ((state >> np.uint64(32)) * n) >> np.uint64(32), pushes
                dx, dy = x - old[other, 0], y - old[other, 1]
                bits = min(highest, max(np.int32(0), np.float32(dx * dx + dy * dy).view(np.int32) - lowest))
                place = bits >> np.int32(23 - SEGMENT_BITS)
                rest = np.float32(bits & np.int32((1 << (23 - SEGMENT_BITS)) - 1)) * between
                factor = table[place] + rest * (table[place + 1] - table[place])
                x += step * min(most, max(least, factor * dx))
                y += step * min(most, max(least, factor * dy))
        new[i, 0], new[i, 1] = x, y
