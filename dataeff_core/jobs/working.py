"""The worker's side: what the job's own process does around the verb."""

import contextlib
import dataclasses
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dataeff_core.errors import Cancelled, DataEffError
from dataeff_core.jobs.job import CANCEL, PROGRESS, RUNNING, STATUS, JobStatus, Progress, seconds_between
from dataeff_core.jobs.processes import detach
from dataeff_core.jobs.queue import no_slot, slot
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.storage import write_json

Work = Callable[[Reporter], tuple[dict[str, Any], str | None]]
"""Does the verb; answers its JSON-able result, and a sentence where a finished result still means failure."""
EXIT_STATUS = {"done": 0, "failed": 1, "cancelled": 130}
SHOW_SECONDS = 0.25
LOOK_SECONDS = 0.1


class JobReporter(Reporter):
    """Writes progress into the job's folder, at most four times a second, and sees the flag that asks to stop."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.job = folder.name
        self.shown_at = self.looked_at = float("-inf")
        self.shown_phase = ""
        self.stopping = False

    def log(self, message: str) -> None:
        with contextlib.suppress(OSError):
            print(f"{time.strftime('%H:%M:%S')} {message}", file=sys.stderr, flush=True)

    def show(self) -> None:
        if self.phase_name != self.shown_phase:
            self.shown_phase = self.phase_name
            self.log(self.phase_name + (f" ({self.total})" if self.total is not None else ""))
        elif time.monotonic() - self.shown_at < SHOW_SECONDS and self.done != self.total:
            return
        self.shown_at = time.monotonic()
        progress = Progress(self.said, self.done, self.total, self.eta_seconds())
        fresh = self.folder / f".{PROGRESS}.fresh"
        with contextlib.suppress(OSError):  # a courtesy: a full disk must show in the work, not here
            fresh.write_text(json.dumps(asdict(progress)))
            fresh.replace(self.folder / PROGRESS)

    def stop_asked(self) -> bool:
        if not self.stopping and time.monotonic() - self.looked_at > LOOK_SECONDS:
            self.looked_at = time.monotonic()
            self.stopping = (self.folder / CANCEL).exists()
        return self.stopping


def serve(folder: Path, work: Work, *, takes_slot: bool = True) -> int:
    """Be the process of the job in `folder`: wait for a slot, do `work`, note how it ended. Returns the status.

    `takes_slot` is false for work that consists in starting other jobs and waiting for them.
    """
    detach(folder)
    from dataeff_core.workspace.records import now

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # SIGTERM unwinds the work as Ctrl-C would
    reporter = JobReporter(folder)
    started = None
    try:
        with (slot if takes_slot else no_slot)(folder, reporter) as device:
            started = now()
            write_json(folder / RUNNING, {"started": started})
            if device:
                os.environ["CUDA_VISIBLE_DEVICES"] = device
            status = _outcome(work, reporter)
    except (Cancelled, KeyboardInterrupt) as error:
        status = JobStatus("cancelled", error=str(error) or "stopped; resume it to go on")
    except DataEffError as error:  # it could not begin
        reporter.log(str(error))
        status = JobStatus("failed", error=str(error))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the last word is not to be cut off
    finished = now()
    seconds = seconds_between(started, finished) if started else None
    status = dataclasses.replace(status, started=started, finished=finished, seconds=seconds)
    write_json(folder / STATUS, asdict(status))
    return EXIT_STATUS[status.state]


def _outcome(work: Work, reporter: Reporter) -> JobStatus:
    """Do the work. A mistake of the user's is one sentence; a bug is noted and keeps its traceback in the log."""
    try:
        result, wrong = work(reporter)
    except (Cancelled, KeyboardInterrupt):
        raise
    except DataEffError as error:
        reporter.log(str(error))
        return JobStatus("failed", error=str(error))
    except BaseException as error:
        traceback.print_exc()
        return JobStatus("failed", error=f"a bug, {type(error).__name__}: {error}; the log has its traceback")
    return JobStatus("failed" if wrong else "done", result=result, error=wrong)
