"""Worker processes that read frames and prepare them, so that the model in the main process never waits.

Each worker reads whole tasks (a run of images, or the wanted frames of one video in order) and hands prepared
batches through one bounded queue. A frame that cannot be read is handed over by name and reason; all else goes on.
"""

import multiprocessing
import os
import queue
import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import connection
from typing import Any

import numpy as np

from dataeff_core.errors import WorkerDied
from dataeff_core.frame_reading.reading import Task, read
from dataeff_core.reporting import Reporter

CHUNK = 16  # frames prepared and handed over together
WAITING_CHUNKS = 4  # prepared chunks that may wait, for each worker
PRELOADED = ("dataeff_core.frame_reading.reading",)  # and where the preparation is from
IN_PROCESS = 128  # up to this many frames no worker is started: its start would take longer

Preparation = Callable[[Sequence[np.ndarray]], np.ndarray]


class KeyedPreparation(ABC):
    """A preparation that is told which frames it is given; picklable."""

    @property
    def together(self) -> int:
        """How many frames are prepared and handed over together: fewer where much is made of each."""
        return CHUNK

    @abstractmethod
    def of(self, keys: Sequence[str], images: Sequence[np.ndarray]) -> np.ndarray:
        """n content keys and their frames (h, w, 3) uint8 RGB -> array of n rows."""


@dataclass
class Chunk:
    """Some frames of one task: the prepared ones, and those that could not be read."""

    keys: list[str] = field(default_factory=list)
    rows: np.ndarray | None = None  # (len(keys), ...) what the preparation made of them
    bad: dict[str, str] = field(default_factory=dict)  # key -> reason


def prepared_chunks(
    tasks: Sequence[Task], prepare: Preparation | KeyedPreparation, *, workers: int, reporter: Reporter
) -> Generator[Chunk, None, None]:
    """Prepared frames of all tasks, in no particular order. With `workers` 0 all is done in this process.

    `prepare` is pickled. Raises WorkerDied when a worker is ended from outside, Cancelled.
    """
    if workers == 0:
        for task in tasks:
            for chunk in _chunks(task, prepare):
                reporter.check()
                yield chunk
        return
    pool = _Pool(tasks, prepare, workers)
    try:
        yield from pool.results(reporter)
    finally:
        pool.close()


def default_workers(frames: int) -> int:
    """One worker for each processor this process may use, none for a handful of frames."""
    if frames <= IN_PROCESS:
        return 0
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(processors, 32)


class _Pool:
    """The processes, their task queue and their bounded result queue."""

    def __init__(self, tasks: Sequence[Task], prepare: Preparation | KeyedPreparation, workers: int) -> None:
        context = _context(prepare.__module__)
        self.left = len(tasks)
        count = min(workers, len(tasks))
        self.task_queue = context.Queue()
        self.result_queue = context.Queue(maxsize=WAITING_CHUNKS * max(1, count))
        for task in [*tasks, *[None] * count]:
            self.task_queue.put(task)
        arguments = (self.task_queue, self.result_queue, prepare)
        self.processes = [context.Process(target=_work, args=arguments, daemon=True) for _ in range(count)]
        for process in self.processes:
            process.start()

    def results(self, reporter: Reporter) -> Iterator[Chunk]:
        while self.left:
            try:
                message = self.result_queue.get(timeout=0.25)
            except queue.Empty:
                reporter.check()
                self.check_alive()
                continue
            if message is None:
                self.left -= 1
            else:
                yield message

    def check_alive(self) -> None:
        """Raise when a worker ended before the work was done: of a bug (its traceback is on standard error), or
        killed from outside."""
        codes = [process.exitcode for process in self.processes]
        killed = [-code for code in codes if code is not None and code < 0]
        if killed:
            raise WorkerDied(
                f"a process that reads frames was ended from outside (signal {killed[0]}), most often for want of "
                "memory; what was finished is kept, run it again with fewer --workers"
            )
        if any(codes) or (None not in codes and self.result_queue.empty()):
            raise RuntimeError(f"a process that reads frames broke off (exit codes {codes}); its traceback is above")

    def close(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.join()
        for one in (self.task_queue, self.result_queue):
            one.cancel_join_thread()
            one.close()


def _context(module: str) -> Any:
    """Processes that inherit nothing of this one, which may run threads: forked from a bare server that has done
    the imports once, `module` too, where the system can do that."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", *PRELOADED, module])
    return context


def _work(tasks: Any, results: Any, prepare: Preparation | KeyedPreparation) -> None:
    """A worker's life. It leaves Ctrl-C to its parent, and ends when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _use_one_thread()
    while (task := tasks.get()) is not None:
        for chunk in _chunks(task, prepare):
            results.put(chunk)
        results.put(None)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _use_one_thread() -> None:
    """As many workers as processors are at work: numerical libraries must not start threads of their own."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)


def _chunks(task: Task, prepare: Preparation | KeyedPreparation) -> Iterator[Chunk]:
    chunk, images = Chunk(), []
    together = prepare.together if isinstance(prepare, KeyedPreparation) else CHUNK
    for key, image in read(task):
        if isinstance(image, str):
            chunk.bad[key] = image
        else:
            chunk.keys.append(key)
            images.append(image)
        if len(images) >= together:
            yield _finished(chunk, images, prepare)
            chunk, images = Chunk(), []
    yield _finished(chunk, images, prepare)


def _finished(chunk: Chunk, images: list[np.ndarray], prepare: Preparation | KeyedPreparation) -> Chunk:
    if images:
        chunk.rows = prepare.of(chunk.keys, images) if isinstance(prepare, KeyedPreparation) else prepare(images)
    return chunk
