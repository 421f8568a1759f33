"""Superpixels: parts of a frame that hold together by colour, without any weights."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from dataeff_core import field_of_view
from dataeff_core.patches.base import Candidates, LoadedProposer, Proposer

WORKING_SIDE = 160  # pixels of the field's longer side while segmenting: 10 ms a frame, and parts stay the same
STEPS = 5  # of SLIC's k-means; its authors use 10, parts hardly change after 5
SOFTENED = 1.0  # pixels: standard deviation of the blur before it


class Superpixels(Proposer):
    """The bounding boxes of SLIC's superpixels (Achanta et al. 2012, as scikit-image has it) in CIELAB, at a fine
    and coarser scales; a box counts as sure by how much of it its superpixel fills. Our stand-in for SAM."""

    NAME: ClassVar[str] = "superpixels"
    TITLE: ClassVar[str] = "Parts of one colour (superpixels, needs no weights)"
    SOURCE: ClassVar[str] = "Achanta et al. 2012 (SLIC); our stand-in for SAM"
    READS: ClassVar[Literal["thumbnail", "original"]] = "thumbnail"

    segments: int = Field(
        default=32,
        ge=2,
        le=400,
        title="Parts",
        description="about how many superpixels the field of view is cut into at the finest scale (our choice)",
        json_schema_extra={"unit": "parts"},
    )
    scales: int = Field(
        default=2,
        ge=1,
        le=4,
        title="Scales",
        description="each further scale has a quarter of the parts, twice as large (our choice)",
    )
    compactness: float = Field(
        default=10.0,
        gt=0,
        le=1000,
        title="Compactness",
        description="low: parts follow colour; high: parts are squares (SLIC's usual 10)",
        json_schema_extra={"step": 1.0},
    )

    def load(self, *, device: str = "auto") -> "LoadedSuperpixels":
        return LoadedSuperpixels(self)


@dataclass(frozen=True)
class LoadedSuperpixels(LoadedProposer):
    """Nothing to load: picklable, and each worker segments its own frames."""

    asked: Superpixels

    def candidates(self, image: np.ndarray) -> Candidates:
        from scipy import ndimage
        from skimage.segmentation import slic

        field = field_of_view.find(image)
        small = field_of_view.shrink(field.crop(image), WORKING_SIDE)
        rows, columns = small.shape[:2]
        boxes, scores = [], []
        for scale in range(self.asked.scales):
            wanted = max(2, self.asked.segments // 4**scale)
            labels = slic(
                small,
                n_segments=wanted,
                compactness=self.asked.compactness,
                max_num_iter=STEPS,
                sigma=SOFTENED,
                start_label=1,
                channel_axis=-1,
            )
            sizes = np.bincount(labels.ravel())
            for label, part in enumerate(ndimage.find_objects(labels), start=1):
                if part is not None:
                    down, across = part
                    boxes.append((down.start / rows, across.start / columns, down.stop / rows, across.stop / columns))
                    scores.append(sizes[label] / ((down.stop - down.start) * (across.stop - across.start)))
        return Candidates(in_frame(np.array(boxes), field, image.shape[:2]), np.array(scores))


def in_frame(boxes: np.ndarray, field: field_of_view.Field, size: tuple[int, ...]) -> np.ndarray:
    """(k, 4) boxes as shares of the field -> as shares of the frame of `size` (height, width)."""
    scale = np.array([field.bottom - field.top, field.right - field.left] * 2)
    corner = np.array([field.top, field.left] * 2)
    return (boxes.reshape(-1, 4) * scale + corner) / np.array([size[0], size[1]] * 2)
