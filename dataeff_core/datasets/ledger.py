"""What is already decoded, kept chunk by chunk while an import runs, so that one that was stopped goes on.

The folder is hidden beside the datasets and goes when the import is done. Chunks are Parquet: a row a frame, or
one row without a frame (frame_index -1) for a file that gave none.
"""

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dataeff_core.datasets.decoder_pool import Decoded
from dataeff_core.datasets.quality import MEASURES
from dataeff_core.datasets.walking import FoundFile
from dataeff_core.workspace.storage import fingerprint, write_atomically

VERSION = 1  # raised when decoding or measuring changes, so that old chunks are not mixed in
CHUNK_ROWS = 2000
CHUNK_SECONDS = 10.0
NO_FRAME = -1
COLUMNS = {
    "path_bytes": "object",
    "kind": "string",
    "file_bytes": "int64",
    "mtime_ns": "int64",
    "fps": "float64",  # NaN: every frame
    "file_sha256": "string",
    "reason": "string",
    "frame_index": "int64",
    "time_s": "float64",
    "sha256": "string",
    "width": "int32",
    "height": "int32",
    **{f"q_{name}": "float32" for name in MEASURES},
}


class Ledger:
    """The decoded files of one import; the caller holds the lock on the dataset's name."""

    def __init__(self, datasets_folder: Path, name: str, root: str) -> None:
        key = fingerprint(VERSION, name, root, list(COLUMNS))[:16]
        self.folder = datasets_folder / f".partial-{key}"
        self.rows: list[dict[str, Any]] = []
        self.written = time.monotonic()

    def add(self, file: FoundFile, fps: float | None, decoded: Decoded) -> None:
        """Note what one file gave; written to disk now and then."""
        facts = {
            "path_bytes": file.path,
            "kind": file.kind,
            "file_bytes": file.file_bytes,
            "mtime_ns": file.mtime_ns,
            "fps": np.nan if fps is None else fps,
            "file_sha256": decoded.file_sha256,
            "reason": decoded.reason,
        }
        for frame in decoded.frames or [{"index": NO_FRAME, "quality": {}}]:
            self.rows.append({**facts, **_frame_row(frame)})
        if len(self.rows) >= CHUNK_ROWS or time.monotonic() - self.written > CHUNK_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what waits. Raises StorageFailed."""
        if self.rows:
            table = pd.DataFrame(self.rows, columns=list(COLUMNS)).astype(COLUMNS)
            name = f"{time.time_ns():020d}.parquet"
            write_atomically(self.folder / name, lambda stream: table.to_parquet(stream, index=False))
        self.rows, self.written = [], time.monotonic()

    def read(self) -> pd.DataFrame:
        """All rows so far, columns COLUMNS; of a file decoded twice the later rows."""
        self.flush()
        chunks = sorted(self.folder.glob("[0-9]*.parquet"))
        tables = [pd.read_parquet(chunk).assign(chunk=number) for number, chunk in enumerate(chunks)]
        if not tables:
            return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in COLUMNS.items()})
        rows = pd.concat(tables, ignore_index=True)
        latest = rows.groupby("path_bytes", sort=False)["chunk"].transform("max")
        return rows[rows["chunk"] == latest].drop(columns="chunk").reset_index(drop=True)

    def finished(self) -> set[tuple[bytes, int, int, float | None]]:
        """(path, size, mtime, fps) of the files that gave frames in an import that was stopped."""
        rows = self.read()
        rows = rows[rows["frame_index"] != NO_FRAME].drop_duplicates("path_bytes")
        columns = zip(rows["path_bytes"], rows["file_bytes"], rows["mtime_ns"], rows["fps"], strict=True)
        return {
            (path, int(size), int(mtime), None if np.isnan(fps) else float(fps)) for path, size, mtime, fps in columns
        }

    def discard(self) -> None:
        """Remove the folder: the dataset now holds it all."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _frame_row(frame: dict[str, Any]) -> dict[str, Any]:
    return {
        "frame_index": frame["index"],
        "time_s": frame.get("time_s"),
        "sha256": frame.get("sha256"),
        "width": frame.get("width", 0),
        "height": frame.get("height", 0),
        **frame["quality"],
    }
