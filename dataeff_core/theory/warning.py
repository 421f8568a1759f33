"""When the theory says that choosing only the hardest examples does harm, in one sentence."""

import numpy as np

from dataeff_core.errors import BadInput

CROSSING = 0.72  # hard and random err alike at f = CROSSING / sqrt(alpha): measured, see `harmful_below`
SAMPLE = 20_000  # vectors that the dimension is measured on


def harmful_below(alpha: float) -> float:
    """The share f below which the hardest alone teach less than random ones, at alpha examples a dimension.

    Ours, read off the experiment of `perceptron` (N = 30, the probe at 10 degrees): the curves of hard and random
    cross at alpha f = 1.6, 2.3, 3.2, 4.7, 7.4 and 10.7 for alpha = 5, 10, 20, 50, 100 and 200, which is
    0.72 sqrt(alpha) within 10 %. Raises BadInput for an alpha of 0 or less.
    """
    if not alpha > 0:
        raise BadInput(f"alpha {alpha:g} is not above 0; give the examples there are for each dimension")
    return float(min(1.0, CROSSING / np.sqrt(alpha)))


def hard_only_warning(available: int, chosen: int, dimension: float) -> str:
    """One sentence when the `chosen` hardest of `available` examples are too few by the theory; '' when not.

    `dimension` stands for the perceptron's N: in how many independent directions the examples differ
    (`effective_dimension`). Real networks are no perceptrons, so this warns and forbids nothing. Raises BadInput.
    """
    if not 0 <= chosen <= available or not dimension > 0:
        raise BadInput(f"{chosen} of {available} examples in {dimension:g} dimensions cannot be judged; check them")
    if chosen in (0, available):
        return ""
    least = harmful_below(available / dimension)
    if chosen / available >= least:
        return ""
    enough = min(available, int(np.ceil(least * available)))
    return (
        f"The {chosen:,} hardest of {available:,} are {chosen / available:.2g} of them, and for data that vary in "
        f"about {dimension:.0f} directions the perceptron theory expects the hardest alone to teach less than random "
        f"ones below {least:.2g}: choose {enough:,} or more, or lower the upper margin so that easier ones come in"
    )


def effective_dimension(vectors: np.ndarray, *, seed: int = 0) -> float:
    """(n, d) vectors -> in how many directions they vary: (tr C)^2 / tr(C^2) of their covariance C, in [1, d].

    The participation ratio, our stand-in for the number of dimensions that the theory counts examples by; of at most
    SAMPLE vectors, drawn by `seed`. 1 where they do not vary. Raises BadInput without vectors.
    """
    if vectors.ndim != 2 or 0 in vectors.shape:
        raise BadInput(f"vectors of shape {vectors.shape} have no dimension to measure; give (n, d)")
    rows = np.arange(len(vectors))
    if len(rows) > SAMPLE:
        rows = np.sort(np.random.default_rng(seed).choice(len(vectors), SAMPLE, replace=False))
    some = np.asarray(vectors[rows], np.float64)
    some -= some.mean(axis=0)
    covariance = some.T @ some
    squares = float(np.square(covariance).sum())
    return max(1.0, float(np.trace(covariance)) ** 2 / squares) if squares > 0 else 1.0
