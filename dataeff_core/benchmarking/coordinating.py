"""A whole benchmark: each cell a job, as many at a time as there are slots, until none is left or a stop is asked.

The one that coordinates only starts jobs and waits, so it may end at any time: cells go on, and whoever coordinates
next takes them over.
"""

import contextlib
import time
from dataclasses import dataclass, field

from dataeff_core import jobs
from dataeff_core.benchmarking.estimating import Running, seconds_left
from dataeff_core.errors import Cancelled, Conflict, NotFound
from dataeff_core.jobs import ENDED, Job
from dataeff_core.jobs.queue import devices
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Benchmark, Cell, CellRecord, Workspace
from dataeff_core.workspace.storage import exclusive

POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Outcome:
    """What became of the cells."""

    done: dict[str, CellRecord]  # by cell id, in the plan's order
    failed: dict[str, str] = field(default_factory=dict)  # cell id -> why it is not done, one sentence


def run(workspace: Workspace, benchmark: Benchmark, *, reporter: Reporter | None = None) -> Outcome:
    """Do every cell that is not done, each as a job (`cell_command`), and wait for them.

    One cell that fails, is lost or is stopped by hand keeps no other from going on. A cell's job that is at work
    already is waited for, one that has ended otherwise is resumed. When a stop is asked, the cells' jobs are stopped
    too. Raises Cancelled, Conflict when another process coordinates this benchmark, StorageFailed.
    """
    reporter = reporter or Reporter()
    with exclusive(benchmark.lock_file, wait=False):
        benchmark.note_coordinator(reporter.job)
        return _Coordinator(workspace, benchmark, reporter).work()


def begun_by(workspace: Workspace, job: str) -> Benchmark | None:
    """The benchmark that this job coordinates or has coordinated, None where there is none."""
    return next((one for one in reversed(workspace.benchmarks()) if job and one.coordinator == job), None)


def cell_command(benchmark: Benchmark, cell: Cell) -> list[str]:
    """The command line that does one cell, the verb first."""
    return ["benchmark", "--resume", benchmark.id, "--cell", cell.id]


class _Coordinator:
    def __init__(self, workspace: Workspace, benchmark: Benchmark, reporter: Reporter) -> None:
        self.workspace, self.benchmark, self.reporter = workspace, benchmark, reporter
        self.done = benchmark.done
        self.waiting = [cell for cell in benchmark.record.cells if cell.id not in self.done]
        self.running: dict[Cell, Job] = {}
        self.failed: dict[str, str] = {}
        self.stopping: list[Cell] = []  # taken over while a stop was under way

    def work(self) -> Outcome:
        cells = self.benchmark.record.cells
        self.reporter.phase(f"cells of {self.benchmark.id}", len(cells), done=len(self.done))
        try:
            self._take_over()
            while self.waiting or self.running:
                while self.waiting and len(self.running) < len(devices()):
                    self._take(self.waiting[0])
                self._look()
                self.reporter.expect(self._seconds_left())
                if self.running:
                    time.sleep(POLL_SECONDS)
        except (Cancelled, KeyboardInterrupt):
            for job in self.running.values():
                job.cancel()
            raise
        return Outcome(self.benchmark.done, self.failed)

    def _take_over(self) -> None:
        """The jobs of this benchmark that are at work already, whoever started them."""
        for cell in list(self.waiting):
            job = self._job_of(cell)
            if job is not None and job.status.state not in ENDED:
                if job.stop_asked:
                    self.stopping.append(cell)
                self._take(cell)

    def _take(self, cell: Cell) -> None:
        self.waiting.remove(cell)
        job = self._job_of(cell)
        state = job.status.state if job is not None else ""
        if job is None or state == "done":  # done, but its result is gone
            job = jobs.start(self.workspace, cell_command(self.benchmark, cell), cwd=self.workspace.root)
            self.benchmark.note_job(cell, job.id)
        elif state in ENDED:
            with contextlib.suppress(Conflict):  # someone else resumed it just now
                job.resume()
        self.running[cell] = job

    def _job_of(self, cell: Cell) -> Job | None:
        """The job that works, or last worked, on `cell`, where its folder is still there."""
        noted = self.benchmark.job_of(cell)
        try:
            return jobs.job(self.workspace, noted) if noted else None
        except NotFound:
            return None

    def _look(self) -> None:
        """Take out of `running` what has ended, and say what came of it."""
        for cell, job in list(self.running.items()):
            status = job.status
            if status.state not in ENDED:
                continue
            del self.running[cell]
            result = self.benchmark.done.get(cell.id)
            if result is None and cell in self.stopping and status.state == "cancelled":
                self.stopping.remove(cell)  # stopped by whoever coordinated before: it is wanted again
                self.waiting.insert(0, cell)
                continue
            if result is not None:
                self.done[cell.id] = result
                self.reporter.log(f"{cell.id}: {result.miou:.4f} from {result.images} images")
            else:
                self.failed[cell.id] = status.error or f"its job {job.id} is {status.state} without a result"
                self.reporter.log(f"{cell.id} is not done: {self.failed[cell.id]}")
            self.reporter.advance()

    def _seconds_left(self) -> float | None:
        running = {cell: Running.of(job) for cell, job in self.running.items()}
        return seconds_left(self.benchmark, self.done, running, self.waiting, slots=len(devices()))
