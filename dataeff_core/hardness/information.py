"""V-information under a Gaussian predictive family, of any subset of patches, from sums alone.

Definitions (Xu et al. 2020), in nats, for a predictive family V:

    H_V(Y|X) = inf over f in V of E[-ln f[x](y)]        side information X is given: the visible parts
    H_V(Y|0) = inf over f in V of E[-ln f[0](y)]        no side information
    I_V(X -> Y) = H_V(Y|0) - H_V(Y|X)

Y is one hidden value (a pixel's channel), x the visible parts of its patch. OptiDEL reads -ln f[x](y) as the
reconstruction error; its family is not published. Ours: V holds the predictors f[x] = N(m(x), s^2) with the MAE's
drawing m(x) = M(x), and without side information f[0] = N(c, s^2) with one constant c for each colour channel; the
variance s^2, the same for all values, is free but not below `floor`. Then with e^2 a value's squared error,

    E[-ln f] = 1/2 ln(2 pi s^2) + E[e^2] / (2 s^2),

whose derivative by s^2 is 0 at s^2 = E[e^2] and which rises beyond it, so that the infimum is at
s^2 = max(E[e^2], floor) and without the floor in force is 1/2 ln(2 pi e E[e^2]). For H_V(Y|X), E[e^2] is the MAE's
mean squared error; for H_V(Y|0) the best c is each channel's mean, and E[e^2] = E[y^2] - mean over channels of c^2.
Both are means over patches of numbers that each patch has of its own (`Moments`), so that a subset's terms follow
from sums, and those of a range of hardness from two rows of running sums (`Running`).

The floor is the variance of the rounding to 256 levels, (1/255)^2 / 12: recorded values are known no better, and a
constant patch stays finite. Optional ignorance, which Xu et al. ask of a family so that I_V is never negative, is
left out on purpose: a negative term tells that the MAE draws these patches worse than one flat colour would.

Pointwise V-information (Ethayarajh et al. 2022) of a patch is the mean over its values of -ln f[0](y) + ln f[x](y)
with the predictors fitted on a reference set; its mean over that set is I_V.
"""

import math
from dataclasses import dataclass

import numpy as np

from dataeff_core.errors import BadInput

FLOOR = (1 / 255) ** 2 / 12  # variance of rounding an intensity in [0, 1] to 8 bits


@dataclass(frozen=True)
class Moments:
    """What each of m patches adds: means over its hidden values. Every patch has equally many."""

    mean: np.ndarray  # (m, 3) float64: of y, each channel
    square: np.ndarray  # (m,) float64: of y^2
    error: np.ndarray  # (m,) float64: of the MAE's squared error

    def __len__(self) -> int:
        return len(self.square)

    @property
    def columns(self) -> np.ndarray:
        """(m, 5) float64: mean, square, error."""
        return np.concatenate([self.mean, self.square[:, None], self.error[:, None]], axis=1)


@dataclass(frozen=True)
class Terms:
    """The two terms of one subset's V-information, in nats for each hidden value; NaN for a subset of none."""

    patches: int
    nothing: float  # H_V(Y|0): rises with diversity
    given: float  # H_V(Y|X): rises with hardness
    constant: tuple[float, float, float]  # the best constant, each channel
    variance_nothing: float  # fitted s^2, floor applied
    variance_given: float

    @property
    def information(self) -> float:
        """I_V(X -> Y), nats a value."""
        return self.nothing - self.given


def terms(moments: Moments, chosen: np.ndarray | None = None, *, floor: float = FLOOR) -> Terms:
    """Of all patches, or of those `chosen` ((m,) bool, or int rows)."""
    columns = moments.columns if chosen is None else moments.columns[chosen]
    return of_sums(columns.sum(axis=0), len(columns), floor=floor)


def of_sums(sums: np.ndarray, patches: int, *, floor: float = FLOOR) -> Terms:
    """(5,) sums of `Moments.columns` over so many patches -> their terms."""
    if patches == 0:
        return Terms(0, math.nan, math.nan, (math.nan,) * 3, math.nan, math.nan)
    mean = np.asarray(sums, np.float64) / patches
    spread = max(float(mean[3] - np.square(mean[:3]).mean()), 0.0)
    error = max(float(mean[4]), 0.0)
    return Terms(
        patches=patches,
        nothing=entropy(spread, floor),
        given=entropy(error, floor),
        constant=(float(mean[0]), float(mean[1]), float(mean[2])),
        variance_nothing=max(spread, floor),
        variance_given=max(error, floor),
    )


def entropy(squared_error: float, floor: float = FLOOR) -> float:
    """inf over s^2 >= floor of 1/2 ln(2 pi s^2) + squared_error / (2 s^2), in nats."""
    variance = max(squared_error, floor)
    return 0.5 * math.log(2 * math.pi * variance) + squared_error / (2 * variance)


def pointwise(moments: Moments, fitted: Terms) -> tuple[np.ndarray, np.ndarray]:
    """(m,) float64 twice: each patch's mean of -ln f[0](y) and of -ln f[x](y), in nats a value, under the predictors
    `fitted` on a reference set. Their difference is the patch's pointwise V-information."""
    constant = np.array(fitted.constant)
    squared = moments.square - 2 * (moments.mean * constant).mean(axis=1) + np.square(constant).mean()
    return _surprise(squared, fitted.variance_nothing), _surprise(moments.error, fitted.variance_given)


def _surprise(squared_error: np.ndarray, variance: float) -> np.ndarray:
    return 0.5 * math.log(2 * math.pi * variance) + np.maximum(squared_error, 0) / (2 * variance)


class Running:
    """Sums of moments along an order, so that the terms of any range of it take no time."""

    def __init__(self, moments: Moments, order: np.ndarray, *, floor: float = FLOOR) -> None:
        """`order` (m,) int64: rows of `moments`, for instance from the easiest to the hardest."""
        self.floor = floor
        self.sums = np.zeros((len(order) + 1, 5))
        np.cumsum(moments.columns[order], axis=0, out=self.sums[1:])

    def between(self, start: int, stop: int) -> Terms:
        """The terms of places start up to, without, stop in the order. Raises BadInput."""
        if not 0 <= start <= stop < len(self.sums):
            raise BadInput(f"places {start} to {stop} are not in 0..{len(self.sums) - 1}; check them")
        return of_sums(self.sums[stop] - self.sums[start], stop - start, floor=self.floor)
