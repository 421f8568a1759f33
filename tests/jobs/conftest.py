import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dataeff_core import jobs
from dataeff_core.jobs import Job
from dataeff_core.jobs.processes import ProcessIdentity
from dataeff_core.workspace import Workspace
from dataeff_core.workspace.storage import exclusive
from tests.fabrication import fabricate, fabricate_selection

PATIENCE = 60.0


def wait_for(what: Callable[[], bool], seconds: float = PATIENCE) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


def wait_until(job: Job, *states: str) -> str:
    """Wait until `job` is in one of `states`; any other end fails at once, with the log."""
    wait_for(lambda: job.status.state in (*states, *jobs.ENDED))
    assert job.status.state in states, (job.status, job.log_tail())
    return job.status.state


def process_of(job: Job) -> ProcessIdentity:
    process = ProcessIdentity.read(job.folder)
    assert process is not None
    return process


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """An empty workspace; jobs that a failed test left behind are stopped."""
    found = Workspace.open(tmp_path / "workspace")
    yield found
    for job in jobs.jobs(found):
        with contextlib.suppress(AssertionError):
            job.cancel(grace=0.2)
            wait_for(lambda job=job: job.status.state in jobs.ENDED, 5)  # type: ignore[misc]


@pytest.fixture
def exportable(workspace: Workspace) -> Workspace:
    """A workspace whose selection takes a moment to export."""
    _, dataset, embedding, _ = fabricate(workspace.root, frames=1500, distinct=30)
    fabricate_selection(dataset, embedding, keep=0.9)
    return workspace


@pytest.fixture
def gate(workspace: Workspace) -> Iterator[contextlib.ExitStack]:
    """While it is closed, a `demo` job waits: another process is making the demo. `gate.close()` opens it."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(exclusive(workspace.root / "demo" / ".lock"))
        yield stack


DEMO = ["demo", "--frames", "0"]  # once it may go on, it fails at once: 0 is no number of frames
