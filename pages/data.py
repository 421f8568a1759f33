"""Data: what has been imported, is it healthy, and what comes next."""

import streamlit as st

from dataeff_core.ui import (
    datasets_table,
    fragments,
    frames_browser,
    health_cards,
    import_form,
    jobs_panel,
    state,
    steps,
    visitor,
)
from dataeff_core.ui.quantities import counted, literal
from dataeff_core.workspace import Dataset, Workspace

HEALTH, FRAMES, DATASETS, IMPORT = "Health", "Frames", "All datasets", "Import"
VIEW, NEXT_VIEW = "view", "data-view-next"


def draw_page(workspace: Workspace) -> None:
    arrived = import_form.arrived(workspace)
    if arrived is not None:
        state.choose_dataset(arrived)
        st.session_state[NEXT_VIEW] = HEALTH
        st.rerun()
    dataset = state.dataset()
    if dataset is None:
        draw_first_visit(workspace)
    else:
        draw_dataset(workspace, dataset)


def draw_first_visit(workspace: Workspace) -> None:
    st.title("Data")
    working = [job for job in jobs_panel.active_jobs(workspace) if job.verb in ("import", "demo")]
    if working:
        fragments.draw(draw_waiting, working, run_every=jobs_panel.POLL_SECONDS)
        return
    st.markdown("#### Nothing is imported yet")
    st.markdown("Name a folder of your own below, or look around with a demo first: videos drawn by this program.")
    if st.button("Make the demo", icon=":material/movie:", key="demo-go", disabled=not visitor.may("run")):
        import_form.await_dataset(jobs_panel.start(workspace, ["demo"])[0])
        st.rerun()
    with st.container(border=True):
        draw_import(workspace)


def draw_waiting(working: list) -> None:
    st.markdown("#### The first frames are on their way")
    for job in working:
        jobs_panel.draw_progress(job)
    st.caption("This page shows them as soon as they are there. You may close the browser meanwhile.")


def draw_dataset(workspace: Workspace, dataset: Dataset) -> None:
    st.title("Data")
    known = dataset.record
    unreadable = f" · {counted(len(dataset.unreadable), 'unreadable file')}" if len(dataset.unreadable) else ""
    st.markdown(f"**{literal(known.name)}** :gray[{counted(len(dataset.frames), 'frame')}{unreadable}]")
    steps.draw(workspace, dataset, go_to_import=go_to_import)
    if NEXT_VIEW in st.session_state:
        st.session_state[VIEW] = st.session_state.pop(NEXT_VIEW)
    view = st.segmented_control(
        "View",
        [HEALTH, FRAMES, DATASETS, IMPORT],
        default=HEALTH,
        required=True,
        key=VIEW,
        bind="query-params",
        label_visibility="collapsed",
    )
    if view == FRAMES:
        frames_browser.draw(dataset)
    elif view == DATASETS:
        datasets_table.draw(workspace)
    elif view == IMPORT:
        draw_import(workspace)
    else:
        health_cards.draw(dataset)


def draw_import(workspace: Workspace) -> None:
    if not visitor.may("run"):
        st.caption("Frames can be imported here by a researcher.")
        return
    import_form.draw(workspace, known_names=[one.record.name for one in workspace.datasets()])


def go_to_import() -> None:
    st.session_state[NEXT_VIEW] = IMPORT
    st.rerun(scope="app")


draw_page(state.workspace())
