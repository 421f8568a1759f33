"""MedDEL's long part: clusters, and scores within them. What is stored is not computed again."""

from dataclasses import replace

import numpy as np

from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.selection import kmeans
from dataeff_core.selection.base import INVALID, OUTLIER, Confirm, Pool
from dataeff_core.selection.joining import joined_labels
from dataeff_core.selection.rules import priority_of, rule_named
from dataeff_core.selection.rules import scores as rule_scores
from dataeff_core.selection.scored import CODES, MedDELScores
from dataeff_core.selection.vectors import check_vectors

NO_EPSILON, NO_INVALID, NO_ETA = 2.0, 1.0, 1.0  # limits that nothing exceeds
METHOD = "meddel"


def clustered(
    pool: Pool,
    *,
    k: int,
    iterations: int,
    across: bool,
    seed: int,
    rule: str,
    keep: str,
    reporter: Reporter | None = None,
) -> MedDELScores:
    """The clusters of all frames, none of them scored yet: each is set aside until `rescored`. With `across`,
    nearest neighbours share a cluster (`joining`).

    Raises BadInput for unusable vectors, naming the frame; Cancelled.
    """
    vectors = pool.need_vectors(METHOD)
    key = f"{'joined' if across else 'kmeans'}-{k}-{seed}-{iterations}"
    known = pool.store.load(key) if pool.store is not None else None
    if known is None:
        check_vectors(vectors, pool.frame_ids)
        found = kmeans.fit(vectors, k, seed=seed, iterations=iterations, reporter=reporter)
        labels = joined_labels(vectors, found, reporter) if across else found.labels
        known = {"labels": labels, "distances": found.distances, "notes": np.array(found.notes, dtype=str)}
        if pool.store is not None:
            pool.store.save(key, known)
    return MedDELScores(
        labels=known["labels"],
        distances=known["distances"],
        insertion_similarity=np.full(len(pool), np.nan, np.float32),
        invalid_score=pool.invalid_score,
        outside=np.full(len(pool), CODES[INVALID]),
        k=k,
        seed=seed,
        rule=rule,
        keep=keep,
        epsilon=NO_EPSILON,
        invalid=NO_INVALID,
        notes=tuple(known["notes"].tolist()),
    )


def rescored(
    pool: Pool,
    scores: MedDELScores,
    *,
    epsilon: float,
    invalid: float,
    eta: float | None,
    confirm: Confirm | None = None,
    reporter: Reporter | None = None,
) -> MedDELScores:
    """The same clusters with these limits; only those that lose or gain a member are walked again, and all of
    them where the scores are bound to `eta` and that has changed. `eta` counts where `confirm` is given or the
    rule is not movable. Equal to scoring from scratch.
    """
    rule = rule_named(scores.rule)
    lowest, highest = -1.0, 1.0
    if eta is not None and (confirm is not None or not rule.movable):
        lowest, highest = float(eta), (1.0 if rule.movable else float(eta))
    outside = outside_codes(scores.distances, scores.invalid_score, epsilon=epsilon, invalid=invalid)
    changed = (outside == 0) != (scores.outside == 0)
    changed |= (lowest, highest) != (scores.lowest_eta, scores.highest_eta)
    touched = np.isin(scores.labels, np.unique(scores.labels[changed])) & (outside == 0)
    fresh = rule_scores(
        rule,
        pool.need_vectors(METHOD),
        np.where(touched, scores.labels, -1),
        priority_of(scores.distances, scores.keep, seed=scores.seed),
        eta=lowest,
        confirm=confirm,
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
        lowest_eta=lowest,
        highest_eta=highest,
    )


def outside_codes(
    distances: np.ndarray, invalid_score: np.ndarray | None, *, epsilon: float, invalid: float
) -> np.ndarray:
    """(n,) uint8: INVALID where invalid_score > invalid, else OUTLIER where distance > epsilon, else 0.

    Raises BadInput unless epsilon is in [0, 2] and invalid in [0, 1].
    """
    if not 0 <= epsilon <= NO_EPSILON:
        raise BadInput(f"epsilon {epsilon:g} is not in [0, 2], where cosine distances lie")
    if not 0 <= invalid <= NO_INVALID:
        raise BadInput(f"invalid {invalid:g} is not in [0, 1], where invalid scores lie")
    codes = np.where(distances > np.float32(epsilon), CODES[OUTLIER], np.uint8(0))
    if invalid_score is not None:
        codes[invalid_score > np.float32(invalid)] = CODES[INVALID]
    return codes


def remember(scores: MedDELScores) -> dict[str, np.ndarray]:
    """What `recall` needs beside the clusters."""
    limits = [scores.epsilon, scores.invalid, scores.lowest_eta, scores.highest_eta]
    return {
        "insertion_similarity": scores.insertion_similarity,
        "outside": scores.outside,
        "limits": np.array(limits, dtype=np.float64),
    }


def recall(bare: MedDELScores, known: dict[str, np.ndarray]) -> MedDELScores:
    """`bare` clusters with the scores that `remember` gave."""
    epsilon, invalid, lowest, highest = known["limits"].tolist()
    return replace(
        bare,
        insertion_similarity=known["insertion_similarity"],
        outside=known["outside"],
        epsilon=epsilon,
        invalid=invalid,
        lowest_eta=lowest,
        highest_eta=highest,
    )
