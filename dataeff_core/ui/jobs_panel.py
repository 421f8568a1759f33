"""What runs in the background, in reach of every page: progress, time left, stop, go on, log, command line.

Nothing about a job is kept here: each drawing reads the jobs' folders, so the panel is right after a reload, after
a restart of the server, and for jobs started from a shell.
"""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from dataeff_core import jobs
from dataeff_core.access import Action
from dataeff_core.errors import DataEffError
from dataeff_core.jobs import Job, JobStatus
from dataeff_core.ui import commands, fragments, visitor
from dataeff_core.ui.quantities import count, counted, duration, literal, when
from dataeff_core.workspace import Workspace

ACTIVE = ("queued", "running")
POLL_SECONDS = 1.0
MOST_SHOWN = 12
LOG_LINES = 40
WORDS = {
    "demo": "Make the demo",
    "import": "Import frames",
    "embed": "Prepare comparison",
    "calibrate": "Measure likeness",
    "map": "Draw the map",
    "select": "Choose frames",
    "stability": "Choose again",
    "report": "Report",
    "export": "Export",
    "verify": "Check an export",
    "pretrain": "Pre-train",
    "evaluate": "Evaluate",
    "benchmark": "Benchmark",
    "patches": "Propose patches",
    "hardness": "Score patches",
    "mosaics": "Make mosaics",
}
SUBJECTS = ("name", "resume", "on")  # options that say what a job is about where no word after the verb does

STATES = {
    "queued": ("waiting", ":material/schedule:"),
    "running": ("running", ":material/progress_activity:"),
    "done": ("done", ":material/check_circle:"),
    "failed": ("failed", ":material/error:"),
    "cancelled": ("stopped", ":material/cancel:"),
    "lost": ("lost", ":material/link_off:"),
}
_SEEN, _MESSAGE = "jobs-seen-active", "jobs-message"


def draw(workspace: Workspace) -> None:
    """The panel, in the place where it is called; it renews itself while something runs, and the whole page once
    when something has ended."""
    active = active_jobs(workspace)
    st.session_state[_SEEN] = [job.id for job in active]
    fragments.draw(_draw, workspace, run_every=POLL_SECONDS if active else None)


def start(workspace: Workspace, *commands_: Sequence[str], action: Action = "run") -> list[Job]:
    """Start each command line as a job, each to begin when the one before it is done, and say so in a passing note.

    What is under way already is not started twice (a button pressed twice). Raises DataEffError, NotAllowed where the
    visitor's role does not let him do `action`.
    """
    visitor.require(action)
    under_way = {tuple(job.argv): job for job in active_jobs(workspace)}
    found: list[Job] = []
    for argv in commands_:
        former = found[-1] if found else None
        found.append(under_way.get(tuple(argv)) or jobs.start(workspace, argv, after=former))
    names = ", ".join(words(job.verb).lower() for job in found)
    st.toast(f"Under way in the background: {names}. You can go on meanwhile.", icon=":material/rocket_launch:")
    return found


def stop(job: Job) -> None:
    """Stop it. Raises NotAllowed where the visitor's role does not let him."""
    visitor.require("run")
    job.cancel()


def go_on(job: Job) -> None:
    """Run it again where it stopped. Raises DataEffError, NotAllowed where the visitor's role does not let him."""
    visitor.require("run")
    job.resume()


def words(verb: str) -> str:
    """What the verb does, in words."""
    return WORDS.get(verb, verb.capitalize())


def active_jobs(workspace: Workspace) -> list[Job]:
    """Jobs that run or wait, oldest first."""
    return [job for job in reversed(jobs.jobs(workspace)) if job.status.state in ACTIVE]


def of_dataset(found: Sequence[Job], dataset_id: str, name: str = "") -> list[Job]:
    """Those whose command line names this dataset."""
    wanted = {dataset_id, name, commands.option("name", name)} - {"", "--name="}
    return [job for job in found if wanted & set(job.argv[1:])]


def draw_progress(job: Job) -> None:
    """One bar: what the job does now, how far it is, how long it takes yet."""
    progress = job.progress
    if job.status.state == "queued" or progress is None:
        st.progress(0.0, text="waits for its turn" if job.status.state == "queued" else "starting")
        return
    text = literal(progress.phase)
    if progress.total:
        text += f" · {count(progress.done)} of {count(progress.total)}"
    if progress.eta_seconds is not None:
        text += f" · {duration(progress.eta_seconds)} left"
    st.progress(progress.share or 0.0, text=text)


def _draw(workspace: Workspace) -> None:
    found = jobs.jobs(workspace)
    states = {job.id: job.status for job in found}
    active = [job for job in reversed(found) if states[job.id].state in ACTIVE]
    ended = [job for job in found if states[job.id].state not in ACTIVE]
    with st.popover(_label(active, states), icon=_icon(active, ended, states), width="stretch", key="jobs-popover"):
        if message := st.session_state.pop(_MESSAGE, ""):
            st.warning(literal(message))
        if not found:
            st.caption("Nothing has run yet. Imports, comparisons and exports run here, while you go on.")
        names = {one.id: one.record.name for one in workspace.datasets()}
        for job in active:
            _draw_active(job, _subject(job, names))
        for job in ended[:MOST_SHOWN]:
            _draw_ended(workspace, job, states[job.id], _subject(job, names))
        if len(ended) > MOST_SHOWN:
            older = counted(len(ended) - MOST_SHOWN, "older one")
            st.caption(f"and {older}; `python -m dataeff_core jobs` lists all")
    if set(st.session_state.get(_SEEN, ())) - {job.id for job in active}:
        fragments.renew_page()  # something ended: the page shows what it made


def _label(active: Sequence[Job], states: dict[str, JobStatus]) -> str:
    if not active:
        return "Jobs"
    running = [job for job in active if states[job.id].state == "running"]
    if not running:
        return f"{counted(len(active), 'job')} waiting"
    progress = running[0].progress
    share = f" {100 * progress.share:.0f}\u202f%" if progress and progress.share is not None else ""
    more = f" · {len(active) - 1} more" if len(active) > 1 else ""
    return f"{words(running[0].verb)}{share}{more}"


def _icon(active: Sequence[Job], ended: Sequence[Job], states: dict[str, JobStatus]) -> str:
    if active:
        return STATES["running"][1]
    last = states[ended[0].id].state if ended else "done"
    return STATES[last][1] if last in ("failed", "lost") else ":material/task_alt:"


def _draw_active(job: Job, subject: str) -> None:
    with st.container(border=True, gap="small"):
        head, button = st.columns([3, 1], vertical_alignment="center")
        head.markdown(f"**{words(job.verb)}** {subject}")
        may_run = visitor.may("run")
        told = "What is finished stays; you can go on later."
        if may_run and button.button("Stop", key=f"stop-{job.id}", help=told):
            _act(lambda: stop(job))
        draw_progress(job)


def _draw_ended(workspace: Workspace, job: Job, status: JobStatus, subject: str) -> None:
    state, icon = STATES[status.state]
    took = f" in {duration(status.seconds)}" if status.seconds is not None else ""
    with st.container(border=True, gap="small"):
        st.markdown(f"{icon} **{words(job.verb)}** {subject}  \n:gray[:small[{state}{took} · {when(job.created)}]]")
        if status.error:
            st.caption(literal(status.error))
        resumable = status.state in ("failed", "cancelled", "lost") and visitor.may("run")
        if resumable and st.button(
            "Go on", key=f"resume-{job.id}", icon=":material/replay:", help="Runs the same again where it stopped."
        ):
            _act(lambda: go_on(job))
        details = st.expander("Log and command", key=f"log-{job.id}-{job.attempt}", on_change="rerun")
        if details.open:
            with details:
                st.code(job.log_tail(LOG_LINES) or "nothing was printed", language=None, wrap_lines=True, height=220)
                commands.draw(workspace, job.argv)


def _act(action: Callable[[], object]) -> None:
    try:
        action()
    except DataEffError as error:
        st.session_state[_MESSAGE] = str(error)
    st.rerun()


def _subject(job: Job, names: Mapping[str, str]) -> str:
    """What the job is about: a dataset's name, else the last part of the path after the verb."""
    options = dict(one[2:].partition("=")[::2] for one in job.argv if one.startswith("--"))
    named = next((options[one] for one in SUBJECTS if one in options), "")
    first = next((one for one in job.argv[1:] if not one.startswith("-")), "")
    subject = names.get(first) or names.get(named) or named or first.rstrip("/").rpartition("/")[2]
    return literal(subject[:60])
