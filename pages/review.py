"""Review: what clinicians need before they trust a removal."""

from importlib import import_module

import streamlit as st

from dataeff_core.errors import Stale
from dataeff_core.selection.saving import check_same
from dataeff_core.ui import cached, fragments, selections, state
from dataeff_core.ui.quantities import literal
from dataeff_core.ui.review import views
from dataeff_core.workspace import Dataset, Workspace


def draw_page(workspace: Workspace, dataset: Dataset | None) -> None:
    st.title("Review")
    found = selections.newest_first(workspace, dataset) if dataset is not None else []
    if dataset is None or not found:
        draw_nothing_yet(workspace, dataset)
        return
    left, right = st.columns([7, 4], gap="medium", vertical_alignment="center")
    with right:
        chosen = selections.pick(found, "Which selection", key="selection", headed=False)
    with left:
        view = views.draw_choice()
    saved = cached.selection(workspace, dataset, chosen.id)
    try:
        check_same(saved.record, dataset)
    except Stale as error:
        st.warning(literal(str(error)), icon=":material/history:")
        return
    with fragments.errors_said():
        import_module(f"dataeff_core.ui.review.{views.VIEWS[view]}").draw(workspace, dataset, saved)


def draw_nothing_yet(workspace: Workspace, dataset: Dataset | None) -> None:
    st.markdown("#### Nothing to review yet")
    if dataset is None:
        st.markdown("Import frames first; then choose which to keep on the Explore page, and check here what went.")
        st.page_link("pages/data.py", label="Import frames", icon=":material/photo_library:")
        return
    st.markdown("Choose which frames to keep on the Explore page and save that selection; then check here what went.")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link("pages/explore.py", label="Explore", icon=":material/scatter_plot:")
        selections.draw_maker(workspace, dataset, "Make a selection here")


draw_page(state.workspace(), state.dataset())
