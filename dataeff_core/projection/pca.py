"""Principal components of vectors that need not fit into memory."""

import numpy as np

from dataeff_core.reporting import Reporter

BLOCK = 4096  # rows in memory at once
NO_SPREAD = 1e-4  # a component narrower than this is rounding noise of equal float16 vectors


def principal_axes(
    vectors: np.ndarray, count: int, *, reporter: Reporter, fit_rows: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The mean (d,) and the first `count` principal axes (d, count) of vectors (n, d), float32; at most d axes.

    They are those of all rows, or with `fit_rows` of about that many, evenly spaced. The sign of each axis is fixed
    by its largest entry, so that equal vectors give equal maps.
    """
    from scipy.linalg import eigh

    fitted = vectors[:: max(1, len(vectors) // fit_rows)] if fit_rows else vectors
    (n, d), blocks = fitted.shape, range(0, len(fitted), BLOCK)
    total, products = np.zeros(d), np.zeros((d, d))
    for start in reporter.over(blocks, "principal axes"):
        block = np.asarray(fitted[start : start + BLOCK], np.float32)
        total += block.sum(axis=0, dtype=np.float64)
        products += block.T @ block
    mean = total / n
    count = min(count, d)
    _, axes = eigh(products / n - np.outer(mean, mean), subset_by_index=[d - count, d - 1])
    axes = axes[:, ::-1]
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), np.arange(count)] < 0, -1, 1)
    return mean.astype(np.float32), axes.astype(np.float32)


def along(vectors: np.ndarray, mean: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """(n, 2) float32: vectors (n, d) along the first two `axes` (d, ...), zeros where they have no spread there."""
    axes = axes[:, :2]
    xy = np.zeros((len(vectors), 2), np.float32)
    for start in range(0, len(vectors), BLOCK):
        block = np.asarray(vectors[start : start + BLOCK], np.float32)
        xy[start : start + BLOCK, : axes.shape[1]] = (block - mean) @ axes
    xy[:, np.ptp(xy, axis=0) < NO_SPREAD] = 0.0
    return xy
