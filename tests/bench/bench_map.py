"""The map of 20,000 x 768 beside plain umap-learn: time, and how well neighbours are kept."""

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from dataeff_core.projection import layout
from tests.projection.measures import trustworthiness, walks


def run(quick: bool) -> list[dict[str, Any]]:
    """Both are compiled beforehand by a small map, and see the same vectors; each starts from float32 in memory."""
    n = 6000 if quick else 20_000
    vectors = walks(n, dim=768)
    warnings.simplefilter("ignore")
    from umap import UMAP

    def plain(seed: int | None, rows: np.ndarray) -> np.ndarray:
        return np.asarray(UMAP(metric="cosine", random_state=seed).fit_transform(rows))

    for compile_it in (lambda: plain(0, vectors[:5000]), lambda: layout(vectors[:9000])):
        compile_it()
    ours, our_seconds = timed(lambda: layout(vectors, seed=0))
    seeded, seeded_seconds = timed(lambda: plain(0, vectors))
    unseeded, unseeded_seconds = timed(lambda: plain(None, vectors))
    kept = {name: trustworthiness(vectors, xy) for name, xy in (("ours", ours), ("seeded", seeded), ("un", unseeded))}
    best_plain = max(kept["seeded"], kept["un"])
    size = f"{n:,} x 768"
    return [
        {
            "name": f"map of {size}: time as a share of plain umap-learn's, both seeded",
            "value": round(our_seconds / seeded_seconds, 3),
            "target": "<= 0.333",
            "passed": our_seconds <= seeded_seconds / 3,
            "detail": f"{our_seconds:.1f} s against {seeded_seconds:.1f} s ({unseeded_seconds:.1f} s unseeded)",
        },
        {
            "name": f"map of {size}: trustworthiness below plain umap-learn's",
            "value": round(best_plain - kept["ours"], 4),
            "target": "<= 0.01",
            "passed": best_plain - kept["ours"] <= 0.01,
            "detail": f"{kept['ours']:.4f} against {kept['seeded']:.4f} seeded, {kept['un']:.4f} unseeded",
        },
    ]


def timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began
