"""What decode workers read: tasks of frames, and how a task becomes images. Imports neither torch nor pandas."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dataeff_core.errors import NotFound
from dataeff_core.workspace.originals import read_originals
from dataeff_core.workspace.thumbnails import open_thumbnail

if TYPE_CHECKING:
    import pandas as pd

    from dataeff_core.workspace.datasets import Dataset
    from dataeff_core.workspace.root import Workspace

IMAGES_A_TASK = 32


@dataclass(frozen=True)
class Task:
    """Frames that one worker reads in one go: some pictures, or the wanted frames of one video, in its order."""

    kind: str  # 'thumbnail', 'image' or 'video'
    keys: tuple[str, ...]  # sha256 of each frame
    paths: tuple[bytes, ...]  # one a frame: absolute for thumbnails, else relative to `root`
    root: str = ""  # the source's folder
    indices: tuple[int, ...] = ()  # of frames in their video


def thumbnail_tasks(workspace: "Workspace", frames: "pd.DataFrame") -> list[Task]:
    """Tasks that read the thumbnails of `frames`."""
    keys = [str(key) for key in frames["sha256"]]
    runs = [keys[start : start + IMAGES_A_TASK] for start in range(0, len(keys), IMAGES_A_TASK)]
    return [
        Task("thumbnail", tuple(run), tuple(os.fsencode(workspace.thumbnail(key)) for key in run)) for run in runs
    ]


def original_tasks(dataset: "Dataset", frames: "pd.DataFrame") -> list[Task]:
    """Tasks that read the original files of `frames`: long videos first, so that none is begun last."""
    tasks: list[Task] = []
    for (source, kind), part in frames.groupby(["source", "kind"], sort=True):
        root = dataset.record.sources[int(str(source))].root
        if kind == "image":
            runs = [part.iloc[start : start + IMAGES_A_TASK] for start in range(0, len(part), IMAGES_A_TASK)]
        else:
            runs = [video.sort_values("frame_index") for _, video in part.groupby("path_bytes", sort=False)]
        tasks += [_original_task(run, root, str(kind)) for run in runs]
    return sorted(tasks, key=lambda task: -len(task.keys) if task.kind == "video" else 0)


def _original_task(run: "pd.DataFrame", root: str, kind: str) -> Task:
    indices = tuple(int(index) for index in run["frame_index"])
    return Task(kind, tuple(run["sha256"]), tuple(run["path_bytes"]), root, indices)


def read(task: Task) -> Iterator[tuple[str, np.ndarray | str]]:
    """For each frame of `task` its key and its picture (h, w, 3) uint8 RGB, or why there is none."""
    if task.kind == "thumbnail":
        yield from _read_thumbnails(task)
    else:
        yield from read_originals(task.root, task.kind, task.paths, task.indices, task.keys)


def _read_thumbnails(task: Task) -> Iterator[tuple[str, np.ndarray | str]]:
    for key, path in zip(task.keys, task.paths, strict=True):
        try:
            yield key, open_thumbnail(Path(os.fsdecode(path)))
        except NotFound as error:
            yield key, str(error)
