"""Two selections of the same frames, side by side: how far they agree, where they differ, and which frames."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dataeff_core.selection import SELECTORS
from dataeff_core.selection.comparing import Comparison, compare
from dataeff_core.ui import cached, forms, fragments, frame_dialog, gallery, words
from dataeff_core.ui.quantities import count, counted, literal, share
from dataeff_core.ui.selections import title
from dataeff_core.workspace import Dataset, FrameMap, SavedSelection, SelectionRecord, Workspace
from dataeff_core.workspace.embeddings import rows_of

MOST_POINTS = 20_000
BOTH, ONLY_A, ONLY_B, NEITHER = range(4)  # Comparison.codes
NAMES = {BOTH: "both keep", ONLY_A: "only A keeps", ONLY_B: "only B keeps", NEITHER: "neither keeps"}
SHAPES = {BOTH: "circle", ONLY_A: "triangle-up", ONLY_B: "square", NEITHER: "x-thin"}
LIGHT = {BOTH: "#0072B2", ONLY_A: "#B84A00", ONLY_B: "#00795A", NEITHER: "#98A3AF"}
DARK = {BOTH: "#56B4E9", ONLY_A: "#F28E3D", ONLY_B: "#2FCFA0", NEITHER: "#64717F"}


def draw(workspace: Workspace, dataset: Dataset, a: SavedSelection, b: SavedSelection) -> None:
    """All of the comparison of `a` with `b`. Raises Stale when they chose from different frames."""
    comparison = compare(a, b)
    _draw_counts(comparison)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _draw_map(dataset, cached.frame_map(workspace, dataset), comparison)
    with right:
        st.markdown("**Why frames are removed**")
        st.dataframe(reasons_table(a, b), width="stretch")
        st.markdown("**How they were made**")
        st.dataframe(parameters_table(a, b), width="stretch")
    fragments.draw(_draw_galleries, dataset, comparison, a, b)


def reasons_table(a: SavedSelection, b: SavedSelection) -> pd.DataFrame:
    """Frames by decision and reason; index: the reason in the reader's words, columns A and B."""
    counts = {"A": {"kept": a.record.kept, **a.record.dropped}, "B": {"kept": b.record.kept, **b.record.dropped}}
    table = pd.DataFrame(counts).fillna(0).astype(int)
    table.index = pd.Index([words.reason(str(one)) for one in table.index], name="Reason")
    return table


def parameters_table(a: SavedSelection, b: SavedSelection) -> pd.DataFrame:
    """Every parameter of either, as text; those that differ first, marked."""

    told_a, told_b = _told(a.record), _told(b.record)
    both = [(name, told_a.get(name, ""), told_b.get(name, "")) for name in dict.fromkeys([*told_a, *told_b])]
    rows = [(name, left, right, left != right) for name, left, right in both if left or right]
    table = pd.DataFrame(rows, columns=["Parameter", "A", "B", "differs"]).sort_values(
        "differs", ascending=False, kind="stable"
    )
    table["Parameter"] = np.where(table["differs"], "≠ " + table["Parameter"], table["Parameter"])
    return table.drop(columns="differs").set_index("Parameter")


def sample(codes: np.ndarray, most: int = MOST_POINTS, seed: int = 0) -> np.ndarray:
    """(m,) sorted int rows, m <= most: all of them, or the same share of each code, at least one of each."""
    if len(codes) <= most:
        return np.arange(len(codes))
    rng = np.random.default_rng(seed)
    parts = [np.flatnonzero(codes == code) for code in np.unique(codes)]
    wanted = [max(1, int(len(rows) * most / len(codes))) for rows in parts]
    return np.sort(
        np.concatenate([rng.choice(rows, n, replace=False) for rows, n in zip(parts, wanted, strict=True)])
    )


def figure(xy: np.ndarray, codes: np.ndarray, *, dark: bool) -> go.Figure:
    """The map, (n, 2) float32, each frame drawn by shape and colour for who keeps it, (n,) uint8 codes."""
    colours = DARK if dark else LIGHT
    made = go.Figure()
    for code in (NEITHER, BOTH, ONLY_A, ONLY_B):
        rows = codes == code
        marker: dict[str, Any] = {"symbol": SHAPES[code], "color": colours[code], "size": 5 if code == NEITHER else 7}
        if code == NEITHER:
            marker["line"] = {"color": colours[code], "width": 1}
        name = f"{NAMES[code]} ({count(int(rows.sum()))})"
        made.add_trace(
            go.Scattergl(x=xy[rows, 0], y=xy[rows, 1], mode="markers", name=name, marker=marker, hoverinfo="name")
        )
    axis = {"visible": False}
    made.update_layout(
        height=470,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        xaxis=axis,
        yaxis=axis,
        legend={"orientation": "h", "y": -0.02, "font": {"size": 13}},
        dragmode="pan",
    )
    return made


def _draw_counts(comparison: Comparison) -> None:
    columns = st.columns(5, gap="small")
    columns[0].metric(
        words.label("jaccard"),
        f"{comparison.jaccard:.3f}",
        help=words.help_of("jaccard"),
        border=True,
        height="stretch",
    )
    told = {
        "Both keep": comparison.both,
        "Only A keeps": comparison.only_a,
        "Only B keeps": comparison.only_b,
        "Neither keeps": comparison.neither,
    }
    for column, (name, number) in zip(columns[1:], told.items(), strict=True):
        part = share(number / max(1, len(comparison.frame_ids)))
        column.metric(name, count(number), delta=part, delta_color="off", delta_arrow="off", border=True)


def _draw_map(dataset: Dataset, frame_map: FrameMap | None, comparison: Comparison) -> None:
    st.markdown("**Where they differ**")
    if frame_map is None:
        st.caption("There is no map of these frames yet; the Data page draws one.")
        return
    rows = sample(comparison.codes)
    xy = frame_map.coordinates(comparison.frame_ids)[rows]
    dark = st.context.theme.type == "dark"
    made = figure(xy, comparison.codes[rows], dark=dark)
    st.plotly_chart(made, width="stretch", key="compare-map", config={"scrollZoom": True, "displaylogo": False})
    total = len(comparison.frame_ids)
    if len(rows) < total:
        st.caption(
            f"Drawn: a sample of {count(len(rows))} of {counted(total, 'frame')}, the same share of each kind."
        )


def _draw_galleries(dataset: Dataset, comparison: Comparison, a: SavedSelection, b: SavedSelection) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        _draw_gallery(dataset, comparison, ONLY_A, ("A", a), ("B", b))
    with right:
        _draw_gallery(dataset, comparison, ONLY_B, ("B", b), ("A", a))


def _draw_gallery(
    dataset: Dataset,
    comparison: Comparison,
    code: int,
    keeper: tuple[str, SavedSelection],
    dropper: tuple[str, SavedSelection],
) -> None:
    """The frames that only one keeps, each with the reason for which the other removes it."""
    st.markdown(f"**Only {keeper[0]} keeps** :gray[{literal(title(keeper[1].record))}]")
    st.caption(f"The badge says why {dropper[0]} removes the frame.")
    ids = comparison.frame_ids[comparison.codes == code]
    rows = rows_of(dataset.frames["frame_id"].to_numpy(dtype=object), ids, what=dataset.record.name)
    picked = gallery.draw(
        np.sort(rows),
        _tile_maker(dataset, dropper[1]),
        key=f"compare-only-{keeper[0]}",
        per_page=12,
        tile_width=128,
        reset=f"{keeper[1].id}-{dropper[1].id}",
        label=f"frames that only {keeper[0]} keeps",
        empty="None: whatever this one keeps, the other keeps as well.",
    )
    if picked:
        frame_dialog.show(dataset, picked)


def _tile_maker(dataset: Dataset, dropper: SavedSelection) -> Callable[[int], gallery.Tile]:
    reasons = dict(zip(dropper.decisions["frame_id"], dropper.decisions["reason"], strict=True))
    frames = dataset.frames

    def tile(row: int) -> gallery.Tile:
        return gallery.tile_of(frames, row, reason=str(reasons[frames["frame_id"].iat[row]]))

    return tile


def _told(record: SelectionRecord) -> dict[str, str]:
    """All that determines a selection: what it is called -> its value, as text."""
    fields = next((one.model_fields for one in SELECTORS if record.method == one.NAME), {})
    fixed = {
        "Method": record.method,
        words.label("encoder"): record.encoder,
        words.label("seed"): record.seed,
        "Share asked for": record.keep,
    }
    params = {forms.title_of(key, fields[key]) if key in fields else key: one for key, one in record.params.items()}
    return {name: _as_text(value) for name, value in (fixed | params).items()}


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
