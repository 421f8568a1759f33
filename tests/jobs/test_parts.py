"""The parts of a job, one by one."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dataeff_core.errors import Cancelled
from dataeff_core.jobs import Job
from dataeff_core.jobs.processes import ProcessIdentity
from dataeff_core.jobs.queue import QUEUE, devices, slot, take_ticket
from dataeff_core.jobs.working import JobReporter
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.storage import write_json
from tests.jobs.conftest import wait_for

ASLEEP = [sys.executable, "-c", "import time; time.sleep(100)"]


def identity(process: "subprocess.Popen[bytes]") -> ProcessIdentity:
    return ProcessIdentity(process.pid, psutil.Process(process.pid).create_time())


def test_the_living_the_dead_and_the_undead() -> None:
    assert ProcessIdentity.of_self().alive()
    with subprocess.Popen(ASLEEP) as process:
        known = identity(process)
        assert known.alive()
        process.kill()
        wait_for(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)
        assert not known.alive()  # nobody has waited for it yet
    assert not known.alive()


def test_another_process_with_the_same_number_is_not_it() -> None:
    me = ProcessIdentity.of_self()
    assert not ProcessIdentity(me.pid, me.started - 60).alive()


def test_a_group_is_signalled_also_when_its_leader_is_gone() -> None:
    child = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)'])"
    with subprocess.Popen(
        [sys.executable, "-c", child + "; input()"], stdin=subprocess.PIPE, start_new_session=True
    ) as leader:
        known = identity(leader)
        wait_for(lambda: len(known.group()) == 2)
        leader.kill()
        leader.wait()
    assert len(known.group()) == 1
    ProcessIdentity(known.pid, known.started + 60).signal_group(signal.SIGKILL)  # a later group of that number
    assert len(known.group()) == 1
    known.signal_group(signal.SIGKILL)
    wait_for(lambda: not known.group())


def folder_of_a_job(workspace: Path, name: str, process: ProcessIdentity) -> Path:
    folder = workspace / "jobs" / name
    folder.mkdir(parents=True)
    write_json(folder / "job.json", {"argv": ["demo"], "created": "2026-01-01", "attempt": 1, "cwd": "/"})
    process.write(folder)
    return folder


def test_workers_that_outlived_a_killed_job_do_not_hold_its_slot(tmp_path: Path) -> None:
    """A worker made by fork has a copy of the slot's handle, so the lock stays when the job is killed."""
    mine = folder_of_a_job(tmp_path, "mine", ProcessIdentity.of_self())
    take_ticket(mine)
    handle = (tmp_path / "jobs" / QUEUE / ".slot-0").open("w")
    handle.write("killed")
    handle.flush()
    fcntl.flock(handle, fcntl.LOCK_EX)
    spawn = "import subprocess, sys; subprocess.Popen([*sys.argv[1:]], pass_fds=[int(sys.argv[-1])]); input()"
    words = [sys.executable, "-c", spawn, sys.executable, "-c", "import time; time.sleep(100)", str(handle.fileno())]
    with subprocess.Popen(words, stdin=subprocess.PIPE, pass_fds=[handle.fileno()], start_new_session=True) as killed:
        known = identity(killed)
        folder_of_a_job(tmp_path, "killed", known)
        wait_for(lambda: len(known.group()) == 2)
        handle.close()
        with pytest.raises(Cancelled), slot(mine, StopSoon()):  # as long as it lives, the slot is its own
            pass
        killed.kill()
        killed.wait()
    assert len(known.group()) == 1
    take_ticket(mine)
    with slot(mine, StopSoon()) as device:
        assert device == ""
    assert not known.group()


class StopSoon(Reporter):
    """Asks to stop after two seconds, so that a test cannot hang."""

    def stop_asked(self) -> bool:
        return time.monotonic() - self.phase_started > 2


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, [""]),
        ({"CUDA_VISIBLE_DEVICES": ""}, [""]),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, [""]),
        ({"CUDA_VISIBLE_DEVICES": "0, 3"}, ["0", "3"]),
        ({"CUDA_VISIBLE_DEVICES": "GPU-abc"}, ["GPU-abc"]),
    ],
)
def test_one_slot_for_each_gpu_or_one(tmp_path: Path, variables: dict[str, str], expected: list[str]) -> None:
    assert devices(variables, tmp_path / "none") == expected


def test_gpus_are_counted(tmp_path: Path) -> None:
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / name).mkdir()
    assert devices({}, tmp_path) == ["0", "1"]


def test_progress_is_written_seldom_and_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reporter = JobReporter(tmp_path)
    reporter.phase("counting", 100_000)
    written = set()
    for _ in range(50_000):
        reporter.advance()
        if reporter.done % 5000 == 0:
            written.add((tmp_path / "progress.json").stat().st_ino)
    assert len(written) < 11
    reporter.advance(50_000)
    progress = Job(tmp_path).progress
    assert progress is not None
    assert (progress.phase, progress.done, progress.share, progress.eta_seconds) == ("counting", 100_000, 1.0, 0.0)
    assert "counting (100000)" in capsys.readouterr().err


def test_the_flag_is_seen_at_the_next_report(tmp_path: Path) -> None:
    reporter = JobReporter(tmp_path)
    reporter.phase("counting")
    (tmp_path / "cancel").touch()
    with pytest.raises(Cancelled):
        for _ in range(100):
            time.sleep(0.01)
            reporter.advance()


def test_progress_on_a_full_disk_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / ".progress.json.fresh").symlink_to("/dev/full")
    reporter = JobReporter(tmp_path)
    reporter.phase("counting", 1)
    reporter.advance()


def test_a_log_is_shown_from_its_end(tmp_path: Path) -> None:
    job = Job(tmp_path)
    assert job.log_tail() == ""
    (tmp_path / "log").write_bytes(b"\n".join(b"line %d" % number for number in range(1000)) + b"\n\xff")
    assert job.log_tail(2) == "line 999\n\\xff"
    assert len(job.log_tail(10_000, most_bytes=100)) < 110


def test_names_with_undecodable_bytes_survive_in_a_job(tmp_path: Path) -> None:
    folder = tmp_path / "job"
    folder.mkdir()
    argv = ["import", os.fsdecode(b"/data/\xff"), "--name", "ü"]
    write_json(folder / "job.json", {"argv": argv, "created": "", "attempt": 1})
    assert Job(folder).argv == argv
    json.loads((folder / "job.json").read_text())
