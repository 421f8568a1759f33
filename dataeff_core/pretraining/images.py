"""The prepared images: every frame read once from its original, squashed to a square, and kept for all later runs.

One store a side length, `<workspace>/prepared/<version>-<side>/`: pixels.bin, rows of (side, side, 3) uint8 one after
another, and keys.bin, the 32-byte content key (sha256) of each row. Rows are only ever appended, pixels before keys,
so what keys.bin names is whole whenever a process ends. A selection, or another dataset with the same frames, is
other rows of the same store. It is a cache: the folder may be deleted while nothing trains.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import IO

import numpy as np
import pandas as pd
from PIL import Image

from dataeff_core.frame_reading.decoding import (
    Chunk,
    KeyedPreparation,
    Preparation,
    default_workers,
    prepared_chunks,
)
from dataeff_core.frame_reading.reading import original_tasks
from dataeff_core.pretraining.base import PretrainingMethod
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.datasets import Dataset
from dataeff_core.workspace.root import Workspace
from dataeff_core.workspace.storage import exclusive, storage_errors

VERSION = "squashed-1"  # of how an image is prepared; a change makes new stores
KEY_BYTES = 32
FLUSH_SECONDS = 5.0
MARGIN = 1.25  # a crop is cut from an image so much larger than the network's input (our choice: half the pixels of
# a crop of 64 % of the area are then its own, at 1.6 times the disk)


@dataclass(frozen=True)
class Squash:
    """An image to `side` x `side` pixels, both sides scaled (bicubic, with the filter widened where it shrinks)."""

    side: int

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """n images (h, w, 3) uint8 RGB of any size -> (n, side, side, 3) uint8."""
        out = np.empty((len(images), self.side, self.side, 3), np.uint8)
        for row, image in zip(out, images, strict=True):
            row[:] = np.asarray(Image.fromarray(image).resize((self.side, self.side), Image.Resampling.BICUBIC))
        return out


@dataclass(frozen=True)
class Images:
    """The images of one run: each a row of a store, or put together of a grid of them."""

    pixels: np.ndarray  # (N, side, side, 3) uint8, memory-mapped read-only
    rows: np.ndarray  # (n,) int64 into `pixels`; of mosaics (n, grid x grid), from the upper left, row by row
    grid: int = 1

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: np.ndarray) -> np.ndarray:
        """(m,) positions in [0, n) -> (m, grid x side, grid x side, 3) uint8."""
        parts = self.pixels[self.rows[which]]
        if self.grid == 1:
            return parts.reshape(len(which), *parts.shape[-3:])
        side, grid = parts.shape[-2], self.grid
        placed = parts.reshape(-1, grid, grid, side, side, 3).transpose(0, 1, 3, 2, 4, 5)
        return placed.reshape(-1, grid * side, grid * side, 3)


def side_of(method: PretrainingMethod) -> int:
    """Pixels a side that images are kept at for `method`: its input's, or more where it cuts crops out of them."""
    return method.image_size if method.crop == 1 else -(-int(method.image_size * MARGIN) // 8) * 8


def small_frames(frames: pd.DataFrame, image_size: int) -> int:
    """How many frames are narrower or lower than the network's input, so that they are scaled up."""
    return int(((frames["width"] < image_size) | (frames["height"] < image_size)).sum())


@dataclass(frozen=True)
class Wanted:
    """Which distinct frames are read for a store, and what is made of each: one picture, under the frame's own key,
    unless `parts` names the keys of several."""

    frames: pd.DataFrame
    prepare: Preparation | KeyedPreparation
    parts: Mapping[str, Sequence[str]] | None = None  # the frame's key -> those of the pictures made of it

    def rows(self, chunk: Chunk) -> tuple[list[str], np.ndarray]:
        """Keys and pictures, one a row, of what was read."""
        if chunk.rows is None:
            return [], np.empty(0, np.uint8)
        if self.parts is None:
            return chunk.keys, chunk.rows
        return [part for key in chunk.keys for part in self.parts[key]], np.concatenate(list(chunk.rows))


class Store:
    """The prepared pictures of one side length and kind."""

    def __init__(self, workspace: Workspace, side: int, *, kind: str = VERSION) -> None:
        self.side = side
        self.folder = workspace.root / "prepared" / f"{kind}-{side}"
        self.row_bytes = side * side * 3

    def images(self, keys: Sequence[str], *, grid: int = 1) -> Images | None:
        """The images with these content keys, in this order, each `grid` x `grid` of them; None when one is
        missing."""
        rows = self._rows(keys)
        if (rows < 0).any():
            return None
        shape = (self._count(), self.side, self.side, 3)
        with storage_errors("reading", self.folder):
            pixels = np.memmap(self.folder / "pixels.bin", np.uint8, "r", shape=shape)
        return Images(pixels, rows if grid == 1 else rows.reshape(-1, grid**2), grid)

    def missing(self, keys: Sequence[str]) -> set[str]:
        """Which of these are not there."""
        return {key for key, row in zip(keys, self._rows(keys).tolist(), strict=True) if row < 0}

    def fill(
        self, dataset: Dataset, frames: pd.DataFrame, *, workers: int | None = None, reporter: Reporter
    ) -> dict[str, str]:
        """Read those of `frames` (of `dataset`) that are missing; content key -> reason of those that cannot be read.

        Another process that fills the same store is waited for. What is read stays, whatever happens next.
        Raises StorageFailed, WorkerDied, Cancelled.
        """

        def missing() -> Wanted:
            distinct = frames.drop_duplicates("sha256")
            keys = self.missing(distinct["sha256"].tolist())
            return Wanted(distinct[distinct["sha256"].isin(keys)], Squash(self.side))

        return self.fill_with(dataset, missing, workers=workers, reporter=reporter)

    def fill_with(
        self, dataset: Dataset, missing: Callable[[], Wanted], *, workers: int | None = None, reporter: Reporter
    ) -> dict[str, str]:
        """As `fill`, of what `missing` says while no other process fills this store."""
        reporter.phase("preparing images")
        with exclusive(self.folder / ".lock", reporter):
            wanted = missing()
            if wanted.frames.empty:
                return {}
            reporter.phase("preparing images", len(wanted.frames))
            count = default_workers(len(wanted.frames)) if workers is None else workers
            chunks = prepared_chunks(
                original_tasks(dataset, wanted.frames), wanted.prepare, workers=count, reporter=reporter
            )
            bad: dict[str, str] = {}
            with _Appending(self) as appending, closing(chunks):
                for chunk in chunks:
                    appending.add(*wanted.rows(chunk))
                    bad |= chunk.bad
                    reporter.advance(len(chunk.keys) + len(chunk.bad))
            return bad

    def _count(self) -> int:
        """How many whole rows there are."""
        sizes = [
            path.stat().st_size if path.is_file() else 0
            for path in (self.folder / "pixels.bin", self.folder / "keys.bin")
        ]
        return min(sizes[0] // self.row_bytes, sizes[1] // KEY_BYTES)

    def _rows(self, keys: Sequence[str]) -> np.ndarray:
        """(n,) int64: the row of each key, -1 where there is none."""
        count = self._count()
        if not count:
            return np.full(len(keys), -1, np.int64)
        with storage_errors("reading", self.folder):
            have = (self.folder / "keys.bin").read_bytes()[: count * KEY_BYTES]
        places = {have[at : at + KEY_BYTES]: at // KEY_BYTES for at in range(0, len(have), KEY_BYTES)}
        return np.array([places.get(bytes.fromhex(key), -1) for key in keys], np.int64)


class _Appending:
    """Adds rows to a store whose lock is held; begins by cutting off what an earlier process left half-written."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.waiting: list[bytes] = []

    def __enter__(self) -> "_Appending":
        count = self.store._count()
        self.pixels = self._opened("pixels.bin", count * self.store.row_bytes)
        self.keys = self._opened("keys.bin", count * KEY_BYTES)
        self.flushed_at = time.monotonic()
        return self

    def _opened(self, name: str, length: int) -> IO[bytes]:
        path = self.store.folder / name
        with storage_errors("writing", path):
            stream = path.open("ab")
            stream.truncate(length)
        return stream

    def add(self, keys: Sequence[str], rows: np.ndarray) -> None:
        """Take in rows; they are named after FLUSH_SECONDS at the latest. Raises StorageFailed."""
        if len(keys):
            with storage_errors("writing", self.store.folder):
                self.pixels.write(np.ascontiguousarray(rows).data)
            self.waiting += [bytes.fromhex(key) for key in keys]
        if time.monotonic() - self.flushed_at > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Name what was added, once it is on the disk. Raises StorageFailed."""
        with storage_errors("writing", self.store.folder):
            _to_disk(self.pixels)
            self.keys.write(b"".join(self.waiting))
            self.waiting = []
            _to_disk(self.keys)
        self.flushed_at = time.monotonic()

    def __exit__(self, *_: object) -> None:
        with storage_errors("writing", self.store.folder), self.pixels, self.keys:
            self.flush()


def _to_disk(stream: IO[bytes]) -> None:
    stream.flush()
    os.fsync(stream.fileno())
