"""Whether two frames show the same view, asked of their thumbnails when a selection wants each pair confirmed."""

import numpy as np

from dataeff_core.workspace import Dataset, Workspace
from dataeff_core.workspace.thumbnails import read_grey

SIDE = 64  # pixels of the square grey pictures that are laid over each other


class SameView:
    """A selection.base.Confirm over the rows of `dataset.frames`; a picture is read when first asked for."""

    def __init__(self, workspace: Workspace, dataset: Dataset) -> None:
        self.workspace = workspace
        self.keys = dataset.frames["sha256"].to_numpy(dtype=object)
        self.grey: np.ndarray | None = None  # (n, SIDE, SIDE) uint8, pages touched only where a picture was read
        self.read = np.zeros(len(self.keys), dtype=bool)

    def __call__(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """(m,) and (m,) rows -> (m,) bool. Raises NotFound when a thumbnail is missing."""
        from dataeff_core.selection.registration import same_view

        grey = self.pictures(np.unique(np.concatenate([left, right])))
        return same_view(grey, left, right)[0]

    def pictures(self, rows: np.ndarray) -> np.ndarray:
        """All pictures read so far and those of `rows`, by row."""
        if self.grey is None:
            self.grey = np.zeros((len(self.keys), SIDE, SIDE), dtype=np.uint8)
        for row in rows[~self.read[rows]]:
            self.grey[row] = read_grey(self.workspace, self.keys[row], SIDE)
            self.read[row] = True
        return self.grey
