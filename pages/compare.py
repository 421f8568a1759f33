"""Compare: two selections of one dataset, side by side."""

import streamlit as st

from dataeff_core.errors import Stale
from dataeff_core.ui import comparison, selections, state
from dataeff_core.ui.quantities import literal
from dataeff_core.workspace import Dataset, Workspace


def draw_page(workspace: Workspace, dataset: Dataset | None) -> None:
    st.title("Compare")
    if dataset is None:
        st.markdown("#### Nothing to compare yet")
        st.markdown("Import frames first; then make two selections of them and see here where they differ.")
        st.page_link("pages/data.py", label="Import frames", icon=":material/photo_library:")
        return
    found = selections.newest_first(workspace, dataset)
    if len(found) < 2:
        draw_too_few(workspace, dataset, len(found))
        return
    left, right, more = st.columns([5, 5, 3], vertical_alignment="bottom")
    with left:
        a = selections.pick(found, "Selection A", key="a", index=1)
    with right:
        b = selections.pick(found, "Selection B", key="b")
    with more:
        selections.draw_maker(workspace, dataset)
    if a.id == b.id:
        st.info("A and B are the same selection; choose another one in one of the lists.", icon=":material/info:")
        return
    try:
        comparison.draw(workspace, dataset, a, b)
    except Stale as error:
        st.warning(literal(str(error)), icon=":material/history:")


def draw_too_few(workspace: Workspace, dataset: Dataset, there: int) -> None:
    st.markdown(f"#### {'One more selection is needed' if there else 'Two selections are needed'}")
    st.markdown(
        f"Save one on the Explore page, or make one here: a random or every n-th one shows what "
        f"{literal(dataset.record.name)} looks like without any comparing."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        selections.draw_maker(workspace, dataset, "Make another one" if there else "Make one here")
        st.page_link("pages/explore.py", label="Explore", icon=":material/scatter_plot:")


draw_page(state.workspace(), state.dataset())
