"""Pre-train: let a network learn from a selection, watch it, compare what came out."""

import streamlit as st

from dataeff_core.ui import state
from dataeff_core.ui.pretrain import comparing, entries, runs_view, start_form, subjects
from dataeff_core.workspace import Dataset, Workspace

START, RUNS, COMPARE = "New run", "Runs", "Compare runs"
VIEW, NEXT_VIEW = "view", "pretrain-view-next"


def draw_page(workspace: Workspace, dataset: Dataset | None) -> None:
    st.title("Pre-train")
    if dataset is None or len(dataset.frames) == 0:
        draw_nothing_yet()
        return
    found = entries.entries(workspace, dataset)
    if not found:
        draw_purpose()
        start_form.draw(workspace, dataset, started=show_run)
        return
    if subjects.SOURCE in st.session_state:
        st.session_state[NEXT_VIEW] = START
    sent = NEXT_VIEW in st.session_state
    if sent:
        st.session_state[VIEW] = st.session_state.pop(NEXT_VIEW)
    view = st.segmented_control(
        "View",
        [RUNS, START, COMPARE],
        default=None if sent else RUNS,
        required=True,
        key=VIEW,
        bind="query-params",
        label_visibility="collapsed",
    )
    if view == START:
        start_form.draw(workspace, dataset, started=show_run)
    elif view == COMPARE:
        comparing.draw(workspace, dataset)
    else:
        runs_view.draw(workspace, dataset, found)


def draw_nothing_yet() -> None:
    st.markdown("#### Nothing to train on yet")
    draw_purpose()
    st.markdown("Import frames first; then choose which to keep on the Explore page, and train on them here.")
    st.page_link("pages/data.py", label="Import frames", icon=":material/photo_library:")


def draw_purpose() -> None:
    st.markdown(
        "A network looks at your frames again and again, **without any labels**, until it knows what they are made "
        "of; afterwards it learns a task, such as marking polyps, from few examples. Train one on a selection and "
        "one on everything: if both do the task equally well, the frames that were left out were not needed."
    )


def show_run(job_id: str) -> None:
    runs_view.choose(job_id)
    st.session_state[NEXT_VIEW] = RUNS


draw_page(state.workspace(), state.dataset())
