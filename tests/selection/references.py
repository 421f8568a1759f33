"""Slow, plain implementations to check the fast ones against, written from the papers and from the definition."""

import numpy as np


def farthest_first(similarity: np.ndarray) -> tuple[list[int], list[float]]:
    """Every step looks at all pairs anew."""
    m = len(similarity)
    order, insertion = [0], {0: -1.0}
    while len(order) < m:
        candidates = [(max(float(similarity[i, j]) for j in order), i) for i in range(m) if i not in order]
        value, item = min(candidates)
        order.append(item)
        insertion[item] = value
    return order, [insertion[i] for i in range(m)]


def semdedup(similarity: np.ndarray, order: list[int]) -> list[float]:
    """M_j = max over i before j of cos(i, j), in this order."""
    found = [-1.0] * len(order)
    for position, j in enumerate(order):
        for i in order[:position]:
            found[j] = max(found[j], float(similarity[i, j]))
    return found


def leader(similarity: np.ndarray, order: list[int], eta: float) -> list[int]:
    """Keep an item iff it is at most eta similar to all kept before it."""
    kept: list[int] = []
    for j in order:
        if all(similarity[i, j] <= eta for i in kept):
            kept.append(j)
    return sorted(kept)


def algorithm_1(
    similarity: np.ndarray, distance: np.ndarray, eta: float, *, first: int, keep: str = "far"
) -> list[int]:
    """MedDEL's Algorithm 1 for one cluster without outliers; `first` = 0 starts k at j as printed, 1 at j + 1."""
    m = len(similarity)
    gone: set[int] = set()
    for j in range(m):
        for k in range(j + first, m):
            if j in gone or k in gone or not similarity[j, k] > eta:
                continue
            j_wins = distance[j] > distance[k] if keep == "far" else distance[j] < distance[k]
            gone.add(k if j_wins else j)
    return [i for i in range(m) if i not in gone]


def video(frames: int = 400, step: float = 0.12, dim: int = 24, seed: int = 0) -> np.ndarray:
    """(frames, dim) float32 unit vectors, each like the next, as in a slow pan."""
    rng = np.random.default_rng(seed)
    steps = rng.standard_normal((frames, dim)) * step
    path = np.cumsum(steps, axis=0) + rng.standard_normal(dim)
    return (path / np.linalg.norm(path, axis=1, keepdims=True)).astype(np.float32)


def planted(frames: int = 300, scenes: int = 60, dim: int = 16, noise: float = 0.1, seed: int = 0) -> np.ndarray:
    """(frames, dim) float32 unit vectors in `scenes` tight bunches, a few of them exact copies."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((scenes, dim))
    vectors = centres[rng.integers(0, scenes, frames)] + noise * rng.standard_normal((frames, dim))
    vectors[frames - frames // 20 :] = vectors[: frames // 20]
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
