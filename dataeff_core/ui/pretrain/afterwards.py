"""What a finished run is good for: its network is scored on frames with masks or labels, or compares the frames."""

import streamlit as st

from dataeff_core.ui import commands, jobs_panel, visitor, words
from dataeff_core.ui.commands import option
from dataeff_core.ui.pretrain import entries
from dataeff_core.ui.quantities import counted, literal
from dataeff_core.ui.results import downstream
from dataeff_core.ui.results.evaluation_form import evaluate_command
from dataeff_core.workspace import Dataset, Evaluation, Run, Workspace

VERBS = ("embed", "calibrate", "map")
MOST_SCORES = 4


def draw(workspace: Workspace, dataset: Dataset, run: Run) -> None:
    """Its scores so far, and the two ways to go on."""
    _draw_scores(workspace, run)
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.popover("Evaluate on …", icon=":material/fact_check:"):
            _draw_evaluate(workspace, run)
        with st.popover("Use as encoder", icon=":material/hub:"):
            _draw_encoder(workspace, dataset, run)
        st.page_link("pages/results.py", label="Results", icon=":material/query_stats:")


def encoder_commands(run: Run, dataset: Dataset) -> list[list[str]]:
    """The command lines after which Explore compares `dataset` with the run's network."""
    return [[verb, dataset.id, option("encoder", f"run:{run.id}")] for verb in VERBS]


def scores_of(workspace: Workspace, run: Run) -> list[Evaluation]:
    """Of the finished network, newest first; not of snapshots, nor of the same network untrained."""
    mine = [one for one in reversed(workspace.evaluations()) if one.record.encoder == f"run:{run.id}"]
    return [one for one in mine if one.record.epoch is None]


def _draw_scores(workspace: Workspace, run: Run) -> None:
    scores = scores_of(workspace, run)
    if not scores:
        one = entries.image_word(run.record)
        st.caption(f"It has learnt from {one}s without labels. Whether that was worth it, an evaluation says.")
        return
    st.markdown("Scores: " + " · ".join(_told_score(one) for one in scores[:MOST_SCORES]))


def _told_score(evaluation: Evaluation) -> str:
    record = evaluation.record
    low, high = record.intervals.get(record.headline, (record.score, record.score))
    return (
        f"**{record.score:.3f}** :gray[({low:.3f} to {high:.3f}, {words.label(record.headline)}, "
        f"{literal(record.dataset_name)}, {words.label('seed').lower()} {record.seed})]"
    )


def _draw_evaluate(workspace: Workspace, run: Run) -> None:
    there = downstream.offered(workspace)
    if not there:
        downstream.draw_none()
        return
    on, has = downstream.dataset_field(there, key=f"evaluate-on-{run.id}", avoid=run.record.dataset)
    task = downstream.task_field(has, key=f"evaluate-{run.id}")
    seed = int(
        st.number_input(
            words.label("seed"), 0, 2**31 - 1, 0, key=f"evaluate-seed-{run.id}", help=words.help_of("seed")
        )
    )
    both = st.checkbox(
        "The same network untrained, too",
        key=f"evaluate-both-{run.id}",
        help="What the score would be without pre-training: the difference is what it was worth.",
    )
    argvs: list[list[str]] = []
    if task is not None:
        encoders = [f"run:{run.id}", *([f"untrained:{run.id}"] if both else [])]
        argvs = [evaluate_command(encoder, on, task, seed=seed) for encoder in encoders]
    if st.button(
        "Evaluate", type="primary", key=f"evaluate-go-{run.id}", disabled=not (argvs and visitor.may("run"))
    ):
        jobs_panel.start(workspace, *argvs)
        st.rerun(scope="app")
    for argv in argvs:
        commands.draw(workspace, argv)


def _draw_encoder(workspace: Workspace, dataset: Dataset, run: Run) -> None:
    st.markdown(
        f"Compare the {counted(len(dataset.frames), 'frame')} of **{literal(dataset.record.name)}** with what this "
        "network has learnt: a new map, and new selections on the Explore page."
    )
    argvs = encoder_commands(run, dataset)
    barred = not visitor.may("run")
    if st.button("Start", type="primary", key=f"encoder-go-{run.id}", icon=":material/play_arrow:", disabled=barred):
        jobs_panel.start(workspace, *argvs)
        st.rerun(scope="app")
    for argv in argvs:
        commands.draw(workspace, argv)
