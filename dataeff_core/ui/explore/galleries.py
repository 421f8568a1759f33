"""Kept and removed frames as rows of thumbnails, filtered by reason, group, cluster and lasso."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dataeff_core.selection.base import REASONS
from dataeff_core.ui import frame_hardness, gallery, words
from dataeff_core.ui.explore import lasso_pinning, saving
from dataeff_core.ui.explore.explored import Decided, Explored
from dataeff_core.ui.explore.explorer import View
from dataeff_core.ui.explore.lasso import rows_inside
from dataeff_core.ui.frame_hardness import FrameHardness, Known
from dataeff_core.ui.quantities import count, literal
from dataeff_core.workspace import Workspace

ALL = "all"
ORDERS = ("in order", "closest to the limit first")
HARDEST, EASIEST = "hardest first", "easiest first"
PER_PAGE = 12


@dataclass(frozen=True)
class Filter:
    """Which frames are shown."""

    group: str = ALL
    cluster: int | None = None
    polygon: tuple[float, ...] | None = None
    reasons: tuple[str, ...] = ()  # of the removed; none: all
    order: str = ORDERS[0]


def shown_rows(
    explored: Explored, decided: Decided, chosen: Filter, hardness: FrameHardness | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of kept and of removed frames under the filter, in the order asked for; by hardness, frames of which it
    is not known come last."""
    inside = np.ones(len(decided), dtype=bool)
    if chosen.polygon is not None:
        inside &= inside_lasso(explored, chosen.polygon)
    if chosen.group != ALL:
        inside &= groups_of(explored) == chosen.group
    if chosen.cluster is not None:
        inside &= decided.scores.labels == chosen.cluster
    wanted = [REASONS.index(name) for name in chosen.reasons]
    removed = inside & ~decided.kept
    if wanted:
        removed &= np.isin(decided.codes, wanted)
    kept = np.flatnonzero(inside & decided.kept)
    gone = np.flatnonzero(removed)
    if chosen.order == ORDERS[0]:
        return kept, gone
    if chosen.order in (HARDEST, EASIEST) and hardness is not None:
        by = -hardness.score if chosen.order == HARDEST else hardness.score
    else:
        by = distance_to_limit(decided)
    return kept[np.argsort(by[kept], kind="stable")], gone[np.argsort(by[gone], kind="stable")]


def distance_to_limit(decided: Decided) -> np.ndarray:
    """(n,) float32: how far what was compared lies from its limit; the borderline ones are nearest to 0."""
    scores, limits = decided.scores, decided.limits
    distance = np.abs(scores.insertion_similarity - np.float32(decided.eta))
    outlier = decided.codes == REASONS.index("outlier")
    distance[outlier] = scores.distances[outlier] - np.float32(limits.epsilon)
    if scores.invalid_score is not None:
        invalid = decided.codes == REASONS.index("invalid")
        distance[invalid] = scores.invalid_score[invalid] - np.float32(limits.invalid)
    return distance


@st.cache_data(max_entries=8, show_spinner=False)
def _inside(_explored: Explored, map_id: str, fingerprint: str, polygon: tuple[float, ...]) -> np.ndarray:
    ids = _explored.dataset.frames["frame_id"].to_numpy(dtype=object)
    return rows_inside(list(polygon), _explored.frame_map.coordinates(ids))


def inside_lasso(explored: Explored, polygon: tuple[float, ...]) -> np.ndarray:
    """(n,) bool; reckoned once a lasso."""
    return _inside(explored, explored.frame_map.record.id, explored.dataset.fingerprint, polygon)


def groups_of(explored: Explored) -> np.ndarray:
    """(n,) object, str."""
    if explored.pool.groups is not None:
        return explored.pool.groups
    return explored.dataset.frames["group"].to_numpy(dtype=object)


def draw(workspace: Workspace, explored: Explored, decided: Decided, view: View, known: Known) -> None:
    """Filters and both galleries; a click puts the frame into the why card. Where hardness is known, each picture
    says it and the galleries can be ordered by it."""
    hardness = known.frames
    chosen = _draw_filters(explored, decided, view, hardness)
    lassoed = (
        np.flatnonzero(inside_lasso(explored, chosen.polygon)) if chosen.polygon is not None else np.array([], int)
    )
    lasso_pinning.draw(workspace, explored, decided, lassoed)
    kept, removed = shown_rows(explored, decided, chosen, hardness)
    if hardness is not None:
        _draw_numbers_told(hardness, known.told)

    def pick(frame_id: str) -> None:
        view.picked = frame_id

    left, right = st.columns(2, gap="large")
    about = str(hash((chosen, decided.scores_id, decided.limits)))
    for column, name, rows in ((left, "Kept", kept), (right, "Removed", removed)):
        with column:
            where = "" if view.lasso is None else " :small[:gray[in the lasso]]"
            st.markdown(f"#### {name} ({count(len(rows))}){where}")
            gallery.draw(
                rows,
                lambda row: _tile(explored, decided, row, hardness),
                key=f"explore-{name.lower()}",
                label=f"{name} frames",
                per_page=PER_PAGE,
                tile_width=112,
                selected=view.picked,
                empty="None here. Move a limit, or clear the filter.",
                reset=about,
                on_pick=pick,
            )


def _tile(explored: Explored, decided: Decided, row: int, hardness: FrameHardness | None) -> gallery.Tile:
    tile = gallery.tile_of(explored.dataset.frames, row, reason=_badge(decided, row))
    if hardness is None:
        return tile
    return replace(tile, number=hardness.figure(row), number_help=hardness.said(row))


def _draw_numbers_told(hardness: FrameHardness, told: str) -> None:
    low, high = (frame_hardness.figure(float(one)) for one in hardness.ascending[[0, -1]])
    st.caption(
        f"The number on a picture: {words.label('frame_hardness').lower()}, from {low} (easy) to {high} (hard); "
        f"{literal(told)}.",
        help=words.help_of("frame_hardness"),
    )


def _badge(decided: Decided, row: int) -> str:
    reason = REASONS[decided.codes[row]]
    return "" if reason == "kept" else reason


def _draw_filters(explored: Explored, decided: Decided, view: View, hardness: FrameHardness | None) -> Filter:
    """The row of filters above the galleries."""
    orders = ORDERS if hardness is None else (*ORDERS, HARDEST, EASIEST)
    if st.session_state.get("explore-order") not in orders:
        st.session_state.pop("explore-order", None)
    group_names = _names(explored.dataset.frames["group"], explored.dataset.fingerprint)
    there = [name for code, name in enumerate(REASONS) if code and np.any(decided.codes == code)]
    with st.container(horizontal=True, vertical_alignment="center", key="explore-filters"):
        st.markdown(":gray[Show]", width="content")
        reasons = st.pills(
            "Removed because",
            there,
            selection_mode="multi",
            format_func=words.reason,
            key="explore-reasons",
            label_visibility="collapsed",
        )
        group = _choice("group", group_names, "every")
        cluster = _choice("cluster", list(range(1, int(decided.scores.labels.max(initial=0)) + 2)), "every")
        order = st.selectbox("Show", orders, key="explore-order", width=180, label_visibility="collapsed")
        saving.draw_way(explored)
    return Filter(
        group=group,
        cluster=None if cluster == ALL else int(cluster) - 1,
        polygon=None if view.lasso is None else tuple(view.lasso),
        reasons=tuple(reasons),
        order=order,
    )


def _choice(term: str, options: list[Any], every: str) -> Any:
    """A list with 'every ...' first."""
    name = words.label(term).lower()
    return st.selectbox(
        name,
        [ALL, *options],
        format_func=lambda one: f"{every} {name}" if one == ALL else str(one) if term == "group" else f"{name} {one}",
        key=f"explore-{term}",
        width=180,
        label_visibility="collapsed",
    )


@st.cache_data(max_entries=8, show_spinner=False)
def _names(_groups: pd.Series, fingerprint: str) -> list[str]:
    return sorted(str(name) for name in _groups.unique())
