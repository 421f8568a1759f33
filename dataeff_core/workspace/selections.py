"""A saved selection on disk: the recipe, a decision a frame, the scores behind it."""

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from dataeff_core.workspace.datasets import Dataset, DatasetRecord
from dataeff_core.workspace.pins import Pins, Placed, pins_of
from dataeff_core.workspace.records import Record
from dataeff_core.workspace.results import Result
from dataeff_core.workspace.trail import Entry, trail_of

DECISION_COLUMNS: dict[str, str] = {
    "frame_id": "string",
    "decision": "string",  # 'kept' or 'dropped'
    "reason": "string",  # kept, duplicate, outlier, invalid, budget, ...
    "representative_id": "string",  # the kept frame that stands for a dropped one; null where none does
    "similarity": "float32",  # cosine to the representative; NaN where there is none
    "distance": "float32",  # cosine distance to the own cluster's centroid; NaN where the method has none
    "score": "float32",  # what the method compared with its threshold; NaN where it has none
    "override": "string",  # null, or what a reviewer decided: 'kept' or 'dropped'
    "reviewer": "string",
    "reviewed_at": "string",  # UTC, ISO 8601
}


class SelectionRecord(Record):
    """The recipe: all that is needed to make the same selection again."""

    FILE: ClassVar[str] = "selection.json"
    KIND: ClassVar[str] = "selection"

    name: str = ""
    dataset: str
    dataset_name: str
    dataset_fingerprint: str
    embedding: str | None = None
    encoder: str | None = None
    encoder_params: dict[str, Any] = {}
    weights: str | None = None
    method: str
    params: dict[str, Any]  # all parameters, resolved: a calibrated eta stands here as its number
    keep: float | None = None  # the fraction asked for, where one was
    seed: int
    frames: int
    kept: int  # with the pins that stood when it was saved; later ones are in SavedSelection.decisions
    dropped: dict[str, int]  # reason -> count, likewise
    notes: dict[str, Any] = {}  # how a default was found (calibration), in words and numbers
    code_version: str
    seconds: float

    @property
    def retained(self) -> float:
        """Kept share of all frames, the paper's R."""
        return self.kept / self.frames if self.frames else 0.0


class SavedSelection(Result[SelectionRecord]):
    """Folder: selection.json, decisions.parquet (DECISION_COLUMNS), scores.parquet (frame_id and float columns).

    The files hold what the method decided and never change; `decisions` has the reviewers' pins on top, as the trail
    stands when they are first asked for (see dataeff_core.workspace.pins).
    """

    RECORD = SelectionRecord
    DECISIONS = "decisions.parquet"
    SCORES = "scores.parquet"

    @cached_property
    def machine(self) -> pd.DataFrame:
        """What the method decided: one row a frame, columns DECISION_COLUMNS, in the dataset's order."""
        return pd.read_parquet(self.folder / self.DECISIONS)

    @cached_property
    def index(self) -> pd.Index:
        """The ids of `machine`, to find a row by without a search through all."""
        return pd.Index(self.machine["frame_id"].to_numpy(object))

    @cached_property
    def decisions(self) -> pd.DataFrame:
        """What holds: `machine` with the pins on it. Raises StorageFailed when the trail cannot be read."""
        return self.placed.put_on(self.machine) if self.placed.rows else self.machine

    @cached_property
    def pins(self) -> Pins:
        """The pins on the dataset. Raises StorageFailed when the trail cannot be read."""
        return pins_of(self._dataset_folder)

    @cached_property
    def placed(self) -> Placed:
        """The pins that hold in this selection, on the rows of the decisions."""
        if not self.pins.standing:
            return Placed({})
        ids = self.machine["frame_id"].tolist()
        dataset = Dataset(self._dataset_folder, DatasetRecord.read(self._dataset_folder))
        frames = dataset.frames_as_of(self.record.dataset_fingerprint)
        frames = dataset.all_frames if frames is None else frames
        contents = dict(zip(frames["frame_id"], frames["sha256"], strict=True))
        return self.pins.on(ids, [contents.get(one, "") for one in ids]).holding(self.machine)

    @cached_property
    def looked_at(self) -> dict[int, Entry]:
        """Row -> the decision of a person who has looked at what this selection did with just that frame."""
        return self.placed.looked_at(self.machine, self.id)

    @property
    def pins_version(self) -> int:
        """The number of the newest entry on the trail now: with it, who caches decisions sees when they changed."""
        return trail_of(self._dataset_folder).last

    @property
    def _dataset_folder(self) -> Path:
        return self.folder.parent.parent

    @cached_property
    def scores(self) -> pd.DataFrame | None:
        """One row a frame: frame_id and the method's named scores; None where the method has none."""
        path = self.folder / self.SCORES
        return pd.read_parquet(path) if path.is_file() else None
