"""What the browser gets once of scored patches, so that dragging a margin asks nobody: the answers at every margin.

A margin is a quantile of STEPS + 1, so whatever it can be set to is laid out here: how many patches lie below, the
hardness there, and the running sums that the terms of V-information follow from, computed by Python and exact. Half
a million patches take 1 MB for that; which frame each patch is of, which limits of frames count by, takes another.
"""

import numpy as np

from dataeff_core.hardness.choosing import Ranked
from dataeff_core.ui.explore.payload import pack
from dataeff_core.ui.hardness import figures

STEPS = 10_000  # margins are multiples of 1 / STEPS


def margins_table(ranked: Ranked) -> bytes:
    """Everything of the ranked patches that moves with a margin, packed.

    Header: patches, frames, groups, steps, floor (of the variance). Sections, for the margins 0, 1 / STEPS, ..., 1:
    `start` and `stop` (uint32: `Ranked.band`), `lower` and `upper` (float32: hardness at each; NaN where no patch is
    beyond), `sums_start` and `sums_stop` (float64, five a margin: `Running.sums`). Then `edges` (float64) and
    `places` (uint32) of the histogram's bins, and `frame`, `group` (unsigned: of each patch, from the easiest; of
    each frame).
    """
    m = len(ranked)
    start, stop = bands(m)
    sums, hardness = ranked.running.sums, ranked.hardness
    edges = figures.bin_edges(hardness)
    places = np.concatenate([[0], np.searchsorted(hardness, edges[1:-1], side="left"), [m]])
    frames, groups = len(ranked.group_of_frame), int(ranked.group_of_frame.max()) + 1
    header = {"patches": m, "frames": frames, "groups": groups, "steps": STEPS, "floor": ranked.running.floor}
    sections = {
        "start": start.astype(np.uint32),
        "stop": stop.astype(np.uint32),
        "lower": np.append(hardness, np.nan)[start].astype(np.float32),
        "upper": np.insert(hardness, 0, np.nan)[stop].astype(np.float32),
        "sums_start": sums[start].ravel(),
        "sums_stop": sums[stop].ravel(),
        "edges": edges,
        "places": places.astype(np.uint32),
        "frame": ranked.frame.astype(_smallest(frames)),
        "group": ranked.group_of_frame.astype(_smallest(groups)),
    }
    return pack(header, sections)


def bands(m: int) -> tuple[np.ndarray, np.ndarray]:
    """(STEPS + 1,) int64 twice: where the useful ones of m patches start, and stop, with each margin. As
    `Ranked.band`, for all quantiles at once; its stop is never before its start, which the browser sees to."""
    quantile = np.arange(STEPS + 1) / STEPS
    start = np.floor(quantile * m + 1e-9).astype(np.int64)
    stop = m - np.floor((1 - quantile) * m + 1e-9).astype(np.int64)
    return start, stop


def _smallest(numbers: int) -> type[np.unsignedinteger]:
    return np.uint8 if numbers <= 256 else np.uint16 if numbers <= 65_536 else np.uint32
