"""A calibration on disk: the similarities measured on a dataset's own frames, and the limit found between them."""

from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from dataeff_core.errors import BadInput
from dataeff_core.workspace.embeddings import Embedding
from dataeff_core.workspace.records import Record

LEAST_RECALL = 0.9  # the floor against strangers may cost recall down to this, not further


class CalibrationRecord(Record):
    """What was asked and what was found."""

    FILE: ClassVar[str] = "calibration.json"
    KIND: ClassVar[str] = "calibration"

    embedding: str
    wanted_recall: float = Field(gt=0, le=1)
    seed: int
    eta: float  # the limit: frames more similar than this count as near-duplicates
    recall: float  # share of the copies' pairs above eta
    wrong_removal: float  # share of the strangers' pairs above eta; near-duplicates among the frames count as wrong
    floor: float  # eta is not put below this unless recall would fall under LEAST_RECALL
    copies: int  # pairs of a frame and its jittered copies
    pairs: int  # pairs of strangers


class Calibration:
    """Folder `<embedding>/calibrations/<id>`: calibration.json and similarities.npz."""

    SIMILARITIES = "similarities.npz"

    def __init__(self, folder: Path, record: CalibrationRecord) -> None:
        self.folder = folder
        self.record = record

    @property
    def eta(self) -> float:
        return self.record.eta

    @cached_property
    def copies(self) -> np.ndarray:
        """(record.copies,) float32, ascending: similarities within a frame and its jittered copies."""
        return self._similarities("copies")

    @cached_property
    def strangers(self) -> np.ndarray:
        """(record.pairs,) float32, ascending: similarities of frames that have nothing to do with each other."""
        return self._similarities("strangers")

    def eta_for(self, recall: float) -> float:
        """The limit for another share of copies to be found, in (0, 1]. Raises BadInput outside."""
        return eta_for(self.copies, recall, self.record.floor)

    def _similarities(self, name: str) -> np.ndarray:
        with np.load(self.folder / self.SIMILARITIES, allow_pickle=False) as arrays:
            return arrays[name]


def eta_for(copies: np.ndarray, recall: float, floor: float = -1.0) -> float:
    """The largest limit that `recall` of the copies' similarities (c,) exceed, raised towards `floor` as long as
    LEAST_RECALL (or `recall`, if less) of them still do. In [-1, 1], four decimals. Raises BadInput."""
    if not 0 < recall <= 1:
        raise BadInput(f"recall {recall:g} is not in (0, 1]; 0.99 finds 99 % of the copies")
    if len(copies) == 0:
        return 1.0
    ordered = np.sort(copies)

    def exceeded_by(share: float) -> float:
        """The largest limit with four decimals that this share of copies exceeds."""
        needed = min(len(ordered), int(np.ceil(share * len(ordered) - 1e-9)))
        least = ordered[len(ordered) - needed]
        limit = (np.ceil(float(least) * 1e4) - 1) / 1e4
        return limit if np.float32(limit) < least else limit - 1e-4  # single precision is what selection compares

    wanted = exceeded_by(recall)
    raised = min(max(wanted, floor), max(wanted, exceeded_by(min(recall, LEAST_RECALL))))
    return float(np.clip(np.floor(raised * 1e4 + 1e-6) / 1e4, -1, 1))


def calibrations(embedding: Embedding) -> list[Calibration]:
    """All complete calibrations of `embedding`, oldest first."""
    parent = calibrations_folder(embedding)
    return [Calibration(parent / record.id, record) for record in CalibrationRecord.read_all(parent)]


def calibrations_folder(embedding: Embedding) -> Path:
    """Where the calibrations of `embedding` lie."""
    return embedding.folder / "calibrations"
