"""Which members of a cluster go for being alike: `cover` and the three rules of papers and code.

Every rule is a walk over one cluster that gives each member a score; a member is dropped iff its score exceeds
eta. `keep` decides who comes first, and so who survives: `near` the centroid, `far` from it, or `random`.
The paper contradicts itself there (MedDEL: Algorithm 1 keeps the farther of a pair, the text of Sec 3.2 "those
closer to the cluster center"), so each is on offer and none is presented as the paper's.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.selection.cover import START_SCORE, clusters, traverse, watched
from dataeff_core.selection.similarity import ConfirmedRows, PairCheck, Rows, check_members, cluster_rows
from dataeff_core.selection.vectors import unit_rows

Walk = Callable[[Rows, np.ndarray, float], np.ndarray]
"""Rows of m members, their priority (m,) (lowest first), eta -> score (m,) float32."""


@dataclass(frozen=True)
class Rule:
    """One way to find the duplicates in a cluster."""

    name: str
    title: str  # plain words
    walk: Walk
    movable: bool = False  # True = the scores hold at every eta; else only at the one they were made with
    by_priority: bool = False  # True = the walk is given the members sorted by priority, else by row
    sequential: bool = False  # True = the walk asks for the rows in the order given
    again: bool = False  # True = the walk needs the row of a vector that it had before


def walk_cover(rows: Rows, priority: np.ndarray, eta: float) -> np.ndarray:
    """`cover.traverse`, from the member that comes first by priority. eta plays no part."""
    return traverse(rows, int(np.argmin(priority)))[1]


def walk_semdedup(rows: Rows, priority: np.ndarray, eta: float) -> np.ndarray:
    """M_j: the largest cosine of j to ANY member before it, dropped or not (SemDeDup, Abbas et al. 2023, code).

    Kept sets are nested as eta moves and no kept pair is above eta, but a chain of frames each like the next
    collapses to its first, so a dropped frame may have no kept one like it. eta plays no part.
    """
    best = np.full(rows.size, START_SCORE, dtype=np.float32)
    score = best.copy()
    for item in range(rows.size):
        score[item] = best[item]
        best[item] = np.inf
        np.maximum(best, rows.row(item, best), out=best)
    return score


def walk_leader(rows: Rows, priority: np.ndarray, eta: float) -> np.ndarray:
    """The largest cosine to the members KEPT before: keep a member iff that is at most eta (greedy exemplars).

    No kept pair is above eta and every dropped member has a kept one above it; but kept sets are not nested, so
    each eta needs its own walk.
    """
    best = np.full(rows.size, START_SCORE, dtype=np.float32)
    score = best.copy()
    for item in range(rows.size):
        score[item] = best[item]
        best[item] = np.inf
        if score[item] <= np.float32(eta):
            np.maximum(best, rows.row(item, best), out=best)
    return score


def walk_pairwise(rows: Rows, priority: np.ndarray, eta: float) -> np.ndarray:
    """MedDEL's Algorithm 1: visit the pairs (j, k) in row order and delete one of each pair above eta.

    Our choices where the printed algorithm cannot be followed or is silent: k starts at j + 1 (printed is
    k = j, where each image meets itself at cosine 1 and is deleted: nothing would be left); a deleted member
    deletes no others; one pass (with fixed clusters a second finds nothing, so max_iterations is 1). As
    printed, of two equally far members the earlier goes. `keep=far` is the printed comparison.

    The score of a deleted member is the cosine of the pair that it lost, that of a kept one its largest cosine
    to another kept one.
    """
    m = rows.size
    every = np.arange(m)
    gone = np.zeros(m, dtype=bool)
    score = np.full(m, START_SCORE, dtype=np.float32)
    for j in range(m):
        if not gone[j]:
            row = rows.row(j, _of_interest(~gone & (every > j)))
            alike = (row > np.float32(eta)) & ~gone & (every > j)
            for k in map(int, np.flatnonzero(alike)):
                loser = k if priority[j] < priority[k] else j
                gone[loser], score[loser] = True, row[k]
                if gone[j]:
                    break
    for j in map(int, np.flatnonzero(~gone)):
        others = ~gone & (every != j)
        score[j] = np.max(rows.row(j, _of_interest(others)), where=others, initial=START_SCORE)
    return score


def _of_interest(wanted: np.ndarray) -> np.ndarray:
    return np.where(wanted, np.float32(-np.inf), np.float32(np.inf))


COVER = Rule("cover", "No two alike, every removed frame has a kept one", walk_cover, movable=True)
SEMDEDUP = Rule(
    "semdedup",
    "Like any earlier frame, kept or not (SemDeDup)",
    walk_semdedup,
    movable=True,
    by_priority=True,
    sequential=True,
)
LEADER = Rule("leader", "Like an earlier kept frame (greedy)", walk_leader, by_priority=True, sequential=True)
PAIRWISE = Rule("pairwise", "Pair by pair (MedDEL's Algorithm 1, mended)", walk_pairwise, sequential=True, again=True)
RULES = (COVER, SEMDEDUP, LEADER, PAIRWISE)


def rule_named(name: str) -> Rule:
    """The rule of that name. Raises BadInput, listing the known ones."""
    for rule in RULES:
        if rule.name == name:
            return rule
    raise BadInput(f"there is no rule {name!r}; choose {', '.join(rule.name for rule in RULES)}")


def priority_of(distances: np.ndarray, keep: str, *, seed: int) -> np.ndarray:
    """(n,) distances to the centroid -> (n,) values whose lowest comes first; ties go to the lowest row.

    Raises BadInput unless `keep` is near, far or random.
    """
    if keep == "near":
        return distances
    if keep == "far":
        return -distances
    if keep == "random":
        return np.random.default_rng(seed).permutation(len(distances)).astype(np.float32)
    raise BadInput(f"keep {keep!r} is not known; choose near, far or random")


def scores(
    rule: Rule,
    vectors: np.ndarray,
    labels: np.ndarray,
    priority: np.ndarray,
    *,
    eta: float = 1.0,
    confirm: PairCheck | None = None,
    reporter: Reporter | None = None,
) -> np.ndarray:
    """Score every frame with label >= 0: (n, d) vectors, (n,) labels, (n,) priority -> (n,) float32 in [-1, 1].

    NaN for a negative label. With `confirm` (which takes rows of `vectors`), a pair more similar than eta counts
    as such only if confirmed, else as just at eta; the scores then hold at eta and above. One cluster is in
    memory at a time.
    """
    score = np.full(len(labels), np.nan, dtype=np.float32)
    for members in watched(_arranged(rule, labels, priority), int((labels >= 0).sum()), reporter):
        again = rule.again or confirm is not None  # copies of one vector may be confirmed differently
        rows = cluster_rows(unit_rows(vectors[members]), sequential=rule.sequential, again=again)
        if confirm is not None:
            rows = ConfirmedRows(rows, check_members(confirm, members), eta)
        score[members] = rule.walk(rows, priority[members], eta)
    return score.clip(-1, 1)


def _arranged(rule: Rule, labels: np.ndarray, priority: np.ndarray) -> list[np.ndarray]:
    if not rule.by_priority:
        return clusters(labels)
    return [members[np.argsort(priority[members], kind="stable")] for members in clusters(labels)]
