"""NormDEL, the paper's metric: a downstream score weighed with the share of the data that was kept for it
(MedDEL, ACM MM 2024, Eq 4 and 5).

With alpha = 1 a model made from 5 % of the data beats even a perfect one made from all of it once its mIoU passes
exp(-0.95) = 0.387, so a ranking by NormDEL across kept shares is nearly "the smallest share wins". Hence show mIoU,
the kept share, DEL and NormDEL together, and let alpha be changed.
"""

from typing import overload

import numpy as np
import numpy.typing as npt

from dataeff_core.errors import BadInput

ALPHA = 1.0  # the paper does not state its alpha; 1 gives its Table 3
LEAST, MOST = 0.5, float(1 / (1 + np.exp(-1)))  # the range of NormDEL for alpha >= 0: [0.5, 0.7311]

Array = npt.NDArray[np.float64]


def weighs(retained: float | None) -> bool:
    """Whether NormDEL says anything of such a kept share: a fraction in [0, 1]; a run on many mosaics has more."""
    return retained is not None and 0 <= retained <= 1


@overload
def normdel(miou: float, retained: float, alpha: float = ALPHA) -> float: ...
@overload
def normdel(miou: npt.ArrayLike, retained: npt.ArrayLike, alpha: float = ALPHA) -> Array: ...
def normdel(miou: npt.ArrayLike, retained: npt.ArrayLike, alpha: float = ALPHA) -> float | Array:
    """NormDEL = 1 / (1 + exp(-mIoU exp(-alpha R))), Eq 5; a float for numbers, an array (broadcast) for arrays.

    `miou` and `retained` (the paper's R, the kept share of the data) are fractions in [0, 1]. The value lies in
    [0.5, 0.7311] (for alpha = 1 and every other alpha >= 0): 0.5 for an mIoU of 0, sigmoid(1) for a perfect model
    that needed no data. It rises strictly with mIoU and, for alpha > 0 and mIoU > 0, falls strictly as R grows.
    `alpha` says how much a smaller share is worth: at 0 the share does not count (sigmoid(mIoU)); the larger it is,
    the more the smallest share wins whatever its mIoU. The paper does not state its own; 1 gives its Table 3.

    Raises BadInput for NaN, a negative number, a percentage (above 1), or an alpha that is negative or not finite.
    """
    return _as_given(1 / (1 + np.exp(-_delta(miou, retained, alpha))))


@overload
def delta(miou: float, retained: float, alpha: float = ALPHA) -> float: ...
@overload
def delta(miou: npt.ArrayLike, retained: npt.ArrayLike, alpha: float = ALPHA) -> Array: ...
def delta(miou: npt.ArrayLike, retained: npt.ArrayLike, alpha: float = ALPHA) -> float | Array:
    """DEL = mIoU exp(-alpha R), Eq 4, in [0, 1]; arguments and errors as `normdel`'s."""
    return _as_given(_delta(miou, retained, alpha))


def _delta(miou: npt.ArrayLike, retained: npt.ArrayLike, alpha: float) -> Array:
    if not (np.isfinite(alpha) and alpha >= 0):
        raise BadInput(f"alpha {alpha:g} is not a number from 0 on; 1 gives the paper's table, 0 ignores the share")
    quality, share = _fractions(miou, "miou"), _fractions(retained, "retained")
    found: Array = quality * np.exp(-alpha * share)
    return found


def _fractions(value: npt.ArrayLike, name: str) -> Array:
    """`value` as float64. Raises BadInput, with the first value that is no fraction."""
    try:
        given = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput(f"{name} {value!r:.60} is not a number; give a fraction in [0, 1]") from error
    wrong = ~((given >= 0) & (given <= 1))
    if wrong.any():
        first = float(given[wrong].flat[0])
        if np.isfinite(first) and 1 < first <= 100:
            raise BadInput(f"{name} {first:g} is not a fraction in [0, 1]; for {first:g} % give {first / 100:g}")
        raise BadInput(f"{name} {first:g} is not a fraction in [0, 1]; give for instance 0.2")
    return given


def _as_given(value: Array) -> float | Array:
    return float(value) if np.ndim(value) == 0 else value
