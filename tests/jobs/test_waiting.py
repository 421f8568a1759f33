"""Jobs that wait for another job, and jobs that need no slot."""

import contextlib
import os
import shutil
import signal
from pathlib import Path

import pytest

from dataeff_core import jobs
from dataeff_core.cli import VERBS
from dataeff_core.cli.parsing import Verb
from dataeff_core.jobs.processes import ProcessIdentity
from dataeff_core.jobs.queue import no_slot, slot, take_ticket
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace
from tests.jobs.conftest import DEMO, process_of, wait_for, wait_until
from tests.jobs.test_parts import StopSoon, folder_of_a_job

QUICK = ["list", "methods"]


def test_a_job_begins_when_the_one_before_it_is_done(
    exportable: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")  # so that there is a slot for each
    first = jobs.start(exportable, ["export", "latest", str(tmp_path / "out"), "--format", "copy"])
    second = jobs.start(exportable, ["verify", str(tmp_path / "out")], after=first)
    third = jobs.start(exportable, QUICK, after=second)
    assert (second.after, third.after) == (first, second)
    wait_until(third, "done")
    assert [job.status.state for job in (first, second, third)] == ["done"] * 3
    times = [job.status for job in (first, second, third)]
    assert str(times[0].finished) <= str(times[1].started) <= str(times[1].finished) <= str(times[2].started)


def test_one_that_waits_for_another_holds_nobody_up(
    workspace: Workspace, gate: contextlib.ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    first = jobs.start(workspace, DEMO)
    wait_until(first, "running")
    waiting = jobs.start(workspace, QUICK, after=first)
    stranger = jobs.start(workspace, QUICK)
    wait_until(stranger, "done")
    assert (first.status.state, waiting.status.state) == ("running", "queued")


@pytest.mark.parametrize("end", ["failed", "cancelled", "lost"])
def test_when_the_first_is_not_done_the_second_fails_and_says_so(
    workspace: Workspace, gate: contextlib.ExitStack, end: str
) -> None:
    first = jobs.start(workspace, DEMO)
    wait_until(first, "running")
    second = jobs.start(workspace, QUICK, after=first)
    third = jobs.start(workspace, QUICK, after=second)
    if end == "failed":
        gate.close()
    elif end == "cancelled":
        first.cancel(grace=0.3)
    else:
        os.kill(process_of(first).pid, signal.SIGKILL)
    wait_until(second, "failed")
    assert f"job {first.id} (demo), which had to be done first, ended as {end}" in str(second.status.error)
    wait_until(third, "failed")
    assert "Traceback" not in second.log_tail()
    second.resume()  # before the first one is: the same again
    wait_until(second, "failed")


def test_the_first_is_gone(workspace: Workspace, gate: contextlib.ExitStack) -> None:
    first = jobs.start(workspace, QUICK)
    wait_until(first, "done")
    shutil.rmtree(first.folder)
    second = jobs.start(workspace, QUICK, after=first)
    wait_until(second, "failed")
    assert "is gone; start this one anew" in str(second.status.error)
    assert not first.folder.exists()


def test_one_that_waits_can_be_cancelled_and_resumed(workspace: Workspace, gate: contextlib.ExitStack) -> None:
    first = jobs.start(workspace, DEMO)
    wait_until(first, "running")
    second = jobs.start(workspace, QUICK, after=first)
    second.cancel()
    wait_until(second, "cancelled")
    second.resume()
    assert second.after == first
    assert second.status.state == "queued"


def test_who_takes_no_slot_neither_waits_nor_keeps_others_waiting(tmp_path: Path) -> None:
    mine = folder_of_a_job(tmp_path, "mine", ProcessIdentity.of_self())
    other = folder_of_a_job(tmp_path, "other", ProcessIdentity.of_self())
    take_ticket(mine)
    take_ticket(other)
    with no_slot(mine, Reporter()) as device, slot(other, StopSoon()), no_slot(mine, Reporter()):
        assert device == ""


def test_which_command_lines_work() -> None:
    verb = Verb("benchmarking", "", works_with="--cell")
    assert not verb.takes_slot(["benchmark", "--resume", "b"])
    assert verb.takes_slot(["benchmark", "--resume", "b", "--cell", "c"])
    assert verb.takes_slot(["benchmark", "--cell=c"])
    assert all(VERBS[name].takes_slot([name]) for name in ("import", "embed", "select"))


def test_a_line_of_three_waits_in_order(workspace: Workspace, gate: contextlib.ExitStack) -> None:
    first = jobs.start(workspace, DEMO)
    wait_until(first, "running")
    second, third = jobs.start(workspace, QUICK), jobs.start(workspace, QUICK)
    assert (second.status.state, third.status.state) == ("queued", "queued")
    gate.close()
    for job in (second, third):
        wait_for(lambda job=job: job.status.state == "done")  # type: ignore[misc]
    assert str(second.status.finished) <= str(third.status.started)
