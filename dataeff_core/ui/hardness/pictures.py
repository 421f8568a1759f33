"""Pictures of patches, cut from their frames while the browser waits."""

import contextlib
import threading

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from dataeff_core.datasets.originals import read_original
from dataeff_core.errors import NotFound
from dataeff_core.frame_reading.cutting import Aspect, fitted
from dataeff_core.workspace import Dataset, Workspace
from dataeff_core.workspace.thumbnails import read_thumbnail

AROUND = 1.6  # how much larger a patch's surroundings are than it
SIDE = 144  # pixels of them as shown
INK = "#1B2530"
Box = tuple[int, int, int, int]  # top, left, bottom, right in pixels of the frame
_reading = threading.BoundedSemaphore(2)  # originals may be huge: never more than two in memory at once


def in_its_surroundings(workspace: Workspace, dataset: Dataset, frame: pd.Series, box: Box) -> np.ndarray:
    """(SIDE, SIDE, 3) uint8: the square around a patch, AROUND times as large where the frame is, with the patch
    outlined. Raises NotFound."""
    with _reading:
        picture = _picture_of(workspace, dataset, frame)
        top, left, bottom, right = box_in(box, _size(frame), picture.shape)
        side = min(AROUND * max(bottom - top, right - left, 1), *picture.shape[:2])
        down = min(max((top + bottom - side) / 2, 0), picture.shape[0] - side)
        across = min(max((left + right - side) / 2, 0), picture.shape[1] - side)
        window = (across, down, across + side, down + side)
        cut = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=window)
    scale = SIDE / side
    inside = (top - down) * scale, (left - across) * scale, (bottom - down) * scale, (right - across) * scale
    return boxed(np.asarray(cut), inside, INK)


def cell(  # noqa: PLR0917
    workspace: Workspace, dataset: Dataset, frame: pd.Series, box: Box, height: int, width: int, aspect: Aspect
) -> np.ndarray:
    """(height, width, 3) uint8: a patch as it stands in a mosaic. Raises NotFound."""
    with _reading:
        picture = _picture_of(workspace, dataset, frame)
        top, left, bottom, right = box_in(box, _size(frame), picture.shape)
        crop = picture[int(top) : max(int(top) + 1, round(bottom)), int(left) : max(int(left) + 1, round(right))]
        return fitted(np.ascontiguousarray(crop), height, width, aspect)


def boxed(picture: np.ndarray, box: tuple[float, float, float, float], colour: str) -> np.ndarray:
    """(h, w, 3) uint8 with a frame of `colour` between two thin white ones around `box` (top, left, bottom, right in
    its pixels), so that it is seen on light and on dark tissue."""
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    top, left, bottom, right = (round(side) for side in box)
    thick = max(1, round(max(picture.shape[:2]) / 100))
    for inset, width, ink in ((0, thick + 2, "#FFFFFF"), (1, thick, colour)):
        corner = (max(left, 0) + inset, max(top, 0) + inset)
        far = (min(right, picture.shape[1]) - 1 - inset, min(bottom, picture.shape[0]) - 1 - inset)
        if far[0] > corner[0] and far[1] > corner[1]:
            draw.rectangle((*corner, *far), outline=ink, width=width)
    return np.asarray(image)


def box_of(patch: pd.Series) -> Box:
    """Of a scored patch."""
    return int(patch["top"]), int(patch["left"]), int(patch["bottom"]), int(patch["right"])


def box_in(box: Box, size: tuple[int, int], shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """A box in pixels of a frame of `size` (height, width) -> in pixels of a picture of it of `shape`."""
    down, across = shape[0] / size[0], shape[1] / size[1]
    return box[0] * down, box[1] * across, box[2] * down, box[3] * across


def _size(frame: pd.Series) -> tuple[int, int]:
    return int(frame["height"]), int(frame["width"])


def _picture_of(workspace: Workspace, dataset: Dataset, frame: pd.Series) -> np.ndarray:
    """The original of an image; of a video's frame, which would have to be sought, and where there is none any more,
    the thumbnail. Raises NotFound without either."""
    if frame["kind"] != "video":
        with contextlib.suppress(NotFound):
            return read_original(dataset, frame)
    return read_thumbnail(workspace, str(frame["sha256"]))
