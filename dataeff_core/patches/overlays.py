"""What a processor paints over every frame: panels, logos and captions that stay while the scene moves.

Where they stand beside the field of view, `boxes.lit_mask` leaves them out already. What stands on the field is found
by looking at frames of one group together (our choice): it hardly changes from frame to frame where all else does.
"""

from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from dataeff_core.errors import NotFound
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.root import Workspace
from dataeff_core.workspace.thumbnails import read_thumbnail

LONGEST = 64  # pixels of the longer side while looking
FEWEST, MOST = 12, 24  # distinct frames of a group that are looked at; with fewer nothing can be told
STEADY = 3.0  # grey levels: what deviates less over the frames stands still
MOVING = 10.0  # grey levels: the median deviation of the lit part from which the scene is known to move
DARK = 24.0  # grey levels: darker is surround, which the field of view leaves out
LARGEST = 0.4  # of the frame: more that stands still is no overlay


def overlay_masks(
    workspace: Workspace, frames: pd.DataFrame, *, reporter: Reporter | None = None
) -> dict[tuple[str, int, int], np.ndarray]:
    """(group, width, height) -> (r, c) bool on a small copy, True = the same in every frame; only groups that have
    any. Reads the thumbnails of up to MOST frames a group, evenly spread; missing ones are passed over."""
    reporter = reporter or Reporter()
    distinct = frames.drop_duplicates(["group", "width", "height", "sha256"])
    kinds: list[tuple[Any, pd.DataFrame]] = list(distinct.groupby(["group", "width", "height"], sort=False))
    found: dict[tuple[str, int, int], np.ndarray] = {}
    for (group, width, height), part in reporter.over(kinds, "looking for overlays"):
        if len(part) >= FEWEST:
            which = np.linspace(0, len(part) - 1, min(MOST, len(part))).round().astype(int)
            mask = steady_part(_grey(workspace, part["sha256"].iloc[which].tolist()))
            if mask is not None:
                found[str(group), int(width), int(height)] = mask
    return found


def steady_part(grey: np.ndarray) -> np.ndarray | None:
    """(n, r, c) float32 grey frames of one group -> (r, c) bool, True = stands still and is not dark; None where
    there are too few frames, the scene does not move, nothing stands still, or too much does."""
    if len(grey) < FEWEST:
        return None
    deviation, level = grey.std(axis=0), grey.mean(axis=0)
    lit = level > DARK
    if not lit.any() or np.median(deviation[lit]) < MOVING:
        return None
    steady = lit & (deviation < STEADY)
    return steady if 0 < steady.mean() <= LARGEST else None


def _grey(workspace: Workspace, keys: list[str]) -> np.ndarray:
    """(n, r, c) float32 of one size, the first frame's."""
    images: list[np.ndarray] = []
    for key in keys:
        try:
            small = Image.fromarray(read_thumbnail(workspace, str(key))).convert("L")
        except NotFound:
            continue
        scale = min(1.0, LONGEST / max(small.size))
        size = images[0].shape[::-1] if images else tuple(max(1, round(side * scale)) for side in small.size)
        images.append(np.asarray(small.resize((size[0], size[1]), Image.Resampling.BOX), np.float32))
    return np.stack(images) if images else np.empty((0, 1, 1), np.float32)
