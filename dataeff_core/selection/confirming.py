"""Whether two frames show the same view, asked of their thumbnails when a selection wants each pair confirmed."""

import numpy as np

from dataeff_core.selection.base import Confirm
from dataeff_core.workspace import Dataset, Workspace


class SameView:
    """A selection.base.Confirm over the rows of `dataset.frames`; pictures are read when first asked for."""

    def __init__(self, workspace: Workspace, dataset: Dataset) -> None:
        self.workspace = workspace
        self.keys = dataset.frames["sha256"].to_numpy(dtype=object)
        self.confirm: Confirm | None = None

    def __call__(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """(m,) and (m,) rows -> (m,) bool. Raises NotFound when a thumbnail is missing."""
        if self.confirm is None:
            from dataeff_core.selection.registration import confirmer

            self.confirm = confirmer(self.picture)
        return self.confirm(left, right)

    def picture(self, row: int) -> np.ndarray:
        """The frame's field of view as registration wants it, (s, s) uint8."""
        from dataeff_core.selection.registration import picture
        from dataeff_core.workspace.thumbnails import read_thumbnail

        return picture(read_thumbnail(self.workspace, self.keys[row]))
