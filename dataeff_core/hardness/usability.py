"""Which frames' patches are not to be trained on, however hard they are: unusable frames, and removed ones.

The hardest patches of all are noise, glare and blur, so frames that stand out as unusable are taken out before any
quantile is taken (our choice; the paper filters nothing). And a frame that a reviewer removed must not come back in
pieces (workspace.removals says which pins count); one that a reviewer kept is usable whatever its measures say.
"""

import numpy as np
import pandas as pd

from dataeff_core.suppliers import Suppliers
from dataeff_core.workspace.datasets import Dataset
from dataeff_core.workspace.removals import reviewed

SUPPLIERS = Suppliers()
UNUSABLE, PINNED, COPY = "unusable", "pinned", "copy"


def frames_left_out(
    dataset: Dataset, *, usable: bool = True, overruled: bool = True, suppliers: Suppliers = SUPPLIERS
) -> np.ndarray:
    """(n,) object, for each row of `dataset.frames`: '', UNUSABLE (its invalid_score is above the dataset's own
    limit; not with `usable` False), or PINNED. Without `overruled` reviewers' decisions are left aside. Raises
    StorageFailed or Conflict when the trail cannot be read."""
    frames = dataset.frames
    out = np.full(len(frames), "", dtype=object)
    if usable and suppliers.invalid_limit is not None and "invalid_score" in frames:
        score = frames["invalid_score"].fillna(0).to_numpy(np.float32)
        out[score > np.float32(suppliers.invalid_limit(score))] = UNUSABLE
    if overruled:
        said = reviewed(dataset)
        out[said.removed] = PINNED
        out[said.kept] = ""
    return out


def patches_left_out(
    dataset: Dataset,
    patches: pd.DataFrame,
    *,
    usable: bool = True,
    overruled: bool = True,
    suppliers: Suppliers = SUPPLIERS,
) -> np.ndarray:
    """(m,) object for patches (rows with frame_id, sha256 and box): as `frames_left_out` of their frames, COPY where
    an earlier patch that is not left out shows just the same pixels; '' for a frame that is not present."""
    out = np.full(len(patches), "", dtype=object)
    of_frames = frames_left_out(dataset, usable=usable, overruled=overruled, suppliers=suppliers)
    rows = dataset.index.get_indexer(pd.Index(patches["frame_id"], dtype=object))
    if len(of_frames):
        out = np.where(rows >= 0, of_frames[rows], "")
    left = patches.loc[out == "", ["sha256", "top", "left", "bottom", "right"]]
    out[np.flatnonzero(out == "")[left.duplicated().to_numpy(bool)]] = COPY
    return out
