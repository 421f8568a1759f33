"""A dataset on disk: its record, its frames table, its unreadable files."""

import os
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from dataeff_core.errors import NotFound
from dataeff_core.workspace.records import Record
from dataeff_core.workspace.storage import exclusive, fingerprint, inside, write_atomically

FRAME_COLUMNS: dict[str, str] = {
    "frame_id": "string",  # 16 hex digits, made from source, path and frame index: `frame_id`
    "source": "int16",  # position in DatasetRecord.sources
    "path": "string",  # relative to its source, '/'-separated, undecodable bytes as \xNN: for people
    "path_bytes": "object",  # the same path as the file system has it (bytes): for opening the file
    "kind": "string",  # 'image' or 'video'
    "frame_index": "int64",  # the frame's number in its video, from 0; 0 for an image
    "time_s": "float64",  # presentation time in seconds; NaN for an image
    "sha256": "string",  # of the file's bytes (image) or of the decoded RGB pixels (video frame)
    "file_bytes": "int64",
    "width": "int32",  # pixels, after EXIF rotation
    "height": "int32",
    "group": "string",  # patient, video, procedure; never empty
    "order": "int64",  # position within the group, from 0
    "mask_bytes": "object",  # path of the mask relative to its source's masks folder (bytes), or None
    "present": "bool",  # False when the file has vanished since an earlier import
    "added": "string",  # when first imported, ISO 8601
    # then: mtime_ns (int64) and file_sha256 (string) of the file it is from, q_<measure> (float32, the quality
    # measures), invalid_score (float32), invalid_measure (string), label_<name> (string), one each
}
UNREADABLE_COLUMNS = ("path", "path_bytes", "source", "reason", "file_bytes")


class Source(BaseModel):
    """A folder (or single file) that frames were imported from, and how; paths are absolute."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    root: str
    fps: float | None = None  # frames a second taken from videos; None: every frame
    groups: str | None = None  # the pattern, or the CSV file
    masks: str | None = None
    labels: str | None = None


class DatasetRecord(Record):
    """What is known of a dataset. `frames_file` names the current frames table; older ones stay beside it."""

    FILE: ClassVar[str] = "dataset.json"
    KIND: ClassVar[str] = "dataset"

    name: str
    sources: tuple[Source, ...] = ()
    masks: str | None = None
    settings: dict[str, str | float | None] = {}
    frames_file: str
    unreadable_file: str
    fingerprint: str
    updated: str


class Dataset:
    """One dataset as it was when opened; later imports do not change an object already in hand."""

    def __init__(self, folder: Path, record: DatasetRecord) -> None:
        self.folder = folder
        self.record = record

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def fingerprint(self) -> str:
        return self.record.fingerprint

    @cached_property
    def all_frames(self) -> pd.DataFrame:
        """Every frame ever imported, vanished ones too, by group, order, id; columns: FRAME_COLUMNS and more."""
        return pd.read_parquet(self.folder / self.record.frames_file)

    @cached_property
    def frames(self) -> pd.DataFrame:
        """The frames that are present: what is embedded, mapped and selected from. Index 0..n-1."""
        frames = self.all_frames
        return frames[frames["present"]].reset_index(drop=True)

    @cached_property
    def index(self) -> pd.Index:
        """The ids of `frames`, to find a row by without a search through all."""
        return pd.Index(self.frames["frame_id"].to_numpy(object))

    def frames_as_of(self, fingerprint: str) -> pd.DataFrame | None:
        """The frames that were present when the dataset had this fingerprint, in their order of then; None when that
        table is gone. Former tables stay beside the new one."""
        if fingerprint == self.fingerprint:
            return self.frames
        for path in sorted(self.folder.glob("frames-*.parquet")):
            frames = pd.read_parquet(path)
            if frames_fingerprint(frames) == fingerprint:
                return frames[frames["present"]].reset_index(drop=True)
        return None

    @cached_property
    def unreadable(self) -> pd.DataFrame:
        """The files that could not be decoded, each with its reason; columns: UNREADABLE_COLUMNS."""
        return pd.read_parquet(self.folder / self.record.unreadable_file)

    def frame(self, wanted: str) -> pd.Series:
        """One present frame by its id, a unique prefix of it, or its path. Raises NotFound."""
        frames = self.frames
        if (row := self.index.get_indexer(pd.Index([wanted], dtype=object))[0]) >= 0:
            return frames.iloc[row]
        matches = (
            frames[(frames["frame_id"].str.startswith(wanted)) | (frames["path"] == wanted)] if wanted else frames[:0]
        )
        if len(matches) != 1:
            count = "no frame" if matches.empty else f"{len(matches)} frames"
            raise NotFound(f"{count} of {self.record.name} fit {wanted!r}; give a frame id or a path")
        return matches.iloc[0]

    def file(self, frame: pd.Series) -> Path:
        """The original file of `frame`, held inside its source folder. Raises BadInput if it leads out."""
        root = Path(self.record.sources[int(frame["source"])].root)
        return root if root.is_file() else inside(root, os.fsdecode(frame["path_bytes"]))

    def mask_file(self, frame: pd.Series) -> Path | None:
        """The mask of `frame`, or None when it has none."""
        masks = self.record.sources[int(frame["source"])].masks or self.record.masks
        if masks is None or frame["mask_bytes"] is None:
            return None
        return inside(Path(masks), os.fsdecode(frame["mask_bytes"]))

    @property
    def lock_file(self) -> Path:
        """Held by whoever changes the dataset; see storage.exclusive."""
        return self.folder / ".lock"


def frame_id(source: int, path_bytes: bytes, frame_index: int) -> str:
    """A frame's id: 16 hex digits that depend only on where it stands in its source, so that it is the same
    on every machine that imports the same folder."""
    return fingerprint(source, path_bytes, frame_index)[:16]


def frames_fingerprint(frames: pd.DataFrame) -> str:
    """sha256 over what selections depend on: id, content, group and order of every present frame."""
    present = frames[frames["present"]].sort_values("frame_id")
    columns = [present[name].astype(str).tolist() for name in ("frame_id", "sha256", "group", "order")]
    return fingerprint(columns)


def save_frames(folder: Path, record: DatasetRecord, frames: pd.DataFrame, unreadable: pd.DataFrame) -> DatasetRecord:
    """Write both tables beside the old ones, then point the record to them: one atomic step for readers.

    The caller holds the dataset's lock (`exclusive(dataset.lock_file)`). Returns the new record.
    """
    frames = frames.sort_values(["group", "order", "frame_id"], kind="stable").reset_index(drop=True)
    print_ = frames_fingerprint(frames)
    tables = {"frames": frames, "unreadable": unreadable}
    names = {name: f"{name}-{table_fingerprint(table)[:12]}.parquet" for name, table in tables.items()}
    for name, table in tables.items():
        write_atomically(folder / names[name], lambda stream, t=table: t.to_parquet(stream, index=False))  # type: ignore[misc]
    changed = {"frames_file": names["frames"], "unreadable_file": names["unreadable"], "fingerprint": print_}
    record = record.model_copy(update=changed)
    record.write(folder)
    return record


def table_fingerprint(table: pd.DataFrame) -> str:
    """sha256 over a table's columns and values, for content-addressed file names."""
    hashes = pd.util.hash_pandas_object(table, index=False).to_numpy(np.uint64)
    return fingerprint(list(table.columns), hashes)


__all__ = [
    "FRAME_COLUMNS",
    "UNREADABLE_COLUMNS",
    "Dataset",
    "DatasetRecord",
    "Source",
    "exclusive",
    "frame_id",
    "frames_fingerprint",
    "save_frames",
]
