"""What the Explore page looks at: one embedding's scores, kept open for all visitors, and the decisions that follow.

Scores are computed once for a way of clustering (`Way`) and shared; other limits walk again only the clusters that
lose or gain a frame. The browser decides by the same comparisons on the same float32 numbers (`explorer_data.js`).
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from dataeff_core.errors import DataEffError
from dataeff_core.selection.base import Pool, Store
from dataeff_core.selection.meddel import MedDEL
from dataeff_core.selection.saving import pool_of
from dataeff_core.selection.scored import MedDELScores
from dataeff_core.suppliers import Suppliers
from dataeff_core.workspace import Dataset, Embedding, FrameMap, Workspace
from dataeff_core.workspace.storage import fingerprint


class NotScored(DataEffError):
    """These frames have not been clustered in this way yet, and doing it takes a job."""


PAPER_ETA = 0.9
SUPPLIERS = Suppliers()
SIMILAR, SHARE = "similar", "share"
AT_ONCE = 20_000_000  # numbers in the vectors up to which the server clusters by itself; above, a job does


@dataclass(frozen=True)
class Limits:
    """Where the sliders stand: the whole of what the visitor decides on this page."""

    mode: str = SIMILAR  # by the limit eta, or an exact SHARE
    eta: float = PAPER_ETA
    epsilon: float = 2.0
    invalid: float = 1.0
    keep: float = 0.2

    @classmethod
    def read(cls, given: Any, default: "Limits") -> "Limits":
        """Limits from what a browser or a link says; what is missing, no number or out of range is `default`'s."""
        given = given if isinstance(given, dict) else {}
        bounds = {"eta": (-1.0, 1.0), "epsilon": (0.0, 2.0), "invalid": (0.0, 1.0), "keep": (1e-9, 1.0)}
        numbers = {name: _within(given.get(name), *bounds[name], getattr(default, name)) for name in bounds}
        mode = given.get("mode")
        return cls(mode=mode if mode in (SIMILAR, SHARE) else default.mode, **numbers)


@dataclass(frozen=True)
class Way:
    """What decides about clusters and scores, beside the limits."""

    k: int | None = None  # None: the method's own choice
    seed: int = 0
    rule: str = "cover"
    keep: str = "near"

    def selector(self, **limits: float) -> MedDEL:
        """The method with these parameters and limits."""
        return MedDEL.model_validate(self.settings() | limits)

    def settings(self) -> dict[str, Any]:
        """The method's parameters but for the limits."""
        return (
            {"k": self.k, "rule": self.rule, "keep": self.keep} if self.k else {"rule": self.rule, "keep": self.keep}
        )


@dataclass(frozen=True)
class Decided:
    """The decisions at some limits; arrays are shared, nobody may write to them."""

    scores_id: str
    scores: MedDELScores
    limits: Limits
    codes: np.ndarray  # (n,) uint8: 0 kept, 1 duplicate, 2 outlier, 3 invalid, 4 budget
    eta: float  # the limit as it stands: the one set, or the one that the share amounts to

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def kept(self) -> np.ndarray:
        """(n,) bool."""
        return self.codes == 0

    @property
    def kept_count(self) -> int:
        return int(np.count_nonzero(self.codes == 0))


@dataclass(frozen=True)
class Explored:
    """One embedding under one way of clustering."""

    dataset: Dataset
    embedding: Embedding
    frame_map: FrameMap
    pool: Pool
    way: Way
    base: MedDELScores
    family: str  # names all scores that share these clusters

    @property
    def start(self) -> Limits:
        """Where the sliders stand for a first-time visitor: the calibrated limit, the dataset's own limit of
        unusable, nothing too unusual."""
        eta = self.pool.calibrated_eta if self.pool.calibrated_eta is not None else PAPER_ETA
        return Limits(eta=float(eta), epsilon=self.farthest, invalid=self.base.invalid)

    @property
    def farthest(self) -> float:
        """An epsilon that takes out nothing, rounded up so that it can stand on a slider."""
        return math.ceil(float(self.base.distances.max(initial=0)) * 100 + 1e-4) / 100

    def decide(self, limits: Limits) -> Decided:
        """The decision on every frame. A share above what may be kept at all keeps all that may be kept."""
        scores_id, scores = _scores_at(self, limits.epsilon, limits.invalid)
        codes, eta = decide(scores, self.pool.frame_ids, limits)
        return Decided(scores_id, scores, limits, codes, eta)


def decide(scores: MedDELScores, frame_ids: np.ndarray, limits: Limits) -> tuple[np.ndarray, float]:
    """(n,) uint8 codes and the limit that they amount to."""
    if limits.mode != SHARE:
        return scores.codes(limits.eta), limits.eta
    eligible = int((scores.outside == 0).sum())
    count = min(max(1, round(limits.keep * len(scores))), eligible)
    if count == 0:
        return scores.codes(limits.eta), limits.eta
    codes = scores.codes_keeping(frame_ids, count, limits.eta)
    return codes, float(scores.insertion_similarity[codes == 0].max())


def open_explored(
    workspace: Workspace, dataset: Dataset, embedding: Embedding, frame_map: FrameMap, way: Way
) -> Explored:
    """The scores of this embedding, from the disk where they were computed before, else computed now.

    Raises NotScored when that would take long.
    """
    pool = pool_for(workspace, dataset, embedding)
    key = fingerprint(str(workspace.root), _pool_key(dataset, embedding, pool.calibrated_eta), repr(way))[:16]
    return Explored(dataset, embedding, frame_map, pool, way, _base(key, pool, way, at_once(dataset, embedding)), key)


def pool_for(workspace: Workspace, dataset: Dataset, embedding: Embedding) -> Pool:
    """The frames as selection sees them, read once for a calibration."""
    eta = SUPPLIERS.calibrated_eta(embedding) if SUPPLIERS.calibrated_eta else None
    return _pool(str(workspace.root), _pool_key(dataset, embedding, eta), workspace, dataset, embedding)


def at_once(dataset: Dataset, embedding: Embedding) -> bool:
    """Whether clustering is small enough to be done while the visitor waits."""
    return len(dataset.frames) * embedding.record.dim <= AT_ONCE


class _Known:
    """The scores that browsers may ask for over HTTP, newest last. One for the process; any thread may call."""

    def __init__(self, most: int = 16) -> None:
        self.most = most
        self.lock = threading.Lock()
        self.entries: OrderedDict[str, tuple[str, MedDELScores, np.ndarray]] = OrderedDict()

    def get(self, scores_id: str) -> tuple[str, MedDELScores, np.ndarray] | None:
        with self.lock:
            if scores_id in self.entries:
                self.entries.move_to_end(scores_id)
            return self.entries.get(scores_id)

    def put(self, scores_id: str, family: str, scores: MedDELScores, frame_ids: np.ndarray) -> None:
        with self.lock:
            self.entries[scores_id] = (family, scores, frame_ids)
            self.entries.move_to_end(scores_id)
            while len(self.entries) > self.most:
                self.entries.popitem(last=False)

    def newest(self, family: str) -> MedDELScores | None:
        with self.lock:
            found = (scores for name, scores, _ in reversed(self.entries.values()) if name == family)
            return next(found, None)


KNOWN = _Known()


def _scores_at(explored: Explored, epsilon: float, invalid: float) -> tuple[str, MedDELScores]:
    """The scores with these two limits, walked again from the newest ones of the same clusters where need be."""
    scores_id = fingerprint(explored.family, epsilon, invalid)[:16]
    entry = KNOWN.get(scores_id)
    if entry is not None:
        return scores_id, entry[1]
    nearest = KNOWN.newest(explored.family) or explored.base
    scores = explored.way.selector().rescore(explored.pool, nearest, epsilon=epsilon, invalid=invalid)
    KNOWN.put(scores_id, explored.family, scores, explored.pool.frame_ids)
    return scores_id, scores


def _pool_key(dataset: Dataset, embedding: Embedding, calibrated_eta: float | None) -> str:
    return fingerprint(dataset.id, dataset.fingerprint, embedding.id, embedding.record.created, calibrated_eta)[:16]


@st.cache_resource(max_entries=4, show_spinner=False)
def _pool(root: str, key: str, _workspace: Workspace, _dataset: Dataset, _embedding: Embedding) -> Pool:
    return pool_of(_workspace, _dataset, _embedding)


@st.cache_resource(max_entries=8, show_spinner=False)
def _base(key: str, _pool: Pool, _way: Way, _compute: bool) -> MedDELScores:
    pool = _pool if _compute else replace(_pool, store=_OnlyStored(_pool.store))
    return _way.selector().score(pool, seed=_way.seed)


class _OnlyStored:
    """A store that refuses what it does not hold, so that nothing is computed."""

    def __init__(self, store: Store | None) -> None:
        self.store = store

    def load(self, key: str) -> dict[str, np.ndarray]:
        found = None if self.store is None else self.store.load(key)
        if found is None:
            raise NotScored("The frames are too many to be compared while you wait; let a job do it once.")
        return found

    def save(self, key: str, arrays: Mapping[str, np.ndarray]) -> None:
        if self.store is not None:
            self.store.save(key, arrays)


def _within(value: Any, low: float, high: float, otherwise: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return otherwise
    return number if low <= number <= high else otherwise
