"""The curves of runs, as functions of tables."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

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
VIEW = "view"  # the name of what zoom and pan change
ZOOM = "wheel![event.altKey]"  # without the key the wheel scrolls the page


def curve(measure: str, *, until: float, height: int, dark: bool = False) -> dict[str, Any]:
    """One measure of one run over the passes, as a Vega-Lite specification for a table with the columns epoch and
    `measure`; the axis goes to `until`, so that what is left to do is seen.

    Vega, because Streamlit gives its view new rows and leaves the rest, zoom and pan too; a plotly chart is made
    anew whenever a point is added.
    """
    value = {"field": measure, "type": "quantitative"}
    told = [
        {"field": "epoch", "type": "quantitative", "title": words.label("epoch"), "format": ".2f"},
        {**value, "title": words.label(measure), "format": ".4~g"},
    ]
    x = {
        "field": "epoch",
        "type": "quantitative",
        "title": words.label("epoch"),
        "scale": {"domain": [0, until], "nice": False},
        "axis": {"tickCount": 6, "format": ".6~g", "grid": False},
    }
    y = {**value, "title": None, "scale": {"zero": False}, "axis": {"tickCount": 5, "format": ".6~g"}}
    colour = (DARK if dark else LIGHT)[0]
    nearest = {"type": "point", "on": "pointerover", "nearest": True, "clear": "pointerout", "encodings": ["x"]}
    return {
        "height": height,
        "encoding": {"x": x, "y": y},
        "layer": [
            {
                "mark": {"type": "line", "color": colour, "strokeWidth": 2, "clip": True},
                "params": [{"name": VIEW, "bind": "scales", "select": {"type": "interval", "zoom": ZOOM}}],
            },
            {
                "mark": {"type": "point", "color": colour, "filled": True, "size": 60, "clip": True},
                "params": [{"name": "near", "select": nearest}],
                "encoding": {
                    "opacity": {"condition": {"param": "near", "empty": False, "value": 1}, "value": 0},
                    "tooltip": told,
                },
            },
        ],
    }


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
    figure.update_layout(
        height=400,
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        uirevision=revision,
        hovermode="x unified",
        showlegend=True,
        legend={"orientation": "h", "y": -0.22},
    )
    return figure
