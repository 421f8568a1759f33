"""Export: write the kept frames where others can use them, and prove what was written."""

import streamlit as st

from dataeff_core.ui import exports, selections, state
from dataeff_core.ui.quantities import counted, literal, share
from dataeff_core.workspace import Dataset, Workspace


def draw_page(workspace: Workspace, dataset: Dataset | None) -> None:
    st.title("Export")
    found = selections.newest_first(workspace, dataset) if dataset is not None else []
    if dataset is None or not found:
        draw_nothing_yet(dataset)
        return
    left, right = st.columns([1, 1], gap="large")
    with left:
        saved = selections.pick(found, "Which selection", key="selection")
        record = saved.record
        st.caption(
            f"{counted(record.kept, 'frame')} of {record.frames} kept, {share(record.retained)}; {literal(saved.id)}"
        )
        exports.draw_form(workspace, saved)
    with right:
        st.markdown("**Exports**")
        exports.draw_results(workspace)


def draw_nothing_yet(dataset: Dataset | None) -> None:
    st.markdown("#### Nothing to export yet")
    if dataset is None:
        st.markdown("Import frames first; then choose which to keep on the Explore page.")
        st.page_link("pages/data.py", label="Import frames", icon=":material/photo_library:")
        return
    st.markdown("Choose which frames to keep on the Explore page and save that selection; it can then be exported.")
    st.page_link("pages/explore.py", label="Explore", icon=":material/scatter_plot:")


draw_page(state.workspace(), state.dataset())
