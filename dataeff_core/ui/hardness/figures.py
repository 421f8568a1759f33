"""The figures of the Hardness page, as functions of arrays; none reads a file or asks Streamlit."""

from typing import TYPE_CHECKING

import numpy as np

from dataeff_core.hardness.choosing import SUSPICIOUS
from dataeff_core.ui.hardness.bands import STYLES

if TYPE_CHECKING:  # plotly takes a second to load, and a page without scores draws none of this
    import plotly.graph_objects as go

    from dataeff_core.theory.perceptron import Curves

BINS = 80
_INK = ("#1B2530", "#E6EBF0")  # on light and on dark ground
_GRID = "rgba(128, 140, 152, 0.22)"
_STRATEGIES = {
    "hard": (("#B84A00", "#F28E3D"), "triangle-up"),
    "easy": (("#6B6B6B", "#B5B5B5"), "square"),
    "random": (("#0072B2", "#56B4E9"), "circle"),
}


def theory(found: "Curves", alpha: float, below: float, share: float | None, *, dark: bool = False) -> "go.Figure":
    """Error of the students of one alpha against the share kept; where the hardest alone do harm (below `below`) is
    shaded, the share that is chosen now is a line."""
    import plotly.graph_objects as go

    figure = go.Figure()
    column = int(np.flatnonzero(found.alphas == alpha)[0])
    for strategy, (colours, symbol) in _STRATEGIES.items():
        error = found.of(strategy, alpha)
        told = np.isfinite(error)
        spread = found.standard_error[list(_STRATEGIES).index(strategy), column]
        figure.add_scatter(
            x=found.shares[told],
            y=error[told],
            error_y={"type": "data", "array": np.nan_to_num(spread[told]), "thickness": 1},
            mode="lines+markers",
            name=f"{strategy} ones" if strategy == "random" else f"the {strategy}est",
            line={"color": colours[dark], "width": 2},
            marker={"symbol": symbol, "size": 7},
            hovertemplate="share %{x:.3g}: error %{y:.3f}<extra>%{fullData.name}</extra>",
        )
    lowest = float(found.shares.min())
    if below > lowest:
        figure.add_vrect(
            x0=lowest,
            x1=below,
            fillcolor=STYLES[SUSPICIOUS].colour(dark),
            opacity=0.12,
            line_width=0,
        )
        _say(figure, below, "hardest alone: worse than random", "right", low=True)
    if share is not None and lowest <= share <= 1:
        _mark(figure, share, "chosen now", "right" if share > 0.1 else "left", dark)
    ticks = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]
    figure.update_xaxes(type="log", title="share of the examples kept", tickvals=ticks, gridcolor=_GRID)
    figure.update_yaxes(title="error (angle / π)", gridcolor=_GRID, rangemode="tozero")
    figure.update_layout(**_laid_out(340))
    return figure


def bin_edges(hardness: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Ascending hardness (m,) -> (bins + 1,) edges above 0 that hold all positive values, of equal width on a
    logarithmic axis, as hardness is a ratio; patches of hardness 0 (of one colour) count to the first bin."""
    positive = hardness[hardness > 0]
    low, high = (float(positive[0]), float(positive[-1])) if len(positive) else (0.1, 1.0)
    if high / low < 1 + 1e-6:
        low, high = low / 1.5, high * 1.5
    return np.geomspace(low, high, bins + 1)


def _mark(figure: "go.Figure", at: float, text: str, anchor: str, dark: bool) -> None:
    """An upright line on a logarithmic axis, with its name."""
    figure.add_vline(x=at, line_width=2, line_color=_INK[dark])
    _say(figure, at, text, anchor)


def _say(figure: "go.Figure", at: float, text: str, anchor: str, *, low: bool = False) -> None:
    """Words beside a place on a logarithmic axis; plotly wants its logarithm here, where lines want the value."""
    figure.add_annotation(
        x=float(np.log10(at)),
        y=0.02 if low else 1.0,
        yref="paper",
        yanchor="bottom",
        xanchor=anchor,
        text=text,
        showarrow=False,
    )


def _laid_out(height: int) -> dict[str, object]:
    return {
        "height": height,
        "margin": {"l": 0, "r": 8, "t": 28, "b": 0},
        "legend": {"orientation": "h", "y": -0.24, "traceorder": "normal"},
        "hovermode": "closest",
    }
