"""From imported frames to the Explore page: import, embed, explore; what is done, what runs, what comes next."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from dataeff_core.jobs import Job
from dataeff_core.ui import cached, forms, fragments, jobs_panel, visitor
from dataeff_core.ui.commands import option
from dataeff_core.ui.quantities import counted, literal, when
from dataeff_core.workspace import Dataset, Embedding, Workspace

if TYPE_CHECKING:
    from dataeff_core.encoders import Encoder

PREPARING = ("embed", "calibrate", "map")


@dataclass(frozen=True)
class Steps:
    """How far a dataset is."""

    embedding: Embedding | None  # the newest that fits the frames as they are now
    outdated: bool  # there is an embedding, but frames have changed since
    calibrated: bool
    mapped: bool
    working: dict[str, Job]  # verb -> job that runs or waits

    @property
    def ready(self) -> bool:
        """Whether Explore can show everything."""
        return self.embedding is not None and self.calibrated and self.mapped

    def missing(self) -> list[str]:
        """The verbs still to do, in their order."""
        if self.embedding is None:
            return list(PREPARING)
        return ["calibrate"] * (not self.calibrated) + ["map"] * (not self.mapped)


def steps_of(workspace: Workspace, dataset: Dataset) -> Steps:
    """Look at what is on disk and at the jobs."""
    from dataeff_core.workspace.calibrations import calibrations

    embeddings = workspace.embeddings(dataset)
    fitting = [one for one in embeddings if one.record.dataset_fingerprint == dataset.fingerprint]
    newest = fitting[-1] if fitting else None
    active = jobs_panel.of_dataset(jobs_panel.active_jobs(workspace), dataset.id, dataset.record.name)
    return Steps(
        embedding=newest,
        outdated=bool(embeddings) and newest is None,
        calibrated=newest is not None and bool(calibrations(newest)),
        mapped=newest is not None and cached.frame_map(workspace, dataset, newest) is not None,
        working={job.verb: job for job in active},
    )


def commands(dataset: Dataset, verbs: Sequence[str], encoder: str = "", checkpoint: str = "") -> list[list[str]]:
    """The command lines of these verbs for `dataset`, with the encoder where it is not the default."""
    chosen = [option("encoder", encoder)] if encoder else []
    weights = [option("checkpoint", checkpoint)] if checkpoint else []
    return [[verb, dataset.id, *chosen, *(weights if verb == "embed" else [])] for verb in verbs]


def draw(workspace: Workspace, dataset: Dataset, *, go_to_import: Callable[[], None]) -> None:
    """The strip of three steps; it renews itself while something runs for this dataset."""
    working = bool(steps_of(workspace, dataset).working)
    every = jobs_panel.POLL_SECONDS if working else None
    fragments.draw(_draw, workspace, dataset, go_to_import, run_every=every)


def _draw(workspace: Workspace, dataset: Dataset, go_to_import: Callable[[], None]) -> None:
    steps = steps_of(workspace, dataset)
    columns = st.columns(3, gap="small")
    with columns[0].container(border=True, height="stretch"):
        _draw_import(dataset, steps, go_to_import)
    with columns[1].container(border=True, height="stretch"):
        _draw_embed(workspace, dataset, steps)
    with columns[2].container(border=True, height="stretch"):
        _draw_explore(steps)


def _draw_import(dataset: Dataset, steps: Steps, go_to_import: Callable[[], None]) -> None:
    _head("1", "Import", done=True, working="import" in steps.working)
    if "import" in steps.working:
        jobs_panel.draw_progress(steps.working["import"])
        return
    groups = dataset.frames["group"].nunique()
    st.caption(
        f"{counted(len(dataset.frames), 'frame')} in {counted(groups, 'group')} · {when(dataset.record.updated)}"
    )
    if st.button("Import more", key="step-import", type="tertiary", icon=":material/add:"):
        go_to_import()


def _draw_embed(workspace: Workspace, dataset: Dataset, steps: Steps) -> None:
    working = [steps.working[verb] for verb in PREPARING if verb in steps.working]
    _head("2", "Embed", done=steps.ready and not working, working=bool(working))
    if working:
        for job in working:
            st.caption(jobs_panel.words(job.verb))
            jobs_panel.draw_progress(job)
        return
    if steps.ready and steps.embedding is not None:
        record = steps.embedding.record
        st.caption(f"{literal(record.encoder)}, {record.dim} numbers a frame, with its map · {when(record.created)}")
        with st.popover("Use another encoder", type="tertiary", icon=":material/tune:"):
            _draw_encoder(workspace, dataset, list(PREPARING))
        return
    st.caption(
        "Frames were added or have vanished since: embed them again."
        if steps.outdated
        else "Turns each frame into numbers, so that like frames are found, and lays them out on a map."
    )
    with st.container(horizontal=True):
        label = "Prepare for exploring" if steps.embedding is None else "Finish preparing"
        barred = not visitor.may("run")
        if st.button(label, key="step-prepare", type="primary", icon=":material/play_arrow:", disabled=barred):
            encoder = steps.embedding.record.encoder if steps.embedding is not None else ""
            jobs_panel.start(workspace, *commands(dataset, steps.missing(), encoder))
            st.rerun(scope="app")
        with st.popover("Encoder", type="tertiary", icon=":material/tune:"):
            _draw_encoder(workspace, dataset, list(PREPARING))


def _draw_encoder(workspace: Workspace, dataset: Dataset, verbs: Sequence[str]) -> None:
    """Choose what turns frames into numbers, and start."""
    from dataeff_core.encoders import ENCODERS

    names = {one.TITLE: one for one in ENCODERS if one.offered(workspace)}
    title = st.radio("How frames are compared", list(names), key="encoder-kind")
    instance = _encoder(workspace, names[title])
    checkpoint = (instance.checkpoint_file or "") if instance is not None else ""
    fits = _checkpoint_fits(checkpoint)
    barred = instance is None or not fits or not visitor.may("run")
    if st.button("Start", key="encoder-go", type="primary", disabled=barred):
        assert instance is not None  # noqa: S101  (the button is disabled otherwise)
        jobs_panel.start(workspace, *commands(dataset, verbs, instance.full_name, checkpoint))
        st.rerun(scope="app")


def _encoder(workspace: Workspace, kind: "type[Encoder]") -> "Encoder | None":
    """The encoder of this kind that the visitor chooses, None while a value cannot be used."""
    if not kind.LISTED:
        return forms.draw(kind, key=f"encoder-{kind.NAME}")
    titles = dict(kind.offered(workspace))
    name = st.selectbox("Which", list(titles), format_func=titles.__getitem__, key=f"encoder-{kind.NAME}")
    return kind.named(name.partition(":")[2], None, workspace)


def _checkpoint_fits(checkpoint: str) -> bool:
    from pathlib import Path

    from dataeff_core.datasets import roots
    from dataeff_core.errors import BadInput

    if not checkpoint:
        return True
    try:
        path = roots.allowed(Path(checkpoint).expanduser(), roots.allowed_roots())
    except BadInput as error:
        forms.problem(str(error))
        return False
    if not path.is_file():
        forms.problem(f"the checkpoint {path} is not there; check the path")
        return False
    return True


def _draw_explore(steps: Steps) -> None:
    _head("3", "Explore", done=False, working=False, waiting=not steps.ready)
    if not steps.ready:
        st.caption("Move two sliders, watch what would be removed, and see why. Opens when the frames are embedded.")
        return
    st.caption("Move two sliders, watch what would be removed, and see why.")
    if st.button("Explore", key="step-explore", type="primary", icon=":material/scatter_plot:"):
        st.switch_page("pages/explore.py")


def _head(number: str, title: str, *, done: bool, working: bool, waiting: bool = False) -> None:
    icon = ":material/progress_activity:" if working else ":material/check_circle:" if done else ""
    colour = ":gray" if waiting else ":blue" if done or working else ""
    mark = f"{colour}[{icon}]" if icon and colour else icon
    st.markdown(f"**{number}\u2002{title}** {mark}" if not waiting else f":gray[**{number}\u2002{title}**]")
