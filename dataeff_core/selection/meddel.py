"""MedDEL: near-duplicates and outliers within k-means clusters (Yang, Tan, Sun, Yan; ACM MM 2024, Sec 3.2)."""

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.selection.base import INVALID, KEPT, OUTLIER, REASONS, Pool, Selection, Selector, check_seed
from dataeff_core.selection.baselines import frames_to_keep
from dataeff_core.selection.notes import notes_of
from dataeff_core.selection.rules import rule_named
from dataeff_core.selection.scored import CODES, MedDELScores
from dataeff_core.selection.scoring import (
    METHOD,
    NO_EPSILON,
    NO_ETA,
    NO_INVALID,
    clustered,
    recall,
    remember,
    rescored,
)
from dataeff_core.selection.standing import representative_of, representatives


def default_k(n: int) -> int:
    """Number of clusters for n frames: sqrt(n / 40), at least 1. Our choice; the paper gives none.

    Where k-means of 20 iterations and the comparing within clusters cost the same, so their sum is least.
    """
    return max(1, round((n / 40) ** 0.5))


class MedDEL(Selector):
    """Cluster, take out unusable and unusual frames, then one of each two frames that are too alike."""

    NAME: ClassVar[str] = METHOD
    TITLE: ClassVar[str] = "Remove near-duplicates, unusual and unusable frames"
    SOURCE: ClassVar[str] = "MedDEL (ACM MM 2024), Algorithm 1; rule 'cover': ours"

    eta: float | None = Field(
        default=None,
        ge=-1,
        le=1,
        title="Too alike",
        description="Frames more similar than this to a kept frame are removed. Left empty, it is measured on "
        "this dataset: the similarity at which 99 % of slightly changed copies are recognised. The paper "
        "used 0.7 to 0.9.",
        json_schema_extra={"unit": "cosine similarity", "symbol": "eta", "step": 0.005},
    )
    epsilon: float | None = Field(
        default=None,
        ge=0,
        le=2,
        title="Too unusual",
        description="Frames farther than this from the centre of their cluster are removed. Left empty, none is: "
        "the paper's 0.9 removed nothing from its own data.",
        json_schema_extra={"unit": "cosine distance", "symbol": "epsilon", "step": 0.01},
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
    k: int | None = Field(
        default=None,
        ge=1,
        title="Number of clusters",
        description="Frames are compared within clusters only. Left empty, the square root of a fortieth of the "
        "frames, which is fastest (the paper gives none).",
        json_schema_extra={"unit": "clusters", "symbol": "k"},
    )
    rule: Literal["cover", "semdedup", "leader", "pairwise"] = Field(
        default="cover",
        title="Rule",
        description="cover: no two kept frames too alike, and for every removed frame a kept one. semdedup: like "
        "any earlier frame, even a removed one. leader: like an earlier kept frame. pairwise: the paper's "
        "Algorithm 1, pair by pair.",
        json_schema_extra={"unit": "", "symbol": "rule"},
    )
    keep: Literal["near", "far", "random"] = Field(
        default="near",
        title="Which of two stays",
        description="The frame near the centre of the cluster (typical; the paper's text), far from it (hard; the "
        "paper's Algorithm 1), or chosen by chance. For cover: the frame to begin with.",
        json_schema_extra={"unit": "", "symbol": "keep"},
    )
    iterations: int = Field(
        default=20,
        ge=1,
        le=1000,
        title="Iterations of k-means",
        description="How often the clusters are improved; more than 20 seldom change much (the paper gives none).",
        json_schema_extra={"unit": "iterations", "symbol": "iterations"},
    )
    across: bool = Field(
        default=True,
        title="Keep neighbours together",
        description="Put each frame into the cluster of its nearest neighbour, so that no border between clusters "
        "parts two near-duplicates. Our addition; false compares as the paper does.",
        json_schema_extra={"unit": "", "symbol": "across"},
    )
    confirm: bool = Field(
        default=False,
        title="Check each pair",
        description="Lay each pair of alike frames over each other before one is removed, and keep both unless they "
        "show the same view. Slower, and fewer wrong removals. Our addition.",
        json_schema_extra={"unit": "", "symbol": "confirm"},
    )

    def select(
        self, pool: Pool, *, seed: int = 0, keep: float | None = None, reporter: Reporter | None = None
    ) -> Selection:
        """See Selector.select; `score`, then `decide`."""
        if self.needs_limit(keep):
            self.limit(pool)  # what cannot be is refused before the long part
        if keep is not None:
            frames_to_keep(keep, len(pool))
        return self.decide(pool, self.score(pool, seed=seed, reporter=reporter), keep=keep)

    def score(self, pool: Pool, *, seed: int = 0, reporter: Reporter | None = None) -> MedDELScores:
        """Cluster all frames, set aside invalid frames and then outliers (so that none of them can stand for a
        good frame; the paper's outlier step likewise comes first), and score the rest by `rule`.

        Raises BadInput for unusable vectors, naming the frame, or when `rule` or `confirm` needs an eta and
        there is none; Cancelled.
        """
        check_seed(seed)
        k = self.k or default_k(len(pool))
        bound = [f"{self.limit(pool):.9g}"] if self.confirm or not rule_named(self.rule).movable else []
        bare = clustered(
            pool,
            k=k,
            iterations=self.iterations,
            across=self.across,
            seed=seed,
            rule=self.rule,
            keep=self.keep,
            reporter=reporter,
        )
        if pool.store is None:
            return self.rescore(pool, bare, reporter=reporter)
        ways = ["joined" if self.across else "kmeans", *(["confirmed"] if self.confirm else []), *bound]
        key = "-".join(["scores", f"{k}-{seed}-{self.iterations}", self.rule, self.keep, *ways])
        known = pool.store.load(key)
        if known is not None:
            return self.rescore(pool, recall(bare, known), reporter=reporter)
        scores = self.rescore(pool, bare, reporter=reporter)
        pool.store.save(key, remember(scores))
        return scores

    def rescore(
        self,
        pool: Pool,
        scores: MedDELScores,
        *,
        epsilon: float | None = None,
        invalid: float | None = None,
        eta: float | None = None,
        reporter: Reporter | None = None,
    ) -> MedDELScores:
        """The same clusters with other limits (None: this selector's, else the pool's); see `rescored`.

        Fast where few clusters change; equal to scoring from scratch with these limits.
        """
        bound = self.confirm or not rule_named(scores.rule).movable
        return rescored(
            pool,
            scores,
            epsilon=first(epsilon, first(self.epsilon, NO_EPSILON)),
            invalid=first(invalid, self.worst(pool)),
            eta=(self.limit(pool) if eta is None else eta) if bound else None,
            confirm=self.confirmation(pool),
            reporter=reporter,
        )

    def decide(
        self, pool: Pool, scores: MedDELScores, *, eta: float | None = None, keep: float | None = None
    ) -> Selection:
        """The decision on every frame at `eta` (None: this selector's, else the pool's calibrated one), or
        keeping exactly round(keep * n) frames: those with the lowest score, which are the most unlike each other.

        With `keep`, dropped frames above eta are duplicates and the others dropped for the budget (all of them
        where there is no eta). Raises BadInput when eta or keep cannot be had.
        """
        if keep is None:
            limit = self.limit(pool) if eta is None else eta
            codes = scores.codes(limit)
        else:
            limit = self.limit_or(pool, NO_ETA) if eta is None else eta
            codes = scores.codes_keeping(pool.frame_ids, frames_to_keep(keep, len(pool)), limit)
        row, similarity = representatives(
            pool.need_vectors(self.NAME), scores.labels, codes, eta=limit, confirm=self.confirmation(pool)
        )
        columns = {"insertion_similarity": scores.insertion_similarity, "cluster": scores.labels.astype(np.float32)}
        if scores.invalid_score is not None:
            columns["invalid_score"] = scores.invalid_score
        return Selection(
            frame_ids=pool.frame_ids,
            kept=codes == CODES[KEPT],
            reason=np.array(REASONS, dtype=object)[codes],
            representative=row,
            similarity=similarity,
            distance=scores.distances,
            score=compared(scores, codes),
            scores=columns,
            params=self.resolved(scores, limit),
            notes=notes_of(scores, eta=limit, eta_from=self.origin(pool, eta), by_share=keep is not None),
        )

    def representative_of(
        self, pool: Pool, scores: MedDELScores, codes: np.ndarray, row: int, *, eta: float | None = None
    ) -> tuple[int, float]:
        """The kept frame that stands for the dropped frame `row` under `codes`: (pool row, cosine) or (-1, NaN)."""
        limit = self.limit_or(pool, NO_ETA) if eta is None else eta
        return representative_of(
            pool.need_vectors(self.NAME), scores.labels, codes, row, eta=limit, confirm=self.confirmation(pool)
        )

    def resolved(self, scores: MedDELScores, eta: float) -> dict[str, Any]:
        """All parameters as numbers, so that MedDEL(**them) decides the same without calibration or defaults."""
        found = {"k": scores.k, "epsilon": scores.epsilon, "invalid": scores.invalid, "eta": float(eta)}
        return self.model_dump(mode="json") | found

    def wants_calibration(self, keep: float | None) -> bool:
        return self.eta is None and self.needs_limit(keep)

    def needs_limit(self, keep: float | None) -> bool:
        """Whether a selection with this `keep` depends on eta (beyond the name of a reason)."""
        return keep is None or self.confirm or not rule_named(self.rule).movable

    def worst(self, pool: Pool) -> float:
        """The invalid limit: this selector's, else the dataset's, else what nothing exceeds."""
        return self.invalid if self.invalid is not None else first(pool.invalid_limit, NO_INVALID)

    def origin(self, pool: Pool, eta: float | None = None) -> str:
        """Where eta comes from: 'given', 'calibrated' or 'none'."""
        if eta is not None or self.eta is not None:
            return "given"
        return "none" if pool.calibrated_eta is None else "calibrated"

    def limit_or(self, pool: Pool, otherwise: float) -> float:
        """eta: this selector's, else the pool's calibrated one, else `otherwise`."""
        return self.eta if self.eta is not None else first(pool.calibrated_eta, otherwise)

    def limit(self, pool: Pool) -> float:
        """eta: this selector's, else the pool's calibrated one. Raises BadInput when there is neither."""
        limit = self.limit_or(pool, float("nan"))
        if np.isnan(limit):
            raise BadInput(
                "no similarity limit is given and none was measured on this dataset; run `calibrate`, or give one "
                "(the paper's is eta=0.9), or ask for a share of the frames with keep"
            )
        return limit

    def confirmation(self, pool: Pool) -> Any:
        """The pool's check of pairs where `confirm` asks for it. Raises BadInput when the pool has none."""
        if self.confirm and pool.confirm is None:
            raise BadInput("confirm=true needs the frames' pictures and this pool has none; set confirm=false")
        return pool.confirm if self.confirm else None


def first(value: float | None, otherwise: float) -> float:
    """`value` unless it is None."""
    return otherwise if value is None else float(value)


def compared(scores: MedDELScores, codes: np.ndarray) -> np.ndarray:
    """(n,) float32: what decided: the distance of outliers, the invalid_score of invalid frames, else the rule's."""
    score = np.where(codes == CODES[OUTLIER], scores.distances, scores.insertion_similarity)
    if scores.invalid_score is not None:
        score = np.where(codes == CODES[INVALID], scores.invalid_score, score)
    return score.astype(np.float32)
