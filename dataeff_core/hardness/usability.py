"""Which frames' patches are not to be trained on, however hard they are: unusable frames, and removed ones.

The hardest patches of all are noise, glare and blur, so frames that stand out as unusable are taken out before any
quantile is taken (our choice; the paper filters nothing). And a frame that a reviewer removed must not come back in
pieces. Which pins count (ours, as everywhere the last word on a frame):

- a drop that says of the picture itself that it is not to be used (unusable, private, outside the body, another
  reason, none) holds for every frame with the same content, as its exact copy shows the same;
- a drop of a frame as the same as another kept one is of this frame alone;
- a drop that only agreed with a method's comparison ("rightly removed, as nearly the same") is a word on that
  comparison and counts for nothing here, where nothing is compared; `alike` among the rules is for that;
- a keep overrules both the limit and the drop of a copy.
"""

import numpy as np
import pandas as pd

from dataeff_core.suppliers import Suppliers
from dataeff_core.workspace.datasets import Dataset
from dataeff_core.workspace.pins import only_agrees, pins_of
from dataeff_core.workspace.trail import DROP, KEEP

SUPPLIERS = Suppliers()
UNUSABLE, PINNED = "unusable", "pinned"
OF_THIS_FRAME = "alike"  # the reason of a drop that says nothing of the picture itself


def frames_left_out(dataset: Dataset, *, usable: bool = True, suppliers: Suppliers = SUPPLIERS) -> np.ndarray:
    """(n,) object, for each row of `dataset.frames`: '', UNUSABLE (its invalid_score is above the dataset's own
    limit; not with `usable` False), or PINNED. Raises StorageFailed or Conflict when the trail cannot be read."""
    frames = dataset.frames
    out = np.full(len(frames), "", dtype=object)
    if usable and suppliers.invalid_limit is not None and "invalid_score" in frames:
        score = frames["invalid_score"].fillna(0).to_numpy(np.float32)
        out[score > np.float32(suppliers.invalid_limit(score))] = UNUSABLE
    contents = frames["sha256"].tolist()
    pinned = pins_of(dataset.folder).on(frames["frame_id"].tolist(), contents).rows
    removed = {row: pin for row, pin in pinned.items() if pin.action == DROP and not only_agrees(pin)}
    of_pictures = {contents[row] for row, pin in removed.items() if pin.reason != OF_THIS_FRAME}
    if of_pictures:
        out[frames["sha256"].isin(list(of_pictures)).to_numpy(bool)] = PINNED
    out[list(removed)] = PINNED
    out[[row for row, pin in pinned.items() if pin.action == KEEP]] = ""
    return out


def patches_left_out(
    dataset: Dataset, frame_ids: np.ndarray, *, usable: bool = True, suppliers: Suppliers = SUPPLIERS
) -> np.ndarray:
    """(m,) object for patches of these frames (m,): as `frames_left_out`; '' for a frame that is not present."""
    out = frames_left_out(dataset, usable=usable, suppliers=suppliers)
    rows = dataset.index.get_indexer(pd.Index(frame_ids, dtype=object))
    return np.where(rows >= 0, out[rows], "") if len(out) else np.full(len(frame_ids), "", dtype=object)
