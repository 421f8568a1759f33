"""What a downstream task is: a frozen declaration of settings that can score an encoder's images."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from dataeff_core.backbones import Backbone
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset

if TYPE_CHECKING:
    import torch


Draw = Callable[[Path, Callable[[pd.Series], np.ndarray]], None]
"""Writes pictures into a folder; the second argument gives a frame's picture, (h, w, 3) uint8."""


@dataclass(frozen=True)
class Examples:
    """The images of a dataset that have a truth, and that truth; rows aligned with `frames`."""

    frames: pd.DataFrame  # rows of Dataset.frames, index 0..n-1
    truth: Any  # masks.Masks (segmentation) or (n,) object array of labels (classification)
    strata: np.ndarray  # (n,) object, str: what every split should have its share of
    left_out: dict[str, str] = field(default_factory=dict)  # frame_id -> why it is not used
    notes: dict[str, str] = field(default_factory=dict)  # sentences

    def keep(self, wanted: np.ndarray, why: dict[str, str]) -> "Examples":
        """Only the rows where `wanted` (n,) bool is true; `why` says it of the others."""
        frames = self.frames[wanted].reset_index(drop=True)
        return Examples(frames, self.truth[wanted], self.strata[wanted], self.left_out | why, self.notes)


@dataclass(frozen=True)
class Material:
    """What scoring needs: an encoder in memory, the images as it sees them, their truth, who is in which split."""

    backbone: Backbone
    vit: Any  # a timm VisionTransformer, on the CPU
    images: np.ndarray  # (n, s, s, 3) uint8, s = backbone.image_size
    examples: Examples
    split: np.ndarray  # (n,) object: 'train', 'validation' or 'test'
    units: np.ndarray  # (n,) object: what the bootstrap draws, groups or frame ids
    seed: int
    device: "torch.device"
    reporter: Reporter

    def rows(self, split: str) -> np.ndarray:
        """(m,) int64: the rows in that split."""
        return np.flatnonzero(self.split == split)


@dataclass(frozen=True)
class Scored:
    """What came out; see workspace.evaluations for the columns."""

    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    per_image: pd.DataFrame
    per_epoch: pd.DataFrame
    notes: dict[str, str] = field(default_factory=dict)
    draw: Draw | None = None


class Task(BaseModel, ABC):
    """One downstream task; the instance is its settings. Fields carry title, description, bounds, unit: the form,
    the CLI's options and the docs table are made from them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    NAME: ClassVar[Literal["segmentation", "classification"]]
    TITLE: ClassVar[str]  # plain words for the form
    HEADLINE: ClassVar[str]  # the metric that stands for the result

    validation: float = Field(
        default=0.1,
        gt=0,
        le=0.4,
        title="For validation",
        description="share of the images that settings are chosen on; what this and the test leave is trained on",
        json_schema_extra={"step": 0.05},
    )
    test: float = Field(
        default=0.3,
        gt=0,
        le=0.5,
        title="For the test",
        description="share of the images that the score is measured on, never trained on (our choice)",
        json_schema_extra={"step": 0.05},
    )
    split_by: Literal["group", "image"] = Field(
        default="group",
        title="Keep together",
        description="group: all images of a patient or video are in one split; image: where images are independent",
    )

    def label_of(self, dataset: Dataset) -> str | None:
        """The name of the label, where the task has one. Raises BadInput, NotFound."""
        return None

    @abstractmethod
    def truth_fingerprint(self, dataset: Dataset) -> str:
        """sha256 over the masks or labels, which the dataset's own fingerprint leaves out. Raises BadInput."""

    @abstractmethod
    def examples(self, dataset: Dataset, reporter: Reporter) -> Examples:
        """The images that can be used. Raises BadInput when there is nothing to learn."""

    @abstractmethod
    def score(self, material: Material) -> Scored:
        """Train on 'train', choose on 'validation', measure on 'test'. Deterministic for equal material."""
