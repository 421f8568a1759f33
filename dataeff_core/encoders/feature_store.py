"""Features already computed, kept by frame content, so that an interrupted embedding goes on where it stopped and
a dataset that grew computes only what is new."""

import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dataeff_core.errors import StorageFailed
from dataeff_core.workspace.storage import storage_errors, write_atomically

FLUSH_FRAMES = 4096
FLUSH_SECONDS = 10.0


class FeatureStore:
    """A folder of shards `features-00000.npz`, each with `keys` (m,) S64 (the frames' sha256) and `features`
    (m, d) float16. A shard appears whole or not at all. One writer at a time: hold `lock_file`.

    A frame's features depend on its pixels alone, so the sha256 is their key and equal frames share one row.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.places: dict[bytes, tuple[int, int]] = {}  # key -> shard, row
        self.shards: list[Path] = []
        self.waiting_keys: list[bytes] = []
        self.waiting: list[np.ndarray] = []
        self.flushed_at = time.monotonic()

    @property
    def lock_file(self) -> Path:
        return self.folder / ".lock"

    def open(self) -> None:
        """Read which features there are. Raises StorageFailed when a shard is damaged."""
        self.places, self.shards = {}, sorted(self.folder.glob("features-*.npz"))
        for number, shard in enumerate(self.shards):
            for row, key in enumerate(_read(shard, "keys").tolist()):
                self.places[key] = (number, row)

    def __contains__(self, key: str) -> bool:
        return key.encode() in self.places

    def add(self, keys: Sequence[str], features: np.ndarray) -> None:
        """Take in features (m, d) of frames with these sha256; on disk after FLUSH_SECONDS at the latest."""
        self.waiting_keys += [key.encode() for key in keys]
        self.waiting.append(features.astype(np.float16))
        late = time.monotonic() - self.flushed_at >= FLUSH_SECONDS
        if late or len(self.waiting_keys) >= FLUSH_FRAMES:
            self.flush()

    def flush(self) -> None:
        """Write what waits as one more shard. Raises StorageFailed when the disk is full."""
        self.flushed_at = time.monotonic()
        if not self.waiting_keys:
            return
        last = int(self.shards[-1].stem.rpartition("-")[2]) if self.shards else -1
        shard = self.folder / f"features-{last + 1:05d}.npz"
        keys, features = np.array(self.waiting_keys, dtype="S64"), np.concatenate(self.waiting)
        write_atomically(shard, lambda stream: np.savez(stream, keys=keys, features=features))
        for row, key in enumerate(self.waiting_keys):
            self.places[key] = (len(self.shards), row)
        self.shards.append(shard)
        self.waiting_keys, self.waiting = [], []

    def gather(self, keys: Sequence[str], out: np.ndarray) -> None:
        """Fill `out` (n, d) float16, perhaps memory-mapped, with the features of these frames, shard by shard."""
        places = np.array([self.places[key.encode()] for key in keys], dtype=np.int64).reshape(-1, 2)
        for number in np.unique(places[:, 0]):
            rows = np.flatnonzero(places[:, 0] == number)
            out[rows] = _read(self.shards[number], "features")[places[rows, 1]]


def _read(shard: Path, name: str) -> np.ndarray:
    try:
        with storage_errors("reading", shard), shard.open("rb") as stream:
            return np.asarray(np.load(stream, allow_pickle=False)[name])
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise StorageFailed(f"{shard} is damaged ({error}); delete it and run it again") from error
