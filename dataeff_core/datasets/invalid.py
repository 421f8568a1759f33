"""Which frames are unusable: how far the quality measures stand out, alone and, by an isolation forest, together.

Everything is relative to the dataset itself, so nothing is tuned to one centre: a measure counts by its robust
deviation from the median, towards its bad end only. A fault shows mostly in one or two measures, which the largest
deviation sees best; an isolation forest (Liu, Ting, Zhou 2008) over the deviations adds what is odd in many at once.
The combination is our choice.
"""

import numpy as np
import pandas as pd

from dataeff_core.datasets.quality import DESCRIBED, MEASURES, Measure

TREES = 100
FARTHEST = 50.0  # robust standard deviations: more says no more
FOREST_WEIGHT = 5.0  # deviations that the forest's score, which lies within about 0.3 of its median, counts for
LIMIT = 0.5
HALF_WAY = 6.0  # deviations at which the score reaches one half
MOST_DROPPED = 0.4  # of the frames by the default limit: more cannot be exceptions
FEWEST = 8  # frames: below this there is no 'usual' to stand out from
PLAINEST = ("brightness", "sharpness", "noise", "lettering", "bars")  # a black frame is dark, rather than empty
COMPARABLE = 0.35  # of the largest deviation: from here a plainer measure is named instead
SLIGHT = 2.0  # deviations below which no measure is said to stand out


def score(frames: pd.DataFrame, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """How unusable each frame is, from its columns q_<measure>.

    Returns (scores, standing_out): (n,) float32 in [0, 1), higher = more likely unusable, 0.5 = some measure stands
    out by about six standard deviations, and (n,) object, the measure that stands out and at which end, e.g.
    'sharpness:low'; '' where none does. A missing column or NaN counts as usual. Deterministic for equal frames and
    seed; 0 for all when there are fewer than FEWEST.
    """
    values = _measured(frames)
    if len(values) < FEWEST:
        return np.zeros(len(values), np.float32), np.full(len(values), "", dtype=object)
    deviation = deviations(values)
    odd = np.abs(deviation).max(axis=1) + FOREST_WEIGHT * _isolation(deviation, seed)
    odd = np.maximum(odd, 0)
    return (odd / (odd + HALF_WAY)).astype(np.float32), _standing_out(deviation)


def default_limit(scores: np.ndarray) -> float:
    """The score above which a frame is dropped as unusable where the user sets no limit: LIMIT, or what at most
    MOST_DROPPED of the frames exceed."""
    known = scores[np.isfinite(scores)]
    return max(LIMIT, float(np.quantile(known, 1 - MOST_DROPPED))) if len(known) else LIMIT


def _isolation(deviation: np.ndarray, seed: int) -> np.ndarray:
    """(n,) how much sooner than usual the forest isolates each frame: its score minus the median score."""
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(n_estimators=TREES, max_samples=min(256, len(deviation)), random_state=seed)
    isolated = -forest.fit(deviation).score_samples(deviation)
    return isolated - np.median(isolated)


def deviations(values: np.ndarray) -> np.ndarray:
    """(n, m) measures -> (n, m) signed deviations from the dataset's median in robust standard deviations, zero
    towards a good end and where a measure is missing."""
    columns = [_deviation(values[:, column], DESCRIBED[name]) for column, name in enumerate(MEASURES)]
    return np.stack(columns, axis=1) if len(values) else np.zeros((0, len(MEASURES)))


def _deviation(values: np.ndarray, measure: Measure) -> np.ndarray:
    if measure.skew is not None:
        values = np.log(np.maximum(values, 0) + measure.skew)
    known = values[np.isfinite(values)]
    if not len(known):
        return np.zeros(len(values))
    lower, centre, upper = np.quantile(known, [0.25, 0.5, 0.75])
    spread = max((upper - lower) / 1.349, measure.least_spread)
    deviation = np.where(np.isfinite(values), (values - centre) / spread, 0.0)
    lowest = 0.0 if measure.bad == "high" else -FARTHEST
    highest = 0.0 if measure.bad == "low" else FARTHEST
    return deviation.clip(lowest, highest)


def _measured(frames: pd.DataFrame) -> np.ndarray:
    columns = [f"q_{name}" for name in MEASURES]
    return frames.reindex(columns=columns).to_numpy(np.float64, na_value=np.nan)


def _standing_out(deviation: np.ndarray) -> np.ndarray:
    """(n,) object: the measure that deviates most, or a plainer one that deviates comparably; '' for usual frames."""
    size = np.abs(deviation)
    most = size.max(axis=1)
    column = size.argmax(axis=1)
    for name in reversed(PLAINEST):
        plain = MEASURES.index(name)
        column = np.where(size[:, plain] >= COMPARABLE * most, plain, column)
    signed = deviation[np.arange(len(deviation)), column]
    named = [f"{MEASURES[at]}:{'low' if value < 0 else 'high'}" for at, value in zip(column, signed, strict=True)]
    return np.where(most < SLIGHT, "", np.array(named, dtype=object)).astype(object)
