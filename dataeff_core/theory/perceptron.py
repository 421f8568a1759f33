"""What a student learns from the hardest, the easiest or random examples, at every share kept.

The experiment of OptiDEL's published notebook, after Sorscher et al. 2022, "Beyond neural scaling laws": a teacher
w_t labels Gaussian inputs by sign(w_t . x); examples are ranked by their margin |w_p . x| to a probe direction w_p at
an angle theta to the teacher (a scorer that knows the task only roughly); the student sees the share f with the
smallest margins (hard), the largest (easy) or any (random), and learns the widest-margin plane. What is drawn is its
error, the angle between student and teacher divided by pi, against f, for alpha examples a dimension.

Ours: the error is the mean of the angles of all repeats (the notebook takes the angle of the mean overlap), so that
there is a standard error; inputs are drawn as N(0, 1), which the labels and the student's direction do not feel.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.selection.base import check_seed
from dataeff_core.theory.margins import widest_margin

STRATEGIES = ("hard", "easy", "random")
SHARES = tuple(float(one) for one in np.logspace(-2, 0, 12))  # the notebook's
ALPHAS = (20.0, 50.0, 100.0)
DIMENSION = 30  # the notebook's N
PROBE_DEGREES = 10.0  # the notebook's theta
REPEATS = 20  # of the notebook's 50: the curves' order is clear from 5 on


@dataclass(frozen=True)
class Curves:
    """Errors in [0, 1]: angle between student and teacher over pi; 0.5 is chance."""

    alphas: np.ndarray  # (a,) float64: examples a dimension before choosing
    shares: np.ndarray  # (s,) float64 in (0, 1]: f
    error: np.ndarray  # (3, a, s) float64, strategies in the order of STRATEGIES; NaN where f leaves no example
    standard_error: np.ndarray  # (3, a, s) float64
    examples: np.ndarray  # (a, s) int64: how many the student sees, int(alpha f N)
    dimension: int
    probe_degrees: float
    redundancy: int
    repeats: int
    seed: int

    def of(self, strategy: str, alpha: float) -> np.ndarray:
        """(s,) the error against `shares`. Raises BadInput for a strategy or an alpha that is not there."""
        if strategy not in STRATEGIES or not np.any(self.alphas == alpha):
            known = f"{', '.join(STRATEGIES)} at alpha {', '.join(f'{one:g}' for one in self.alphas)}"
            raise BadInput(f"there is no curve of {strategy!r} at alpha {alpha:g}; there are {known}")
        return self.error[STRATEGIES.index(strategy), int(np.flatnonzero(self.alphas == alpha)[0])]


def curves(
    alphas: Sequence[float] = ALPHAS,
    shares: Sequence[float] = SHARES,
    *,
    dimension: int = DIMENSION,
    probe_degrees: float = PROBE_DEGREES,
    redundancy: int = 1,
    repeats: int = REPEATS,
    seed: int = 0,
    reporter: Reporter | None = None,
) -> Curves:
    """The error of each strategy at each alpha and share.

    With `redundancy` r only alpha / r examples a dimension are distinct and each is there r times before choosing,
    as frames of a video are. Deterministic for equal arguments. Raises BadInput for values out of bounds, Cancelled.
    """
    _check("alpha", alphas, 1000)
    _check("share", shares, 1)
    _check_counts(dimension=dimension, redundancy=redundancy, repeats=repeats)
    if not 0 <= probe_degrees < 90:
        raise BadInput(f"the probe's angle {probe_degrees:g} is not in [0, 90) degrees; give another")
    check_seed(seed)
    reporter = reporter or Reporter()
    found = np.full((repeats, len(STRATEGIES), len(alphas), len(shares)), np.nan)
    reporter.phase("teaching perceptrons", repeats * len(alphas))
    for repeat in range(repeats):
        for a, alpha in enumerate(alphas):
            rng = np.random.default_rng([seed, repeat, a])
            task = _Task.drawn(rng, alpha, dimension, probe_degrees, redundancy)
            for s, share in enumerate(shares):
                count = int(alpha * share * dimension)
                for which in range(len(STRATEGIES) if count else 0):
                    found[repeat, which, a, s] = task.error(which, count)
            reporter.advance()
    spread = found.std(axis=0, ddof=1) if repeats > 1 else np.full(found.shape[1:], np.nan)
    return Curves(
        alphas=np.array(alphas, float),
        shares=np.array(shares, float),
        error=found.mean(axis=0),
        standard_error=spread / np.sqrt(repeats),
        examples=np.array([[int(alpha * share * dimension) for share in shares] for alpha in alphas], np.int64),
        dimension=dimension,
        probe_degrees=probe_degrees,
        redundancy=redundancy,
        repeats=repeats,
        seed=seed,
    )


@dataclass(frozen=True)
class _Task:
    """One teacher, its examples from the hardest on, and an order by chance."""

    teacher: np.ndarray  # (N,)
    points: np.ndarray  # (P, N)
    labels: np.ndarray  # (P,)
    by_chance: np.ndarray  # (P,)

    @classmethod
    def drawn(
        cls, rng: np.random.Generator, alpha: float, dimension: int, degrees: float, redundancy: int
    ) -> "_Task":
        """The probe is the first axis; the teacher stands at `degrees` to it."""
        teacher = rng.standard_normal(dimension)
        teacher[1:] *= np.sin(np.radians(degrees)) / np.linalg.norm(teacher[1:])
        teacher[0] = np.cos(np.radians(degrees))
        total = int(alpha * dimension)
        distinct = rng.standard_normal((-(-total // redundancy), dimension))
        points = np.tile(distinct, (redundancy, 1))[:total]
        points = points[np.argsort(np.abs(points[:, 0]), kind="stable")]
        return cls(teacher, points, np.where(points @ teacher < 0, -1.0, 1.0), rng.permutation(total))

    def error(self, strategy: int, count: int) -> float:
        seen = (slice(0, count), slice(len(self.points) - count, None), self.by_chance[:count])[strategy]
        points, labels = self.points[seen], self.labels[seen]
        student = widest_margin(*_distinct(points, labels))
        overlap = student @ self.teacher / (np.linalg.norm(student) * np.linalg.norm(self.teacher))
        return float(np.arccos(np.clip(overlap, -1, 1)) / np.pi)


def _distinct(points: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Copies taken out: they bind the student no further."""
    _, first = np.unique(points[:, 0], return_index=True)
    return points[first], labels[first]


def _check(name: str, values: Sequence[float], highest: float) -> None:
    """Raise BadInput for a value that is not in (0, highest]."""
    for value in values:
        if not 0 < value <= highest:
            raise BadInput(f"{name} {value:g} is not in (0, {highest:g}]; give another")


def _check_counts(**counts: int) -> None:
    """Raise BadInput for a count that is not in 1..1000 (2..1000 for the dimension)."""
    for name, count in counts.items():
        least = 2 if name == "dimension" else 1
        if not least <= count <= 1000:
            raise BadInput(f"{name} {count} is not in {least}..1000; give another")
