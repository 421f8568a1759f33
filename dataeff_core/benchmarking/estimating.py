"""How long a benchmark still takes, from the cells that are done and the ones that run."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from dataeff_core.jobs import Job
from dataeff_core.workspace import Benchmark, Cell, CellRecord


@dataclass(frozen=True)
class Running:
    """How far a cell's job is."""

    seconds: float  # since it left the queue
    phase_seconds_left: float | None  # of what it does now

    @classmethod
    def of(cls, job: Job) -> "Running":
        progress = job.progress
        return cls(job.status.seconds or 0.0, progress.eta_seconds if progress is not None else None)


def seconds_left(
    benchmark: Benchmark,
    done: Mapping[str, CellRecord],
    running: Mapping[Cell, Running],
    waiting: Collection[Cell],
    *,
    slots: int,
) -> float | None:
    """Seconds until the last cell is done, None while nothing is known.

    A cell costs time by the images it sees, at the pace of the cells that are done, and what those took besides.
    Before any is done, the running cell's own estimate of what it does now stands for all of it.
    """
    if not running and not waiting:
        return 0.0
    pace = _pace(list(done.values()))
    if pace is None:
        pace = _pace_of_running(benchmark, running)
    if pace is None:
        return None
    a_image, besides = pace

    def whole(cell: Cell) -> float:
        return besides + a_image * images_seen(benchmark, done, cell)

    left = [max(whole(cell) - one.seconds, one.phase_seconds_left or 0.0) for cell, one in running.items()]
    rest = sum(whole(cell) for cell in waiting)
    return max([*left, (sum(left) + rest) / slots])


def images_seen(benchmark: Benchmark, done: Mapping[str, CellRecord], cell: Cell) -> float:
    """How many images `cell` sees; with equal epochs in units of the dataset, unless a done cell tells its size."""
    record = benchmark.record
    if record.images_seen is not None:
        return float(record.images_seen)
    frames = next((one.images / one.retained for one in done.values()), 1.0)
    return (record.epochs or 0) * cell.keep * frames


def _pace(done: list[CellRecord]) -> tuple[float, float] | None:
    """Seconds of pre-training an image seen, and seconds of the rest a cell: means over the cells that are done."""
    seen = sum(one.images_seen for one in done)
    if not seen:
        return None
    training = sum(one.seconds.get("pretraining", 0.0) for one in done)
    rest = sum(seconds for one in done for what, seconds in one.seconds.items() if what != "pretraining")
    return training / seen, rest / len(done)


def _pace_of_running(benchmark: Benchmark, running: Mapping[Cell, Running]) -> tuple[float, float] | None:
    for cell, one in running.items():
        seen = images_seen(benchmark, {}, cell)
        if one.phase_seconds_left is not None and seen:
            return (one.seconds + one.phase_seconds_left) / seen, 0.0
    return None
