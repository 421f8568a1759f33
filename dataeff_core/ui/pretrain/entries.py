"""What there is to show: runs of a dataset joined with the jobs that train them, and jobs that have no run yet."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dataeff_core import jobs
from dataeff_core.jobs import Job
from dataeff_core.pretraining import METHODS
from dataeff_core.ui import jobs_panel, words
from dataeff_core.ui.commands import option
from dataeff_core.ui.pretrain import mosaic_sets
from dataeff_core.ui.pretrain.metrics import metrics
from dataeff_core.ui.quantities import count, counted, share, when
from dataeff_core.ui.state import plain_words
from dataeff_core.workspace import Dataset, Run, RunRecord, Workspace

VERB = "pretrain"
WAITING, RUNNING, DONE, STOPPED = "waiting", "running", "done", "stopped"
ICONS = {
    WAITING: ":material/schedule:",
    RUNNING: ":material/progress_activity:",
    DONE: ":material/check_circle:",
    STOPPED: ":material/pause_circle:",
}
MOST_FAILED = 3  # jobs that ended before there was a run


@dataclass(frozen=True)
class Entry:
    """One line of the list: a run with the job that trains it, or a job whose run has not begun."""

    run: Run | None
    job: Job | None
    state: str  # WAITING, RUNNING, DONE, STOPPED
    sentence: str = ""  # why it stopped

    @property
    def id(self) -> str:
        return self.run.id if self.run is not None else self.job.id if self.job is not None else ""

    @property
    def active(self) -> bool:
        return self.state in (WAITING, RUNNING)


def entries(workspace: Workspace, dataset: Dataset) -> list[Entry]:
    """All of `dataset`: jobs without a run first, then runs; each newest first."""
    runs = [run for run in reversed(workspace.runs()) if run.record.dataset == dataset.id]
    found = jobs.jobs(workspace)
    mine = {id(run): job_of(run, found) for run in runs}
    with_run = [entry_of(run, mine[id(run)]) for run in runs]
    taken = {job.id for job in mine.values() if job is not None} | {run.job for run in runs}
    return [*_without_run(workspace, dataset, [job for job in found if job.id not in taken]), *with_run]


def entry_of(run: Run, job: Job | None) -> Entry:
    """How the run stands, by its folder and by its job."""
    state = run.state
    status = job.status if job is not None else None
    if state == DONE:
        return Entry(run, job, DONE)
    if state == RUNNING or (status is not None and status.state == "running"):
        return Entry(run, job, RUNNING)
    if status is not None and status.state == "queued":
        return Entry(run, job, WAITING)
    said = run.problem or (status.error if status is not None else "") or ""
    return Entry(run, job, STOPPED, said or "stopped before its end; what it has learnt is kept")


def job_of(run: Run, found: Sequence[Job]) -> Job | None:
    """The job that trains the run, or last did: the one noted, or one that was asked to go on with it since."""
    resuming = option("resume", run.id)
    return next((job for job in found if job.id == run.job or resuming in job.argv), None)


def label(entry: Entry) -> str:
    """What the run is called: its name, else what it trains on."""
    if entry.run is None:
        named = (
            [one.removeprefix("--name=") for one in entry.job.argv if one.startswith("--name=")] if entry.job else []
        )
        return named[0] if named else "not begun yet"
    return title(entry.run)


def labels(found: Sequence[Entry]) -> dict[str, str]:
    """Id -> what each is called in a list; where two would be the same, with the run's method and seed, then with
    the id: a list knows its lines by their words."""
    shown = {one.id: label(one) for one in found}
    runs = {one.id: one.run.record for one in found if one.run is not None}
    seeds = {name: f"{record.method}, {words.label('seed').lower()} {record.seed}" for name, record in runs.items()}
    for ending in (seeds, {name: name for name in shown}):
        doubled = {text for text, times in Counter(shown.values()).items() if times > 1}
        shown = {
            name: f"{text} · {ending[name]}" if text in doubled and name in ending else text
            for name, text in shown.items()
        }
    return shown


def title(run: Run) -> str:
    """Its name, else what it trains on."""
    return run.record.name or trained_on(run)


def trained_on(run: Run) -> str:
    """The selection's name and how much of the dataset it is; of mosaics how many patches are in them."""
    record = run.record
    if record.tiling is not None:
        called = f"{record.mosaics_name}: " if record.mosaics_name else ""
        return f"{called}{images_told(record)}"
    if record.selection is None:
        return f"all {images_told(record)}"
    called = f"{record.selection_name}: " if record.selection_name else ""
    return f"{called}{count(record.images)} frames ({share(record.retained)})"


def called(record: RunRecord) -> str:
    """The run's name, else its method and what it calls its images."""
    images = record.mosaics_name or record.selection_name or record.dataset_name
    if record.tiling is not None:
        images = f"mosaics {record.mosaics_name}" if record.mosaics_name else f"mosaics of {record.dataset_name}"
    return record.name or f"{record.method} on {images}"


def image_word(record: RunRecord) -> str:
    """What one of its images is called."""
    return "frame" if record.tiling is None else "mosaic"


def images_told(record: RunRecord) -> str:
    """'335 frames', '120 mosaics of 480 patches'."""
    if record.tiling is None:
        return counted(record.images, "frame")
    return mosaic_sets.told(record.images, record.tiling)


def retained_told(record: RunRecord) -> str:
    """The paper's R in words: how much of the dataset it trains on."""
    if record.tiling is None:
        return share(record.retained)
    return f"as many images as {share(record.retained)} of the frames"


def method_title(name: str) -> str:
    """What the method does, in words; a name that is not known stands for itself."""
    return next((one.TITLE for one in METHODS if name == one.NAME), name)


def caption(entry: Entry) -> str:
    """State and when it was made."""
    created = entry.run.record.created if entry.run is not None else entry.job.created if entry.job else ""
    state = entry.state
    if entry.state == RUNNING and entry.run is not None:
        state = f"{state}, {100 * progress(entry.run):.0f}\u202f%"
    method = f" · {entry.run.record.method}" if entry.run is not None and not plain_words() else ""
    return f"{state}{method} · {when(created)}"


def progress(run: Run) -> float:
    """The share of its images seen, in [0, 1]."""
    table = metrics(run)
    return min(1.0, float(table["images_seen"].iloc[-1]) / run.record.images_seen) if len(table) else 0.0


def _without_run(workspace: Workspace, dataset: Dataset, found: Sequence[Job]) -> list[Entry]:
    """Jobs of this dataset, or of a selection or mosaics of it, that wait or begin; and the last that failed to."""
    names = {dataset.id, dataset.record.name, *(one.id for one in workspace.selections(dataset))}
    names |= {one.id for one in workspace.mosaic_sets(dataset)}
    asked = [job for job in found if job.verb == VERB and names & set(job.argv[1:])]
    states = {job.id: job.status for job in asked}
    active = [job for job in asked if states[job.id].state in jobs_panel.ACTIVE]
    failed = [job for job in asked if states[job.id].state in ("failed", "lost")][:MOST_FAILED]
    waiting = [Entry(None, job, RUNNING if states[job.id].state == "running" else WAITING) for job in active]
    return [*waiting, *(Entry(None, job, STOPPED, states[job.id].error or "it did not begin") for job in failed)]
