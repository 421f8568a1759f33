"""Which frames are unusable: an isolation forest over the quality measures, and the measure that stands out.

The forest (Liu, Ting, Zhou 2008) learns what is usual in this very dataset, so nothing is tuned to one
centre. Distance to the cluster's centre, as used for outliers, sees blur and noise poorly.
"""

import numpy as np
import pandas as pd

from dataeff_core.datasets.quality import DESCRIBED, MEASURES

TREES = 200
FEWEST = 8  # frames: below this there is no 'usual' to stand out from


def score(frames: pd.DataFrame, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """How unusable each frame is, from its columns q_<measure>.

    Returns (scores, standing_out): (n,) float32 in [0, 1], higher = more likely unusable, and (n,) object, the
    measure that stands out and at which end, e.g. 'sharpness:low'; '' where none does. A missing column or NaN
    counts as usual. Deterministic for equal frames and seed.
    """
    values = _measured(frames)
    if len(values) < FEWEST:
        return np.zeros(len(values), np.float32), np.full(len(values), "", dtype=object)
    deviation = deviations(values)
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(n_estimators=TREES, max_samples=min(256, len(values)), random_state=seed)
    scores = -forest.fit(deviation).score_samples(deviation)
    return np.clip(scores, 0, 1).astype(np.float32), _standing_out(deviation)


def default_limit(scores: np.ndarray) -> float:
    """The score above which a frame is dropped as invalid where the user sets no limit."""
    if len(scores) < FEWEST:
        return 1.0
    return float(min(1.0, max(0.6, np.median(scores) + 4 * 1.4826 * np.median(np.abs(scores - np.median(scores))))))


def deviations(values: np.ndarray) -> np.ndarray:
    """(n, m) measures -> (n, m) signed robust deviations from the dataset's median, zero towards a good end."""
    centre = np.nanmedian(values, axis=0)
    quartiles = np.nanquantile(values, [0.25, 0.75], axis=0)
    spread = np.maximum((quartiles[1] - quartiles[0]) / 1.349, 1e-3 + 0.01 * np.abs(centre))
    deviation = np.nan_to_num((values - centre) / spread, nan=0.0)
    for column, name in enumerate(MEASURES):
        bad = DESCRIBED[name].bad
        if bad == "low":
            deviation[:, column] = np.minimum(deviation[:, column], 0)
        elif bad == "high":
            deviation[:, column] = np.maximum(deviation[:, column], 0)
    return np.clip(deviation, -50, 50)


def _measured(frames: pd.DataFrame) -> np.ndarray:
    columns = [f"q_{name}" for name in MEASURES]
    return frames.reindex(columns=columns).to_numpy(np.float64, na_value=np.nan)


def _standing_out(deviation: np.ndarray) -> np.ndarray:
    column = np.abs(deviation).argmax(axis=1)
    strongest = deviation[np.arange(len(deviation)), column]
    named = [f"{MEASURES[c]}:{'low' if v < 0 else 'high'}" for c, v in zip(column, strongest, strict=True)]
    return np.where(np.abs(strongest) < 1, "", np.array(named, dtype=object)).astype(object)
