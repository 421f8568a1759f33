"""Selection: k-means and scores beside faiss alone, thresholds to a mask, and peak memory on a million frames."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dataeff_core.selection import cover, kmeans
from dataeff_core.selection.base import Pool
from dataeff_core.selection.meddel import MedDEL
from dataeff_core.selection.scored import MedDELScores

PAPER = 88_282  # frames in MedDEL's pool
MILLION = 1_000_000
DIM = 768


def run(quick: bool) -> list[dict[str, Any]]:
    frames, dim, k = (20_000, 256, 80) if quick else (PAPER, DIM, 300)
    rows = [beside_faiss(frames, dim, k)]
    rows += [to_a_mask(PAPER, at_most_ms=1), to_a_mask(MILLION, at_most_ms=15)]
    rows.append(moved_epsilon(frames, dim))
    if not quick:
        rows.append(peak_memory(MILLION, DIM))
    return rows


def scenes(frames: int, dim: int, rng: np.random.Generator) -> np.ndarray:
    """(frames, dim) float32 unit vectors, about seven frames a scene, as a procedure's video gives them."""
    centres = rng.standard_normal((frames // 7, dim), dtype=np.float32)
    vectors = centres[rng.integers(0, len(centres), frames)]
    vectors += 0.3 * rng.standard_normal((frames, dim), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def beside_faiss(frames: int, dim: int, k: int) -> dict[str, Any]:
    """Each twice in turn, the faster of each: what another process takes meanwhile then counts less."""
    import faiss

    vectors = scenes(frames, dim, np.random.default_rng(0))

    def alone() -> None:
        faiss.Kmeans(dim, k, niter=20, spherical=True, max_points_per_centroid=frames, seed=0).train(vectors)

    def ours() -> None:
        found = kmeans.fit(vectors, k, seed=0, iterations=20)
        cover.scores(vectors, found.labels, found.distances)

    theirs, mine = (min(times) for times in zip(*((seconds(alone), seconds(ours)) for _ in range(2)), strict=True))
    ratio = mine / theirs
    return {
        "name": f"k-means (K = {k}, 20 iterations) and all scores of {frames:,} x {dim}, to faiss.Kmeans alone",
        "value": round(ratio, 2),
        "target": "at most 1.8",
        "passed": ratio <= 1.8,
        "detail": f"{mine:.1f} s to {theirs:.1f} s",
    }


def to_a_mask(frames: int, *, at_most_ms: float) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    scores = MedDELScores(
        labels=np.zeros(frames, np.int32),
        distances=rng.random(frames, dtype=np.float32),
        insertion_similarity=rng.random(frames, dtype=np.float32),
        invalid_score=None,
        outside=(2 * (rng.random(frames) < 0.1)).astype(np.uint8),
        k=1,
        seed=0,
        rule="cover",
        keep="near",
        epsilon=2.0,
        invalid=1.0,
    )
    times = [1000 * seconds(lambda eta=eta: scores.codes(eta) == 0) for eta in np.linspace(0.5, 1, 50)]
    middle = float(np.median(times))
    return {
        "name": f"a new eta to the keep mask of {frames:,} frames",
        "value": f"{middle:.3f} ms",
        "target": f"at most {at_most_ms} ms",
        "passed": middle <= at_most_ms,
        "detail": f"slowest of {len(times)}: {max(times):.3f} ms",
    }


def moved_epsilon(frames: int, dim: int) -> dict[str, Any]:
    """What an outlier limit that takes out the farthest 0.1 % costs, beside scoring all."""
    pool = Pool.of(scenes(frames, dim, np.random.default_rng(1)))
    method = MedDEL(eta=0.9)
    scores = method.score(pool)
    epsilon = float(np.quantile(scores.distances, 0.999))
    moved = seconds(lambda: method.rescore(pool, scores, epsilon=epsilon))
    return {
        "name": f"a new epsilon, {frames:,} frames in {scores.k} clusters",
        "value": f"{moved:.2f} s",
        "target": "none, for information",
        "passed": True,
        "detail": "only clusters that lose a frame are traversed again",
    }


SELECT = """
import sys, time
import numpy as np
from dataeff_core.selection.base import Pool
from dataeff_core.selection.meddel import MedDEL

started = time.monotonic()
selection = MedDEL(eta=0.9).select(Pool.of(np.load(sys.argv[1], mmap_mode="r")))
with open("/proc/self/status") as status:
    peak = next(line.split()[1] for line in status if line.startswith("VmHWM"))
print(peak, selection.retained, time.monotonic() - started)
"""


def peak_memory(frames: int, dim: int) -> dict[str, Any]:
    """The largest resident size of a fresh process, pages of the mapped file included."""
    rng = np.random.default_rng(2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.npy"
        file = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(frames, dim))
        centres = rng.standard_normal((frames // 7, dim), dtype=np.float32)
        for start in range(0, frames, 20_000):
            part = centres[rng.integers(0, len(centres), min(20_000, frames - start))]
            part += 0.3 * rng.standard_normal(part.shape, dtype=np.float32)
            file[start : start + len(part)] = part / np.linalg.norm(part, axis=1, keepdims=True)
        file.flush()
        del file, centres
        done = subprocess.run([sys.executable, "-c", SELECT, str(path)], capture_output=True, text=True, check=True)
    peak, retained, took = (float(word) for word in done.stdout.split())
    gib = peak / 2**20
    return {
        "name": f"peak memory of select, {frames:,} x {dim} float16 from disk",
        "value": f"{gib:.2f} GiB",
        "target": "at most 4 GiB",
        "passed": gib <= 4,
        "detail": f"{took:.0f} s, {retained:.1%} kept",
    }
