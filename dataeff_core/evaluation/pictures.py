"""A dataset's images as an encoder sees them, and as people do."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image

from dataeff_core.errors import NotFound
from dataeff_core.frame_reading.decoding import default_workers, prepared_chunks
from dataeff_core.frame_reading.reading import original_tasks
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.datasets import Dataset
from dataeff_core.workspace.originals import read_originals
from dataeff_core.workspace.root import Workspace
from dataeff_core.workspace.thumbnails import read_thumbnail, shrink


@dataclass(frozen=True)
class Squashed:
    """Images to `side` x `side` pixels, both sides scaled (bicubic, averaged where it shrinks) as in training."""

    side: int

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """n images (h, w, 3) uint8 RGB of any size -> (n, side, side, 3) uint8."""
        size = (self.side, self.side)
        return np.stack([np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BICUBIC)) for one in images])


def read_images(
    dataset: Dataset, frames: pd.DataFrame, side: int, *, workers: int | None = None, reporter: Reporter
) -> tuple[np.ndarray, dict[str, str]]:
    """The original pictures of `frames`, squashed: (n, side, side, 3) uint8; and of those that cannot be read, whose
    rows are black, why (frame_id -> reason). Raises WorkerDied, Cancelled."""
    images = np.zeros((len(frames), side, side, 3), np.uint8)
    rows = frames.groupby("sha256").indices
    ids = frames["frame_id"].to_numpy(object)
    unreadable: dict[str, str] = {}
    wanted = frames.drop_duplicates("sha256")
    count = default_workers(len(wanted)) if workers is None else workers
    reporter.phase("reading images", len(wanted))
    tasks = original_tasks(dataset, wanted)
    with closing(prepared_chunks(tasks, Squashed(side), workers=count, reporter=reporter)) as chunks:
        for chunk in chunks:
            for at, key in enumerate(chunk.keys):
                if chunk.rows is not None:
                    images[rows[key]] = chunk.rows[at]
            unreadable |= {str(ids[row]): reason for key, reason in chunk.bad.items() for row in rows[key]}
            reporter.advance(len(chunk.keys) + len(chunk.bad))
    return images, unreadable


def picture(workspace: Workspace, dataset: Dataset, frame: pd.Series, longest: int) -> np.ndarray:
    """One frame to look at, (h, w, 3) uint8, its longer side at most `longest` pixels: of an image the original, of a
    video its thumbnail, for which the video need not be decoded again. Black where neither can be had."""
    if frame["kind"] == "image":
        root = dataset.record.sources[int(frame["source"])].root
        _, rgb = next(read_originals(root, "image", [frame["path_bytes"]], [0], [frame["sha256"]]))
        if not isinstance(rgb, str):
            return shrink(rgb, longest)
    try:
        return read_thumbnail(workspace, str(frame["sha256"]))
    except NotFound:
        return np.zeros((int(frame["height"]), int(frame["width"]), 3), np.uint8)[:longest, :longest]
