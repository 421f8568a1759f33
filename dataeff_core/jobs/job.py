"""One job as its folder tells it.

job.json       what was asked: verb, arguments, folder it was asked in, attempt, the job to be done before it
process.json   pid and start time of the process that works on it
running.json   when it left the queue
progress.json  phase, done, total, seconds left
status.json    how it ended: written once, by the worker
cancel         there when someone asked to stop it
log            everything the process printed, all attempts
"""

import contextlib
import signal
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataeff_core.errors import Conflict, NotFound
from dataeff_core.jobs.processes import PROCESS_FILE, ProcessIdentity, launch, read_if_there
from dataeff_core.workspace.storage import exclusive, write_json

STATES = ("queued", "running", "done", "failed", "cancelled", "lost")
ENDED = ("done", "failed", "cancelled", "lost")
JOB, RUNNING, PROGRESS, STATUS, CANCEL, LOG, LOCK = (
    "job.json",
    "running.json",
    "progress.json",
    "status.json",
    "cancel",
    "log",
    ".lock",
)
GRACE_SECONDS = 5.0  # between the flag and SIGTERM, and again between SIGTERM and SIGKILL


@dataclass(frozen=True)
class Progress:
    """How far the present phase is."""

    phase: str
    done: int
    total: int | None
    eta_seconds: float | None

    @property
    def share(self) -> float | None:
        """Done share of the phase in [0, 1], None while the total is unknown."""
        return min(1.0, self.done / self.total) if self.total else None


@dataclass(frozen=True)
class JobStatus:
    """A job's state (one of STATES) and what is known of it. Times are UTC, ISO 8601."""

    state: str
    started: str | None = None  # when it left the queue
    finished: str | None = None
    seconds: float | None = None  # since it left the queue, until now or until it ended
    result: dict[str, Any] | None = None  # of a job that is done: the verb's JSON object
    error: str | None = None  # of one that is not: one sentence


@dataclass(frozen=True)
class Job:
    """A job by its folder. Holds no handle: every property reads what is on disk now."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def created(self) -> str:
        """When it was asked for, UTC, ISO 8601."""
        return str(self._asked()["created"])

    @property
    def verb(self) -> str:
        return self.argv[0]

    @property
    def argv(self) -> list[str]:
        """The command line after `python -m dataeff_core`, the verb first."""
        return [str(one) for one in self._asked()["argv"]]

    @property
    def attempt(self) -> int:
        """1, and one more for each time it was resumed."""
        return int(self._asked()["attempt"])

    @property
    def after(self) -> "Job | None":
        """The job that has to be done before this one may begin, where there is one."""
        former = self._asked().get("after")
        return Job(self.folder.parent / str(former)) if former else None

    def may_begin(self) -> bool:
        """Whether the job before it is done. Raises Conflict when that one has ended otherwise, or is gone."""
        former = self.after
        if former is None:
            return True
        if not (former.folder / JOB).is_file():
            raise Conflict(f"job {former.id}, which had to be done first, is gone; start this one anew")
        ended = former.status
        if ended.state in ENDED and ended.state != "done":
            said = f" ({ended.error})" if ended.error else ""
            raise Conflict(
                f"job {former.id} ({former.verb}), which had to be done first, ended as {ended.state}{said}; resume "
                "that one, then this one"
            )
        return ended.state == "done"

    @property
    def status(self) -> JobStatus:
        """How it stands, derived from its folder and its process."""
        return self._derived(held=False)

    @property
    def stop_asked(self) -> bool:
        """Whether someone asked to stop this attempt; it may take some seconds to heed that."""
        return (self.folder / CANCEL).exists()

    @property
    def progress(self) -> Progress | None:
        """The last progress reported, or None when none was."""
        noted = read_if_there(self.folder / PROGRESS)
        return Progress(**noted) if noted else None

    def log_tail(self, lines: int = 200, most_bytes: int = 200_000) -> str:
        """The last `lines` lines of the log, undecodable bytes as \\xNN."""
        try:
            with (self.folder / LOG).open("rb") as stream:
                stream.seek(0, 2)
                stream.seek(max(0, stream.tell() - most_bytes))
                text = stream.read().decode("utf-8", "backslashreplace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def cancel(self, *, grace: float = GRACE_SECONDS) -> None:
        """Ask the job to stop and return at once: a flag, after `grace` seconds SIGTERM, after as many more SIGKILL.

        A process of its own sees to that, so whoever asked may go. Does nothing for a job that has ended.
        """
        with exclusive(self.folder / LOCK):
            if self._derived(held=True).state in ("done", "failed", "cancelled"):
                return
            with contextlib.suppress(OSError):  # on a full disk the signals must do without the flag
                (self.folder / CANCEL).touch()
            process = ProcessIdentity.read(self.folder)
            if process is not None:
                command = ["-m", "dataeff_core.jobs.stopping", str(self.folder)]
                command += [str(process.pid), repr(process.started), str(grace)]
                launch(command, folder=self.folder, log=self.folder / LOG, environment={})

    def resume(self) -> "Job":
        """Run the same command again in the same folder, as the next attempt. Verbs go on where they stopped.

        Raises Conflict when the job is still at work, or done.
        """
        from dataeff_core.jobs.starting import run_process

        with exclusive(self.folder / LOCK):
            state = self._derived(held=True).state
            if state not in ("failed", "cancelled", "lost"):
                raise Conflict(f"job {self.id} is {state}; only a failed, cancelled or lost job can be resumed")
            former = ProcessIdentity.read(self.folder)
            if former is not None:
                former.signal_group(signal.SIGKILL)  # workers that outlived it
            write_json(self.folder / JOB, {**self._asked(), "attempt": self.attempt + 1})
            for name in (STATUS, RUNNING, PROGRESS, CANCEL, PROCESS_FILE):
                (self.folder / name).unlink(missing_ok=True)
            run_process(self)
        return self

    def summary(self) -> dict[str, Any]:
        """What `jobs list` says of it, JSON-able: id, verb, status, progress (share of its phase), started, ..."""
        status, progress = self.status, self.progress
        about = asdict(progress) if progress else dict.fromkeys(("phase", "done", "total", "eta_seconds"))
        share = 1.0 if status.state == "done" else progress.share if progress else None
        return {
            "id": self.id,
            "verb": self.verb,
            "argv": self.argv,
            "created": self.created,
            "attempt": self.attempt,
            "status": status.state,
            "progress": share,
            **about,
            "started": status.started,
            "finished": status.finished,
            "seconds": status.seconds,
            "error": status.error,
        }

    def _asked(self) -> dict[str, Any]:
        asked = read_if_there(self.folder / JOB)
        if asked is None:
            raise NotFound(f"job {self.id} is gone; its folder was deleted")
        return asked

    def _derived(self, *, held: bool) -> JobStatus:
        """The status; `held` says that we hold the job's lock, so that nobody else can be starting it."""
        ended = self._ended()
        if ended is not None:
            return ended
        process = ProcessIdentity.read(self.folder)
        if process is None and not held and self._starting():
            return JobStatus("queued")
        if process is None or not process.alive():
            return self._ended() or self._vanished()  # it may have ended between the two looks
        running = read_if_there(self.folder / RUNNING)
        if running is None:
            return JobStatus("queued")
        started = str(running["started"])
        return JobStatus("running", started=started, seconds=seconds_between(started, None))

    def _ended(self) -> JobStatus | None:
        noted = read_if_there(self.folder / STATUS)
        return JobStatus(**noted) if noted else None

    def _vanished(self) -> JobStatus:
        """Its process is gone and left no word: stopped by force, or killed from outside."""
        running = read_if_there(self.folder / RUNNING)
        started = str(running["started"]) if running else None
        if (self.folder / CANCEL).exists():
            return JobStatus("cancelled", started=started, error="stopped by force; resume it to go on")
        return JobStatus(
            "lost", started=started, error="its process ended without a word (killed, or out of memory); resume it"
        )

    def _starting(self) -> bool:
        """Whether someone is about to start its process: the lock is held from before job.json until then."""
        try:
            with exclusive(self.folder / LOCK, wait=False):
                return False
        except Conflict:
            return True


def seconds_between(started: str, finished: str | None) -> float:
    """Seconds from one UTC time (ISO 8601) to another, or to now."""
    end = datetime.fromisoformat(finished) if finished else datetime.now(UTC)
    return (end - datetime.fromisoformat(started)).total_seconds()
