"""The curves of runs as functions of their metrics."""

import pandas as pd
import pytest

from dataeff_core.ui.pretrain import figures, metrics
from dataeff_core.workspace.runs import METRICS


def test_long_curves_are_thinned_to_means() -> None:
    table = pd.DataFrame({name: [float(one) for one in range(10_000)] for name in METRICS})
    drawn = metrics.thinned(table, 100)
    assert len(drawn) == 100
    assert drawn["loss"].iloc[0] == pytest.approx(49.5)
    assert metrics.thinned(table.head(5)) is not None
    assert len(metrics.thinned(table)) == metrics.MOST_POINTS


def test_names_in_a_legend_are_no_html() -> None:
    table = pd.DataFrame({name: [1.0, 2.0] for name in METRICS})
    figure = figures.overlaid({"<b>bold</b>": table}, x="epoch", revision="a")
    assert "<b>" not in figure.data[0].name
