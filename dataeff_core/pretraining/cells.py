"""Cells of mosaics: each is cut once from its frame's original and kept, and mosaics are put together batch by batch.

A cell is kept at the side that its place in the network's input has, so that seams lie between the ViT's patches.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from dataeff_core.errors import BadInput
from dataeff_core.frame_reading.cutting import Cutting
from dataeff_core.pretraining.base import PretrainingMethod
from dataeff_core.pretraining.images import Images, Store, Wanted, side_of
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.datasets import Dataset
from dataeff_core.workspace.mosaics import Tiling
from dataeff_core.workspace.root import Workspace

KIND = "cells-1"  # of how a cell is prepared; a change makes new stores
BOX = ["top", "left", "bottom", "right"]


class CellStore:
    """The prepared cells of one side length."""

    def __init__(self, workspace: Workspace, tiling: Tiling, method: PretrainingMethod) -> None:
        self.tiling = tiling
        self.store = Store(workspace, cell_side(method, tiling.grid), kind=KIND)

    def keys(self, cells: pd.DataFrame) -> list[str]:
        """The content key of each cell (rows with sha256 and box): 64 hex digits over all that determines it but the
        store's side."""
        height, width = self.tiling.cell
        shape = "squash" if self.tiling.aspect == "squash" else f"{self.tiling.aspect} {height}x{width}"
        boxes = cells[BOX].to_numpy(np.int64).tolist()
        return [
            hashlib.sha256(f"{key} {box} {shape}".encode()).hexdigest()
            for key, box in zip(cells["sha256"], boxes, strict=True)
        ]

    def images(self, cells: pd.DataFrame) -> Images | None:
        """The mosaics of these cells, in order; None when a cell is missing."""
        return self.store.images(self.keys(cells), grid=self.tiling.grid)

    def missing(self, cells: pd.DataFrame) -> np.ndarray:
        """(n,) bool: which cells are not there."""
        return self._lacking(self.keys(cells))

    def _lacking(self, keys: Sequence[str]) -> np.ndarray:
        lacking = self.store.missing(keys)
        return np.fromiter((key in lacking for key in keys), bool, len(keys))

    def fill(
        self, dataset: Dataset, cells: pd.DataFrame, *, workers: int | None = None, reporter: Reporter
    ) -> dict[str, str]:
        """Cut those that are missing; content key -> reason of frames that cannot be read (Store.fill)."""

        def wanted() -> Wanted:
            keys = self.keys(cells)
            lacking = cells.assign(key=keys)[self._lacking(keys)].drop_duplicates("key")
            groups = {str(key): part for key, part in lacking.groupby("sha256", sort=False)}
            boxes = {key: part[BOX].to_numpy(np.int32) for key, part in groups.items()}
            frames = dataset.frames[dataset.frames["sha256"].isin(list(boxes))].drop_duplicates("sha256")
            cutting = Cutting(boxes, *self.tiling.cell, self.tiling.aspect, self.store.side)
            return Wanted(frames, cutting, {key: part["key"].tolist() for key, part in groups.items()})

        return self.store.fill_with(dataset, wanted, workers=workers, reporter=reporter)


def cell_side(method: PretrainingMethod, grid: int) -> int:
    """Pixels a side that a cell is kept at: its share of the input, or more where crops are cut out of it."""
    return -(-side_of(method) // grid)


def small_cells(cells: pd.DataFrame, side: int) -> int:
    """How many patches are narrower or lower than their cell in the network's input, so that they are scaled up."""
    height, width = cells["bottom"] - cells["top"], cells["right"] - cells["left"]
    return int(((height < side) | (width < side)).sum())


def check_seams(grid: int, method: PretrainingMethod) -> None:
    """Raise BadInput unless the seams of `grid` x `grid` cells lie between the patches of `method`'s ViT."""
    part = method.backbone().patch
    unit = grid * (part or 1)
    if method.image_size % unit:
        near = max(1, round(method.image_size / unit)) * unit
        patches = f" on patches of {part} pixels" if part else ""
        raise BadInput(
            f"an image of {method.image_size} pixels cut in {grid} does not end{patches}, so seams would run through "
            f"them; use image_size {near}"
        )
