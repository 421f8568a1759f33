"""The downstream score of one encoder on disk.

evaluation.json      EvaluationRecord, written last
per_image.parquet    one row a test image: PER_IMAGE and what the task adds (probabilities: p_<label>)
per_epoch.parquet    epoch, metric columns: the test score after each of the head's last epochs (box plot, Fig. 4)
splits.parquet       frame_id, group, split ('train', 'validation', 'test') of every image used
left_out.parquet     frame_id, reason of every image that could not be used
overlays/            <best|median|worst>-<rank>-<frame_id>.webp: test image, truth and prediction (segmentation)
"""

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import pandas as pd

from dataeff_core.workspace.records import Record
from dataeff_core.workspace.results import Result

PER_IMAGE = ("frame_id", "group", "truth_share", "predicted_share", "iou")
"""Of per_image.parquet for a segmentation: shares of the image's area, IoU of the foreground (two empty masks: 1)."""


class EvaluationRecord(Record):
    """Who was scored, on what, how, and what came out."""

    FILE: ClassVar[str] = "evaluation.json"
    KIND: ClassVar[str] = "evaluation"

    name: str = ""
    encoder: str  # 'run:<id>', 'timm:<model>', or 'untrained:<run id>' (the run's architecture, random weights)
    weights: str  # fingerprint
    run: str | None = None
    epoch: int | None = None  # a snapshot's epoch; None: the finished run
    retained: float | None = None  # of the run: the paper's R
    dataset: str
    dataset_name: str
    dataset_fingerprint: str
    truth: str = ""  # fingerprint of the masks or labels, which the dataset's own leaves out
    task: Literal["segmentation", "classification"]
    label: str | None = None  # the label column of a classification
    params: dict[str, Any]  # all fields of the task's settings, resolved
    seed: int
    counts: dict[str, int]  # images in 'train', 'validation', 'test', and 'left_out' (no mask, no label, unreadable)
    headline: str  # the metric that stands for the result: fg_iou_mean_per_image, auc_macro
    metrics: dict[str, float]  # fractions in [0, 1]
    intervals: dict[str, tuple[float, float]]  # of metrics: 95 % bootstrap over test images (or groups)
    leaks: dict[str, Any] = {}  # checked (bool), threshold, frames (count), examples; why not where not checked
    notes: dict[str, Any] = {}
    code_version: str
    seconds: float

    @property
    def score(self) -> float:
        """The headline metric, a fraction."""
        return self.metrics[self.headline]


class Evaluation(Result[EvaluationRecord]):
    """One evaluation by its folder."""

    RECORD = EvaluationRecord
    PER_IMAGE_FILE = "per_image.parquet"
    PER_EPOCH_FILE = "per_epoch.parquet"
    SPLITS_FILE = "splits.parquet"
    LEFT_OUT_FILE = "left_out.parquet"

    @cached_property
    def per_image(self) -> pd.DataFrame:
        return pd.read_parquet(self.folder / self.PER_IMAGE_FILE)

    @cached_property
    def per_epoch(self) -> pd.DataFrame:
        return pd.read_parquet(self.folder / self.PER_EPOCH_FILE)

    @cached_property
    def splits(self) -> pd.DataFrame:
        return pd.read_parquet(self.folder / self.SPLITS_FILE)

    @cached_property
    def left_out(self) -> pd.DataFrame:
        path = self.folder / self.LEFT_OUT_FILE
        return pd.read_parquet(path) if path.is_file() else pd.DataFrame({"frame_id": [], "reason": []}, dtype=str)

    @property
    def overlays(self) -> dict[str, list[Path]]:
        """'best', 'median', 'worst' -> pictures by rank; empty where the task has none."""
        folder = self.folder / "overlays"
        return {kind: sorted(folder.glob(f"{kind}-*.webp")) for kind in ("best", "median", "worst")}
