"""Which patches make which mosaic, where each stands, and how it is brought to its cell.

OptiDEL tiles every M = 4 of its patches to one image of the original resolution, 2 x 2 (its Fig. 2); how patches are
grouped, ordered and resized is not published. Ours: the chosen patches are cut by hardness into M bands of equal size
(quartiles for 2 x 2, as RDED mixes them), each mosaic takes one patch of each band, and where each stands is drawn,
so that a cell's place does not tell its hardness. What is left over, fewer than M, are the easiest; they are dropped.
"""

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from dataeff_core.errors import BadInput
from dataeff_core.frame_reading.cutting import Aspect
from dataeff_core.selection.base import check_seed

ORDER, PLACES = 1, 2  # streams of random numbers


class MosaicRules(BaseModel):
    """What is asked of mosaics."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grid: int = Field(
        default=2, ge=1, le=8, title="Patches a side", description="a mosaic is grid x grid patches; the paper's is 2"
    )
    aspect: Aspect = Field(
        default="crop",
        title="Shape of a patch",
        description="crop: its middle fills the cell; pad: it is whole, on its mean colour; squash: it is stretched "
        "(our choice)",
    )
    part: int = Field(
        default=16,
        ge=1,
        le=64,
        title="ViT patch",
        description="seams lie on multiples of so many pixels, the patch size of the network that is trained",
        json_schema_extra={"unit": "pixels"},
    )
    height: int | None = Field(
        default=None, ge=16, le=8192, title="Height", description="of a mosaic; empty: the frames' median, rounded"
    )
    width: int | None = Field(
        default=None, ge=16, le=8192, title="Width", description="of a mosaic; empty: the frames' median, rounded"
    )


@dataclass(frozen=True)
class Layout:
    """Which patch stands in which cell."""

    rows: np.ndarray  # (count, M) int64: rows of the scored patches, cells from the upper left, row by row
    bands: np.ndarray  # (count, M) int64: the band of hardness each is of, 0 the easiest
    grid: int
    height: int  # of a mosaic in pixels, a multiple of grid x part
    width: int

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def cell(self) -> tuple[int, int]:
        """Height and width of a cell."""
        return self.height // self.grid, self.width // self.grid

    def place(self, cell: int) -> tuple[int, int]:
        """Top and left of a cell in its mosaic."""
        down, across = divmod(cell, self.grid)
        return down * self.cell[0], across * self.cell[1]


def lay_out(
    chosen: np.ndarray, rules: MosaicRules, *, sizes: np.ndarray, count: int | None = None, seed: int = 0
) -> Layout:
    """Lay the patches out. `chosen` (n,) int64 are rows from the hardest on, `sizes` (f, 2) heights and widths of
    their frames; `count` mosaics are made of the hardest, or as many as there are patches for.

    Deterministic for equal arguments. Raises BadInput when there are too few patches, or none.
    """
    cells = rules.grid**2
    check_seed(seed)
    most = len(chosen) // cells
    if most == 0:
        raise BadInput(f"{len(chosen)} patches are fewer than the {cells} that a mosaic is made of; choose more")
    if count is not None and not 1 <= count <= most:
        raise BadInput(f"{count} mosaics of {cells} patches cannot be made of {len(chosen)}; ask for 1 to {most}")
    number = most if count is None else count
    by_hardness = chosen[: number * cells][::-1].reshape(cells, number)  # band 0 holds the easiest
    mixed = np.random.default_rng([seed, ORDER]).permuted(by_hardness, axis=1).T
    bands = np.tile(np.arange(cells), (number, 1))
    places = np.random.default_rng([seed, PLACES]).permuted(bands, axis=1)
    rows = np.take_along_axis(mixed, places, axis=1)
    height, width = mosaic_size(sizes, rules)
    return Layout(rows, places, rules.grid, height, width)


def mosaic_size(sizes: np.ndarray, rules: MosaicRules) -> tuple[int, int]:
    """Height and width in pixels: the frames' median (or what is asked), to the nearest multiple of grid x part, so
    that every seam lies on the ViT's patches."""
    unit = rules.grid * rules.part
    wanted = (rules.height or float(np.median(sizes[:, 0])), rules.width or float(np.median(sizes[:, 1])))
    height, width = (max(unit, round(one / unit) * unit) for one in wanted)
    return height, width
