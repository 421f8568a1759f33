"""What a benchmark's numbers allow one to say: differences between cells that share a seed, with their uncertainty.

Cells of one seed share the selection's, the network's and the head's random numbers, and the split of the downstream
images. Their difference therefore scatters less than the scores do, and its interval is Student's over the seeds (our
choice; the paper gives single numbers). It says how far other seeds would move the difference, not other test images.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dataeff_core.workspace.benchmarks import FULL

CONFIDENCE = 0.95
Which = tuple[str, float]
"""A row of the matrix: method and asked share in (0, 1]; (FULL, 1.0) is full data."""


@dataclass(frozen=True)
class Difference:
    """`one` minus `other`, over the seeds that both have. Scores are fractions."""

    one: Which
    other: Which
    seeds: int
    one_mean: float
    other_mean: float
    mean: float
    low: float | None  # ends of the interval; None where one seed alone gives none
    high: float | None

    @property
    def shown(self) -> bool:
        """Whether the interval leaves 0 out, so that a difference is shown."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


def difference(
    table: pd.DataFrame, one: Which, other: Which = (FULL, 1.0), *, value: str = "miou"
) -> Difference | None:
    """The paired difference of column `value` between two rows of the matrix; None where no seed has both.

    `table` has a row a finished cell: method, keep, seed, and `value`.
    """
    pairs = pd.concat([_by_seed(table, one, value), _by_seed(table, other, value)], axis=1, join="inner").dropna()
    if pairs.empty:
        return None
    left, right = pairs.iloc[:, 0].to_numpy(float), pairs.iloc[:, 1].to_numpy(float)
    low, high = interval(left - right)
    means = float(left.mean()), float(right.mean())
    return Difference(one, other, len(pairs), *means, means[0] - means[1], low, high)


def interval(values: np.ndarray) -> tuple[float | None, float | None]:
    """(n,) float -> the 95 % interval of their mean by Student's t; (None, None) for fewer than two."""
    if len(values) < 2:
        return None, None
    from scipy.special import stdtrit

    half = float(stdtrit(len(values) - 1, 0.5 + CONFIDENCE / 2)) * float(values.std(ddof=1)) / len(values) ** 0.5
    return float(values.mean()) - half, float(values.mean()) + half


def sentence(found: Difference, *, names: dict[str, str] | None = None) -> str:
    """The difference in plain words: numbers, uncertainty, and no more than they show.

    `names` says what methods are called; one that is not in it stands for itself.
    """
    head = (
        f"{_subject(found.one, names)} scores {found.one_mean:.3f} against {found.other_mean:.3f} for "
        f"{_object(found, names)}: difference {_signed(found.mean)}"
    )
    if found.low is None or found.high is None:
        return f"{head} with one seed. One seed shows no uncertainty, so nothing follows from it yet."
    seeds = f"95 % interval {_signed(found.low)} to {_signed(found.high)} over {found.seeds} seeds"
    return f"{head}, {seeds}: {_reading(found)}"


def _reading(found: Difference) -> str:
    assert found.low is not None  # noqa: S101  (the caller has looked)
    assert found.high is not None  # noqa: S101
    if found.shown:
        thin = ", though two seeds are thin evidence" if found.seeds == 2 else ""
        return f"it scores {'higher' if found.mean > 0 else 'lower'}{thin}."
    if found.low == found.high:
        return "the same in every seed."
    worse, better = max(0.0, -found.low), max(0.0, found.high)
    return (
        f"no difference can be shown. That is no proof of equality: {worse:.3f} worse and {better:.3f} better "
        "are both still possible."
    )


def _by_seed(table: pd.DataFrame, which: Which, value: str) -> pd.Series:
    method, keep = which
    rows = table[(table["method"] == method) & np.isclose(table["keep"].astype(float), keep)]
    return rows.drop_duplicates("seed", keep="last").set_index("seed")[value]


def _subject(which: Which, names: dict[str, str] | None) -> str:
    name = _name(which[0], names)
    return f"{name[:1].upper()}{name[1:]}" if which[0] == FULL else f"At {_percent(which[1])} {name}"


def _object(found: Difference, names: dict[str, str] | None) -> str:
    name = _name(found.other[0], names)
    same = found.other[0] == FULL or found.other[1] == found.one[1]
    return name if same else f"{name} at {_percent(found.other[1])}"


def _name(method: str, names: dict[str, str] | None) -> str:
    known = {FULL: "all frames"} | (names or {})
    return known.get(method, method.replace("_", " "))


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


def _signed(value: float) -> str:
    rounded = round(value, 3) or 0.0  # no minus before 0.000
    return f"{rounded:+.3f}".replace("-", "\u2212") if rounded else "0.000"
