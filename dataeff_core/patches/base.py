"""What a patch proposer is: a frozen declaration of parameters that can be loaded to find boxes in frames."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator


@dataclass(frozen=True)
class Candidates:
    """Boxes found in one frame, before they are tidied."""

    boxes: np.ndarray  # (k, 4) float64: top, left, bottom, right as shares of the frame's height and width
    scores: np.ndarray  # (k,) float64: how sure the proposer is; of two that overlap the surer one stays

    @classmethod
    def none(cls) -> "Candidates":
        return cls(np.empty((0, 4)), np.empty(0))


class LoadedProposer(ABC):
    """A proposer in memory, its weights resolved. Picklable where IN_WORKERS."""

    IN_WORKERS: ClassVar[bool] = True  # whether processes that read frames find the boxes; else this process does
    LONGEST: ClassVar[int] = 0  # pixels that the longer side is shrunk to before it leaves a worker; 0: never

    weights: str = "none"  # sha256 of the weights' file, 'none' where there are none

    @abstractmethod
    def candidates(self, image: np.ndarray) -> Candidates:
        """Boxes in one RGB frame (h, w, 3) uint8: a function of its pixels alone."""

    def notes(self) -> dict[str, str]:
        """What is to be known of the weights, in sentences by topic."""
        return {}


class Proposer(BaseModel, ABC):
    """One way to propose patches; the instance is its parameters. What the paper does after SAM (how boxes are made
    of masks, which are dropped) is not published: these rules are ours and the same for every proposer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    NAME: ClassVar[str]
    TITLE: ClassVar[str]  # plain words for the form
    SOURCE: ClassVar[str]
    READS: ClassVar[Literal["thumbnail", "original"]]
    VERSION: ClassVar[str] = "2"  # of the code path; part of a patch set's identity
    USES_TORCH: ClassVar[bool] = False

    min_area: float = Field(
        default=0.01,
        gt=0,
        lt=1,
        title="Smallest patch",
        description="patches of less than this share of the frame's area are left out (our choice)",
        json_schema_extra={"unit": "share of the frame", "step": 0.005},
    )
    max_area: float = Field(
        default=0.4,
        gt=0,
        le=1,
        title="Largest patch",
        description="patches of more than this share of the frame's area are left out (our choice)",
        json_schema_extra={"unit": "share of the frame", "step": 0.05},
    )
    min_side: int = Field(
        default=24,
        ge=1,
        le=2048,
        title="Shortest side",
        description="patches with a side of fewer pixels of the original frame are left out (our choice)",
        json_schema_extra={"unit": "pixels"},
    )
    overlap: float = Field(
        default=0.5,
        ge=0,
        le=1,
        title="Most overlap",
        description="of two patches whose overlap over union is higher the less sure one is left out; 1: never (our "
        "choice)",
        json_schema_extra={"unit": "intersection over union", "step": 0.05},
    )
    lit: float = Field(
        default=0.9,
        ge=0,
        le=1,
        title="Inside the field of view",
        description="at least this share of a patch must lie inside the lit field and off what is painted over every "
        "frame of its group; 0: everywhere (our choice)",
        json_schema_extra={"unit": "share of the patch", "step": 0.05},
    )
    most: int = Field(
        default=32,
        ge=1,
        le=4096,
        title="Most patches a frame",
        description="the surest ones are taken (our choice)",
        json_schema_extra={"unit": "patches"},
    )

    @model_validator(mode="after")
    def _areas(self) -> "Proposer":
        if self.min_area > self.max_area:
            raise ValueError(f"min_area {self.min_area:g} is above max_area {self.max_area:g}; lower it")
        return self

    def params(self) -> dict[str, Any]:
        """The parameters that determine the boxes, JSON-able."""
        return self.model_dump(mode="json")

    @abstractmethod
    def load(self, *, device: str = "auto") -> LoadedProposer:
        """Resolve and load the weights. Raises MissingWeights, BadInput."""
