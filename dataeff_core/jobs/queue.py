"""Who may work now: one job for each GPU, one in all on a machine without, first come first served.

A job that has to wait for another one keeps its place and holds nobody up. A job that only starts other jobs and
waits for them takes no slot, or it would wait for ever where there is one.

A ticket is an empty file `jobs/.queue/<time>.<job id>`. Whoever has the oldest ticket of a living job takes the
first free slot, a locked file; the system frees it when the process ends, however it ends.
"""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from dataeff_core.errors import DataEffError
from dataeff_core.jobs.job import Job
from dataeff_core.jobs.processes import ProcessIdentity
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.storage import storage_errors

QUEUE = ".queue"
NVIDIA = Path("/proc/driver/nvidia/gpus")
POLL_SECONDS = 0.2


def devices(environment: Mapping[str, str] = os.environ, nvidia: Path = NVIDIA) -> list[str]:
    """The GPUs to share out, as CUDA_VISIBLE_DEVICES names them; one empty name on a machine without."""
    named = environment.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [device.strip() for device in named.split(",") if device.strip() not in ("", "-1")] or [""]
    return [str(number) for number in range(len(list(nvidia.iterdir())))] if nvidia.is_dir() else [""]


def take_ticket(folder: Path) -> None:
    """Put the job in `folder` at the end of the queue."""
    queue = folder.parent / QUEUE
    with storage_errors("queueing in", queue):
        queue.mkdir(exist_ok=True)
        drop_ticket(folder)
        (queue / f"{time.time_ns():020d}.{folder.name}").touch()


def drop_ticket(folder: Path) -> None:
    """Take the job in `folder` out of the queue."""
    for ticket in (folder.parent / QUEUE).glob(f"*.{folder.name}"):
        ticket.unlink(missing_ok=True)


@contextlib.contextmanager
def slot(folder: Path, reporter: Reporter) -> Iterator[str]:
    """Wait for the job's turn and a free slot, and hold it; yields the slot's device, '' for none.

    Raises Cancelled when a stop is asked while waiting, Conflict when the job before it was not done.
    """
    job = Job(folder)
    try:
        while (held := _try_slots(folder) if job.may_begin() and _is_first(folder) else None) is None:
            reporter.check()
            time.sleep(POLL_SECONDS)
    finally:
        drop_ticket(folder)
    stream, device = held
    with stream:
        yield device


@contextlib.contextmanager
def no_slot(folder: Path, reporter: Reporter) -> Iterator[str]:
    """Wait only for the job that has to be done before; yields '', no device. Raises as `slot`."""
    drop_ticket(folder)
    job = Job(folder)
    while not job.may_begin():
        reporter.check()
        time.sleep(POLL_SECONDS)
    yield ""


def _is_first(folder: Path) -> bool:
    """Whether no living job that may begin waits before this one; tickets of the dead are thrown away."""
    for ticket in sorted((folder.parent / QUEUE).glob("[0-9]*")):
        name = ticket.name.partition(".")[2]
        if name == folder.name:
            return True
        other = folder.parent / name
        if other.is_dir() and Job(other).status.state == "queued":
            if _may_begin(Job(other)):
                return False
        else:
            ticket.unlink(missing_ok=True)
    return True


def _may_begin(job: Job) -> bool:
    """Whether `job` is ready to be served; one that is about to fail, or vanished meanwhile, is not."""
    try:
        return job.may_begin()
    except DataEffError:
        return False


def _try_slots(folder: Path) -> tuple[IO[str], str] | None:
    """A free slot, locked and with our name in it, and its device."""
    for number, device in enumerate(devices()):
        stream = (folder.parent / QUEUE / f".slot-{number}").open("a+")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _free_if_orphaned(stream, folder.parent)
            stream.close()
            continue
        stream.truncate(0)
        stream.write(folder.name)
        stream.flush()
        return stream, device
    return None


def _free_if_orphaned(stream: IO[str], jobs_folder: Path) -> None:
    """A killed job's workers may outlive it and hold its slot with a copied handle: they have nobody to work for."""
    stream.seek(0)
    name = stream.read()
    holder = ProcessIdentity.read(jobs_folder / name) if name else None
    if holder is not None and not holder.alive():
        holder.signal_group(signal.SIGKILL)
