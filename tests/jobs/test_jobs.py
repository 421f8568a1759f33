"""Jobs through their whole life, with real verbs in real processes."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from dataeff_core import jobs
from dataeff_core.cli import main
from dataeff_core.errors import BadInput, Conflict, DataEffError, NotFound, StorageFailed
from dataeff_core.exporting.verifying import verify
from dataeff_core.jobs import ENDED, Job
from dataeff_core.workspace import Workspace
from tests.jobs.conftest import DEMO, process_of, wait_for, wait_until


def test_a_job_runs_by_itself_and_tells_how_it_went(exportable: Workspace, tmp_path: Path) -> None:
    job = jobs.start(exportable, ["export", "latest", "out", "--format", "copy"], cwd=tmp_path)
    assert job.status.state in ("queued", "running")
    assert process_of(job).pid not in [child.pid for child in psutil.Process().children()]
    wait_until(job, "done")
    status = job.status
    assert status.result is not None
    assert status.result["out"] == str(tmp_path / "out")  # a relative path counts from where it was asked
    assert status.started is not None
    assert status.seconds is not None
    assert verify(tmp_path / "out").ok
    assert "writing images (1350)" in job.log_tail()
    assert job.progress is not None
    told = job.summary()
    assert (told["verb"], told["status"], told["progress"], told["attempt"]) == ("export", "done", 1.0, 1)
    assert not list((exportable.jobs_folder / ".queue").glob("[0-9]*"))


def test_a_users_mistake_fails_the_job_with_its_sentence(workspace: Workspace) -> None:
    job = jobs.start(workspace, ["export", "latest", "out"])
    wait_until(job, "failed")
    assert job.status.error == "there is no selection yet, so 'latest' cannot be found; make one first"
    assert job.status.error in job.log_tail()
    assert "Traceback" not in job.log_tail()
    job = jobs.start(workspace, ["dance"])
    wait_until(job, "failed")
    assert "invalid choice: 'dance'" in str(job.status.error)


def test_killed_in_the_middle_lost_resumed_done(exportable: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    job = jobs.start(exportable, ["export", "latest", str(out), "--format", "copy"])
    wait_for(lambda: job.progress is not None and job.progress.phase == "writing images" and job.progress.done > 0)
    os.kill(process_of(job).pid, signal.SIGKILL)
    wait_for(lambda: job.status.state == "lost")
    assert "resume" in str(job.status.error)
    (partial,) = tmp_path.glob(".out.partial-*")
    written = {path.stat().st_ino for path in partial.rglob("*.png")}
    assert 0 < len(written) < 1350
    assert not out.exists()
    job.resume()
    assert job.attempt == 2
    wait_until(job, "done")
    assert verify(out).ok
    assert written <= {path.stat().st_ino for path in out.rglob("*.png")}  # it went on, it did not begin anew
    with pytest.raises(Conflict, match="is done"):
        job.resume()


def test_a_running_job_sees_the_flag(workspace: Workspace, gate: contextlib.ExitStack) -> None:
    job = jobs.start(workspace, DEMO)
    wait_until(job, "running")
    job.cancel()
    job.cancel()  # twice does no harm
    wait_until(job, "cancelled")
    process = process_of(job)
    wait_for(lambda: not process.alive())
    job.cancel()  # nor does it when the job has ended
    assert job.status.state == "cancelled"


@pytest.mark.parametrize("stopped", [False, True])
def test_a_job_that_cannot_listen_is_stopped_by_force(
    workspace: Workspace, gate: contextlib.ExitStack, stopped: bool
) -> None:
    """A stopped process stands for one that hangs in C code: it sees neither flag nor SIGTERM."""
    job = jobs.start(workspace, DEMO)
    wait_until(job, "running")
    process = process_of(job)
    if stopped:
        os.kill(process.pid, signal.SIGSTOP)
    began = time.monotonic()
    job.cancel(grace=0.3)
    assert time.monotonic() - began < 2  # whoever asks is not held up
    wait_until(job, "cancelled")
    wait_for(lambda: not process.alive())
    assert not process.group()


def test_a_queued_job_can_be_cancelled(workspace: Workspace, gate: contextlib.ExitStack) -> None:
    first, second = jobs.start(workspace, DEMO), jobs.start(workspace, DEMO)
    wait_until(first, "running")
    assert second.status.state == "queued"
    second.cancel()
    wait_until(second, "cancelled")
    assert first.status.state == "running"


def test_first_come_first_served_and_the_dead_are_skipped(workspace: Workspace, gate: contextlib.ExitStack) -> None:
    queue = [jobs.start(workspace, DEMO) for _ in range(4)]
    wait_until(queue[0], "running")
    assert [job.status.state for job in queue] == ["running", "queued", "queued", "queued"]
    os.kill(process_of(queue[1]).pid, signal.SIGKILL)
    wait_for(lambda: queue[1].status.state == "lost")
    os.kill(process_of(queue[0]).pid, signal.SIGKILL)  # its slot is free at once
    wait_until(queue[2], "running")
    assert queue[3].status.state == "queued"
    assert [job.id for job in jobs.jobs(workspace)] == [job.id for job in reversed(queue)]


def test_two_pages_that_resume_at_once_start_one_process(workspace: Workspace, gate: contextlib.ExitStack) -> None:
    job = jobs.start(workspace, DEMO)
    wait_until(job, "running")
    os.kill(process_of(job).pid, signal.SIGKILL)
    wait_for(lambda: job.status.state == "lost")
    outcomes: list[str] = []

    def resume() -> None:
        try:
            Job(job.folder).resume()
            outcomes.append("resumed")
        except Conflict as refused:
            outcomes.append(str(refused))

    pages = [threading.Thread(target=resume) for _ in range(4)]
    for page in pages:
        page.start()
    for page in pages:
        page.join()
    assert outcomes.count("resumed") == 1
    assert job.attempt == 2
    wait_until(job, "running")
    ours = [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(workspace.root) in (process.info["cmdline"] or [])
    ]
    assert len(ours) == 1


def test_a_job_outlives_the_shell_that_asked_for_it(exportable: Workspace, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dataeff_core", "export", "latest", str(tmp_path / "o.zip"), "--background"]
    done = subprocess.run(
        [*command, "--json", "--workspace", str(exportable.root)], capture_output=True, text=True, check=True
    )
    job = jobs.job(exportable, json.loads(done.stdout)["job"])
    wait_until(job, "done")
    assert verify(tmp_path / "o.zip").ok
    assert done.stderr == ""


def test_the_verb_jobs(workspace: Workspace, gate: contextlib.ExitStack, capsys: pytest.CaptureFixture[str]) -> None:
    job = jobs.start(workspace, DEMO)
    wait_until(job, "running")

    def tell(*words: str) -> list[dict[str, object]]:
        assert main(["jobs", *words, "--json", "--workspace", str(workspace.root)]) == 0
        told: list[dict[str, object]] = json.loads(capsys.readouterr().out)["jobs"]
        return told

    assert {"id", "verb", "status", "progress", "started", "seconds"} <= set(tell()[0])
    assert tell("show", "latest")[0]["status"] == "running"
    tell("cancel", job.id[:7])
    wait_until(job, "cancelled")
    assert tell("list")[0]["status"] == "cancelled"
    gate.close()
    tell("resume", job.id)
    wait_until(job, "failed")
    assert "frames 0 is not in" in str(tell("log", job.id)[0]["log"])
    for words in ([], ["show", "latest"], ["log", "latest"]):
        assert main(["jobs", *words, "--workspace", str(workspace.root)]) == 0
        assert capsys.readouterr().out.strip()


def test_a_start_that_fails_is_told_and_can_be_tried_again(workspace: Workspace, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with pytest.raises(BadInput, match="no verb"):
        jobs.start(workspace, ["--json"])
    job = jobs.start(workspace, DEMO, cwd=home)
    wait_until(job, "failed")
    home.rmdir()
    with pytest.raises(StorageFailed, match="is gone"):
        job.resume()
    assert job.status.state in ENDED
    home.mkdir()
    job.resume()
    assert job.status.state in ("queued", "running")


def test_jobs_that_are_not_there(workspace: Workspace) -> None:
    assert jobs.jobs(workspace) == []
    with pytest.raises(DataEffError, match="no job"):
        jobs.job(workspace, "latest")
    with pytest.raises(NotFound, match="is gone"):
        _ = Job(workspace.jobs_folder / "export-000000").argv
