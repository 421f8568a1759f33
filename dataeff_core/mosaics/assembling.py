"""Mosaics made of their frames' pixels, a block at a time: each frame is read once for a block."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dataeff_core.frame_reading.cutting import Aspect, Cutting
from dataeff_core.frame_reading.decoding import default_workers, prepared_chunks
from dataeff_core.frame_reading.reading import original_tasks
from dataeff_core.mosaics.layout import Layout
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.datasets import Dataset

BLOCK_BYTES = 1 << 28  # of the mosaics that are made together


@dataclass(frozen=True)
class Block:
    """Mosaics start, start + 1, ..."""

    start: int
    mosaics: np.ndarray  # (b, height, width, 3) uint8
    whole: np.ndarray  # (b,) bool: True = every cell could be read
    bad: dict[str, str]  # sha256 -> why its frame cannot be read


def assembled(
    dataset: Dataset,
    patches: pd.DataFrame,
    layout: Layout,
    aspect: Aspect,
    *,
    workers: int | None = None,
    reporter: Reporter | None = None,
) -> Iterator[Block]:
    """The mosaics of `layout`, whose rows are of the scored `patches` (Hardness.table), in order, block by block.

    A mosaic of which a frame cannot be read is not whole; all others are made. Raises WorkerDied, Cancelled.
    """
    reporter = reporter or Reporter()
    size = max(1, BLOCK_BYTES // (layout.height * layout.width * 3))
    for start in range(0, len(layout), size):
        yield _block(dataset, patches, layout, aspect, start, min(size, len(layout) - start), workers, reporter)


def _block(  # noqa: PLR0917  one call, by position
    dataset: Dataset,
    patches: pd.DataFrame,
    layout: Layout,
    aspect: Aspect,
    start: int,
    count: int,
    workers: int | None,
    reporter: Reporter,
) -> Block:
    rows = layout.rows[start : start + count]
    wanted = patches.iloc[rows.ravel()]
    boxes, cells = _by_frame(wanted)
    frames = dataset.frames.drop_duplicates("sha256")
    frames = frames[frames["sha256"].isin(list(boxes))]
    mosaics = np.zeros((count, layout.height, layout.width, 3), np.uint8)
    filled = np.zeros(rows.shape, bool)
    height, width = layout.cell
    number = default_workers(len(frames)) if workers is None else workers
    cutting = Cutting(boxes, height, width, aspect)
    bad: dict[str, str] = {}
    chunks = prepared_chunks(original_tasks(dataset, frames), cutting, workers=number, reporter=reporter)
    with closing(chunks):
        for chunk in chunks:
            bad |= chunk.bad
            for key, cut in zip(chunk.keys, () if chunk.rows is None else chunk.rows, strict=True):
                for cell, pixels in zip(cells[key].tolist(), cut, strict=True):
                    mosaic, at = divmod(cell, rows.shape[1])
                    top, left = layout.place(at)
                    mosaics[mosaic, top : top + height, left : left + width] = pixels
                    filled[mosaic, at] = True
    return Block(start, mosaics, np.asarray(filled.all(axis=1)), bad)


def _by_frame(wanted: pd.DataFrame) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """By content key: the boxes (k, 4) int32 to cut, and the (k,) cells they are for."""
    keys = wanted["sha256"].to_numpy(object)
    boxes = wanted[["top", "left", "bottom", "right"]].to_numpy(np.int32)
    grouped = pd.Series(np.arange(len(keys))).groupby(keys, sort=False)
    cells = {str(key): one.to_numpy() for key, one in grouped}
    return {key: boxes[at] for key, at in cells.items()}, cells
