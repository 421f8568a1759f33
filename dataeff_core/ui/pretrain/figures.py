"""The curves of runs, as functions of tables."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from dataeff_core.ui import words
from dataeff_core.ui.pretrain.metrics import thinned

if TYPE_CHECKING:  # plotly takes a second to load, and most pages draw none of this
    import plotly.graph_objects as go

# Okabe and Ito's palette, on light and on dark ground
LIGHT = ("#0072B2", "#D55E00", "#A0468A", "#00795A", "#6B6B6B")
DARK = ("#56B4E9", "#F28E3D", "#D98CC0", "#2FCFA0", "#B5B5B5")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")  # runs differ by more than colour
X_AXES = ("epoch", "images_seen")


def curve(
    table: pd.DataFrame, measure: str, *, until: float, revision: str, height: int, dark: bool = False
) -> "go.Figure":
    """One measure of one run over the passes; the axis goes to `until`, so that what is left to do is seen.

    Zoom and pan outlive new points as long as `revision` stays the same.
    """
    import plotly.graph_objects as go

    drawn = thinned(table)
    figure = go.Figure()
    figure.add_scatter(
        x=drawn["epoch"],
        y=drawn[measure],
        mode="lines" if len(drawn) > 1 else "markers",
        line={"width": 2, "color": (DARK if dark else LIGHT)[0]},
        name=words.label(measure),
        hovertemplate=f"%{{y:.4g}} at %{{x:.4g}}<extra>{words.label(measure)}</extra>",
    )
    figure.update_xaxes(range=[0, max(until, 1e-9)], title=words.label("epoch"))
    figure.update_yaxes(tickformat="~g")  # 0.0001, not 100µ
    _lay_out(figure, height, revision)
    figure.update_layout(showlegend=False)
    return figure


def overlaid(tables: Mapping[str, pd.DataFrame], *, x: str, revision: str, dark: bool = False) -> "go.Figure":
    """The loss against `x`, a line a run (its name -> its logged steps), told apart by colour and by dashes."""
    import plotly.graph_objects as go

    figure = go.Figure()
    looks = zip(DARK if dark else LIGHT, DASHES, strict=True)
    for (name, table), (colour, dash) in zip(tables.items(), looks, strict=False):
        drawn = thinned(table)
        figure.add_scatter(
            x=drawn[x],
            y=drawn["loss"],
            mode="lines" if len(drawn) > 1 else "markers",
            line={"width": 2, "dash": dash, "color": colour},
            name=name.replace("<", "&lt;"),  # plotly reads a few HTML tags
            hovertemplate="%{y:.4g} at %{x:.4g}<extra>%{fullData.name}</extra>",
        )
    figure.update_xaxes(title=words.label(x), rangemode="tozero")
    figure.update_yaxes(title=words.label("loss"))
    _lay_out(figure, 400, revision)
    figure.update_layout(showlegend=True, legend={"orientation": "h", "y": -0.22})
    return figure


def _lay_out(figure: "go.Figure", height: int, revision: str) -> None:
    figure.update_layout(
        height=height, margin={"l": 0, "r": 8, "t": 8, "b": 0}, uirevision=revision, hovermode="x unified"
    )
