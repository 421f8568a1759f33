"""A map on disk: two coordinates a frame."""

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from dataeff_core.workspace.embeddings import rows_of
from dataeff_core.workspace.records import Record
from dataeff_core.workspace.results import Result


class MapRecord(Record):
    """What determines a map."""

    FILE: ClassVar[str] = "map.json"
    KIND: ClassVar[str] = "map"

    dataset: str
    dataset_fingerprint: str
    embedding: str
    method: str  # 'umap' or 'pca'
    params: dict[str, Any]
    frames: int
    seconds: float


class FrameMap(Result[MapRecord]):
    """Folder: map.json and coordinates.parquet (frame_id, x, y)."""

    RECORD = MapRecord
    COORDINATES = "coordinates.parquet"

    @cached_property
    def table(self) -> pd.DataFrame:
        """Columns frame_id (str), x, y (float32, each within [-1, 1])."""
        return pd.read_parquet(self.folder / self.COORDINATES)

    def coordinates(self, frame_ids: np.ndarray) -> np.ndarray:
        """(m, 2) float32 for these ids. Raises Stale when one is missing."""
        rows = rows_of(self.table["frame_id"].to_numpy(dtype=object), frame_ids, what=f"map {self.record.id}")
        return self.table[["x", "y"]].to_numpy(np.float32)[rows]
