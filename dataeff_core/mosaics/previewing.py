"""What a mosaic will look like, at once: from thumbnails, without reading an original."""

import numpy as np
import pandas as pd

from dataeff_core.errors import BadInput
from dataeff_core.frame_reading.cutting import Aspect, fitted
from dataeff_core.hardness.stored import Hardness
from dataeff_core.mosaics.layout import Layout
from dataeff_core.workspace.datasets import Dataset
from dataeff_core.workspace.mosaics import Tiling
from dataeff_core.workspace.root import Workspace
from dataeff_core.workspace.thumbnails import read_thumbnail


def preview(
    workspace: Workspace,
    dataset: Dataset,
    scored: Hardness,
    layout: Layout,
    mosaic: int,
    *,
    aspect: Aspect = "crop",
    longest: int = 256,
) -> np.ndarray:
    """(h, w, 3) uint8: mosaic number `mosaic` of `layout` with its longer side about `longest` pixels, less sharp
    than the one that will be made. Raises BadInput for a number that is not there, NotFound without a thumbnail."""
    if not 0 <= mosaic < len(layout):
        raise BadInput(f"mosaic {mosaic} is not in 0..{len(layout) - 1}; choose another")
    tiling = Tiling(grid=layout.grid, height=layout.height, width=layout.width, aspect=aspect)
    return put_together(workspace, dataset, scored.table.iloc[layout.rows[mosaic]], tiling, longest=longest)


def put_together(
    workspace: Workspace, dataset: Dataset, cells: pd.DataFrame, tiling: Tiling, *, longest: int = 256
) -> np.ndarray:
    """(h, w, 3) uint8: one mosaic with its longer side about `longest` pixels. `cells` are its rows, from the upper
    left, row by row, with the columns frame_id, sha256 and the box. Raises NotFound without a frame or thumbnail."""
    scale = longest / max(tiling.height, tiling.width)
    height, width = (max(1, round(side * scale)) for side in tiling.cell)
    picture = np.zeros((height * tiling.grid, width * tiling.grid, 3), np.uint8)
    for at in range(tiling.cells):
        down, across = divmod(at, tiling.grid)
        crop = _cut(workspace, dataset, cells.iloc[at])
        picture[down * height : (down + 1) * height, across * width : (across + 1) * width] = fitted(
            crop, height, width, tiling.aspect
        )
    return picture


def patch_picture(workspace: Workspace, dataset: Dataset, scored: Hardness, row: int) -> np.ndarray:
    """(h, w, 3) uint8: the patch in `row` of the scored ones, cut out of its frame's thumbnail. Raises NotFound."""
    return _cut(workspace, dataset, scored.table.iloc[row])


def _cut(workspace: Workspace, dataset: Dataset, patch: pd.Series) -> np.ndarray:
    frame = dataset.frame(str(patch["frame_id"]))
    small = read_thumbnail(workspace, str(patch["sha256"]))
    down, across = small.shape[0] / int(frame["height"]), small.shape[1] / int(frame["width"])
    top, left = int(patch["top"] * down), int(patch["left"] * across)
    bottom, right = max(top + 1, round(patch["bottom"] * down)), max(left + 1, round(patch["right"] * across))
    return np.ascontiguousarray(small[top:bottom, left:right])
