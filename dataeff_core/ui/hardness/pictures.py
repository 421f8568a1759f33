"""Pictures of patches and mosaics, made from thumbnails and kept as bytes under ids."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image, ImageDraw

from dataeff_core.datasets.originals import read_original
from dataeff_core.errors import NotFound
from dataeff_core.mosaics.layout import Layout, MosaicRules
from dataeff_core.mosaics.previewing import preview
from dataeff_core.ui.gallery import caption_of
from dataeff_core.ui.hardness.opening import Shown
from dataeff_core.workspace import Dataset, Workspace
from dataeff_core.workspace.thumbnails import read_thumbnail

MOST_KEPT = 2000
AROUND = 1.6  # how much larger a patch's surroundings are than it
SIDE = 144  # pixels of them as shown
LONGEST = 19  # letters of a frame's name below its picture


def outlined(shown: Shown, row: int, colour: str) -> bytes:
    """The frame of the patch in `row` with the patch's box drawn on it, as JPEG. Raises NotFound."""
    patch = shown.opened.scored.table.iloc[row]
    frame = shown.dataset.frame(str(patch["frame_id"]))
    box = box_of(patch)
    size = int(frame["height"]), int(frame["width"])
    return _outlined(str(shown.workspace.root), str(patch["sha256"]), box, size, colour)


def mosaic(shown: Shown, layout: Layout, number: int, rules: MosaicRules) -> bytes:
    """What mosaic `number` will look like, as JPEG. Raises NotFound."""

    def drawn() -> np.ndarray:
        scored = shown.opened.scored
        return preview(shown.workspace, shown.dataset, scored, layout, number, aspect=rules.aspect)

    rows = tuple(layout.rows[number].tolist())
    return _mosaic(drawn, *shown.opened.key, rows, (layout.grid, layout.height, layout.width), rules.aspect)


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


def box_of(patch: pd.Series) -> tuple[int, int, int, int]:
    """Top, left, bottom, right of a scored patch, in pixels of its frame."""
    return int(patch["top"]), int(patch["left"]), int(patch["bottom"]), int(patch["right"])


def in_its_surroundings(
    workspace: Workspace, dataset: Dataset, frame: pd.Series, box: tuple[int, int, int, int]
) -> np.ndarray:
    """(h, w, 3) uint8: the square around a patch, AROUND times as large, with the patch outlined; of the original
    where it can be read at once, else of the thumbnail. Raises NotFound."""
    picture = _picture_of(workspace, dataset, frame)
    size = int(frame["height"]), int(frame["width"])
    top, left, bottom, right = box_in(box, size, picture.shape)
    side = min(AROUND * max(bottom - top, right - left, 1), *picture.shape[:2])
    down = min(max((top + bottom - side) / 2, 0), picture.shape[0] - side)
    across = min(max((left + right - side) / 2, 0), picture.shape[1] - side)
    corner = round(across), round(down), round(across + side), round(down + side)
    cut = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=corner)
    scale = SIDE / (corner[2] - corner[0])
    shifted = (
        (one - start) * scale for one, start in zip((top, left, bottom, right), (down, across) * 2, strict=True)
    )
    return boxed(np.asarray(cut), tuple(shifted), "#1B2530")


def _picture_of(workspace: Workspace, dataset: Dataset, frame: pd.Series) -> np.ndarray:
    """The original of an image; of a video's frame, which would have to be sought, the thumbnail."""
    if frame["kind"] != "video":
        with contextlib.suppress(NotFound):
            return read_original(dataset, frame)
    return read_thumbnail(workspace, str(frame["sha256"]))


def box_in(box: tuple[int, ...], size: tuple[int, int], shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """A box in pixels of a frame of `size` (height, width) -> in pixels of its thumbnail of `shape`."""
    down, across = shape[0] / size[0], shape[1] / size[1]
    return box[0] * down, box[1] * across, box[2] * down, box[3] * across


def shortened(text: str, longest: int = LONGEST) -> str:
    """`text` with its middle left out where it is longer."""
    half = (longest - 1) // 2
    return text if len(text) <= longest else f"{text[:half]}…{text[-half:]}"


def captions(shown: Shown, rows: np.ndarray) -> list[str]:
    """For each patch: its hardness, and what its frame is called."""
    table: pd.DataFrame = shown.opened.scored.table.iloc[rows]
    return [
        f"{hardness:.3g} · {shortened(caption_of(shown.dataset.frame(str(frame))))}"
        for hardness, frame in zip(table["hardness"], table["frame_id"], strict=True)
    ]


@st.cache_data(max_entries=MOST_KEPT, show_spinner=False)
def _outlined(root: str, key: str, box: tuple[int, ...], size: tuple[int, int], colour: str) -> bytes:
    small = read_thumbnail(Workspace(Path(root)), key)
    return _jpeg(boxed(small, box_in(box, size, small.shape), colour))


@st.cache_data(max_entries=MOST_KEPT, show_spinner=False)
def _mosaic(
    _drawn: Callable[[], np.ndarray],
    folder: str,
    record: str,
    rows: tuple[int, ...],
    size: tuple[int, ...],
    aspect: str,
) -> bytes:
    return _jpeg(_drawn())


def _jpeg(picture: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=88)
    return out.getvalue()
