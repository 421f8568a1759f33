"""Figures as functions: what they hold, not how they look."""

import numpy as np
import pytest

from dataeff_core.ui import charts


@pytest.mark.parametrize("n", [1, 500, 90_000])
def test_the_sample_map_draws_at_most_what_a_browser_takes_and_every_decision(n: int) -> None:
    rng = np.random.default_rng(0)
    codes = rng.choice(5, n, p=[0.2, 0.75, 0.0499, 0.00005, 0.00005]).astype(np.uint8)
    if n > 4:
        codes[:5] = range(5)
    figure, shown = charts.sample_map(rng.random((n, 2)).astype(np.float32), codes)
    assert shown == sum(len(one.x) for one in figure.data) <= charts.MOST_POINTS
    assert shown == min(n, shown)
    assert len(figure.data) == len(np.unique(codes))
    assert len({one.marker.symbol for one in figure.data}) == len(figure.data)


def test_a_sample_holds_each_decision_in_its_share() -> None:
    codes = np.repeat(np.array([0, 1], np.uint8), [10_000, 90_000])
    rows = charts.stratified(codes, 1000)
    assert len(rows) == len(set(rows.tolist())) == 1000
    assert (codes[rows] == 0).sum() == 100


def test_the_calibration_is_drawn_with_its_limit() -> None:
    figure = charts.calibration(np.array([0.8, 0.9], np.float32), np.array([0.1, 0.2], np.float32), 0.55)
    assert [len(one.x) for one in figure.data] == [2, 2]
    assert figure.layout.shapes[0].x0 == 0.55
    assert "0.550" in figure.layout.annotations[0].text
    assert charts.calibration(np.empty(0, np.float32), np.empty(0, np.float32), 1.0).data
