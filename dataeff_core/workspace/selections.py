"""A saved selection on disk: the recipe, a decision a frame, the scores behind it."""

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from dataeff_core.workspace.records import Record

DECISION_COLUMNS: dict[str, str] = {
    "frame_id": "string",
    "decision": "string",  # 'kept' or 'dropped'
    "reason": "string",  # kept, duplicate, outlier, invalid, budget, ...
    "representative_id": "string",  # the kept frame that stands for a dropped one; null where none does
    "similarity": "float32",  # cosine to the representative; NaN where there is none
    "distance": "float32",  # cosine distance to the own cluster's centroid; NaN where the method has none
    "score": "float32",  # what the method compared with its threshold; NaN where it has none
    "override": "string",  # null, or what a reviewer decided
    "reviewer": "string",
    "reviewed_at": "string",
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
    kept: int
    dropped: dict[str, int]  # reason -> count
    notes: dict[str, Any] = {}  # how a default was found (calibration), in words and numbers
    code_version: str
    seconds: float

    @property
    def retained(self) -> float:
        """Kept share of all frames, the paper's R."""
        return self.kept / self.frames if self.frames else 0.0


class SavedSelection:
    """Folder: selection.json, decisions.parquet (DECISION_COLUMNS), scores.parquet (frame_id and float columns)."""

    DECISIONS = "decisions.parquet"
    SCORES = "scores.parquet"

    def __init__(self, folder: Path, record: SelectionRecord) -> None:
        self.folder = folder
        self.record = record

    @property
    def id(self) -> str:
        return self.record.id

    @cached_property
    def decisions(self) -> pd.DataFrame:
        """One row a frame, columns DECISION_COLUMNS, in the dataset's order."""
        return pd.read_parquet(self.folder / self.DECISIONS)

    @cached_property
    def scores(self) -> pd.DataFrame | None:
        """One row a frame: frame_id and the method's named scores; None where the method has none."""
        path = self.folder / self.SCORES
        return pd.read_parquet(path) if path.is_file() else None
