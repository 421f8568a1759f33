"""Data with neighbourhoods to keep, and how well a map keeps them."""

import numpy as np


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def walks(n: int, *, dim: int, seed: int = 0, length: int = 100) -> np.ndarray:
    """(n, dim) float32, unit rows: random walks like the frames of videos, bent out of a space of 24 dimensions."""
    rng = np.random.default_rng(seed)
    videos = -(-n // length)
    steps = np.cumsum(rng.normal(scale=0.12, size=(videos, length, 24)), axis=1)
    inner = (rng.normal(size=(videos, 1, 24)) + steps).reshape(-1, 24)[:n]
    bent = np.tanh(inner @ rng.normal(size=(24, 256)) / 5) @ rng.normal(size=(256, dim)) / 16
    return unit(bent + rng.normal(scale=0.02, size=(n, dim))).astype(np.float32)


def trustworthiness(vectors: np.ndarray, xy: np.ndarray, *, k: int = 15, rows: int = 1000, seed: int = 0) -> float:
    """Venna and Kaski 2001, with cosine distances, averaged over a sample of `rows` rows: 1 when each row's k nearest
    on the map are among its k nearest in truth."""
    n = len(vectors)
    vectors = unit(vectors.astype(np.float32))
    lost = 0
    sample = np.random.default_rng(seed).choice(n, min(rows, n), replace=False)
    for row in sample:
        rank = np.empty(n, int)
        apart = -(vectors @ vectors[row])
        apart[row] = -np.inf
        rank[np.argsort(apart)] = np.arange(n)
        away = ((xy - xy[row]) ** 2).sum(axis=1)
        away[row] = -1
        near = np.argpartition(away, k)[: k + 1]
        lost += np.maximum(0, rank[near[near != row]] - k).sum()
    return float(1 - 2 / (len(sample) * k * (2 * n - 3 * k - 1)) * lost)
