"""A saved set of mosaics on disk: which patches were chosen by which rules, and which of them make which image.

It holds no pixels: training and exporting cut them from the originals.
"""

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from dataeff_core.errors import Stale
from dataeff_core.workspace.datasets import Dataset
from dataeff_core.workspace.records import Record
from dataeff_core.workspace.results import Result

CELL_COLUMNS: dict[str, str] = {
    "mosaic": "int64",  # 0, 1, ...
    "cell_top": "int64",  # pixels of the mosaic
    "cell_left": "int64",
    "cell_height": "int64",
    "cell_width": "int64",
    "band": "int64",  # of hardness, 0 the easiest
    "path": "string",
    "patch_id": "string",
    "frame_id": "string",
    "sha256": "string",  # content key of the frame
    "group": "string",
    "top": "int64",  # the box, in pixels of the frame
    "left": "int64",
    "bottom": "int64",
    "right": "int64",
    "hardness": "float32",
    "information": "float32",  # pointwise V-information, nats a value
}


class Tiling(BaseModel):
    """How cells make an image."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grid: int  # cells a side
    height: int  # of the image in pixels, at the frames' resolution
    width: int
    aspect: Literal["crop", "pad", "squash"]  # how a patch is brought to its cell

    @property
    def cells(self) -> int:
        return self.grid**2

    @property
    def cell(self) -> tuple[int, int]:
        """Height and width of a cell."""
        return self.height // self.grid, self.width // self.grid


class MosaicRecord(Record):
    """The recipe that patches were chosen and laid out by; which they are is in the manifest, as reviewers'
    decisions, which count too, may change."""

    FILE: ClassVar[str] = "mosaics.json"
    KIND: ClassVar[str] = "set of mosaics"

    name: str = ""
    dataset: str
    dataset_name: str
    dataset_fingerprint: str
    patch_set: str
    hardness: str
    scorer: str  # 'run:<id>' or 'checkpoint <file name>'
    weights: str  # fingerprint of the scorer
    patches: dict[str, Any]  # all fields of hardness.choosing.PatchRules
    mosaic: dict[str, Any]  # all fields of mosaics.layout.MosaicRules
    count: int | None  # how many were asked for; None: as many as the patches allow
    seed: int
    mosaics: int
    patches_used: int
    frames: int  # distinct ones that the patches are of
    retained: float  # mosaics for each frame of the dataset, the paper's R (as we read it); may be above 1
    tiling: Tiling
    nothing: float  # nats a value, of the patches used
    given: float
    warning: str = ""
    notes: dict[str, str] = {}
    code_version: str
    seconds: float


class MosaicSet(Result[MosaicRecord]):
    """Folder: mosaics.json, manifest.parquet (CELL_COLUMNS)."""

    RECORD = MosaicRecord
    MANIFEST = "manifest.parquet"

    @cached_property
    def manifest(self) -> pd.DataFrame:
        """One row a cell, columns CELL_COLUMNS; a mosaic's cells stand together, from the upper left, row by row."""
        return pd.read_parquet(self.folder / self.MANIFEST)

    def check_fits(self, dataset: Dataset) -> None:
        """Raise Stale unless `dataset` holds just the frames that the patches were chosen from."""
        if self.record.dataset_fingerprint != dataset.fingerprint:
            raise Stale(
                f"mosaics {self.id} were laid out before {dataset.record.name} changed; run `patches {dataset.id}`, "
                f"`hardness {dataset.id}` and `mosaics {dataset.id}` again"
            )


def mosaics_folder(dataset: Dataset) -> Path:
    """Where the mosaic sets of `dataset` lie."""
    return dataset.folder / "mosaics"
