"""Results: does the subset train as good a model as everything, and how do single networks score."""

import streamlit as st

from dataeff_core.ui import state
from dataeff_core.ui.results import benchmarks, evaluations
from dataeff_core.workspace import Dataset, Workspace

BENCHMARKS, EVALUATIONS = "Benchmarks", "Single evaluations"


def draw_page(workspace: Workspace, dataset: Dataset | None) -> None:
    st.title("Results")
    if dataset is None or len(dataset.frames) == 0:
        st.markdown("#### Nothing to judge yet")
        st.markdown(
            "Here you will see whether a subset trains as good a model as everything. Import frames first, and a "
            "second set with masks to score models on."
        )
        st.page_link("pages/data.py", label="Import frames", icon=":material/photo_library:")
        return
    view = st.segmented_control(
        "View",
        [BENCHMARKS, EVALUATIONS],
        default=BENCHMARKS,
        required=True,
        key="results",
        bind="query-params",
        label_visibility="collapsed",
    )
    if view == EVALUATIONS:
        evaluations.draw(workspace, dataset)
    else:
        benchmarks.draw(workspace, dataset)


draw_page(state.workspace(), state.dataset())
