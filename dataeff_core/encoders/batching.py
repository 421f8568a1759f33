"""Batches of the size a model works best with: found while it works, not asked for."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

FIRST = 8
LARGEST = 512
WORTH_IT = 1.05  # a doubled batch must be this much faster to be kept


@dataclass
class BatchSize:
    """Starts at `size` and doubles while that raises the throughput; never grows again past a size that failed."""

    size: int = FIRST
    largest: int = LARGEST
    settled: bool = False
    warm: bool = False  # whether a batch of this size was run before: the first one sets things up and is slower
    best_rate: float = 0.0
    best_size: int = FIRST

    def measured(self, frames: int, seconds: float) -> None:
        """Take in how long a batch of `frames` took; only whole batches count, and not the first of a size."""
        if self.settled or frames != self.size:
            return
        if not self.warm:
            self.warm = True
            return
        rate = frames / max(seconds, 1e-9)
        if rate < self.best_rate * WORTH_IT:
            self.size, self.settled = self.best_size, True
            return
        self.best_rate, self.best_size = rate, self.size
        if self.size * 2 > self.largest:
            self.settled = True
        else:
            self.size, self.warm = self.size * 2, False

    def too_large(self, frames: int) -> None:
        """Memory did not suffice for `frames`: halve, for good."""
        self.size = self.best_size = self.largest = max(1, frames // 2)
        self.settled = True


@dataclass
class Rebatcher:
    """Prepared frames as they come in, handed on in batches of another size."""

    keys: list[str] = field(default_factory=list)
    rows: list[np.ndarray] = field(default_factory=list)

    def add(self, keys: list[str], rows: np.ndarray) -> None:
        self.keys += keys
        self.rows.append(rows)

    def take(self, size: int, *, last: bool = False) -> Iterator[tuple[list[str], np.ndarray]]:
        """Batches of `size`, the remainder too when `last`. Size 1 means: whatever there is."""
        size = len(self.keys) if size == 1 else size
        while self.keys and (len(self.keys) >= size or last):
            joined = self.rows[0] if len(self.rows) == 1 else np.concatenate(self.rows)
            batch, keys = joined[:size], self.keys[:size]
            self.keys = self.keys[size:]
            self.rows = [joined[size:]] if self.keys else []
            yield keys, batch
            if not last:
                return
