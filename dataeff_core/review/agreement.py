"""What marks of a blind audit say: the rate of wrong removals with its interval, and how far reviewers agree."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dataeff_core.errors import BadInput

LEVEL = 0.95


@dataclass(frozen=True)
class Rate:
    """A share and its interval at LEVEL."""

    wrong: int
    judged: int
    rate: float  # weighted by stratum; NaN when nothing was judged
    low: float
    high: float
    effective: float  # the number of independent judgements that the interval rests on; `judged` when proportional
    unjudged: int  # frames of the population in strata of which nothing was judged: the rate does not speak of them


def clopper_pearson(wrong: float, judged: float, level: float = LEVEL) -> tuple[float, float]:
    """The exact two-sided interval of a binomial share (Clopper & Pearson 1934); (0, 1) for nothing judged.

    Counts need not be whole, for effective sample sizes. Raises BadInput unless 0 <= wrong <= judged.
    """
    from scipy.stats import beta

    if not 0 <= wrong <= judged:
        raise BadInput(f"{wrong:g} wrong of {judged:g} judged cannot be; the first must be at most the second")
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, wrong, judged - wrong + 1)) if wrong > 0 else 0.0
    high = float(beta.ppf(1 - tail, wrong + 1, judged - wrong)) if wrong < judged else 1.0
    return low, high


def wrong_rate(population: Sequence[int], judged: Sequence[int], wrong: Sequence[int], level: float = LEVEL) -> Rate:
    """The rate of wrong removals from a stratified sample; each sequence has one number a stratum.

    Each stratum counts by its population, p = sum W_h wrong_h / judged_h. The interval is Clopper's and Pearson's
    for p at the effective sample size 1 / sum(W_h^2 / judged_h) (Kish 1965; Korn & Graubard 1998), which is the plain
    one where the sample is proportional. Strata of which nothing was judged are left out and counted in `unjudged`.
    """
    sizes, seen, bad = (np.asarray(one, np.float64) for one in (population, judged, wrong))
    if not (len(sizes) == len(seen) == len(bad)) or (bad > seen).any() or (seen > sizes).any() or (bad < 0).any():
        raise BadInput("wrong, judged and population do not fit: in each stratum, each must be at most the next")
    known = seen > 0
    unjudged = int(sizes[~known].sum())
    if not known.any():
        return Rate(0, 0, float("nan"), 0.0, 1.0, 0.0, unjudged)
    weight = sizes[known] / sizes[known].sum()
    rate = float((weight * bad[known] / seen[known]).sum())
    effective = min(float(1 / (weight**2 / seen[known]).sum()), float(seen.sum()))
    low, high = clopper_pearson(min(rate * effective, effective), effective, level)
    return Rate(int(bad.sum()), int(seen.sum()), rate, low, high, effective, unjudged)


def cohens_kappa(a: Sequence[str], b: Sequence[str]) -> float:
    """Agreement of two reviewers beyond chance, (p_o - p_e) / (1 - p_e) (Cohen 1960), for n marks each.

    NaN for no marks, and where both gave one and the same mark throughout, since chance then explains all. Raises
    BadInput for different numbers of marks.
    """
    if len(a) != len(b):
        raise BadInput(f"{len(a)} and {len(b)} marks cannot be compared; give those of the same frames")
    if not len(a):
        return float("nan")
    names = sorted({*a, *b})
    first, second = (np.array([names.index(mark) for mark in marks]) for marks in (a, b))
    table = np.zeros((len(names), len(names)))
    np.add.at(table, (first, second), 1 / len(a))
    by_chance = float(table.sum(axis=1) @ table.sum(axis=0))
    return float("nan") if by_chance >= 1 else (float(np.trace(table)) - by_chance) / (1 - by_chance)
