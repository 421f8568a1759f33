"""OptiDEL on frames: keep those whose patches a masked autoencoder finds hard, but not those beyond belief."""

import math
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.selection.base import (
    BUDGET,
    INVALID,
    KEPT,
    QUANTILE,
    TOO_EASY,
    TOO_HARD,
    PatchScores,
    Pool,
    Selection,
    Selector,
    check_seed,
)
from dataeff_core.selection.baselines import frames_to_keep
from dataeff_core.theory.warning import hard_only_warning

LATEST = "latest"


class VInformation(Selector):
    """A frame's hardness is the mean hardness of its hardest patches; frames between two quantiles of it are kept.

    What a frame is compared by, its score, is its quantile: the share of the usable frames that are easier (half of
    itself counted), so that the distance to a margin is a share of frames. An unusable frame's is its invalid score.
    OptiDEL selects patches and its rule for whole frames, where it has one, is not published: the frame's hardness
    and the margins on frames are ours. The upper margin is there because noise, glare and lettering are the hardest
    of all. A frame without a patch shows nothing that stands out and counts as too easy (ours).
    """

    NAME: ClassVar[str] = "vinformation"
    TITLE: ClassVar[str] = "Keep frames that are hard to draw, but not beyond belief"
    SOURCE: ClassVar[str] = "OptiDEL (arXiv 2408.07107); score of a frame, margins: ours"
    NEEDS_VECTORS: ClassVar[bool] = False
    BY_CHANCE: ClassVar[bool] = False
    JUDGES_BY: ClassVar[str] = "how hard their parts are to draw for a masked autoencoder that sees a part of each"

    lower: float = Field(
        default=0.5,
        ge=0,
        le=1,
        title="Too easy",
        description="This share of the frames, those with the lowest hardness, is removed as too easy.",
        json_schema_extra={"unit": "quantile of the frames' hardness", "symbol": "lower", "step": 0.01},
    )
    upper: float = Field(
        default=0.98,
        ge=0,
        le=1,
        title="Too hard",
        description="Frames above this quantile of hardness are removed as suspicious: noise, glare, lettering.",
        json_schema_extra={"unit": "quantile of the frames' hardness", "symbol": "upper", "step": 0.01},
    )
    hardest: int = Field(
        default=3,
        ge=1,
        le=1000,
        title="Hardest patches",
        description="A frame's hardness is the mean of so many of its patches, or of all where it has fewer.",
        json_schema_extra={"unit": "patches", "symbol": "hardest"},
    )
    invalid: float | None = Field(
        default=None,
        ge=0,
        le=1,
        title="Unusable",
        description="Frames that stand out more than this by blur, darkness, glare or other faults are removed. "
        "Left empty, the dataset's own limit is taken; 1 removes none.",
        json_schema_extra={"unit": "score of an isolation forest, 0 to 1", "symbol": "invalid_score", "step": 0.01},
    )
    hardness: str = Field(
        default=LATEST,
        title="Scored patches",
        description="Which scoring of the dataset's patches is used: its id, or latest for the newest.",
        json_schema_extra={"unit": "", "symbol": "hardness"},
    )

    @model_validator(mode="after")
    def _margins(self) -> "VInformation":
        if self.lower >= self.upper:
            raise ValueError(
                f"lower {self.lower:g} is not below upper {self.upper:g}; nothing would lie between them"
            )
        return self

    def select(
        self, pool: Pool, *, seed: int = 0, keep: float | None = None, reporter: Reporter | None = None
    ) -> Selection:
        """With `keep` the hardest frames between the margins; where there are too few, first the hardest of the too
        easy ones, then the easiest of the too hard ones, so that kept sets are nested as `keep` grows. A note warns
        where the perceptron theory expects harm of so few hard frames (theory.warning; frames stand for its examples,
        ours). Raises BadInput when the pool has no scored patches; NotFound, Stale from where they are."""
        check_seed(seed)
        if len(pool) == 0:
            raise BadInput("there are no frames to choose from; import some first")
        if pool.patch_scores is None:
            raise BadInput(f"method {self.NAME!r} needs scored patches; run `patches` and `hardness` first")
        scored = pool.patch_scores(self.hardness)
        hardness = frame_scores(scored, pool.frame_ids, self.hardest)
        limit, unusable = self._unusable(pool)
        reason = np.full(len(pool), KEPT, dtype=object)
        reason[unusable] = INVALID
        order = _from_easiest(hardness, pool.frame_ids, ~unusable)
        easy, hard = math.floor(self.lower * len(order)), math.ceil(self.upper * len(order))
        reason[order[:easy]] = TOO_EASY
        reason[order[hard:]] = TOO_HARD
        without = np.isnan(hardness) & ~unusable
        reason[without] = TOO_EASY
        if keep is not None:
            count = frames_to_keep(keep, len(pool))
            _check_count(count, len(order), len(pool))
            wanted = np.concatenate([order[easy:hard][::-1], order[:easy][::-1], order[hard:]])
            wanted = np.concatenate([wanted[~without[wanted]], wanted[without[wanted]]])
            reason[wanted[count:]] = np.where(reason[wanted[count:]] == KEPT, BUDGET, reason[wanted[count:]])
            reason[wanted[:count]] = KEPT
        params = self.model_dump() | {"invalid": limit, "hardness": scored.id}
        notes = _notes(scored, without)
        if self.lower > 0 and scored.dimension is not None:
            said = hard_only_warning(len(pool), int((reason == KEPT).sum()), scored.dimension)
            notes |= {"warning": said} if said else {}
        return _selection(pool, reason, hardness, _quantiles(order, hardness), unusable, params, notes)

    def _unusable(self, pool: Pool) -> tuple[float | None, np.ndarray]:
        """The limit in force, and (n,) bool."""
        limit = pool.invalid_limit if self.invalid is None else self.invalid
        if pool.invalid_score is None or limit is None:
            return limit, np.zeros(len(pool), bool)
        return float(limit), pool.invalid_score > np.float32(limit)


def frame_scores(scored: PatchScores, frame_ids: np.ndarray, hardest: int) -> np.ndarray:
    """(n,) float32: the mean hardness of each frame's `hardest` patches; NaN for a frame without any."""
    import pandas as pd

    frame = pd.Index(frame_ids).get_indexer(pd.Index(scored.frame_ids))
    order = np.lexsort((-scored.hardness.astype(np.float64), frame))
    order = order[frame[order] >= 0]
    of = frame[order]
    counts = np.bincount(of, minlength=len(frame_ids))
    place = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
    among = place < hardest
    sums = np.bincount(of[among], scored.hardness[order][among].astype(np.float64), minlength=len(frame_ids))
    taken = np.minimum(counts, hardest)
    return np.divide(sums, taken, out=np.full(len(frame_ids), np.nan), where=taken > 0).astype(np.float32)


def _quantiles(order: np.ndarray, hardness: np.ndarray) -> np.ndarray:
    """(n,) float32 in (0, 1) of the rows in `order` (k,), from the easiest; NaN for the others, and where there is no
    hardness."""
    quantile = np.full(len(hardness), np.nan, np.float32)
    quantile[order] = (np.arange(len(order)) + 0.5) / max(1, len(order))
    return np.where(np.isnan(hardness), np.float32(np.nan), quantile)


def _from_easiest(hardness: np.ndarray, frame_ids: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Rows of the usable frames from the lowest hardness on; frames without it first, ties by frame id."""
    rows = np.flatnonzero(usable)
    known = np.where(np.isnan(hardness[rows]), -np.inf, hardness[rows])
    return rows[np.lexsort((frame_ids[rows].astype(str), known))]


def _check_count(count: int, usable: int, n: int) -> None:
    if count > usable:
        raise BadInput(
            f"{count} of {n} frames cannot be kept, as {n - usable} are invalid; ask for at most "
            f"{math.floor(1e4 * usable / n) / 1e4} of them, or raise the limit `invalid`"
        )


def _notes(scored: PatchScores, without: np.ndarray) -> dict[str, str]:
    notes = {"hardness": f"scores are of {len(scored.hardness)} patches ({scored.id})"}
    if without.any():
        notes["without"] = f"{int(without.sum())} frames have no patch and count as too easy"
    return notes


def _selection(  # noqa: PLR0917
    pool: Pool,
    reason: np.ndarray,
    hardness: np.ndarray,
    quantile: np.ndarray,
    unusable: np.ndarray,
    params: dict[str, Any],
    notes: dict[str, str],
) -> Selection:
    nothing = np.full(len(pool), np.nan, dtype=np.float32)
    return Selection(
        frame_ids=pool.frame_ids,
        kept=reason == KEPT,
        reason=reason,
        representative=np.full(len(pool), -1, dtype=np.int64),
        similarity=nothing,
        distance=nothing.copy(),
        score=quantile if pool.invalid_score is None else np.where(unusable, pool.invalid_score, quantile),
        scores={"hardness": hardness, QUANTILE: quantile},
        params=params,
        notes=notes,
    )
