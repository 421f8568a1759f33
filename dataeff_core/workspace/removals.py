"""Which frames a reviewer removed as such, so that they must not come back in pieces, whatever method is at work.

Which pins count (ours, as everywhere the last word on a frame):

- a drop that says of the picture itself that it is not to be used (unusable, private, outside the body, another
  reason, none) holds for every frame with the same content, as its exact copy shows the same;
- a drop of a frame as the same as another kept one is of this frame alone;
- a drop that only agreed with a method's comparison ("rightly removed, as nearly the same") is a word on that
  comparison and counts for nothing where nothing is compared;
- a keep overrules the drop of a copy.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dataeff_core.workspace.datasets import Dataset
from dataeff_core.workspace.pins import only_agrees, pins_of
from dataeff_core.workspace.trail import DROP, KEEP

OF_THIS_FRAME = "alike"  # the reason of a drop that says nothing of the picture itself


@dataclass(frozen=True)
class Reviewed:
    """What reviewers said of frames as such, (n,) bool each, in the order of `dataset.frames`."""

    removed: np.ndarray
    kept: np.ndarray


def reviewed(dataset: Dataset) -> Reviewed:
    """As the trail stands now. Raises StorageFailed or Conflict when it cannot be read."""
    frames = dataset.frames
    removed, kept = np.zeros(len(frames), bool), np.zeros(len(frames), bool)
    contents = frames["sha256"].tolist()
    pinned = pins_of(dataset.folder).on(frames["frame_id"].tolist(), contents).rows
    drops = {row: pin for row, pin in pinned.items() if pin.action == DROP and not only_agrees(pin)}
    of_pictures = {contents[row] for row, pin in drops.items() if pin.reason != OF_THIS_FRAME}
    if of_pictures:
        removed |= frames["sha256"].isin(list(of_pictures)).to_numpy(bool)
    removed[list(drops)] = True
    kept[[row for row, pin in pinned.items() if pin.action == KEEP]] = True
    return Reviewed(removed & ~kept, kept)


def not_removed(dataset: Dataset, cells: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The cells (rows with mosaic and frame_id) of mosaics that show no removed frame, and notes on the others."""
    removed = dataset.frames["frame_id"][reviewed(dataset).removed]
    shown = cells["frame_id"].isin(set(removed)).to_numpy(bool)
    if not shown.any():
        return cells, {}
    lost, frames = cells.loc[shown, "mosaic"].nunique(), cells.loc[shown, "frame_id"].nunique()
    of = cells["mosaic"].nunique()
    sentence = f"{lost} of {of} mosaics are left out, as reviewers have removed {frames} of their frames since"
    return without(cells, shown), {"removed": str(frames), "removed_since": sentence}


def without(cells: pd.DataFrame, which: np.ndarray) -> pd.DataFrame:
    """The cells of the mosaics of which none is among `which` (n,) bool."""
    return cells[~cells["mosaic"].isin(cells.loc[which, "mosaic"])].reset_index(drop=True)
