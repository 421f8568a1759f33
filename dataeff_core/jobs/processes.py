"""Operating-system processes: who they are, whether they live, how they are set free and stopped."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import psutil

from dataeff_core.errors import StorageFailed
from dataeff_core.workspace.storage import read_json, storage_errors, write_json

PROCESS_FILE = "process.json"
SAME_START_SECONDS = 1.0  # start times are read back from clock ticks; a pid is not reused that fast
PACKAGE_PARENT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class ProcessIdentity:
    """A process, told apart from a later one with the same number by its start time (seconds since 1970)."""

    pid: int
    started: float

    @classmethod
    def of_self(cls) -> Self:
        return cls(os.getpid(), psutil.Process().create_time())

    @classmethod
    def read(cls, folder: Path) -> "ProcessIdentity | None":
        """The process noted in a job's folder, or None when none was."""
        noted = read_if_there(folder / PROCESS_FILE)
        return cls(**noted) if noted else None

    def write(self, folder: Path) -> None:
        write_json(folder / PROCESS_FILE, asdict(self))

    def alive(self) -> bool:
        """Whether it still runs; a zombie, dead but not yet collected by its parent, does not."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < SAME_START_SECONDS
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def group(self) -> list[psutil.Process]:
        """The living processes of the group that it leads or led."""
        return [process for process in psutil.process_iter() if self._leads(process)]

    def _leads(self, process: psutil.Process) -> bool:
        try:
            return (
                os.getpgid(process.pid) == self.pid
                and process.create_time() > self.started - SAME_START_SECONDS
                and process.status() != psutil.STATUS_ZOMBIE
            )
        except (psutil.Error, OSError):  # gone meanwhile, or not ours to look at
            return False

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to every process of the group."""
        for process in self.group():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)


def read_if_there(path: Path) -> dict[str, Any] | None:
    """The JSON object in `path`, or None when there is no such file (any more)."""
    try:
        found: dict[str, Any] = read_json(path)
    except FileNotFoundError:
        return None
    return found


def launch(
    command: Sequence[str], *, folder: Path, log: Path, environment: Mapping[str, str], cwd: Path | None = None
) -> None:
    """Start `python COMMAND`, which must call `detach(folder)` first of all, and return once it has done so.

    The new process is no child of this one, so nobody has to wait for it; its output goes to the end of `log`.
    Raises StorageFailed when it does not come up.
    """
    path = os.pathsep.join([str(PACKAGE_PARENT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with storage_errors("writing", log), log.open("ab") as output:
        done = subprocess.run(
            [sys.executable, "-P", *command],
            cwd=cwd or folder,
            env={**os.environ, "PYTHONPATH": path, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            check=False,
        )
    if done.returncode != 0:
        raise StorageFailed(f"the job's process did not come up (status {done.returncode}); its log {log} says why")


def detach(folder: Path, *, note: bool = True) -> None:
    """Leave the process that started this one and lead a session and group of one's own.

    With `note`, write who we are into `folder` before the starter goes on. Must be called while there is one
    thread only, so before any numerical library is imported.
    """
    listening, telling = os.pipe()
    if os.fork():
        os.close(telling)
        came_up = os.read(listening, 1)
        os._exit(0 if came_up else 1)
    os.close(listening)
    os.setsid()
    if note:
        ProcessIdentity.of_self().write(folder)
    os.write(telling, b"1")
    os.close(telling)
