"""MedDEL: near-duplicates and outliers within k-means clusters (Yang, Tan, Sun, Yan; ACM MM 2024, Sec 3.2)."""

from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.selection import kmeans
from dataeff_core.selection.base import INVALID, KEPT, OUTLIER, REASONS, Pool, Selection, Selector
from dataeff_core.selection.baselines import frames_to_keep
from dataeff_core.selection.rules import priority_of, rule_named
from dataeff_core.selection.rules import scores as rule_scores
from dataeff_core.selection.scored import CODES, MedDELScores, outside_codes
from dataeff_core.selection.standing import representative_of, representatives
from dataeff_core.selection.vectors import check_vectors

NO_EPSILON, NO_INVALID, NO_ETA = 2.0, 1.0, 1.0  # limits that nothing exceeds
MEMBERS_WANTED = 2000


def default_k(n: int) -> int:
    """Number of clusters for n frames: min(n / 2000, sqrt(n / 40)), at least 1.

    Our choice; the paper gives no k. Few clusters split few pairs of near-duplicates; sqrt(n / 40) is where
    20 iterations of k-means and the comparing within clusters cost the same, so more members than 2000 a cluster
    are accepted only above 100,000 frames, where fewer would cost more.
    """
    return max(1, round(min(n / MEMBERS_WANTED, (n / 40) ** 0.5)))


class MedDEL(Selector):
    """Cluster, take out unusable and unusual frames, then one of each two frames that are too alike."""

    NAME: ClassVar[str] = "meddel"
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
        description="Frames are compared within clusters only: fewer find more near-duplicates, more are faster. "
        "Left empty, about one for each 2000 frames (the paper gives none).",
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
        if keep is None or self.confirm or not rule_named(self.rule).movable:
            self.limit(pool)  # refused before the long part
        return self.decide(pool, self.score(pool, seed=seed, reporter=reporter), keep=keep)

    def score(self, pool: Pool, *, seed: int = 0, reporter: Reporter | None = None) -> MedDELScores:
        """Cluster all frames, set aside invalid frames and then outliers (so that none of them can stand for a
        good frame; the paper's outlier step likewise comes first), and score the rest by `rule`.

        Raises BadInput for unusable vectors, naming the frame, or when `rule` or `confirm` needs an eta and
        there is none; Cancelled.
        """
        vectors = pool.need_vectors(self.NAME)
        check_vectors(vectors, pool.frame_ids)
        k = min(self.k or default_k(len(pool)), len(pool))
        found = kmeans.fit(vectors, k, seed=seed, iterations=self.iterations, reporter=reporter)
        empty = MedDELScores(
            labels=found.labels,
            distances=found.distances,
            insertion_similarity=np.full(len(pool), np.nan, np.float32),
            invalid_score=pool.invalid_score,
            outside=np.full(len(pool), CODES[INVALID]),
            k=k,
            seed=seed,
            rule=self.rule,
            keep=self.keep,
            epsilon=NO_EPSILON,
            invalid=NO_INVALID,
            notes=found.notes,
        )
        return self.rescore(pool, empty, reporter=reporter)

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
        """The same clusters with other limits: walks again only those that lose or gain a member, or all where
        the scores hold for one eta only and that changes. What is None is taken from this selector and the pool.

        Equal to scoring from scratch with these limits.
        """
        rule = rule_named(scores.rule)
        epsilon = self.farthest() if epsilon is None else float(epsilon)
        invalid = self.worst(pool) if invalid is None else float(invalid)
        bound = self.confirm or not rule.movable
        limit = (self.limit(pool) if eta is None else float(eta)) if bound else -1.0
        highest = limit if not rule.movable else 1.0
        outside = outside_codes(scores.distances, scores.invalid_score, epsilon=epsilon, invalid=invalid)
        changed = (outside == 0) != (scores.outside == 0)
        if (limit, highest) != (scores.lowest_eta, scores.highest_eta):
            changed[:] = True
        touched = np.isin(scores.labels, np.unique(scores.labels[changed])) & (outside == 0)
        fresh = rule_scores(
            rule,
            pool.need_vectors(self.NAME),
            np.where(touched, scores.labels, -1),
            priority_of(scores.distances, scores.keep, seed=scores.seed),
            eta=limit,
            confirm=self.confirmation(pool),
            reporter=reporter,
        )
        insertion = np.where(touched, fresh, scores.insertion_similarity)
        insertion[outside != 0] = np.nan
        return replace(
            scores,
            insertion_similarity=insertion,
            outside=outside,
            epsilon=epsilon,
            invalid=invalid,
            lowest_eta=limit,
            highest_eta=highest,
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
            notes={"clustering": "; ".join(scores.notes)} if scores.notes else {},
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

    def farthest(self) -> float:
        """epsilon, or what nothing exceeds."""
        return NO_EPSILON if self.epsilon is None else self.epsilon

    def worst(self, pool: Pool) -> float:
        """The invalid limit: this selector's, else the dataset's, else what nothing exceeds."""
        return self.invalid if self.invalid is not None else first(pool.invalid_limit, NO_INVALID)

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
