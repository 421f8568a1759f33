"""95 % intervals by the bootstrap (Efron 1979) over test images, or over groups where groups hold several images."""

from collections.abc import Callable, Mapping

import numpy as np

RESAMPLES = 1000
LEVEL = 0.95


def interval(values: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of (resamples,) values; NaN (a resample where the metric is not defined) is left out."""
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.nanpercentile(values, [tail, 100 - tail])
    return float(low), float(high)


def draws(units: np.ndarray, *, seed: int, resamples: int = RESAMPLES) -> np.ndarray:
    """(resamples, n) int64: how often each of n images is in each resample. Units (n,) str are drawn with
    replacement, all images of a unit together."""
    names, unit = np.unique(units.astype(str), return_inverse=True)
    rng = np.random.default_rng(seed)
    times = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    return times[:, unit]


def intervals(
    metrics: Mapping[str, Callable[[np.ndarray], np.ndarray]],
    units: np.ndarray,
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> dict[str, tuple[float, float]]:
    """Of each metric, a function of weights (resamples, n) -> (resamples,), its interval. The same resamples serve
    all metrics. Empty where all images are of one unit, which could only be drawn again and again."""
    if len(np.unique(units.astype(str))) < 2:
        return {}
    weights = draws(units, seed=seed, resamples=resamples)
    return {name: interval(metric(weights)) for name, metric in metrics.items()}
