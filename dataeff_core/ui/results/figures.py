"""The figures of a benchmark, as functions of tables: score against kept share, over epochs, over the last epochs.

Scores and shares come as fractions; shares are drawn in per cent. No figure reads a file or asks Streamlit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dataeff_core.benchmarking.verdict import interval
from dataeff_core.ui.results.styles import PUBLISHED, MethodStyle, styles
from dataeff_core.workspace.benchmarks import FULL

if TYPE_CHECKING:  # plotly takes a second to load, and a page without a finished cell draws none of this
    import plotly.graph_objects as go

INTERVAL, DEVIATION = "95 % interval", "standard deviation"
ERRORS = {
    INTERVAL: "Bars: 95 % interval of the mean over the seeds (Student's t); dots: the seeds.",
    DEVIATION: "Bars: one standard deviation of the seeds to either side; dots: the seeds.",
}
TITLES = {"miou": "mIoU", "normdel": "NormDEL", "auc": "AUC"}
_DASHES = ("solid", "dash", "dashdot", "dot", "longdash")
_GRID = "rgba(128, 140, 152, 0.22)"


@dataclass(frozen=True)
class Published:
    """A curve of somebody else's, drawn behind ours in grey: scores at kept shares (all fractions) or epochs."""

    label: str
    x: Sequence[float]
    y: Sequence[float]


def spread(table: pd.DataFrame, value: str) -> pd.DataFrame:
    """One row a (method, keep) of the matrix: retained, n, mean, sd, low, high of column `value`.

    Methods stand as they come, shares ascending. sd has n - 1 below the line; sd, low and high (95 % interval of the
    mean) are NaN where one seed gives none.
    """
    rows = []
    for (method, keep), cells in table.groupby(["method", "keep"], sort=False):
        scores = cells[value].to_numpy(float)
        low, high = interval(scores)
        sd = float(scores.std(ddof=1)) if len(scores) > 1 else np.nan
        ends = (np.nan if low is None else low, np.nan if high is None else high)
        rows.append((method, keep, float(cells["retained"].mean()), len(scores), float(scores.mean()), sd, *ends))
    made = pd.DataFrame(rows, columns=["method", "keep", "retained", "n", "mean", "sd", "low", "high"])
    order = made["method"].map({method: at for at, method in enumerate(dict.fromkeys(made["method"]))})
    return made.assign(order=order).sort_values(["order", "retained"], ignore_index=True).drop(columns="order")


def against_kept(
    table: pd.DataFrame,
    value: str = "miou",
    *,
    error: str = INTERVAL,
    log: bool = True,
    published: Published | None = None,
    dark: bool = False,
    title: str = "",
) -> "go.Figure":
    """Column `value` of the finished cells (method, keep, seed, retained, `value`) against the kept share.

    A line a method with error bars and its seeds as dots; full data as a band over the whole width.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    looks = styles(list(dict.fromkeys(table["method"])))
    shares = pd.concat([table["retained"], pd.Series(published.x if published else [], dtype=float)])
    if published is not None:
        _draw_published(figure, [100 * x for x in published.x], published.y, published.label, dark=dark)
    groups = spread(table, value)
    for method, rows in groups.groupby("method", sort=False):
        seeds = table[table["method"] == method]
        if method == FULL:
            _draw_band(figure, rows.iloc[0], error, shares=shares, look=looks[FULL], dark=dark)
        else:
            _draw_line(figure, rows, error, looks[str(method)], dark)
        _draw_seeds(figure, seeds, value, looks[str(method)], dark)
    _lay_out(figure, title or TITLES.get(value, value))
    figure.update_yaxes(range=_score_range(figure))
    _share_axis(figure, shares, log)
    return figure


def over_epochs(curves: pd.DataFrame, *, published: Sequence[Published] = (), dark: bool = False) -> "go.Figure":
    """mIoU of encoders against their passes of pre-training, a line a (method, kept share) (the paper's Table 4).

    `curves` has a row a scored state of an encoder: method, keep, seed, epochs, miou. Points are means over the
    seeds, bars reach from the lowest to the highest seed; published curves have epochs as x.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for one in published:
        _draw_published(figure, one.x, one.y, one.label, dark=dark)
    looks = styles(list(dict.fromkeys(curves["method"])))
    dashes = dict(zip(sorted(curves["keep"].unique(), reverse=True), _DASHES * 3, strict=False))
    for (method, keep), rows in curves.assign(at=curves["epochs"].round()).groupby(["method", "keep"], sort=False):
        by_epoch = rows.groupby("at")["miou"].agg(["mean", "min", "max", "count"]).reset_index()
        up, down = by_epoch["max"] - by_epoch["mean"], by_epoch["mean"] - by_epoch["min"]
        look = looks[str(method)]
        figure.add_scatter(
            x=by_epoch["at"],
            y=by_epoch["mean"],
            error_y={"type": "data", "symmetric": False, "array": up, "arrayminus": down, "thickness": 1.2},
            mode="lines+markers",
            name=look.name if keep == 1 else f"{look.name}, {percent(float(str(keep)))}",
            line={"color": look.colour(dark), "width": 2, "dash": dashes[keep]},
            marker={"symbol": look.shape, "size": 7},
            customdata=by_epoch["count"],
            hovertemplate="%{x} passes: %{y:.3f}, %{customdata} seeds<extra>%{fullData.name}</extra>",
        )
    _lay_out(figure, TITLES["miou"])
    reached = [*curves["epochs"], *(x for one in published for x in one.x)]
    figure.update_xaxes(title="passes over the images")
    if _wide(reached):
        figure.update_xaxes(type="log", tickvals=[step * 10**power for power in range(6) for step in (1, 2, 5)])
    return figure


def last_epochs(scores: pd.DataFrame, value: str = "miou", *, dark: bool = False) -> "go.Figure":
    """A box a row of the matrix over the head's last epochs, all seeds together (the paper's Fig. 4).

    `scores` has a row an epoch of a finished cell: method, keep, seed, epoch, `value`.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    looks = styles(list(dict.fromkeys(scores["method"])))
    order = sorted(scores["keep"].unique())
    for method, rows in scores.groupby("method", sort=False):
        look = looks[str(method)]
        figure.add_box(
            x=[percent(keep) for keep in rows["keep"]],
            y=rows[value],
            name=look.name,
            marker={"color": look.colour(dark), "symbol": look.shape, "size": 4},
            line={"width": 1.4},
            boxpoints="outliers",
            customdata=rows[["seed", "epoch"]],
            hovertemplate="%{y:.3f}, seed %{customdata[0]}, epoch %{customdata[1]}<extra>%{fullData.name}</extra>",
        )
    _lay_out(figure, TITLES.get(value, value))
    figure.update_layout(boxmode="group")
    figure.update_xaxes(
        title="share of frames kept",
        type="category",  # plotly would read '5 %' as a number
        categoryorder="array",
        categoryarray=[percent(keep) for keep in order],
    )
    return figure


def per_image(scores: pd.Series, *, mean: float, dark: bool = False) -> "go.Figure":
    """How one evaluation's test images are spread over the score, with their mean."""
    import plotly.graph_objects as go

    look = styles(["meddel"])["meddel"]
    figure = go.Figure()
    figure.add_histogram(
        x=scores,
        xbins={"start": 0.0, "end": 1.0 + 1e-9, "size": 0.05},
        marker={"color": look.colour(dark), "line": {"width": 1, "color": "rgba(128, 128, 128, 0.4)"}},
        hovertemplate="%{x}: %{y} images<extra></extra>",
    )
    figure.add_vline(
        x=mean,
        line_width=2,
        line_dash="dot",
        line_color="#808890",
        annotation_text=f"mean {mean:.3f}",
        annotation_yshift=18,
    )
    _lay_out(figure, "test images", height=250)
    figure.update_layout(margin={"t": 44})
    most = int(np.histogram(scores.dropna(), bins=np.arange(0, 1.1, 0.05))[0].max(initial=0))
    figure.update_yaxes(tickformat="d", dtick=1 if most < 8 else None)
    figure.update_xaxes(title="IoU of the image", range=[-0.01, 1.01])
    figure.update_layout(showlegend=False)
    return figure


def config(filename: str, form: str = "svg") -> dict[str, Any]:
    """Plotly's own settings: a button that writes the picture in the browser, without any server."""
    return {
        "displaylogo": False,
        "displayModeBar": True,
        "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
        "toImageButtonOptions": {"format": form, "filename": filename, "width": 1000, "height": 620, "scale": 2},
    }


def percent(share: float) -> str:
    """0.125 -> '12.5 %'."""
    return f"{100 * share:.3g} %"


def _draw_published(figure: "go.Figure", x: Sequence[float], y: Sequence[float], label: str, *, dark: bool) -> None:
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines+markers",
        name=label,
        line={"color": PUBLISHED.colour(dark), "width": 1.5, "dash": "dot"},
        marker={"symbol": PUBLISHED.shape, "size": 7},
        hovertemplate="%{x:.3g}: %{y:.4f}<extra>%{fullData.name}</extra>",
    )


def _draw_band(
    figure: "go.Figure", full: pd.Series, error: str, *, shares: pd.Series, look: MethodStyle, dark: bool
) -> None:
    """Full data over the whole width: its mean as a line, its uncertainty as a band."""
    minus, plus = _bars(full.to_frame().T, error)
    left, right = 100 * float(shares.min()) * 0.85, 100.0
    if np.isfinite(plus[0]):
        figure.add_scatter(
            x=[left, right, right, left],
            y=[full["mean"] - minus[0]] * 2 + [full["mean"] + plus[0]] * 2,
            fill="toself",
            mode="none",
            fillcolor=_faint(look.colour(dark)),
            hoverinfo="skip",
            legendgroup=FULL,
            showlegend=False,
        )
    figure.add_scatter(
        x=[left, right],
        y=[full["mean"]] * 2,
        mode="lines",
        name=f"{look.name} ({_seeds(int(full['n']))})",
        line={"color": look.colour(dark), "width": 2, "dash": "dash"},
        legendgroup=FULL,
        hovertemplate=_told(full, error) + "<extra>all frames</extra>",
    )


def _draw_line(figure: "go.Figure", rows: pd.DataFrame, error: str, look: MethodStyle, dark: bool) -> None:
    minus, plus = _bars(rows, error)
    counts = sorted(set(rows["n"].astype(int)))
    told = _seeds(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"
    figure.add_scatter(
        x=100 * rows["retained"],
        y=rows["mean"],
        error_y={
            "type": "data",
            "symmetric": False,
            "array": plus,
            "arrayminus": minus,
            "thickness": 1.6,
            "width": 5,
        },
        mode="lines+markers",
        name=f"{look.name} ({told})",
        line={"color": look.colour(dark), "width": 2.2},
        marker={"symbol": look.shape, "size": 9},
        legendgroup=look.name,
        text=[_told(row, error) for _, row in rows.iterrows()],
        hovertemplate="%{x:.3g} % kept<br>%{text}<extra>" + look.name + "</extra>",
    )


def _draw_seeds(figure: "go.Figure", cells: pd.DataFrame, value: str, look: MethodStyle, dark: bool) -> None:
    figure.add_scatter(
        x=100 * cells["retained"],
        y=cells[value],
        mode="markers",
        name=f"{look.name}, seeds",
        marker={"color": look.colour(dark), "symbol": look.shape, "size": 5, "opacity": 0.5},
        legendgroup=look.name if cells["method"].iat[0] != FULL else FULL,
        showlegend=False,
        customdata=cells["seed"],
        hovertemplate="seed %{customdata}: %{y:.4f}<extra>" + look.name + "</extra>",
    )


def _bars(rows: pd.DataFrame, error: str) -> tuple[np.ndarray, np.ndarray]:
    """How far the bars go down and up, NaN where one seed gives none."""
    if error == DEVIATION:
        sd = rows["sd"].to_numpy(float)
        return sd, sd
    mean = rows["mean"].to_numpy(float)
    return mean - rows["low"].to_numpy(float), rows["high"].to_numpy(float) - mean


def _told(row: pd.Series, error: str) -> str:
    if int(row["n"]) < 2:
        return f"{row['mean']:.4f}, one seed"
    if error == DEVIATION:
        return f"{row['mean']:.4f} ± {row['sd']:.4f} (standard deviation, {int(row['n'])} seeds)"
    return f"{row['mean']:.4f}, 95 % interval {row['low']:.4f} to {row['high']:.4f} ({int(row['n'])} seeds)"


def _seeds(n: int) -> str:
    return "1 seed" if n == 1 else f"{n} seeds"


def _lay_out(figure: "go.Figure", y_title: str, *, height: int = 380) -> None:
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 30, "b": 8},
        legend={"orientation": "h", "y": -0.26, "x": 0, "font": {"size": 13}},
        hovermode="closest",
    )
    figure.update_yaxes(title=y_title, gridcolor=_GRID, zeroline=False, tickformat=".3~f", nticks=7)
    figure.update_xaxes(gridcolor=_GRID, zeroline=False)


def _score_range(figure: "go.Figure") -> list[float]:
    """All that is drawn, bars included, with some room; wide enough that one point alone is no flat world."""
    ends: list[np.ndarray] = []
    for one in figure.data:
        y = np.asarray(one.y, float)
        bars = one.error_y
        up = np.nan_to_num(np.asarray(bars.array, float)) if bars.array is not None else 0.0
        down = np.nan_to_num(np.asarray(bars.arrayminus, float)) if bars.arrayminus is not None else 0.0
        ends += [y + up, y - down]
    values = np.concatenate(ends)
    low, high = float(values.min()), float(values.max())
    room = max(0.08 * (high - low), 0.01)
    return [max(0.0, low - room), min(1.0, high + room)]  # a score is a fraction, whatever its interval says


def _share_axis(figure: "go.Figure", shares: pd.Series, log: bool) -> None:
    """Per cent of frames kept, with a tick at every share measured that has room for one."""
    wanted = sorted({round(100 * float(one), 1) for one in shares} | {100.0})
    low, high = wanted[0] * 0.85, 100 * (1.12 if log else 1.03)
    if not log:
        low = 0.0
    ticks = _apart(wanted, np.log10 if log else float, (np.log10(high / low) if log else high) / 14)
    figure.update_xaxes(
        title="share of frames kept, %",
        type="log" if log else "linear",
        range=[np.log10(low), np.log10(high)] if log else [low, high],
        tickvals=ticks,
        ticktext=[f"{tick:.3g}" for tick in ticks],
    )


def _apart(values: Sequence[float], place: Any, least: float) -> list[float]:
    """The values from the highest down, without those too near to one already taken."""
    taken: list[float] = []
    for value in reversed(values):
        if all(abs(place(value) - place(other)) >= least for other in taken):
            taken.append(value)
    return taken[::-1]


def _wide(values: Sequence[float]) -> bool:
    return bool(values) and min(values) > 0 and max(values) / min(values) > 12


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.14)"
