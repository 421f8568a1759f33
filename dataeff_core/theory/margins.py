"""The hard-margin perceptron without bias: the shortest w with y_i (w . x_i) >= 1 for all i, exactly."""

import numpy as np

from dataeff_core.errors import BadInput

ROUNDS = 3  # of rescaling; the second already gives |w| = 1 at the scale it is solved at


def widest_margin(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(P, N) points, (P,) labels of -1 and 1 -> (N,) float64: argmin |w| with y_i (w . x_i) >= 1.

    Solved as least distance programming by non-negative least squares (Lawson and Hanson 1974, chapter 23), which
    ends after finitely many steps with the exact support vectors; no iteration limit or penalty to choose. The
    right side is scaled until |w| is 1, where the method is best conditioned.

    Raises BadInput when no w parts the labels, or there is no point.
    """
    from scipy.optimize import nnls

    if len(points) == 0:
        raise BadInput("there is no point to learn from; give at least 1")
    G = labels[:, None] * points
    aim = np.zeros(points.shape[1] + 1)
    aim[-1] = 1.0
    scale, w = 1.0, np.zeros(points.shape[1])
    for _ in range(ROUNDS):
        E = np.concatenate([G.T, np.full((1, len(G)), scale)])
        weights, _ = nnls(E, aim, maxiter=50 * E.shape[0] + 10 * len(G))
        residual = E @ weights - aim
        if -residual[-1] <= 1e-12:
            raise BadInput(f"no plane through the origin parts the labels of these {len(points)} points; check them")
        w = -residual[:-1] / residual[-1] / scale
        scale = 1.0 / float(np.linalg.norm(w))
    return w
