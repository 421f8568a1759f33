"""The lasso: a polygon in map coordinates, and which frames lie in it."""

import math
from typing import Any

import numpy as np


def read_polygon(given: Any) -> list[float] | None:
    """A polygon as the browser says it, or None where it is none."""
    if not isinstance(given, list) or len(given) < 6 or len(given) % 2 or len(given) > 4000:
        return None
    corners = [float(value) for value in given if isinstance(value, int | float) and math.isfinite(value)]
    return corners if len(corners) == len(given) else None


def rows_inside(polygon: list[float], xy: np.ndarray) -> np.ndarray:
    """(n,) bool: which points (n, 2) float32 lie in the polygon, by the even-odd rule and with the very arithmetic
    of `rowsInside` in explorer_data.js, so that both count the same."""
    x, y = xy[:, 0].astype(np.float64), xy[:, 1].astype(np.float64)
    corners = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    inside = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
    rows = np.flatnonzero(inside)
    px, py = x[rows], y[rows]
    odd = np.zeros(len(rows), dtype=bool)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, 1, axis=0), strict=True):
        if ay == by:
            continue  # no point lies between two equal heights
        odd ^= ((ay > py) != (by > py)) & (px < (bx - ax) * (py - ay) / (by - ay) + ax)
    inside[rows] = odd
    return inside
