"""Scored patches on disk: `<dataset>/hardness/<id>/` with hardness.json, hardness.parquet and vectors.npy."""

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from dataeff_core.errors import Stale
from dataeff_core.hardness.information import Moments
from dataeff_core.workspace.datasets import Dataset
from dataeff_core.workspace.records import Record
from dataeff_core.workspace.results import Result

SCORE_COLUMNS: dict[str, str] = {
    "hardness": "float32",  # reconstruction error corrected for scale; 0 for a patch of one colour
    "error": "float32",  # as the MAE's own mean squared error
    "enlargement": "float32",  # pixels of the network's input for each of the frame
    "constant": "bool",  # one colour throughout
    "nothing": "float32",  # nats a value: -ln f[0](y), predictors fitted on all patches
    "given": "float32",  # nats a value: -ln f[x](y)
    "information": "float32",  # pointwise V-information: nothing - given
    "mean_red": "float64",  # what the terms of any subset are summed from
    "mean_green": "float64",
    "mean_blue": "float64",
    "square": "float64",
    "squared_error": "float64",
}


class HardnessRecord(Record):
    """What determines the scores, and the terms of all patches together."""

    FILE: ClassVar[str] = "hardness.json"
    KIND: ClassVar[str] = "hardness"

    dataset: str
    dataset_fingerprint: str
    patch_set: str
    patch_set_created: str
    scorer: str  # 'run:<id>' or 'checkpoint <file name>'
    run: str | None
    weights: str
    params: dict[str, Any]  # masks, mask_ratio, mask_seed, precision
    values: str  # 'intensities' in [0, 1], or 'evened' where the MAE draws evened-out parts
    version: str
    side: int  # pixels of the network's input
    part: int  # pixels a side of the network's own patches
    patches: int
    frames: int  # with at least one scored patch
    unreadable: int
    nothing: float  # nats a value, all patches
    given: float
    dimension: float  # directions that the patches' vectors vary in (theory.warning.effective_dimension)
    notes: dict[str, str] = {}
    seconds: float
    patches_per_second: float


class Hardness(Result[HardnessRecord]):
    """Scores of patches, rows in the patch set's order."""

    RECORD = HardnessRecord
    TABLE = "hardness.parquet"
    VECTORS = "vectors.npy"

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a scored patch: PATCH_COLUMNS, then SCORE_COLUMNS."""
        return pd.read_parquet(self.folder / self.TABLE)

    @cached_property
    def vectors(self) -> np.ndarray:
        """(m, d) float16, L2-normalised, memory-mapped: each patch as the MAE's encoder sees it."""
        return np.load(self.folder / self.VECTORS, mmap_mode="r", allow_pickle=False)

    @cached_property
    def moments(self) -> Moments:
        """What the terms of any subset are summed from, in the table's order."""
        mean = self.table[["mean_red", "mean_green", "mean_blue"]].to_numpy(np.float64)
        return Moments(
            mean, self.table["square"].to_numpy(np.float64), self.table["squared_error"].to_numpy(np.float64)
        )

    def check_fits(self, dataset: Dataset) -> None:
        """Raise Stale unless the scores are of patches of just the frames that `dataset` has now."""
        if self.record.dataset_fingerprint != dataset.fingerprint:
            raise Stale(
                f"hardness {self.id} was scored before {dataset.record.name} changed; run `patches {dataset.id}` and "
                f"`hardness {dataset.id}` again"
            )


def hardness_folder(dataset: Dataset) -> Path:
    """Where the scored patches of `dataset` lie."""
    return dataset.folder / "hardness"


def all_hardness(dataset: Dataset) -> list[Hardness]:
    """All complete ones of `dataset`, oldest first."""
    return Hardness.all_in(hardness_folder(dataset))


def hardness_of(dataset: Dataset, wanted: str = "latest") -> Hardness:
    """One by its id, a unique prefix of it, or `latest`. Raises NotFound (it says how to get one), BadInput."""
    name, verbs = dataset.record.name, f"`patches {dataset.id}`, then `hardness {dataset.id}`"
    return Hardness.one_in(hardness_folder(dataset), wanted, none=f"{name} has no scored patches yet; run {verbs}")
