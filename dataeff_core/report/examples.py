"""Which frames a report shows: for each reason some removals beside what stands for them."""

import base64
import io
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image

from dataeff_core.errors import BadInput, NotFound
from dataeff_core.report.gathering import Facts
from dataeff_core.selection.explaining import clock, number, overruled_sentence, rank_of, sentence, threshold_of
from dataeff_core.suppliers import fault
from dataeff_core.workspace import Workspace
from dataeff_core.workspace.thumbnails import read_thumbnail, shrink

DOUBTFUL, DRAWN = "One of those nearest to staying.", "Drawn by chance."
EACH = 2  # of either, for each reason
KEPT_SHOWN = 6
SEED = 0  # of the drawing
SIDE, QUALITY = 240, 82  # pixels of the longer side; JPEG


@dataclass(frozen=True)
class Example:
    """One removal."""

    row: int
    stand_in: int  # row of the kept frame that stands for it, -1 for none
    why_shown: str  # DOUBTFUL or DRAWN
    sentence: str
    similarity: float | None
    limit: float | None


def examples(facts: Facts) -> dict[str, list[Example]]:
    """Reason -> examples, reasons as in `facts.reasons`: the removals closest to staying by the order of review, then
    some of the others drawn by chance with a fixed seed. Frames that people removed are shown elsewhere."""
    rng = np.random.default_rng(SEED)
    reason = facts.decisions["reason"].to_numpy(object)
    removed = facts.queue.rows[~facts.kept[facts.queue.rows]]  # most doubtful first
    found = {}
    for name in facts.reasons:
        rows = removed[reason[removed] == name]
        if not len(rows):
            continue
        rest = rng.permutation(rows[EACH:])[:EACH]
        shown = [(row, DOUBTFUL) for row in rows[:EACH]] + [(row, DRAWN) for row in np.sort(rest)]
        found[name] = [_example(facts, int(row), why) for row, why in shown]
    return found


def kept_examples(facts: Facts) -> list[int]:
    """Rows of kept frames, drawn by chance with a fixed seed."""
    rows = np.flatnonzero(facts.kept)
    return sorted(np.random.default_rng(SEED).permutation(rows)[:KEPT_SHOWN].tolist())


def example_of(facts: Facts, row: int) -> Example:
    """One removal that is shown for another reason."""
    return _example(facts, row, "")


def data_uri(workspace: Workspace, sha256: str) -> str | None:
    """The frame's thumbnail as a small JPEG within an address; None where there is none."""
    try:
        small = shrink(read_thumbnail(workspace, sha256), SIDE)
    except (NotFound, BadInput):
        return None
    out = io.BytesIO()
    Image.fromarray(small).save(out, "JPEG", quality=QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"


def place_of(facts: Facts, row: int) -> str:
    """Where a frame is from, for people: its path, and of a video the time."""
    frame = facts.frames.iloc[row]
    if frame["kind"] != "video":
        return str(frame["path"])
    time = number(frame["time_s"])
    return f"{frame['path']} at {clock(time)}" if time is not None else f"{frame['path']} #{frame['frame_index']}"


def _example(facts: Facts, row: int, why_shown: str) -> Example:
    decision, said, frame = facts.decisions.iloc[row], facts.saved.machine.iloc[row], facts.frames.iloc[row]
    at = _row_of(facts, decision)
    before = _row_of(facts, said)
    measure = frame.get("invalid_measure")
    limit = threshold_of(facts.saved.record, said["reason"])
    told = sentence(
        str(said["reason"]),
        frame,
        standing=None if before < 0 else facts.frames.iloc[before],
        similarity=number(said["similarity"]),
        threshold=limit,
        fault=fault("" if pd.isna(measure) else str(measure)),
        rank=rank_of(facts.saved, row),
    )
    pin = facts.saved.placed.rows.get(row)
    if pin is not None:
        told = overruled_sentence(told, pin, agrees=decision["decision"] == said["decision"])
    return Example(row, at, why_shown, told, number(decision["similarity"]), limit)


def _row_of(facts: Facts, decision: pd.Series) -> int:
    """The row of the frame that stands for this one, -1 for none."""
    name = decision["representative_id"]
    return -1 if pd.isna(name) else facts.row_of.get(str(name), -1)
