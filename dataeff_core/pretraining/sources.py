"""What a run trains on: frames, or mosaics of their patches; prepared when it begins, and found again to go on."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dataeff_core.errors import NotFound, Stale
from dataeff_core.pretraining.base import PretrainingMethod
from dataeff_core.pretraining.cells import BOX, CellStore, check_seams, small_cells
from dataeff_core.pretraining.images import Images, Store, side_of, small_frames
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset, MosaicSet, Run, SavedSelection, Workspace
from dataeff_core.workspace.removals import not_removed, without
from dataeff_core.workspace.storage import fingerprint, write_atomically

NAMED = 3  # unreadable frames that are named; the rest is counted
CELLS = ["mosaic", "frame_id", "sha256", *BOX]


@dataclass(frozen=True)
class Filled:
    """Images that are ready to train on."""

    images: int
    fingerprint: str  # RunRecord.images_fingerprint
    frames: pd.DataFrame  # Run.frames
    cells: pd.DataFrame | None  # Run.cells
    notes: dict[str, Any]

    def write(self, folder: Path) -> None:
        """Write the tables of a run into its folder. Raises StorageFailed."""
        _write(folder / Run.FRAMES, self.frames)
        if self.cells is not None:
            _write(folder / Run.CELLS, self.cells)


class Source(ABC):
    """Frames or mosaics of a dataset."""

    dataset: Dataset

    @abstractmethod
    def __len__(self) -> int:
        """How many images there are, before any proves unreadable."""

    @abstractmethod
    def told(self) -> dict[str, Any]:
        """What a RunRecord says of where its images are from, besides the dataset."""

    @abstractmethod
    def check_fits(self, method: PretrainingMethod) -> None:
        """Raise BadInput when `method` cannot train on such images."""

    @abstractmethod
    def fill(
        self, workspace: Workspace, method: PretrainingMethod, *, workers: int | None, reporter: Reporter
    ) -> Filled:
        """Prepare the images; those that cannot be read are left out and told. Raises StorageFailed, WorkerDied,
        Cancelled."""


@dataclass(frozen=True)
class FrameSource(Source):
    """Whole frames."""

    dataset: Dataset
    selection: SavedSelection | None
    frames: pd.DataFrame  # of dataset.frames, those to train on

    def __len__(self) -> int:
        return len(self.frames)

    def told(self) -> dict[str, Any]:
        if self.selection is None:
            return {"selection": None}
        return {"selection": self.selection.id, "selection_name": self.selection.record.name}

    def check_fits(self, method: PretrainingMethod) -> None:
        pass

    def fill(
        self, workspace: Workspace, method: PretrainingMethod, *, workers: int | None, reporter: Reporter
    ) -> Filled:
        bad = Store(workspace, side_of(method)).fill(self.dataset, self.frames, workers=workers, reporter=reporter)
        frames = self.frames[~self.frames["sha256"].isin(list(bad))]
        notes = left_out(self.frames, bad)
        small = small_frames(self.frames, method.image_size)
        if small:
            notes["small"] = small
            notes["scaled_up"] = (
                f"{small} of {len(self.frames)} frames are smaller than the network's input of {method.image_size} x "
                f"{method.image_size} pixels and are scaled up; a lower image_size saves time"
            )
        table = frames[["frame_id", "sha256"]]
        return Filled(len(frames), fingerprint(frames["sha256"].tolist()), table, None, notes)


@dataclass(frozen=True)
class MosaicSource(Source):
    """Mosaics of patches."""

    dataset: Dataset
    mosaics: MosaicSet
    overruled: bool = True  # without those of frames that reviewers have removed since the set was saved

    def __len__(self) -> int:
        return len(self._standing[0]) // self.mosaics.record.tiling.cells

    def told(self) -> dict[str, Any]:
        record = self.mosaics.record
        return {"mosaics": record.id, "mosaics_name": record.name, "tiling": record.tiling}

    def check_fits(self, method: PretrainingMethod) -> None:
        check_seams(self.mosaics.record.tiling.grid, method)

    def fill(
        self, workspace: Workspace, method: PretrainingMethod, *, workers: int | None, reporter: Reporter
    ) -> Filled:
        tiling = self.mosaics.record.tiling
        cells, notes = self._standing
        store = CellStore(workspace, tiling, method)
        store.fill(self.dataset, cells, workers=workers, reporter=reporter)
        lacking = store.missing(cells)
        whole = without(cells, lacking)
        notes = notes | self._notes(cells, lacking, method.image_size // tiling.grid)
        frames = whole[["frame_id", "sha256"]].drop_duplicates(ignore_index=True)
        return Filled(len(whole) // tiling.cells, fingerprint(store.keys(whole)), frames, whole, notes)

    @cached_property
    def _standing(self) -> tuple[pd.DataFrame, dict[str, Any]]:
        """The cells to train on, and a note on those that reviewers' decisions took away."""
        cells = self.mosaics.manifest[CELLS]
        return not_removed(self.dataset, cells) if self.overruled else (cells, {})

    def _notes(self, cells: pd.DataFrame, lacking: np.ndarray, side: int) -> dict[str, Any]:
        notes: dict[str, Any] = {}
        lost = cells.loc[lacking, "mosaic"].nunique()
        if lost:
            frames = cells.loc[lacking, "frame_id"].unique().tolist()
            notes["unreadable"] = len(frames)
            notes["left_out"] = (
                f"{lost} of {len(self)} mosaics are left out, as {len(frames)} of their frames cannot be read: "
                f"{', '.join(frames[:NAMED])}{', ...' if len(frames) > NAMED else ''}"
            )
        small = small_cells(cells, side)
        if small:
            notes["small"] = small
            notes["scaled_up"] = (
                f"{small} of {len(cells)} patches are smaller than their cell of {side} x {side} pixels in the "
                "network's input and are scaled up"
            )
        return notes


def source_of(workspace: Workspace, given: Dataset | SavedSelection | MosaicSet, *, overruled: bool = True) -> Source:
    """Every frame of a dataset, those that a selection keeps, or saved mosaics; with `overruled` as reviewers have
    decided since, else as they were saved. Raises Stale, NotFound (the dataset is gone)."""
    if isinstance(given, Dataset):
        return FrameSource(given, None, given.frames)
    dataset = workspace.dataset(given.record.dataset)
    if isinstance(given, MosaicSet):
        given.check_fits(dataset)
        return MosaicSource(dataset, given, overruled)
    if given.record.dataset_fingerprint != dataset.fingerprint:
        raise Stale(
            f"selection {given.id} was made before {dataset.record.name} changed; run `select {dataset.id}` again"
        )
    decisions = given.decisions if overruled else given.machine
    kept = decisions.loc[decisions["decision"] == "kept", "frame_id"]
    return FrameSource(dataset, given, dataset.frames[dataset.frames["frame_id"].isin(set(kept))])


def images_of(workspace: Workspace, run: Run, method: PretrainingMethod, reporter: Reporter) -> Images:
    """Just the images the run began with, by their content. Raises Stale when some can no longer be had."""
    kept = _Kept.of(workspace, run, method)
    if fingerprint(kept.keys) != run.record.images_fingerprint:
        raise Stale(f"{kept.file} of run {run.id} is not what it began with; start a new run")
    images = kept.images()
    if images is not None:
        return images
    reason = "they are no longer in the dataset"
    try:
        bad = kept.fill(workspace.dataset(run.record.dataset), reporter)
        reason = next(iter(bad.values()), reason)
    except NotFound:
        reason = f"the dataset {run.record.dataset_name} is gone"
    images = kept.images()
    if images is None:
        lost = len(kept.store.missing(kept.keys))
        raise Stale(
            f"{lost} of the {len(kept.keys)} {kept.what} that run {run.id} began with cannot be had any more "
            f"({reason}); put them back, or start a new run"
        )
    return images


@dataclass(frozen=True)
class _Kept:
    """Where a run's images lie."""

    what: str
    file: str
    store: Store
    keys: list[str]
    grid: int
    fill: Callable[[Dataset, Reporter], dict[str, str]]

    @classmethod
    def of(cls, workspace: Workspace, run: Run, method: PretrainingMethod) -> "_Kept":
        tiling, cells = run.record.tiling, run.cells
        if tiling is not None and cells is not None:
            of_cells = CellStore(workspace, tiling, method)
            return cls(
                "patches",
                Run.CELLS,
                of_cells.store,
                of_cells.keys(cells),
                tiling.grid,
                lambda dataset, reporter: of_cells.fill(dataset, cells, reporter=reporter),
            )
        store, keys = Store(workspace, side_of(method)), run.frames["sha256"].tolist()

        def fill(dataset: Dataset, reporter: Reporter) -> dict[str, str]:
            frames = dataset.frames[dataset.frames["sha256"].isin(store.missing(keys))]
            return store.fill(dataset, frames, reporter=reporter)

        return cls("images", Run.FRAMES, store, keys, 1, fill)

    def images(self) -> Images | None:
        return self.store.images(self.keys, grid=self.grid)


def left_out(frames: pd.DataFrame, bad: Mapping[str, str]) -> dict[str, Any]:
    """Notes on the frames that cannot be read (`bad`: content key -> reason)."""
    lost = frames[frames["sha256"].isin(list(bad))]
    if not len(lost):
        return {}
    named = [f"{path}: {bad[key]}" for path, key in zip(lost["path"][:NAMED], lost["sha256"][:NAMED], strict=True)]
    more = "; ..." if len(lost) > NAMED else ""
    sentence = f"{len(lost)} of {len(frames)} frames cannot be read, left out: {'; '.join(named)}{more}"
    return {"unreadable": len(lost), "left_out": sentence}


def _write(path: Path, table: pd.DataFrame) -> None:
    write_atomically(path, lambda stream: table.to_parquet(stream, index=False))
