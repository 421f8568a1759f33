"""The review room: many writers on one trail, a writer that is killed, and what obeying the pins costs a reader."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from dataeff_core.workspace.trail import Decision, Trail, trail_of  # alone: every writer imports this module

KILLED = (
    "import sys; from pathlib import Path; from dataeff_core.workspace.trail import *\n"
    "trail = Trail(Path(sys.argv[1]))\n"
    "for number in range(10**9):\n"
    "    (entry,) = trail.append([Decision('killed', 'keep', 'c', f'k{number}')])\n"
    "    print(entry.seq, flush=True)\n"
)


def run(quick: bool) -> list[dict[str, Any]]:
    processes, each = (8, 50) if quick else (20, 1000)
    with tempfile.TemporaryDirectory() as scratch:
        trail = trail_of(Path(scratch))
        return [*many_writers(trail, processes, each), killed_writer(trail, 5 if quick else 20), reader(trail)]


def many_writers(trail: Trail, processes: int, each: int) -> list[dict[str, Any]]:
    """Every tenth decision is sent twice, as an impatient browser would."""
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write, args=(str(trail.file), one, each)) for one in range(processes)]
    started = time.perf_counter()
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    seconds = time.perf_counter() - started
    found = [one.frame_id for one in trail.entries()]
    wanted = {f"{one}-{number}" for one in range(processes) for number in range(each)}
    lost, doubled = len(wanted - set(found)), len(found) - len(set(found))
    sound = trail.faults() == [] and all(one.exitcode == 0 for one in writers)
    return [
        row(
            f"{processes} processes writing {each} decisions each: lost, doubled",
            f"{lost}, {doubled}",
            "0, 0",
            not lost and not doubled and sound,
            f"{len(found) / seconds:.0f} decisions a second, each on the disk when it is acknowledged",
        )
    ]


def write(file: str, name: int, count: int) -> None:
    trail = Trail(Path(file))
    for number in range(count):
        said = Decision(f"reviewer {name}", "keep", "c", f"{name}-{number}", key=f"{name}-{number}")
        for _ in range(2 if number % 10 == 0 else 1):
            trail.append([said])


def killed_writer(trail: Trail, kills: int) -> dict[str, Any]:
    rng, missing, broken = random.Random(0), 0, 0
    for _ in range(kills):
        command = [sys.executable, "-c", KILLED, str(trail.file)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(rng.uniform(0, 0.3))
            os.kill(writer.pid, signal.SIGKILL)
            told = writer.stdout.read().split()
        missing += max(0, int(told[-1]) - trail.last) if told else 0
        broken += bool(trail.faults())
    value = f"{missing} acknowledged entries lost, {broken} trails not whole"
    return row(f"{kills} kills (SIGKILL) while writing", value, "0, 0", not missing and not broken, "")


def reader(trail: Trail, frames: int = 100_000) -> dict[str, Any]:
    """From the file to decisions with the pins on them."""
    import pandas as pd

    from dataeff_core.workspace.pins import Pins
    from dataeff_core.workspace.selections import DECISION_COLUMNS

    ids = [f"{number:016x}" for number in range(frames)]
    columns = dict.fromkeys(DECISION_COLUMNS) | {
        "frame_id": ids,
        "decision": "dropped",
        "reason": "duplicate",
    }
    machine = pd.DataFrame(columns).astype(DECISION_COLUMNS)
    trail.append([Decision("r", "keep", "c", one) for one in ids[:1000]])
    started = time.perf_counter()
    entries = trail.entries()
    pinned = Pins.of(entries).on(ids, ["c"] * frames).put_on(machine)
    seconds = time.perf_counter() - started
    assert (pinned["override"] == "kept").sum() >= 1000
    value = f"{seconds:.2f} s for a trail of {len(entries)} entries on {frames} frames"
    return row("decisions with the pins on them", value, "at most 2 s", seconds <= 2, "")


def row(name: str, value: str, target: str, passed: bool, detail: str) -> dict[str, Any]:
    return {"name": name, "value": value, "target": target, "passed": bool(passed), "detail": detail}
