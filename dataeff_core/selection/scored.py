"""What MedDEL computed once, and the decisions that follow from it by comparison alone."""

import math
from dataclasses import dataclass

import numpy as np

from dataeff_core.errors import BadInput
from dataeff_core.selection.base import BUDGET, DUPLICATE, REASONS
from dataeff_core.selection.rules import rule_named

CODES = {reason: np.uint8(code) for code, reason in enumerate(REASONS)}


@dataclass(frozen=True)
class MedDELScores:
    """Scores of n frames, in the pool's order. Arrays are not to be written to."""

    labels: np.ndarray  # (n,) int32: the cluster that the frame is compared in
    distances: np.ndarray  # (n,) float32: cosine distance to the nearest centroid
    insertion_similarity: np.ndarray  # (n,) float32 in [-1, 1]: the rule's score; NaN for outliers and invalid frames
    invalid_score: np.ndarray | None  # (n,) float32, None where the dataset has none
    outside: np.ndarray  # (n,) uint8: code of OUTLIER or INVALID for frames that were not compared, else 0
    k: int  # clusters asked for; fewer have members where there are too few distinct frames
    seed: int
    rule: str
    keep: str
    epsilon: float  # frames farther than this were taken out before comparing
    invalid: float  # and before them those with a higher invalid_score
    lowest_eta: float = -1.0  # the codes hold for eta from here ...
    highest_eta: float = 1.0  # ... to here
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def codes(self, eta: float) -> np.ndarray:
        """(n,) uint8: 0 kept, 1 duplicate, 2 outlier, 3 invalid at the similarity limit `eta`.

        Raises BadInput when eta is outside [lowest_eta, highest_eta]: `leader` and `pairwise` are walked for one
        eta, and pairs were confirmed from one eta up; score again for another.
        """
        eta = float(eta)
        if not self.lowest_eta <= eta <= self.highest_eta:
            raise BadInput(
                f"these scores hold for eta in [{self.lowest_eta:g}, {self.highest_eta:g}] and {eta:g} is outside; "
                "score again with it"
            )
        return self.outside + (self.insertion_similarity > np.float32(eta))

    def codes_keeping(self, frame_ids: np.ndarray, count: int, eta: float = 1.0) -> np.ndarray:
        """(n,) uint8: the `count` frames with the lowest score are kept, ties by frame id; so kept sets are
        nested as `count` grows. Of the rest, those above `eta` are 1 duplicate, the others 4 budget.

        Raises BadInput when fewer than `count` frames are neither outlier nor invalid.
        """
        n, eligible = len(self), int((self.outside == 0).sum())
        if count > eligible:
            raise BadInput(
                f"{count} of {n} frames cannot be kept, as {n - eligible} are invalid or outliers; ask for at most "
                f"{math.floor(1e4 * eligible / n) / 1e4} of them, or raise the limits `invalid` and `epsilon`"
            )
        score = self.insertion_similarity
        last = np.partition(score, count - 1)[count - 1]  # NaN sorts last
        kept = score < last
        tied = np.flatnonzero(score == last)
        kept[tied[np.argsort(frame_ids[tied].astype(str), kind="stable")][: count - int(kept.sum())]] = True
        codes = self.outside.copy()
        codes[~kept & (codes == 0)] = CODES[BUDGET]
        codes[~kept & (score > np.float32(eta))] = CODES[DUPLICATE]
        return codes

    @property
    def movable(self) -> bool:
        """Whether eta can move without another walk."""
        return rule_named(self.rule).movable
