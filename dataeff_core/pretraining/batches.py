"""Which images are in which step, and the random numbers of that step: functions of the seed and the step alone.

So a run that was stopped, one in several processes and one whose steps are divided to save memory all see the same
batches. Epochs follow each other without a gap: a batch may hold the last images of one and the first of the next.
"""

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

import numpy as np

from dataeff_core.pretraining.images import Images

ORDER, NUMBERS, SHOWN = 1, 2, 3  # which stream of random numbers, so that no two share one
AHEAD = 2  # steps that wait, ready

Prepared = TypeVar("Prepared")


@dataclass(frozen=True)
class Batch:
    """The images of one step, or of one process's or part's share of it."""

    images: np.ndarray  # (m, side, side, 3) uint8
    view_numbers: np.ndarray  # (m, views, numbers a view) float32 in [0, 1)
    loss_numbers: np.ndarray  # (m, numbers the loss needs) float32 in [0, 1)


@dataclass(frozen=True)
class Batches:
    """The batches of a run; `rank` of `processes` takes its equal share of each."""

    images: Images
    batch_size: int  # over all processes
    seed: int
    views: int
    numbers_a_view: int
    numbers_of_loss: int
    rank: int = 0
    processes: int = 1

    def positions(self, step: int) -> np.ndarray:
        """(batch_size,) int64: the images of step `step` (from 0), as positions in `images`."""
        count = len(self.images)
        place = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        epochs, at = place // count, place % count
        chosen = np.empty(len(place), np.int64)
        for epoch in np.unique(epochs).tolist():
            mine = epochs == epoch
            chosen[mine] = epoch_order(count, self.seed, epoch)[at[mine]]
        return chosen

    def at(self, step: int) -> Batch:
        """This process's share of step `step`. All numbers are drawn, whatever the share, so that they are equal."""
        rng = np.random.default_rng([self.seed, NUMBERS, step])
        of_views = rng.random((self.batch_size, self.views, self.numbers_a_view), dtype=np.float32)
        of_loss = rng.random((self.batch_size, self.numbers_of_loss), dtype=np.float32)
        share = self.batch_size // self.processes
        mine = slice(self.rank * share, (self.rank + 1) * share)
        return Batch(self.images.take(self.positions(step)[mine]), of_views[mine], of_loss[mine])

    def ahead(self, start: int, stop: int, prepare: Callable[[Batch], Prepared]) -> Generator[Prepared, None, None]:
        """`prepare(batch)` of the steps `start` up to `stop`, made in a thread while earlier ones are used."""
        waiting: deque[Future[Prepared]] = deque()
        with ThreadPoolExecutor(1, thread_name_prefix="batches") as thread:
            try:
                for step in range(start, stop):
                    waiting.append(thread.submit(lambda at: prepare(self.at(at)), step))
                    if len(waiting) > AHEAD:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for one in waiting:
                    one.cancel()


@lru_cache(maxsize=4)
def epoch_order(count: int, seed: int, epoch: int) -> np.ndarray:
    """(count,) int64: the order of the images in pass `epoch` (from 0)."""
    order = np.random.default_rng([seed, ORDER, epoch]).permutation(count)
    order.setflags(write=False)
    return order


def divided(batch: Batch, parts: int) -> list[tuple[Batch, float]]:
    """`batch` in `parts` (at most one an image), as equal as may be, each with its share of the images."""
    count = len(batch.images)
    cuts = [part * count // parts for part in range(parts + 1)]
    pieces = [slice(start, stop) for start, stop in pairwise(cuts) if stop > start]
    return [
        (
            Batch(batch.images[piece], batch.view_numbers[piece], batch.loss_numbers[piece]),
            (piece.stop - piece.start) / count,
        )
        for piece in pieces
    ]
