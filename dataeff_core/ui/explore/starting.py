"""What Explore needs before it can begin, and how to get it: frames, an embedding, a map, the scores."""

from collections.abc import Sequence

import streamlit as st

from dataeff_core.errors import NotFound, Stale
from dataeff_core.ui import cached, commands, jobs_panel, visitor
from dataeff_core.ui.explore.explored import Explored, NotScored, Way, open_explored
from dataeff_core.ui.quantities import counted, literal
from dataeff_core.workspace import Dataset, Embedding, Workspace

WAY = "explore-way"
ENCODER = "descriptor"  # needs no weights: it always works


def ready(workspace: Workspace, dataset: Dataset | None) -> Explored | None:
    """What is to be explored; None after saying what is missing and offering to make it."""
    if dataset is None or len(dataset.frames) == 0:
        _draw_nothing_yet()
        return None
    embedding = _embedding(workspace, dataset)
    if embedding is None:
        return None
    frame_map = cached.frame_map(workspace, dataset, embedding)
    if frame_map is None:
        here = ["map", dataset.id, commands.option("encoder", embedding.id)]
        ways = {"Draw the map": [[*here, "--method=umap"]], "Quick map": [[*here, "--method=pca"]]}
        _offer(workspace, dataset, "The frames have not been laid out on a map yet.", ways)
        return None
    way = way_of(dataset)
    try:
        with st.spinner(f"Comparing {counted(len(dataset.frames), 'frame')} …", show_time=True):
            return open_explored(workspace, dataset, embedding, frame_map, way)
    except NotScored as missing:
        ways = {"Compare them in the background": [first_look(dataset, embedding, way)]}
        _offer(workspace, dataset, str(missing), ways)
        return None


def way_of(dataset: Dataset) -> Way:
    """How the visitor wants this dataset's frames sorted before they are compared."""
    known = st.session_state.get(WAY)
    return known[1] if known is not None and known[0] == dataset.id else Way()


def choose_way(dataset: Dataset, way: Way) -> None:
    """Sort and compare in this way from the next run on."""
    st.session_state[WAY] = (dataset.id, way)


def first_look(dataset: Dataset, embedding: Embedding, way: Way) -> list[str]:
    """The command that computes and keeps the scores; the selection it saves is a start."""
    settings = [commands.option("set", f"{name}={value}") for name, value in way.settings().items()]
    return [
        "select",
        dataset.id,
        "--method=meddel",
        commands.option("encoder", embedding.id),
        *settings,
        commands.option("seed", way.seed),
        "--name=first look",
    ]


def preparing(dataset: Dataset) -> list[list[str]]:
    """The commands that lead from imported frames to a first map."""
    encoder = commands.option("encoder", ENCODER)
    return [["embed", dataset.id, encoder], ["calibrate", dataset.id, encoder], ["map", dataset.id, encoder]]


def _embedding(workspace: Workspace, dataset: Dataset) -> Embedding | None:
    """The newest embedding that fits the frames as they are now."""
    try:
        embedding = cached.embedding(workspace, dataset)
        embedding.check_fits(dataset)
        return embedding
    except NotFound:
        name = literal(dataset.record.name)
        told = f"{counted(len(dataset.frames), 'frame')} of **{name}** are imported, but not compared yet."
        _offer(workspace, dataset, told, {"Compare the frames": preparing(dataset)})
    except Stale:
        told = f"**{literal(dataset.record.name)}** has changed since its frames were compared."
        _offer(workspace, dataset, told, {"Compare the new frames": preparing(dataset)})
    return None


def _draw_nothing_yet() -> None:
    st.title("Explore")
    st.markdown(
        "Here you will see all your frames on one map: which are kept, which are removed, and why. "
        "**Import a folder of frames or videos first**, or make the demo data."
    )
    st.page_link("pages/data.py", label="Go to Data", icon=":material/photo_library:")


def _offer(workspace: Workspace, dataset: Dataset, missing: str, ways: dict[str, list[list[str]]]) -> None:
    """Say what is missing; offer the jobs that make it, or show how far they are."""
    st.title("Explore")
    st.markdown(missing)
    running = jobs_panel.of_dataset(jobs_panel.active_jobs(workspace), dataset.id, dataset.record.name)
    if running:
        st.markdown("This is being made now. You can leave this page, or close the browser.")
        st.fragment(_draw_progress, run_every=jobs_panel.POLL_SECONDS)(workspace, [job.id for job in running])
        return
    barred = not visitor.may("run")
    with st.container(horizontal=True):
        for at, (label, argvs) in enumerate(ways.items()):
            key = f"explore-start-{at}"
            if st.button(label, type="secondary" if at else "primary", key=key, disabled=barred):
                jobs_panel.start(workspace, *argvs)
                st.rerun()
    with st.expander("The same in a shell"):
        for argv in next(iter(ways.values())):
            commands.draw(workspace, argv)


def _draw_progress(workspace: Workspace, ids: Sequence[str]) -> None:
    active = [job for job in jobs_panel.active_jobs(workspace) if job.id in ids]
    for job in active:
        st.markdown(f"**{jobs_panel.words(job.verb)}**")
        jobs_panel.draw_progress(job)
    if len(active) < len(ids):
        st.rerun()
