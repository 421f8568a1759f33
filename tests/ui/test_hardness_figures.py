"""The figures of the Hardness page: bins hold every patch, the theory's curves are those computed."""

import numpy as np
import pytest

from dataeff_core.theory.perceptron import curves
from dataeff_core.ui.hardness import figures


def test_the_theorys_curves_are_those_computed() -> None:
    found = curves((20.0,), (0.1, 1.0), dimension=5, repeats=2)
    figure = figures.theory(found, 20.0, 0.2, 0.5)
    drawn = {trace.name: list(trace.y) for trace in figure.data}
    assert drawn["the hardest"] == list(found.of("hard", 20.0))
    assert drawn["random ones"] == list(found.of("random", 20.0))
    assert "chosen now" in [one.text for one in figure.layout.annotations]


@pytest.mark.parametrize("values", [[0.0, 0.0], [0.0, 2.0], [3.0], [5.0, 5.0, 5.0], [0.0, 1e-6, 1e6]])
def test_bins_hold_constant_and_equal_patches(values: list[float]) -> None:
    edges = figures.bin_edges(np.array(values))
    assert len(edges) == figures.BINS + 1
    assert (np.diff(edges) > 0).all()
    positive = [one for one in values if one > 0]
    assert edges[0] > 0
    assert all(edges[0] <= one * (1 + 1e-9) and one <= edges[-1] * (1 + 1e-9) for one in positive)
