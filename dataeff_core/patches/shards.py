"""What was computed for each picture, kept as it comes, so that work that stopped goes on where it was.

Shards `rows-00000.npz` in a folder: `keys` (m,) S64, `counts` (m,) int64, and named arrays of sum(counts) rows each,
the rows of one key after those of the other. A shard appears whole or not at all; hold `lock_file` while writing.
"""

import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dataeff_core.errors import StorageFailed
from dataeff_core.workspace.storage import storage_errors, write_atomically

FLUSH_KEYS = 4096
FLUSH_SECONDS = 10.0


class RowShards:
    """Any number of rows a key, in several named arrays."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known: set[str] = set()
        self.shards: list[Path] = []
        self.waiting: dict[str, list[np.ndarray]] = {}
        self.waiting_keys: list[str] = []
        self.waiting_counts: list[int] = []
        self.flushed_at = time.monotonic()

    @property
    def lock_file(self) -> Path:
        return self.folder / ".lock"

    def open(self) -> None:
        """Read which keys there are. Raises StorageFailed when a shard is damaged."""
        self.shards = sorted(self.folder.glob("rows-*.npz"))
        self.known = {key.decode() for shard in self.shards for key in _read(shard, "keys").tolist()}

    def add(self, key: str, rows: Mapping[str, np.ndarray]) -> None:
        """Take in a key's rows, equally many in each array; on disk after FLUSH_SECONDS at the latest."""
        self.waiting_keys.append(key)
        self.waiting_counts.append(len(next(iter(rows.values()))))
        for name, values in rows.items():
            self.waiting.setdefault(name, []).append(values)
        if len(self.waiting_keys) >= FLUSH_KEYS or time.monotonic() - self.flushed_at >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what waits as one more shard. Raises StorageFailed."""
        self.flushed_at = time.monotonic()
        if not self.waiting_keys:
            return
        last = int(self.shards[-1].stem.rpartition("-")[2]) if self.shards else -1
        shard = self.folder / f"rows-{last + 1:05d}.npz"
        keys = np.array([key.encode() for key in self.waiting_keys], "S64")
        counts = np.array(self.waiting_counts, np.int64)
        arrays: dict[str, Any] = {name: np.concatenate(parts) for name, parts in self.waiting.items()}
        write_atomically(shard, lambda stream: np.savez(stream, keys=keys, counts=counts, **arrays))
        self.shards.append(shard)
        self.known.update(self.waiting_keys)
        self.waiting, self.waiting_keys, self.waiting_counts = {}, [], []

    def gather(self, keys: Sequence[str], names: Sequence[str]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """`counts` (n,) int64 of these keys and their rows, one key after the other. Keys not known have none.

        One shard is in memory at a time beside what is returned. Raises StorageFailed when one is damaged."""
        where = self._where(set(keys))
        counts = np.array([where[key][2] if key in where else 0 for key in keys], np.int64)
        wanted: dict[int, list[tuple[int, int, int]]] = {}  # shard -> start in it, rows, start in what is returned
        for key, count, end in zip(keys, counts.tolist(), np.cumsum(counts).tolist(), strict=True):
            if count:
                shard, start, _ = where[key]
                wanted.setdefault(shard, []).append((start, count, end - count))
        out: dict[str, np.ndarray] = {}
        for shard, places in sorted(wanted.items()):
            for name in names:
                rows = _read(self.shards[shard], name)
                if name not in out:
                    out[name] = np.empty((int(counts.sum()), *rows.shape[1:]), rows.dtype)
                for start, count, to in places:
                    out[name][to : to + count] = rows[start : start + count]
        return counts, {name: out.get(name, np.empty(0)) for name in names}

    def _where(self, keys: set[str]) -> dict[str, tuple[int, int, int]]:
        """Key -> its shard, its first row there and how many it has; the newest where one is there twice."""
        found: dict[str, tuple[int, int, int]] = {}
        for at, shard in enumerate(self.shards):
            known, counts = _read(shard, "keys"), _read(shard, "counts")
            starts = np.cumsum(counts) - counts
            for key, start, count in zip(known.tolist(), starts.tolist(), counts.tolist(), strict=True):
                if (text := key.decode()) in keys:
                    found[text] = (at, start, count)
        return found


def _read(shard: Path, name: str) -> np.ndarray:
    try:
        with storage_errors("reading", shard), shard.open("rb") as stream:
            return np.asarray(np.load(stream, allow_pickle=False)[name])
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise StorageFailed(f"{shard} is damaged ({error}); delete it and run it again") from error
