"""`python -m dataeff_core.jobs.stopping FOLDER PID STARTED GRACE`: sees a cancelled job out, whoever asked for it.

A process of its own, because the one that asked may end, and because a worker stuck in C code cannot stop itself.
"""

import signal
import sys
import time
from pathlib import Path

from dataeff_core.jobs.processes import ProcessIdentity, detach

POLL_SECONDS = 0.05


def stop(process: ProcessIdentity, grace: float) -> None:
    """Give `process` `grace` seconds to stop by itself, as many after SIGTERM, then kill its whole group."""
    if not gone_within(process, grace):
        process.signal_group(signal.SIGTERM)
        gone_within(process, grace)
    process.signal_group(signal.SIGKILL)  # also workers that outlived it


def gone_within(process: ProcessIdentity, seconds: float) -> bool:
    """Whether `process` ended within `seconds`."""
    until = time.monotonic() + seconds
    while process.alive():
        if time.monotonic() > until:
            return False
        time.sleep(POLL_SECONDS)
    return True


if __name__ == "__main__":
    job_folder, pid, started, seconds = sys.argv[1:]
    detach(Path(job_folder), note=False)
    stop(ProcessIdentity(int(pid), float(started)), float(seconds))
