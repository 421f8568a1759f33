"""One benchmark: how far it is, the verdict in a sentence, the charts, and what else can be read from it."""

from collections.abc import Callable

import streamlit as st

from dataeff_core.benchmarking import tables
from dataeff_core.errors import DataEffError
from dataeff_core.jobs import Job
from dataeff_core.ui import commands, forms, fragments, jobs_panel, visitor
from dataeff_core.ui.quantities import counted, literal, when
from dataeff_core.ui.results import benchmark_charts, benchmark_verdict, benchmark_views, cells
from dataeff_core.ui.results.styles import name as method_name
from dataeff_core.workspace import Benchmark, BenchmarkRecord, Workspace

POLL_SECONDS = 2.0
BUDGETS = {"images_seen": "equal images seen", "epochs": "equal epochs"}


def draw(workspace: Workspace, benchmark: Benchmark) -> None:
    """Everything on one benchmark, in the place where it is called."""
    st.caption(facts(benchmark.record))
    done, wanted = len(benchmark.done), len(benchmark.record.cells)
    job = working_on(workspace, benchmark)
    if job is not None or done < wanted:
        every = POLL_SECONDS if job or benchmark.coordinated else None
        fragments.draw(_draw_status, workspace, benchmark, (done, job is not None), run_every=every)
    if not done:
        return
    table = tables.table(benchmark)
    benchmark_verdict.draw(benchmark, table)
    fragments.draw(benchmark_charts.draw, benchmark)
    fragments.draw(benchmark_views.draw, workspace, benchmark)


def facts(record: BenchmarkRecord) -> str:
    """What is compared, in one line."""
    methods = ", ".join(method_name(one) for one in record.methods)
    keeps = ", ".join(f"{100 * keep:.3g}" for keep in record.keeps)
    parts = [
        f"{methods}",
        f"{keeps} % kept",
        counted(len(record.seeds), "seed"),
        f"{record.pretraining.upper()} {record.preset}".strip(),
        BUDGETS[record.budget],
        f"trained on {record.dataset_name}, scored on {record.on_name}",
        when(record.created),
    ]
    return literal(" · ".join(parts))


def title(record: BenchmarkRecord) -> str:
    """What people call it."""
    return record.name or f"{record.dataset_name} → {record.on_name}"


def working_on(workspace: Workspace, benchmark: Benchmark) -> Job | None:
    """The job that runs the whole benchmark, where one is at work or waits."""
    return next((job for job in jobs_panel.active_jobs(workspace) if is_of(job, benchmark)), None)


def is_of(job: Job, benchmark: Benchmark) -> bool:
    """Whether the job runs, or last ran, the whole of this benchmark: it says so in its command, its progress or its
    result."""
    if job.verb != "benchmark" or any(one.partition("=")[0] == "--cell" for one in job.argv):
        return False
    named = {benchmark.id, commands.option("resume", benchmark.id)}
    if named & set(job.argv):
        return True
    progress, result = job.progress, job.status.result or {}
    return result.get("benchmark") == benchmark.id or (progress is not None and benchmark.id in progress.phase)


def resume_command(benchmark: Benchmark) -> list[str]:
    """The command line that goes on with it, cell by cell."""
    return ["benchmark", commands.option("resume", benchmark.id)]


def _draw_status(workspace: Workspace, benchmark: Benchmark, seen: tuple[int, bool]) -> None:
    """How far it is, stop and go on, the grid of cells; the whole page runs again when a cell or the job has ended.

    `seen` is how many cells were done, and whether a job worked, when the page was drawn.
    """
    job = working_on(workspace, benchmark)
    in_shell = job is None and benchmark.coordinated
    found = cells.states(workspace, benchmark)
    done = sum(one.state == cells.DONE for one in found)
    told, button = st.columns([6, 1], vertical_alignment="center")
    with told:
        if job is not None:
            _draw_progress(job, done, len(found))
        elif in_shell:
            st.progress(done / len(found), text=f"runs from a shell: {done} of {counted(len(found), 'cell')} done")
        else:
            st.markdown(
                f":material/pause_circle: **Stopped at {done} of {counted(len(found), 'cell')}.** "
                "What is done is kept; go on whenever you like."
            )
    with button:
        may_run = visitor.may("run")
        if (
            job is not None
            and may_run
            and st.button("Stop", key=f"benchmark-stop-{benchmark.id}", icon=":material/stop_circle:")
        ):
            _act(lambda: jobs_panel.stop(job))
        if (
            job is None
            and may_run
            and not in_shell
            and st.button("Go on", key=f"benchmark-resume-{benchmark.id}", type="primary", icon=":material/replay:")
        ):
            _act(lambda: jobs_panel.start(workspace, resume_command(benchmark)))
    cells.draw_failures(found)
    cells.draw(found)
    if (done, job is not None) != seen:
        fragments.renew_page()


def _draw_progress(job: Job, done: int, wanted: int) -> None:
    if job.status.state == "queued":
        st.progress(0.0, text="waits for its turn")
        return
    jobs_panel.draw_progress(job)


def _act(action: Callable[[], object]) -> None:
    try:
        action()
    except DataEffError as error:
        forms.problem(str(error))
        return
    st.rerun(scope="app")
