"""The benchmarks of a dataset: the first visit, which one is looked at, and how a further one is started."""

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from dataeff_core import jobs
from dataeff_core.errors import NotFound
from dataeff_core.jobs import Job
from dataeff_core.ui import commands, fragments, jobs_panel
from dataeff_core.ui.quantities import counted, literal
from dataeff_core.ui.results import benchmark_card, benchmark_form
from dataeff_core.workspace import Benchmark, Dataset, Workspace

PICKED, NEW, BACK = "benchmark", "results-new", "results-back"
_AWAITED = "results-awaited"  # the job that was started here and whose benchmark has not begun


def draw(workspace: Workspace, dataset: Dataset) -> None:
    """All of it, in the place where it is called."""
    found = of_dataset(workspace, dataset)
    awaited = _awaited(workspace, found)
    if awaited is not None:
        _draw_awaited(workspace, awaited)
        return
    if not found:
        _draw_first(workspace, dataset)
        return
    if st.session_state.get(NEW):
        _draw_new(workspace, dataset)
        return
    left, right = st.columns([7, 2], vertical_alignment="bottom")
    with left:
        benchmark = _pick(found)
    with right:
        st.button("New benchmark", icon=":material/add:", key="results-new-go", width="stretch", on_click=_open_new)
    benchmark_card.draw(workspace, benchmark)


def of_dataset(workspace: Workspace, dataset: Dataset) -> list[Benchmark]:
    """Those that train on `dataset` or are scored on it, newest first; these last."""
    found = [one for one in reversed(workspace.benchmarks()) if dataset.id in (one.record.dataset, one.record.on)]
    return sorted(found, key=lambda one: one.record.dataset != dataset.id)


def label(benchmark: Benchmark) -> str:
    """In a list: what it compares and when it was made; never what changes, as the page's address holds it."""
    record = benchmark.record
    made = datetime.fromisoformat(record.created).astimezone()
    return f"{benchmark_card.title(record)} · {counted(len(record.cells), 'cell')} · {made:%Y-%m-%d %H:%M}"


def _pick(found: Sequence[Benchmark]) -> Benchmark:
    by_id = {one.id: one for one in found}
    shown = {one.id: label(one) for one in found}
    doubled = [text for text in shown.values() if list(shown.values()).count(text) > 1]
    shown = {name: f"{text} · {name[-6:]}" if text in doubled else text for name, text in shown.items()}
    if st.session_state.get(PICKED) not in by_id:
        st.session_state.pop(PICKED, None)
    chosen = st.selectbox("Benchmark", list(by_id), format_func=shown.__getitem__, key=PICKED, bind="query-params")
    return by_id[chosen or found[0].id]


def _draw_first(workspace: Workspace, dataset: Dataset) -> None:
    st.markdown("#### Does a subset train as good a model as everything?")
    st.markdown(
        "A benchmark answers it on your own frames. It chooses subsets of several sizes, trains a network on each, "
        "on a random subset of the same size and on all frames, scores every network on frames with masks, and does "
        "all of it several times with other random numbers, so that chance can be told from a difference. "
        "The fields below hold a sensible start: **one press gives the answer.**"
    )
    with st.container(border=True):
        benchmark_form.draw(workspace, dataset, started=_await)


def _draw_new(workspace: Workspace, dataset: Dataset) -> None:
    left, right = st.columns([7, 2], vertical_alignment="center")
    left.markdown("#### A further benchmark")
    right.button("Back", icon=":material/arrow_back:", key=BACK, width="stretch", on_click=_close_new)
    with st.container(border=True):
        benchmark_form.draw(workspace, dataset, started=_await)


def _await(job_id: str) -> None:
    """Show the benchmark of this job as soon as there is one."""
    st.session_state[_AWAITED] = job_id
    _close_new()


def _awaited(workspace: Workspace, found: Sequence[Benchmark]) -> Job | None:
    """The job whose benchmark has not begun; once it has, that one is picked."""
    job_id = st.session_state.get(_AWAITED)
    if job_id is None:
        return None
    try:
        job = jobs.job(workspace, job_id)
    except NotFound:
        job = None
    begun = None if job is None else next((one for one in found if benchmark_card.is_of(job, one)), None)
    if begun is not None:
        st.session_state[PICKED] = begun.id
    if begun is not None or job is None:
        st.session_state.pop(_AWAITED)
        return None
    return job


def _draw_awaited(workspace: Workspace, job: Job) -> None:
    st.markdown("#### The benchmark is being planned")
    status = job.status
    if status.state in jobs_panel.ACTIVE:
        fragments.draw(_draw_waiting, workspace, job, run_every=jobs_panel.POLL_SECONDS)
        return
    st.error(literal(status.error or f"it was {jobs_panel.STATES[status.state][0]}"), icon=":material/error:")
    st.button("Back to the form", key="results-awaited-back", on_click=lambda: st.session_state.pop(_AWAITED, None))
    commands.draw(workspace, job.argv)


def _draw_waiting(workspace: Workspace, job: Job) -> None:
    begun = any(benchmark_card.is_of(job, one) for one in workspace.benchmarks())
    jobs_panel.draw_progress(job)
    st.caption("Its cells appear here in a moment. You may close the browser meanwhile.")
    if begun or job.status.state not in jobs_panel.ACTIVE:
        fragments.renew_page()


def _open_new() -> None:
    st.session_state[NEW] = True


def _close_new() -> None:
    st.session_state.pop(NEW, None)
