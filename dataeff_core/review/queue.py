"""The queue: which removed frames to look at first, and when enough have been looked at.

The order's score is our choice; each part lies in [0, 1]:

    score = 0.5 closeness + 0.2 rarity + 0.3 lesion

closeness  2 ** (-margin / median margin), where the margin is how far a frame's score is past that of the frame
           nearest to staying among those removed for the same reason: 1 at the limit, 1/2 for the middle frame.
           Methods without scores: 1/2
rarity     1 / number of frames of the same view (its cluster, or all that the same kept frame stands for)
lesion     how likely the frame shows a finding: from a mask, a label or a detector, 0 where nothing is known
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.review.lesions import Foreground, lesions_of
from dataeff_core.selection.base import BUDGET, KEPT, TOO_EASY
from dataeff_core.workspace import Dataset, SavedSelection
from dataeff_core.workspace.trail import KEEP

CLOSENESS, RARITY, LESION = 0.5, 0.2, 0.3
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Queue:
    """Removed frames, those first that matter most. Arrays are aligned with `rows`."""

    rows: np.ndarray  # (m,) int64 rows of the decisions
    score: np.ndarray  # (m,) float64 in [0, 1], descending; equal ones in the dataset's order
    closeness: np.ndarray  # (m,) float64
    rarity: np.ndarray  # (m,) float64
    lesion: np.ndarray  # (m,) float64
    reviewed: np.ndarray  # (m,) bool

    @property
    def ahead(self) -> np.ndarray:
        """(k,) rows still to be looked at, first one first: where a review goes on."""
        return self.rows[~self.reviewed]


def queue_of(
    decisions: pd.DataFrame,
    *,
    view: np.ndarray | None = None,
    lesion: np.ndarray | None = None,
    reviewed: np.ndarray | None = None,
) -> Queue:
    """The removed frames of a selection in the order of review.

    `decisions` has DECISION_COLUMNS, n rows: what the method decided, so that frames which a reviewer has overruled
    stay in the queue, as reviewed. `view` (n,) names each frame's view (default: what stands for it), `lesion` (n,)
    is in [0, 1], `reviewed` (n,) bool. Raises BadInput for arrays of another length or values outside.
    """
    n = len(decisions)
    lesion = np.zeros(n) if lesion is None else np.asarray(lesion, np.float64)
    reviewed = np.zeros(n, bool) if reviewed is None else np.asarray(reviewed, bool)
    view = _own_views(decisions) if view is None else np.asarray(view)
    for name, values in (("lesion", lesion), ("reviewed", reviewed), ("view", view)):
        if len(values) != n:
            raise BadInput(f"{name} has {len(values)} values for {n} frames; give one a frame")
    if not ((lesion >= 0) & (lesion <= 1)).all():
        raise BadInput("a value of lesion is not in [0, 1]; give probabilities")
    rows = np.flatnonzero((decisions["decision"] == "dropped").to_numpy(bool))
    closeness = closeness_of(past_limit(decisions)[rows], decisions["reason"].to_numpy(object)[rows])
    _, which, size = np.unique(view.astype(str), return_inverse=True, return_counts=True)
    rarity = 1 / size[which][rows]
    score = CLOSENESS * closeness + RARITY * rarity + LESION * lesion[rows]
    order = np.lexsort((rows, -score))
    return Queue(
        rows[order], score[order], closeness[order], rarity[order], lesion[rows][order], reviewed[rows][order]
    )


def closeness_of(score: np.ndarray, reason: np.ndarray) -> np.ndarray:
    """(m,) scores as `past_limit` has them and reasons of removed frames -> (m,) float64 in (0, 1], 1 = at the
    limit: within a reason the least score is the nearest to staying."""
    closeness = np.full(len(score), 0.5)
    for one in np.unique(reason.astype(str)):
        rows = np.flatnonzero((reason.astype(str) == one) & np.isfinite(score))
        if len(rows):
            margin = score[rows] - score[rows].min()
            middle = float(np.median(margin))
            closeness[rows] = 2 ** (-margin / middle) if middle > 0 else np.where(margin == 0, 1.0, 0.0)
    return closeness


def past_limit(decisions: pd.DataFrame) -> np.ndarray:
    """(n,) float64: scores turned so that among frames removed for one reason a greater one is farther from staying.

    Most frames are removed for a score above a limit. Too easy ones lie below one; and those over the budget do where
    the method keeps the highest scores, which is where the kept ones are higher (by the medians).
    """
    score, reason = decisions["score"].to_numpy(np.float64, copy=True), decisions["reason"].to_numpy(object)
    known = np.isfinite(score)
    kept, budget = (score[(reason == one) & known] for one in (KEPT, BUDGET))
    below = reason == TOO_EASY
    if len(kept) and len(budget) and np.median(kept) > np.median(budget):
        below |= reason == BUDGET
    score[below] *= -1
    return score


def _own_views(decisions: pd.DataFrame) -> np.ndarray:
    """The kept frame that stands for each frame: itself for a kept one, and for one that nothing stands for."""
    return decisions["representative_id"].fillna(decisions["frame_id"]).to_numpy(object)


def reviewing(
    dataset: Dataset, saved: SavedSelection, foreground: Foreground | None = None, *, reporter: Reporter | None = None
) -> tuple[Queue, int]:
    """The queue of a selection's removals with what the trail says of them, and how many were found harmful.

    A frame is reviewed when a person has looked at its removal and decided (`SavedSelection.looked_at`): kept, the
    removal was harmful and is mended; dropped, it was right. With `foreground`, frames on whose mask there is a
    finding are suspected of one. The selection must have been made on just the frames that `dataset` has.
    """
    machine = saved.machine
    reviewed, kept = np.zeros(len(machine), bool), np.zeros(len(machine), bool)
    for row, pin in saved.looked_at.items():
        reviewed[row], kept[row] = True, pin.action == KEEP
    shown = None if foreground is None else lesions_of(dataset, foreground, reporter=reporter)
    lesion = None if shown is None else machine["frame_id"].isin(set(shown.frame_ids)).to_numpy(np.float64)
    harmful = kept & (machine["decision"] == "dropped").to_numpy(bool)
    return queue_of(machine, lesion=lesion, reviewed=reviewed), int(harmful.sum())


@dataclass(frozen=True)
class Enough:
    """Whether enough removals have been looked at."""

    removed: int
    reviewed: int
    harmful: int  # of those reviewed
    limit: float  # the share of harmful removals that would do
    upper: float  # upper bound, at CONFIDENCE, of the share of all removals that are harmful and still stand

    @property
    def enough(self) -> bool:
        return self.upper <= self.limit

    @property
    def sentence(self) -> str:
        """The statement, with what it rests on."""
        if not self.reviewed:
            return f"None of the {self.removed} removals has been looked at yet: how many are harmful is not known."
        seen = f"{self.reviewed} of {self.removed} removals looked at, {self.harmful} of them harmful"
        bound = f"with {CONFIDENCE:.0%} confidence at most {self.upper:.2%} of all removals are harmful and unseen"
        verdict = "enough" if self.enough else f"not enough for {self.limit:.2%}"
        return (
            f"{seen}: {bound}, {verdict}. This holds where those looked at were drawn at random, or are harmful no "
            "less often than the others, as when the most doubtful come first; it is a little less sure where one "
            "looks at it after every decision and stops as soon as it says enough."
        )


def enough_reviewed(
    *, removed: int, reviewed: int, harmful: int, limit: float, confidence: float = CONFIDENCE
) -> Enough:
    """Whether the upper bound of harmful removals that nobody has looked at falls under `limit`, a share of all.

    The bound is exact for a sample without replacement (one-sided, from the hypergeometric distribution). Harmful
    removals that were found count as mended. Raises BadInput for numbers that cannot be.
    """
    if not 0 <= harmful <= reviewed <= removed:
        raise BadInput(
            f"{harmful} harmful of {reviewed} reviewed of {removed} removed cannot be; each must be at most the next"
        )
    if not 0 < limit < 1:
        raise BadInput(f"limit {limit:g} is not between 0 and 1; 0.01 stands for one in a hundred")
    most = most_harmful(removed, reviewed, harmful, confidence)
    return Enough(removed, reviewed, harmful, limit, (most - harmful) / removed if removed else 0.0)


def still_needed(*, removed: int, reviewed: int, harmful: int, limit: float, confidence: float = CONFIDENCE) -> int:
    """How many more removals must be looked at until it is enough, if none of them turns out harmful; 0 where it is
    enough already. Raises BadInput for numbers that cannot be."""
    if enough_reviewed(
        removed=removed, reviewed=reviewed, harmful=harmful, limit=limit, confidence=confidence
    ).enough:
        return 0
    low, high = reviewed, removed  # not enough; enough: nothing is unseen
    while high - low > 1:
        middle = (low + high) // 2
        if (most_harmful(removed, middle, harmful, confidence) - harmful) / removed <= limit:
            high = middle
        else:
            low = middle
    return high - reviewed


def most_harmful(removed: int, reviewed: int, harmful: int, confidence: float = CONFIDENCE) -> int:
    """The largest number of harmful ones among `removed` under which finding at most `harmful` in a random sample of
    `reviewed` is not too unlikely: probability above 1 - confidence."""
    from scipy.stats import hypergeom

    low, high = harmful, removed - (reviewed - harmful)
    while low < high:
        middle = (low + high + 1) // 2
        if hypergeom.cdf(harmful, removed, middle, reviewed) > 1 - confidence:
            low = middle
        else:
            high = middle - 1
    return low
