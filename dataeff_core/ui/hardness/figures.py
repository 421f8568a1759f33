"""The figures of the Hardness page, as functions of arrays; none reads a file or asks Streamlit."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dataeff_core.hardness.choosing import SUSPICIOUS, TOO_EASY, USEFUL
from dataeff_core.hardness.information import Terms
from dataeff_core.ui.hardness.bands import STYLES

if TYPE_CHECKING:  # plotly takes a second to load, and a page without scores draws none of this
    import plotly.graph_objects as go

    from dataeff_core.theory.perceptron import Curves

BINS = 80
FEWEST = 10  # patches that terms are drawn of, where there are more: those of one or two only stretch the axis
NATS = "nats per hidden value"
_INK = ("#1B2530", "#E6EBF0")  # on light and on dark ground
_GRID = "rgba(128, 140, 152, 0.22)"
_NOTHING = ("H(Y|∅): nothing known", ("#B84A00", "#F28E3D"), "dash")
_GIVEN = ("H(Y|X): rest of the patch known", ("#0072B2", "#56B4E9"), "solid")
_STRATEGIES = {
    "hard": (("#B84A00", "#F28E3D"), "triangle-up"),
    "easy": (("#6B6B6B", "#B5B5B5"), "square"),
    "random": (("#0072B2", "#56B4E9"), "circle"),
}


def histogram(hardness: np.ndarray, start: int, stop: int, *, dark: bool = False, bins: int = BINS) -> "go.Figure":
    """Ascending hardness (m,), places start..stop between the margins -> bars of the three bands, both margins.

    Bins are of equal width on a logarithmic axis, as hardness is a ratio; patches of hardness 0 (of one colour)
    stand in the first bin. A bin that a margin runs through is drawn in both colours, one on the other.
    """
    import plotly.graph_objects as go

    edges = _edges(hardness, bins)
    inner = np.searchsorted(hardness, edges[1:-1], side="left")
    places = np.concatenate([[0], inner, [len(hardness)]])
    centres = np.sqrt(edges[:-1] * edges[1:])
    figure = go.Figure()
    for band, (low, high) in {TOO_EASY: (0, start), USEFUL: (start, stop), SUSPICIOUS: (stop, len(hardness))}.items():
        style, counts = STYLES[band], np.diff(np.clip(places, low, high))
        figure.add_bar(
            x=centres,
            y=counts,
            width=np.diff(edges),
            name=style.title,
            marker={
                "color": style.colour(dark),
                "pattern": {"shape": style.pattern, "fillmode": "overlay", "solidity": 0.25, "size": 7},
                "line": {"width": 0},
            },
            hovertemplate="%{y} patches of hardness about %{x:.3g}<extra>%{fullData.name}</extra>",
        )
    for place, at, name, anchor in ((start, start, "lower", "right"), (stop, stop - 1, "upper", "left")):
        if 0 < place < len(hardness):
            value = float(hardness[at])
            _mark(figure, max(value, float(edges[0])), f"{name} margin {value:.3g}", anchor, dark)
    ticks = ticks_between(float(edges[0]), float(edges[-1]))
    reach = [float(np.log10(edges[0])), float(np.log10(edges[-1]))]
    figure.update_xaxes(
        type="log", title="hardness", range=reach, tickvals=ticks, ticktext=[f"{one:g}" for one in ticks]
    )
    figure.update_yaxes(title="patches", gridcolor=_GRID)
    figure.update_layout(barmode="stack", bargap=0, **_laid_out(300))
    return figure


def terms_against_budget(found: Sequence[Terms], chosen: Terms | None, *, dark: bool = False) -> "go.Figure":
    """Both terms of the V-information of the hardest patches between the margins, against how many they are; the
    chosen ones (`chosen`) as large marks. What lies between the two lines is their V-information."""
    import plotly.graph_objects as go

    figure = go.Figure()
    found = [one for one in found if one.patches >= FEWEST] or found
    at = [one.patches for one in found]
    for name, (title, colours, dash) in {"nothing": _NOTHING, "given": _GIVEN}.items():
        figure.add_scatter(
            x=at,
            y=[getattr(one, name) for one in found],
            mode="lines",
            name=title,
            line={"color": colours[dark], "dash": dash, "width": 2},
            hovertemplate="%{x} hardest: %{y:.3f}<extra>%{fullData.name}</extra>",
        )
        if chosen is not None and chosen.patches:
            figure.add_scatter(
                x=[chosen.patches],
                y=[getattr(chosen, name)],
                mode="markers",
                showlegend=False,
                name=f"{title}, chosen",
                marker={"color": colours[dark], "size": 11, "symbol": "diamond"},
                hovertemplate="the %{x} chosen: %{y:.3f}<extra>%{fullData.name}</extra>",
            )
    figure.update_xaxes(type="log", title="budget: hardest patches between the margins", gridcolor=_GRID, dtick=1)
    figure.update_yaxes(title=NATS, gridcolor=_GRID)
    figure.update_layout(**_laid_out(300))
    return figure


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


def ticks_between(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten in [low, high]; the powers alone where those would be more than 12."""
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in ((1, 2, 5), (1,)):
        found = [float(f"{step}e{power}") for power in powers for step in steps]
        found = [one for one in found if low <= one <= high]
        if len(found) <= 12:
            break
    return found


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


def _edges(hardness: np.ndarray, bins: int) -> np.ndarray:
    """(bins + 1,) edges above 0 that hold all positive values."""
    positive = hardness[hardness > 0]
    low, high = (float(positive[0]), float(positive[-1])) if len(positive) else (0.1, 1.0)
    if high / low < 1 + 1e-6:
        low, high = low / 1.5, high * 1.5
    return np.geomspace(low, high, bins + 1)


def _laid_out(height: int) -> dict[str, object]:
    return {
        "height": height,
        "margin": {"l": 0, "r": 8, "t": 28, "b": 0},
        "legend": {"orientation": "h", "y": -0.24, "traceorder": "normal"},
        "hovermode": "closest",
    }
