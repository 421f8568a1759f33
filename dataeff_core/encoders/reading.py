"""What decode workers read: tasks of frames, and the readers that turn a task into images. Torch-free."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dataeff_core.encoders.decoding import Reader
from dataeff_core.errors import BadInput, NotFound
from dataeff_core.workspace.originals import read_originals
from dataeff_core.workspace.root import Workspace
from dataeff_core.workspace.thumbnails import read_thumbnail

if TYPE_CHECKING:
    import pandas as pd

    from dataeff_core.workspace.datasets import Dataset

IMAGES_A_TASK = 32


@dataclass(frozen=True)
class Task:
    """Frames that one worker reads in one go: some images, or the wanted frames of one video, in its order."""

    keys: tuple[str, ...]  # sha256 of each frame
    root: str = ""  # the source's folder
    paths: tuple[bytes, ...] = ()  # relative to it, one a frame
    kind: str = "image"
    indices: tuple[int, ...] = ()  # frame indices, one a frame


def thumbnail_tasks(frames: "pd.DataFrame") -> list[Task]:
    """Tasks that read the thumbnails of `frames`."""
    keys = frames["sha256"].tolist()
    return [Task(keys=tuple(keys[start : start + IMAGES_A_TASK])) for start in range(0, len(keys), IMAGES_A_TASK)]


def original_tasks(frames: "pd.DataFrame", dataset: "Dataset") -> list[Task]:
    """Tasks that read the original files of `frames`: long videos first, then images by the runful."""
    tasks = []
    for (source, kind), part in frames.groupby(["source", "kind"], sort=True):
        root = dataset.record.sources[int(str(source))].root
        if kind == "image":
            runs = [part.iloc[start : start + IMAGES_A_TASK] for start in range(0, len(part), IMAGES_A_TASK)]
        else:
            runs = [video.sort_values("frame_index") for _, video in part.groupby("path_bytes", sort=False)]
        tasks += [_task(run, root, str(kind)) for run in runs]
    return sorted(tasks, key=lambda task: -len(task.keys) if task.kind == "video" else 0)


def _task(run: "pd.DataFrame", root: str, kind: str) -> Task:
    return Task(
        keys=tuple(run["sha256"]),
        root=root,
        paths=tuple(run["path_bytes"]),
        kind=kind,
        indices=tuple(int(index) for index in run["frame_index"]),
    )


def tasks_and_reader(
    reads: str, frames: "pd.DataFrame", dataset: "Dataset", workspace: Workspace
) -> tuple[Sequence[Task], Reader]:
    """The tasks for `frames` and the reader that fits them; `reads` is an encoder's READS."""
    if reads == "thumbnail":
        return thumbnail_tasks(frames), partial(read_thumbnails, workspace)
    return original_tasks(frames, dataset), read_originals_of


def read_thumbnails(workspace: Workspace, task: Task) -> Iterator[tuple[str, np.ndarray | str]]:
    """Each frame's thumbnail, or why there is none."""
    for key in task.keys:
        try:
            yield key, read_thumbnail(workspace, key)
        except (NotFound, BadInput) as error:
            yield key, str(error)


def read_originals_of(task: Task) -> Iterator[tuple[str, np.ndarray | str]]:
    """Each frame's original picture, or why it cannot be read."""
    return read_originals(task.root, task.kind, task.paths, task.indices, task.keys)
