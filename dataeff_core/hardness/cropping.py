"""Patches cut out of their frames by the processes that read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image

from dataeff_core.frame_reading.decoding import CHUNK, KeyedPreparation
from dataeff_core.workspace.storage import fingerprint

BOX = ["top", "left", "bottom", "right"]
MOST_BYTES = 16 << 20  # of crops that are handed over together, unless one frame's alone are more


@dataclass(frozen=True)
class Cut:
    """The patches of one frame, known by its content and their boxes: the same picture may be cut otherwise, in
    another group or after an import, where other overlays are excluded."""

    key: str
    sha256: str
    boxes: np.ndarray  # (k, 4) int32


def cuts_of(patches: pd.DataFrame) -> list[Cut]:
    """One for each frame that has patches, in the order of the table (PATCH_COLUMNS), where they stand together."""
    frame, sha256 = (patches[name].to_numpy(object) for name in ("frame_id", "sha256"))
    boxes = patches[BOX].to_numpy(np.int32)
    starts = np.flatnonzero(np.r_[True, frame[1:] != frame[:-1]]) if len(frame) else np.empty(0, np.int64)
    parts = np.split(boxes, starts[1:]) if len(starts) else []
    keys = (str(sha256[start]) for start in starts.tolist())
    return [Cut(fingerprint(key, part), key, part) for key, part in zip(keys, parts, strict=True)]


@dataclass(frozen=True)
class Cropping(KeyedPreparation):
    """Cuts the boxes of each frame and squashes them to `side` x `side` pixels, as frames are before an MAE sees
    them (bicubic, with the filter widened where it shrinks)."""

    side: int
    boxes: Mapping[str, np.ndarray]  # sha256 -> (k, 4) int32: top, left, bottom, right, pixels of the frame

    @property
    def together(self) -> int:
        """So many frames that the crops of those with the most of them stay below MOST_BYTES."""
        most = max((len(boxes) for boxes in self.boxes.values()), default=1)
        return max(1, min(CHUNK, MOST_BYTES // max(1, most * self.side**2 * 3)))

    def of(self, keys: Sequence[str], images: Sequence[np.ndarray]) -> np.ndarray:
        """n frames -> (n,) object, each (k, side, side, 3) uint8."""
        out = np.empty(len(keys), dtype=object)
        for at, (key, image) in enumerate(zip(keys, images, strict=True)):
            out[at] = crops(image, self.boxes[key], self.side)
        return out


def crops(image: np.ndarray, boxes: np.ndarray, side: int) -> np.ndarray:
    """(h, w, 3) uint8 and (k, 4) boxes inside it -> (k, side, side, 3) uint8."""
    picture = Image.fromarray(image)
    out = np.empty((len(boxes), side, side, 3), np.uint8)
    for row, (top, left, bottom, right) in zip(out, boxes.tolist(), strict=True):
        row[:] = np.asarray(picture.crop((left, top, right, bottom)).resize((side, side), Image.Resampling.BICUBIC))
    return out
