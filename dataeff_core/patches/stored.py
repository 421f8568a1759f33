"""A dataset's patches on disk: `<dataset>/patches/<id>/` with patches.json, patches.parquet, unreadable.parquet."""

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from dataeff_core.errors import Stale
from dataeff_core.workspace.datasets import Dataset
from dataeff_core.workspace.records import Record
from dataeff_core.workspace.results import Result

PATCH_COLUMNS: dict[str, str] = {
    "patch_id": "string",  # '<frame_id>-<number>', the surest of a frame is 0
    "frame_id": "string",
    "sha256": "string",  # the frame's content key
    "group": "string",
    "top": "int32",  # pixels of the original frame, half-open
    "left": "int32",
    "bottom": "int32",
    "right": "int32",
    "area": "float32",  # share of the frame's area
    "score": "float32",  # how sure the proposer was
}


class PatchSetRecord(Record):
    """What determines the patches: proposer, its weights, and the frames."""

    FILE: ClassVar[str] = "patches.json"
    KIND: ClassVar[str] = "set of patches"

    dataset: str
    dataset_fingerprint: str
    proposer: str
    params: dict[str, Any]
    weights: str  # sha256 of the weights' file, 'none' for a proposer without
    version: str
    frames: int
    patches: int
    frames_without: int  # readable frames in which nothing was found
    unreadable: int  # frames that could not be read
    notes: dict[str, str] = {}
    seconds: float
    images_per_second: float


class PatchSet(Result[PatchSetRecord]):
    """Patches in the order of the dataset's frames, the surest of a frame first."""

    RECORD = PatchSetRecord
    PATCHES = "patches.parquet"
    UNREADABLE = "unreadable.parquet"

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a patch, columns PATCH_COLUMNS."""
        return pd.read_parquet(self.folder / self.PATCHES)

    @cached_property
    def unreadable(self) -> pd.DataFrame:
        """Frames that could not be read: frame_id, path, reason."""
        return pd.read_parquet(self.folder / self.UNREADABLE)

    def check_fits(self, dataset: Dataset) -> None:
        """Raise Stale unless the patches are of just the frames that `dataset` has now."""
        if self.record.dataset_fingerprint != dataset.fingerprint:
            raise Stale(
                f"the patches {self.id} were made before {dataset.record.name} changed; run `patches {dataset.id} "
                f"--proposer {self.record.proposer}` again"
            )


def patches_folder(dataset: Dataset) -> Path:
    """Where the sets of patches of `dataset` lie."""
    return dataset.folder / "patches"


def patch_sets(dataset: Dataset) -> list[PatchSet]:
    """All complete sets of patches of `dataset`, oldest first."""
    return PatchSet.all_in(patches_folder(dataset))


def patch_set(dataset: Dataset, wanted: str = "latest") -> PatchSet:
    """One by id, unique prefix of it, proposer's name (the newest), or `latest`. Raises NotFound, BadInput."""
    none = f"{dataset.record.name} has no patches yet; run `patches {dataset.id}` first"
    return PatchSet.one_in(patches_folder(dataset), wanted, none=none, by=["proposer"])
