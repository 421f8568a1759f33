"""Boxes cut out of frames, each brought to the size of the place that it is for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from dataeff_core.frame_reading.decoding import CHUNK, KeyedPreparation

Aspect = Literal["crop", "pad", "squash"]
MOST_BYTES = 16 << 20  # of cells that are handed over together, unless one frame's alone are more


@dataclass(frozen=True)
class Cutting(KeyedPreparation):
    """Cuts the boxes of each frame and brings each to the size of a cell, then, given a `side`, to a square."""

    boxes: Mapping[str, np.ndarray]  # sha256 -> (k, 4) int32: top, left, bottom, right
    height: int
    width: int
    aspect: Aspect
    side: int | None = None

    @property
    def together(self) -> int:
        """So many frames that the cells of those with the most of them stay below MOST_BYTES."""
        most = max((len(boxes) for boxes in self.boxes.values()), default=1)
        size = self.height * self.width if self.side is None else self.side**2
        return max(1, min(CHUNK, MOST_BYTES // max(1, most * size * 3)))

    def of(self, keys: Sequence[str], images: Sequence[np.ndarray]) -> np.ndarray:
        """n frames -> (n,) object, each (k, height, width, 3) uint8, or (k, side, side, 3)."""
        out = np.empty(len(keys), dtype=object)
        for at, (key, image) in enumerate(zip(keys, images, strict=True)):
            crops = [
                np.ascontiguousarray(image[top:bottom, left:right])
                for top, left, bottom, right in self.boxes[key].tolist()
            ]
            out[at] = np.stack([self._cell(crop) for crop in crops])
        return out

    def _cell(self, crop: np.ndarray) -> np.ndarray:
        if self.side is not None and self.aspect == "squash":
            return resized(crop, self.side, self.side)
        cell = fitted(crop, self.height, self.width, self.aspect)
        return cell if self.side is None else resized(cell, self.side, self.side)


def fitted(crop: np.ndarray, height: int, width: int, aspect: Aspect) -> np.ndarray:
    """(h, w, 3) uint8 -> (height, width, 3) uint8 (bicubic, with the filter widened where it shrinks). A crop of the
    cell's own size is taken pixel by pixel."""
    rows, columns = crop.shape[:2]
    if (rows, columns) == (height, width):
        return crop
    if aspect == "squash":
        return resized(crop, height, width)
    if aspect == "crop":
        scale = min(rows / height, columns / width)  # pixels of the crop for each of the cell
        tall, wide = min(rows, height * scale), min(columns, width * scale)  # a product may be a hair too large
        top, left = (rows - tall) / 2, (columns - wide) / 2
        middle = (left, top, left + wide, top + tall)
        return np.asarray(Image.fromarray(crop).resize((width, height), Image.Resampling.BICUBIC, box=middle))
    scale = min(height / rows, width / columns)
    tall, wide = (min(height, max(1, round(rows * scale))), min(width, max(1, round(columns * scale))))
    cell = np.empty((height, width, 3), np.uint8)
    cell[:] = crop.reshape(-1, 3).mean(axis=0).round().astype(np.uint8)
    top, left = (height - tall) // 2, (width - wide) // 2
    cell[top : top + tall, left : left + wide] = resized(crop, tall, wide)
    return cell


def resized(crop: np.ndarray, height: int, width: int) -> np.ndarray:
    """(h, w, 3) uint8 -> (height, width, 3) uint8; one of that size already is taken as it is."""
    if crop.shape[:2] == (height, width):
        return crop
    return np.asarray(Image.fromarray(crop).resize((width, height), Image.Resampling.BICUBIC))
