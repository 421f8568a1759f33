"""Files in, facts out, through as many decoding processes as there are cores.

A process that dies (out of memory, a crash in a decoder) is replaced; the file it was at is reported, the rest
goes on. Processes are started by name and not forked, so this works from a server, a notebook or a script alike.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import dataeff_core
from dataeff_core.errors import StorageFailed
from dataeff_core.workspace.thumbnails import sweep

END = {"event": "end"}
AHEAD = 256  # answers that may wait for the importer, so that memory stays bounded


@dataclass(frozen=True)
class Task:
    """One file to decode."""

    number: int  # position in the caller's list
    path: bytes  # absolute
    kind: str
    fps: float | None = None


@dataclass
class Decoded:
    """All that one file gave."""

    frames: list[dict[str, Any]] = field(default_factory=list)
    file_sha256: str | None = None
    reason: str | None = None  # what is wrong with the file, in plain words


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def decode_files(
    tasks: Sequence[Task], thumbnails: Path, workers: int
) -> Generator[tuple[Task, dict[str, Any]], None, None]:
    """Decode `tasks` in `workers` processes; yield (task, answer) as answers come.

    The answers are those of `dataeff_core.datasets.worker`; each task's last has event 'done'. Raises StorageFailed
    when thumbnails cannot be written. Closing the iterator ends the processes.
    """
    waiting: queue.SimpleQueue[Task] = queue.SimpleQueue()
    for wanted in tasks:
        waiting.put(wanted)
    answers: queue.Queue[tuple[Task | None, Any]] = queue.Queue(AHEAD)
    minders = [_Minder(waiting, answers, thumbnails) for _ in range(max(1, min(workers, len(tasks))))]
    for minder in minders:
        minder.start()
    try:
        ended = 0
        while ended < len(minders):
            task, answer = answers.get()
            if task is None:
                ended += 1
                if isinstance(answer, BaseException):
                    raise answer
            elif answer["event"] == "storage":
                raise StorageFailed(answer["message"])
            else:
                yield task, answer
    finally:
        _end(minders, answers)


def _end(minders: "list[_Minder]", answers: queue.Queue[Any]) -> None:
    for minder in minders:
        minder.stop()
    while any(minder.is_alive() for minder in minders):
        try:
            answers.get(timeout=0.02)  # a minder may be waiting for room
        except queue.Empty:
            continue
    if any(minder.killed for minder in minders):
        sweep(minders[0].thumbnails)


class _Stopped(Exception):
    """The import ended while a process was being started."""


class _Minder(threading.Thread):
    """Feeds one decoding process, and starts another when it dies."""

    def __init__(self, waiting: queue.SimpleQueue[Task], answers: queue.Queue[Any], thumbnails: Path) -> None:
        super().__init__(daemon=True, name="decoder-minder")
        self.waiting, self.answers, self.thumbnails = waiting, answers, thumbnails
        self.process: subprocess.Popen[str] | None = None
        self.stopped = self.killed = False
        self.starting = threading.Lock()
        self.words: deque[str] = deque(maxlen=60)

    def run(self) -> None:
        outcome: BaseException | None = None
        try:
            while not self.stopped:
                try:
                    task = self.waiting.get_nowait()
                except queue.Empty:
                    break
                self._decode(task)
        except _Stopped:
            pass
        except BaseException as error:  # handed to the importing thread, which raises it
            outcome = error
        finally:
            self._close()
            self.answers.put((None, outcome))

    def stop(self) -> None:
        """End the process at once."""
        self.stopped = True
        with self.starting:
            if self.process is not None:
                self.killed = True
                self.process.kill()

    def _decode(self, task: Task) -> None:
        process = self._running()
        request = {"path": os.fsdecode(task.path), "kind": task.kind, "fps": task.fps}
        assert process.stdin is not None and process.stdout is not None  # noqa: S101 both were asked for as pipes
        with contextlib.suppress(BrokenPipeError):  # it died; its answers end below
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        for line in process.stdout:
            answer = json.loads(line)
            self.answers.put((task, answer))
            if answer["event"] in ("done", "storage"):
                return
        self._report_death(task, process)

    def _report_death(self, task: Task, process: subprocess.Popen[str]) -> None:
        """The process ended amid `task`: killed by a signal is the file's fault, a traceback is a bug of ours."""
        status = process.wait()
        words = self._last_words()
        self._close()
        if self.stopped:
            return
        if status > 0:
            raise RuntimeError(f"the decoding process failed on {task.path!r}:\n{words}")
        reason = (
            f"decoding it was ended by the system (signal {-status}), most likely for want of memory or by a crash "
            "in the decoder"
        )
        self.answers.put((task, {"event": "done", "file_sha256": None, "reason": reason, "died": True}))

    def _running(self) -> subprocess.Popen[str]:
        if self.process is not None:
            return self.process
        with self.starting:
            if self.stopped:
                raise _Stopped
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "dataeff_core.datasets.worker", os.fspath(self.thumbnails)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env=_environment(),
            )
        assert self.process.stdout is not None and self.process.stderr is not None  # noqa: S101 both asked for as pipes
        self.listener = threading.Thread(target=self._listen, args=(self.process.stderr,), daemon=True)
        self.listener.start()
        if not self.process.stdout.readline() and not self.stopped:
            raise RuntimeError(f"the decoding process does not start:\n{self._last_words()}")
        return self.process

    def _listen(self, stream: IO[str]) -> None:
        """Keep the last lines of a process's standard error, for when it ends with a traceback."""
        self.words.clear()
        with stream:
            for line in stream:
                self.words.append(line)

    def _last_words(self) -> str:
        self.listener.join()
        return "".join(self.words)

    def _close(self) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        assert process.stdin is not None and process.stdout is not None  # noqa: S101 both were asked for as pipes
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.wait()
        process.stdout.close()
        self.listener.join()


def _environment() -> dict[str, str]:
    """This process's, with this very package first on the path, and numerics on one thread a process."""
    package = os.fspath(Path(dataeff_core.__file__).parents[1])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"}
