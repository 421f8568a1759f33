"""What a mosaic will look like, at once: from thumbnails, without reading an original."""

import numpy as np

from dataeff_core.errors import BadInput
from dataeff_core.frame_reading.cutting import Aspect, fitted
from dataeff_core.hardness.stored import Hardness
from dataeff_core.mosaics.layout import Layout
from dataeff_core.workspace.datasets import Dataset
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
    scale = longest / max(layout.height, layout.width)
    height, width = (max(1, round(side * scale)) for side in layout.cell)
    picture = np.zeros((height * layout.grid, width * layout.grid, 3), np.uint8)
    for at, row in enumerate(layout.rows[mosaic].tolist()):
        down, across = divmod(at, layout.grid)
        crop = patch_picture(workspace, dataset, scored, row)
        picture[down * height : (down + 1) * height, across * width : (across + 1) * width] = fitted(
            crop, height, width, aspect
        )
    return picture


def patch_picture(workspace: Workspace, dataset: Dataset, scored: Hardness, row: int) -> np.ndarray:
    """(h, w, 3) uint8: the patch in `row` of the scored ones, cut out of its frame's thumbnail. Raises NotFound."""
    patch = scored.table.iloc[row]
    frame = dataset.frames[dataset.frames["frame_id"] == patch["frame_id"]].iloc[0]
    small = read_thumbnail(workspace, str(patch["sha256"]))
    down, across = small.shape[0] / int(frame["height"]), small.shape[1] / int(frame["width"])
    top, left = int(patch["top"] * down), int(patch["left"] * across)
    bottom, right = max(top + 1, round(patch["bottom"] * down)), max(left + 1, round(patch["right"] * across))
    return np.ascontiguousarray(small[top:bottom, left:right])
