"""The Explore page: what is missing yet, or the explorer, the why card and the galleries as one state."""

from typing import Any

import streamlit as st

from dataeff_core.errors import DataEffError, NotFound
from dataeff_core.ui import assets, charts, frame_hardness, why_card
from dataeff_core.ui.explore import explorer, galleries, hardness_colours, more, pins_shown, prices, saving, starting
from dataeff_core.ui.explore.explored import Decided, Explored
from dataeff_core.ui.explore.explorer import View
from dataeff_core.ui.explore.explorer_routes import row_of
from dataeff_core.ui.frame_hardness import Known
from dataeff_core.ui.quantities import literal
from dataeff_core.workspace import Dataset, Workspace


def draw(workspace: Workspace, dataset: Dataset | None) -> None:
    """The whole page."""
    st.html(assets.FOLDER / "explore_page.css")
    explored = starting.ready(workspace, dataset)
    if explored is None:
        return
    view = explorer.view_of(explored)
    explorer.resend(view)
    known = frame_hardness.known(workspace, explored.dataset)
    beside = {
        "prices": prices.prices(workspace, explored.dataset),
        "hardness": hardness_colours.colours_of(explored.dataset, known),
    }
    _draw_live(workspace, explored, view, known, beside)


@st.fragment
def _draw_live(workspace: Workspace, explored: Explored, view: View, known: Known, beside: dict[str, Any]) -> None:
    """All that follows a limit; only this runs again when one moves. `beside` is as in `explorer.draw`."""
    decided = explored.decide(view.limits)
    found = _why(explored, decided, view)

    def pick(frame_id: str) -> None:
        view.picked = frame_id

    partner = ""
    if found is not None and found.partner >= 0:
        partner = str(explored.dataset.frames["frame_id"].iat[found.partner])
    saving.draw_head(workspace, explored, decided)
    left, right = st.columns([2.45, 1], gap="medium")
    with left:
        explorer.draw(explored, view, decided, partner, beside | {"pins": _pins(explored.dataset)})
        hardness_colours.draw_missing(known, asked=view.missing_colour)
        if view.trouble:
            _draw_sample(explored, decided)
    with right, st.container(key="why-card-box"):
        why_card.draw(explored, decided, found, pick, known.frames)
    galleries.draw(workspace, explored, decided, view, known)
    more.draw(workspace, explored)


def _pins(dataset: Dataset) -> str | None:
    """Where the browser gets reviewers' decisions; a trail that cannot be read is no reason to show no map."""
    try:
        return pins_shown.pins_address(dataset)
    except DataEffError as error:
        st.warning(literal(f"What reviewers decided is not shown: {error}"), icon=":material/warning:")
        return None


def _draw_sample(explored: Explored, decided: Decided) -> None:
    """The map for a browser that cannot draw the whole one."""
    ids = explored.dataset.frames["frame_id"].to_numpy(dtype=object)
    figure, shown = charts.sample_map(explored.frame_map.coordinates(ids), decided.codes)
    if shown < len(decided):
        st.caption(f"A sample of {shown} of {len(decided)} frames, each decision in its share.")
    st.plotly_chart(figure, key="explore-sample")


def _why(explored: Explored, decided: Decided, view: View) -> why_card.Why | None:
    if not view.picked:
        return None
    try:
        row = row_of(explored.dataset, view.picked)
    except NotFound:  # the dataset changed since the click
        view.picked = ""
        return None
    return why_card.why(explored, decided, row)
