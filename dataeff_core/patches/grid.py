"""A grid of equal boxes over the field of view: the plainest proposal, to compare the others with."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from dataeff_core import field_of_view
from dataeff_core.patches.base import Candidates, LoadedProposer, Proposer
from dataeff_core.patches.superpixels import in_frame


class Grid(Proposer):
    """Equal boxes in rows and columns over the field of view, perhaps overlapping; all are equally sure."""

    NAME: ClassVar[str] = "grid"
    TITLE: ClassVar[str] = "Equal boxes in rows and columns"
    SOURCE: ClassVar[str] = "baseline"
    READS: ClassVar[Literal["thumbnail", "original"]] = "thumbnail"

    cells: int = Field(
        default=4,
        ge=1,
        le=32,
        title="Boxes a side",
        description="so many boxes side by side fill the field of view, without overlapping ones (our choice)",
        json_schema_extra={"unit": "boxes"},
    )
    shift: float = Field(
        default=1.0,
        gt=0,
        le=1,
        title="Step",
        description="from one box to the next, as a share of a box; below 1 they overlap (our choice)",
        json_schema_extra={"unit": "share of a box", "step": 0.05},
    )

    def load(self, *, device: str = "auto") -> "LoadedGrid":
        return LoadedGrid(self)


@dataclass(frozen=True)
class LoadedGrid(LoadedProposer):
    """Nothing to load."""

    asked: Grid

    def candidates(self, image: np.ndarray) -> Candidates:
        side = 1 / self.asked.cells
        starts = np.linspace(0, 1 - side, 1 + round((self.asked.cells - 1) / self.asked.shift))
        top, left = (one.ravel() for one in np.meshgrid(starts, starts, indexing="ij"))
        boxes = np.stack([top, left, top + side, left + side], axis=1)
        field = field_of_view.find(image)
        return Candidates(in_frame(boxes, field, image.shape[:2]), np.ones(len(boxes)))
