"""The form of a further evaluation: which network, on which frames, how."""

from collections.abc import Sequence

import streamlit as st

from dataeff_core.evaluation import Task
from dataeff_core.ui import commands, forms, jobs_panel, visitor, words
from dataeff_core.ui.commands import option
from dataeff_core.ui.pretrain import entries
from dataeff_core.ui.quantities import share, when
from dataeff_core.ui.results import downstream
from dataeff_core.workspace import Dataset, Run, Workspace

TRAINED, UNTRAINED = "as trained", "untrained, to compare with"


def draw_popover(workspace: Workspace, dataset: Dataset) -> None:
    """The form behind a button."""
    with st.popover("Evaluate a run", icon=":material/fact_check:", width="stretch"):
        _draw(workspace, dataset)


def evaluate_command(encoder: str, on: Dataset, task: Task, *, seed: int) -> list[str]:
    """The command line of an evaluation."""
    argv = ["evaluate", option("encoder", encoder), option("on", on.id), option("task", task.NAME)]
    return [*argv, *forms.options(task), option("seed", seed)]


def _draw(workspace: Workspace, dataset: Dataset) -> None:
    finished = [run for run in reversed(workspace.runs()) if run.state == "done"]
    runs = sorted(finished, key=lambda run: run.record.dataset != dataset.id)
    if not runs:
        st.markdown("There is no finished run yet; a network has to be trained first.")
        st.page_link("pages/pretrain.py", label="Pre-train one", icon=":material/model_training:")
        return
    there = downstream.offered(workspace)
    if not there:
        downstream.draw_none()
        return
    run = _run_field(runs)
    how = st.segmented_control(
        "Network",
        [TRAINED, UNTRAINED],
        default=TRAINED,
        required=True,
        key="evaluation-how",
        help="The same network with random weights shows what pre-training was worth.",
    )
    on, has = downstream.dataset_field(there, key="evaluation-on", avoid=run.record.dataset)
    task = downstream.task_field(has, key="evaluation")
    seed = int(
        st.number_input(
            words.label("seed"), 0, 2**31 - 1, run.record.seed, key="evaluation-seed", help=words.help_of("seed")
        )
    )
    argv: list[str] = []
    if task is not None:
        argv = evaluate_command(f"{'run' if how == TRAINED else 'untrained'}:{run.id}", on, task, seed=seed)
    barred = not (argv and visitor.may("run"))
    if st.button("Evaluate", type="primary", key="evaluation-go", disabled=barred, icon=":material/play_arrow:"):
        jobs_panel.start(workspace, argv)
        st.rerun(scope="app")
    if argv:
        commands.draw(workspace, argv)


def _run_field(runs: Sequence[Run]) -> Run:
    by_id = {run.id: run for run in runs}
    chosen = st.selectbox("Which run", list(by_id), format_func=lambda one: _told(by_id[one]), key="evaluation-run")
    return by_id[chosen or runs[0].id]


def _told(run: Run) -> str:
    record = run.record
    kept = f"{share(record.retained)} of" if record.tiling is None else f"{entries.images_told(record)} from"
    return f"{entries.called(record)} · {kept} {record.dataset_name} · {when(record.created)}"
