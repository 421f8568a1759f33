"""Figures that plotly draws: the map's fallback, and what a calibration found. Functions of arrays."""

from typing import TYPE_CHECKING

import numpy as np

from dataeff_core.ui import words
from dataeff_core.ui.theme import BY_CODE, style_of

if TYPE_CHECKING:  # plotly takes a second to load and most visits draw none of this
    import plotly.graph_objects as go

MOST_POINTS = 20_000  # above, a browser without WebGL2 crawls
_BARE = {"showticklabels": False, "showgrid": False, "zeroline": False, "title": None}


def sample_map(
    xy: np.ndarray, codes: np.ndarray, *, most: int = MOST_POINTS, seed: int = 0
) -> "tuple[go.Figure, int]":
    """The map (n, 2) as a scatter of at most `most` points, each decision in its share; and how many are drawn."""
    import plotly.graph_objects as go

    rows = stratified(codes, most, seed=seed)
    figure = go.Figure()
    for code, style in sorted(BY_CODE.items(), reverse=True):
        mine = rows[codes[rows] == code]
        if len(mine):
            look = {"mode": "markers", "marker": {"color": style.light, "symbol": style.shape, "size": 6}}
            figure.add_scattergl(
                x=xy[mine, 0], y=xy[mine, 1], name=words.reason(style.symbol), hoverinfo="name", **look
            )
    figure.update_xaxes(**_BARE)
    figure.update_yaxes(**_BARE, scaleanchor="x")
    figure.update_layout(height=520, margin={"l": 0, "r": 0, "t": 0, "b": 0}, legend={"orientation": "h"})
    return figure, len(rows)


def stratified(codes: np.ndarray, most: int, *, seed: int = 0) -> np.ndarray:
    """At most `most` rows, ascending; of each decision its share, and one at least where there is any."""
    if len(codes) <= most:
        return np.arange(len(codes))
    rng = np.random.default_rng(seed)
    parts = []
    for code in np.unique(codes):
        members = np.flatnonzero(codes == code)
        wanted = max(1, int(len(members) * most / len(codes)))
        parts.append(rng.choice(members, wanted, replace=False))
    return np.sort(np.concatenate(parts))[:most]


def calibration(copies: np.ndarray, strangers: np.ndarray, eta: float) -> "go.Figure":
    """Likeness of slightly changed copies and of frames of different groups, with the limit between them."""
    import plotly.graph_objects as go

    kept, removed = style_of("kept"), style_of("duplicate")
    low = float(min(copies.min(initial=1.0), strangers.min(initial=1.0)))
    bins = {"start": low, "end": 1.0, "size": (1.0 - low) / 60 or 1.0}
    figure = go.Figure()
    for values, style, name in ((strangers, kept, "unrelated frames"), (copies, removed, "slightly changed copies")):
        figure.add_histogram(
            x=values, xbins=bins, histnorm="percent", marker={"color": style.light}, opacity=0.75, name=name
        )
    figure.add_vline(x=eta, line_width=2, annotation_text=f"limit {eta:.3f}", annotation_position="top left")
    figure.update_layout(
        barmode="overlay",
        height=260,
        margin={"l": 0, "r": 0, "t": 24, "b": 0},
        legend={"orientation": "h", "y": -0.2},
        xaxis_title=words.label("similarity"),
        yaxis_title="share of pairs, %",
    )
    return figure
