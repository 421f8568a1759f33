"""What a selection method is, what it is given, and what it answers."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict

from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter

KEPT, DUPLICATE, OUTLIER, INVALID, BUDGET = "kept", "duplicate", "outlier", "invalid", "budget"
REASONS = (KEPT, DUPLICATE, OUTLIER, INVALID, BUDGET)
"""A reason's position here is its code (uint8) in arrays and in the browser; 5 is a reviewer's pin."""

TOO_EASY, TOO_HARD = "too_easy", "too_hard"
FURTHER_REASONS = (TOO_EASY, TOO_HARD)
"""Reasons that only some methods give; they have no code, and are drawn as removed under their own name."""

QUANTILE = "quantile"
"""The column of a method's scores that holds the share of frames that are easier; such methods have margins `lower`
and `upper` on it."""

Confirm = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(m,) and (m,) int rows of the pool -> (m,) bool: True = registration says both show the same view."""


class Store(Protocol):
    """Remembers arrays that were computed from one pool's vectors, so that none is computed twice."""

    def load(self, key: str) -> dict[str, np.ndarray] | None:
        """The arrays saved under `key`, None where there are none."""

    def save(self, key: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep `arrays` under `key`; never raises for a key saved before."""


@dataclass(frozen=True)
class PatchScores:
    """How hard the patches of frames are."""

    id: str  # of the scoring, so that the same can be had again
    frame_ids: np.ndarray  # (m,) object, str: the frame of each patch
    hardness: np.ndarray  # (m,) float32
    dimension: float | None = None  # in how many directions the patches vary, where that is known


@dataclass(frozen=True)
class Pool:
    """The frames a method chooses from. Arrays are aligned with `frame_ids`; all but the ids are optional."""

    frame_ids: np.ndarray  # (n,) object, str
    vectors: np.ndarray | None = None  # (n, d) float16 or float32, L2-normalised rows, perhaps memory-mapped
    groups: np.ndarray | None = None  # (n,) object, str: patient, video
    order: np.ndarray | None = None  # (n,) int64: position within the group
    invalid_score: np.ndarray | None = None  # (n,) float32 in [0, 1]: isolation forest over quality measures
    invalid_limit: float | None = None  # the invalid_score above which a frame is unusable, where none is asked for
    calibrated_eta: float | None = None  # the similarity limit measured on this dataset's jittered copies
    confirm: Confirm | None = None
    patch_scores: Callable[[str], PatchScores] | None = None  # by the scoring's id or 'latest'
    store: Store | None = None  # where intermediate results are kept; None: computed each time

    def __post_init__(self) -> None:
        n = len(self.frame_ids)
        for name in ("vectors", "groups", "order", "invalid_score"):
            value = getattr(self, name)
            if value is not None and len(value) != n:
                raise BadInput(f"{name} has {len(value)} rows for {n} frames; they must be the same frames")

    def __len__(self) -> int:
        return len(self.frame_ids)

    @classmethod
    def of(cls, vectors: np.ndarray, **columns: Any) -> "Pool":
        """A pool of bare vectors (n, d), with ids '0', '1', ...: for use from Python without a workspace."""
        return cls(
            frame_ids=np.array([str(i) for i in range(len(vectors))], dtype=object), vectors=vectors, **columns
        )

    def need_vectors(self, method: str) -> np.ndarray:
        """The vectors. Raises BadInput when the pool has none."""
        if self.vectors is None:
            raise BadInput(f"method {method!r} needs vectors and the pool has none; embed the dataset first")
        return self.vectors


@dataclass(frozen=True)
class Selection:
    """A decision on every frame of a pool, in the pool's order, with the numbers behind it."""

    frame_ids: np.ndarray  # (n,) object, str
    kept: np.ndarray  # (n,) bool, True = kept
    reason: np.ndarray  # (n,) object: KEPT, DUPLICATE, ...
    representative: np.ndarray  # (n,) int64: pool row of the kept frame that stands for a dropped one, -1 = none
    similarity: np.ndarray  # (n,) float32: cosine to the representative, NaN = none
    distance: np.ndarray  # (n,) float32: cosine distance to the own centroid, NaN = none
    score: np.ndarray  # (n,) float32: what was compared with the threshold, NaN = none
    scores: dict[str, np.ndarray] = field(default_factory=dict)  # further named (n,) columns
    params: dict[str, Any] = field(default_factory=dict)  # all parameters, resolved (a calibrated eta as a number)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def retained(self) -> float:
        """Kept share, the paper's R."""
        return float(self.kept.mean()) if len(self.kept) else 0.0

    def dropped_by_reason(self) -> dict[str, int]:
        """Reason -> number of dropped frames."""
        reasons, counts = np.unique(self.reason[~self.kept].astype(str), return_counts=True)
        return {str(reason): int(count) for reason, count in zip(reasons, counts, strict=True)}


class Selector(BaseModel, ABC):
    """One selection method; the instance is its parameters. Fields carry title, description, bounds, unit:
    the form, the CLI's options and the docs table are made from them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    NAME: ClassVar[str]
    TITLE: ClassVar[str]  # plain words for the form
    SOURCE: ClassVar[str]  # paper and section, or 'baseline'
    NEEDS_VECTORS: ClassVar[bool] = True
    BY_CHANCE: ClassVar[bool] = True  # whether another seed may give another selection
    JUDGES_BY: ClassVar[str] = ""  # of a method without vectors: what it judges pictures by; '': it looks at none

    def wants_calibration(self, keep: float | None) -> bool:
        """Whether `select` with this `keep` needs the pool's calibrated_eta."""
        return False

    @abstractmethod
    def select(
        self, pool: Pool, *, seed: int = 0, keep: float | None = None, reporter: Reporter | None = None
    ) -> Selection:
        """Decide on every frame of `pool`. With `keep` (a fraction in (0, 1]) keeps exactly
        round(keep * len(pool)) frames. Deterministic for equal pool, parameters and seed.

        Raises BadInput when the pool lacks what the method needs or `keep` cannot be met.
        """


def check_seed(seed: int) -> int:
    """`seed`. Raises BadInput below 0."""
    if seed < 0:
        raise BadInput(f"seed {seed} is below 0; give 0 or a larger whole number")
    return seed
