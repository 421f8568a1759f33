"""The lasso: even-odd rule against a slow reference, and polygons that no browser should send."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataeff_core.ui.explore.lasso import read_polygon, rows_inside

corner = st.floats(-1, 1, width=32)


def reference(polygon: list[float], x: float, y: float) -> bool:
    """Crossings of a ray to the right, counted one edge after another."""
    corners = [(polygon[i], polygon[i + 1]) for i in range(0, len(polygon), 2)]
    odd = False
    for (ax, ay), (bx, by) in zip(corners, corners[-1:] + corners[:-1], strict=True):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            odd = not odd
    return odd


@settings(max_examples=80)
@given(st.lists(corner, min_size=6, max_size=30).map(lambda one: one[: len(one) // 2 * 2]), st.integers(0, 99))
def test_inside_is_what_the_reference_says(polygon: list[float], seed: int) -> None:
    xy = np.random.default_rng(seed).uniform(-1, 1, (40, 2)).astype(np.float32)
    inside = rows_inside(polygon, xy)
    assert inside.tolist() == [reference(polygon, float(x), float(y)) for x, y in xy]


def test_a_square_and_a_hole() -> None:
    xy = np.array([[0, 0], [0.5, 0.5], [2, 0]], np.float32)
    assert rows_inside([-1, -1, 1, -1, 1, 1, -1, 1], xy).tolist() == [True, True, False]
    twice = [-1, -1, 1, -1, 1, 1, -1, 1, -1, -1, -0.2, -0.2, 0.2, -0.2, 0.2, 0.2, -0.2, 0.2, -0.2, -0.2]
    assert rows_inside(twice, xy).tolist() == [False, True, False]


SQUARE = [0, 0, 1, 1, 0]


@pytest.mark.parametrize(
    "given_",
    [
        None,
        "x",
        3,
        {},
        [],
        SQUARE[:4],
        SQUARE,
        [*SQUARE, float("nan")],
        [*SQUARE, "1"],
        [*SQUARE, None],
        [0.0] * 5000,
    ],
)
def test_what_is_no_polygon_is_none(given_: object) -> None:
    assert read_polygon(given_) is None


def test_a_polygon_comes_as_numbers() -> None:
    assert read_polygon([0, 0, 1, 0, 1, 1]) == [0.0, 0.0, 1.0, 0.0, 1.0, 1.0]
