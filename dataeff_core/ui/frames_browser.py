"""All frames of a dataset, group by group or in the order of a quality measure."""

import numpy as np
import streamlit as st

from dataeff_core.datasets.quality import DESCRIBED
from dataeff_core.ui import fragments, frame_dialog, gallery
from dataeff_core.ui.quantities import count
from dataeff_core.workspace import Dataset

ALL = "all groups"
IN_ORDER = "in order"


def draw(dataset: Dataset) -> None:
    """The browser; only this part runs again when it is filtered or a page is turned."""
    fragments.draw(_draw, dataset)


def rows_of(dataset: Dataset, group: str | None, order: str) -> np.ndarray:
    """(m,) int positions in `dataset.frames`: those of `group` (None: all), by order or by a measure, worst first."""
    frames = dataset.frames
    rows = np.arange(len(frames)) if group is None else np.flatnonzero((frames["group"] == group).to_numpy())
    measure = DESCRIBED.get(order)
    if measure is None:
        return rows
    values = frames[f"q_{order}"].to_numpy(np.float32)[rows]
    return rows[np.argsort(-values if measure.bad == "high" else values, kind="stable")]


def _draw(dataset: Dataset) -> None:
    frames = dataset.frames
    sizes = frames["group"].value_counts(sort=False)
    measures = [name for name in DESCRIBED if f"q_{name}" in frames]
    left, middle, right = st.columns([3, 3, 2], vertical_alignment="bottom")
    group = left.selectbox(
        "Group",
        [None, *sizes.index],
        format_func=lambda one: f"{ALL} ({count(len(frames))})" if one is None else f"{one} ({count(sizes[one])})",
        key=f"frames-group-{dataset.id}",
        help="A patient, video or procedure.",
    )
    order = middle.selectbox(
        "Show first",
        [IN_ORDER, *measures],
        format_func=lambda one: one if one == IN_ORDER else _ends(one),
        key="frames-order",
        help="In the order they were taken, or those that stand out by one measure first.",
    )
    per_page = right.segmented_control("A page", [24, 48, 60], default=24, required=True, key="frames-per-page")
    picked = gallery.draw(
        rows_of(dataset, group, order),
        lambda row: gallery.tile_of(frames, row),
        key="frames-gallery",
        per_page=per_page or 24,
        reset=f"{dataset.id}-{group}-{order}",
        label="Frames of the dataset",
        empty="This dataset has no frames.",
    )
    if picked:
        frame_dialog.show(dataset, picked)


def _ends(measure: str) -> str:
    described = DESCRIBED[measure]
    return f"{'highest' if described.bad == 'high' else 'lowest'} {described.title.lower()}"
