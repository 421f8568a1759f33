"""What the explorer gets over HTTP: arrays packed into one answer, so that 100,000 points never pass through JSON.

Layout: uint32 length of the header, the header (JSON, padded to eight bytes), then the sections one after another,
each beginning at a multiple of eight bytes. All little-endian. `explorer_data.js` unpacks it.
"""

import json
from typing import Any

import numpy as np
import pandas as pd

from dataeff_core.selection.scored import MedDELScores
from dataeff_core.workspace import Dataset, FrameMap

DELTA_BYTES = 48_000  # a slider step may move 64 kB in all; changed scores beyond this go as decisions instead
_ALIGN = 8


def pack(header: dict[str, Any], sections: dict[str, np.ndarray]) -> bytes:
    """One answer from a JSON-able header and one-dimensional arrays of floats, int32 or unsigned integers."""
    blocks: list[bytes] = []
    listing = []
    offset = 0
    for name, values in sections.items():
        plain = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
        data = _padded(plain.tobytes())
        listing.append(
            {"name": name, "type": plain.dtype.str.lstrip("<|"), "offset": offset, "count": int(plain.size)}
        )
        blocks.append(data)
        offset += len(data)
    text = json.dumps(header | {"sections": listing}, ensure_ascii=False).encode()
    text += b" " * (-(4 + len(text)) % _ALIGN)
    return len(text).to_bytes(4, "little") + text + b"".join(blocks)


def geometry(dataset: Dataset, frame_map: FrameMap) -> bytes:
    """Everything of the points that no limit changes. Raises Stale when the map lacks a frame.

    Sections: x, y (float32), time (float64, seconds; only where a frame is of a video), id (8 bytes a frame), group,
    order, and label_<name> (numbers into the header's `labels`).
    """
    frames = dataset.frames
    xy = frame_map.coordinates(frames["frame_id"].to_numpy(dtype=object))
    groups, group_names = _categories(frames["group"])
    sections = {
        "x": xy[:, 0],
        "y": xy[:, 1],
        "id": np.frombuffer(bytes.fromhex("".join(frames["frame_id"])), dtype=np.uint8),
        "group": groups,
        "order": frames["order"].to_numpy(np.int32),
    }
    if frames["time_s"].notna().any():
        sections["time"] = frames["time_s"].to_numpy(np.float64)
    labels = {}
    for column in (name for name in frames.columns if name.startswith("label_")):
        sections[column], labels[column.removeprefix("label_")] = _categories(frames[column])
    return pack({"n": len(frames), "groups": group_names, "labels": labels}, sections)


def whole_scores(scores_id: str, scores: MedDELScores) -> bytes:
    """All the numbers that the limits compare: F, d, invalid (float32) and cluster."""
    sections = {
        "F": scores.insertion_similarity,
        "d": scores.distances,
        "cluster": scores.labels.astype(_smallest(int(scores.labels.max(initial=0)))),
    }
    if scores.invalid_score is not None:
        sections["invalid"] = scores.invalid_score.astype(np.float32)
    return pack(_about("full", scores_id, scores) | {"clusters": scores.k}, sections)


def fresh_scores(scores_id: str, scores: MedDELScores) -> bytes:
    """F alone, for a browser that has the clusters and distances."""
    return pack(_about("F", scores_id, scores), {"F": scores.insertion_similarity})


def score_changes(scores_id: str, before: MedDELScores, after: MedDELScores, codes: np.ndarray, eta: float) -> bytes:
    """What a browser that has `before` needs to show `after`: the scores that changed, or, where those are too many
    for a slider's step, the decisions `codes` (n,) uint8 alone."""
    old, new = before.insertion_similarity, after.insertion_similarity
    rows = np.flatnonzero(~((old == new) | (np.isnan(old) & np.isnan(new))))
    if 8 * len(rows) <= DELTA_BYTES:
        return pack(_about("delta", scores_id, after), {"rows": rows.astype(np.uint32), "F": new[rows]})
    return pack(_about("codes", scores_id, after) | {"eta": eta}, {"codes": codes.astype(np.uint8)})


def _about(kind: str, scores_id: str, scores: MedDELScores) -> dict[str, Any]:
    return {"kind": kind, "id": scores_id, "epsilon": scores.epsilon, "invalid": scores.invalid}


def _categories(column: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Numbers (n,) into the list of names, names in alphabetical order; missing values are named '–'."""
    numbers, names = pd.factorize(column.astype("string").fillna("–"), sort=True)
    return numbers.astype(_smallest(len(names))), [str(name) for name in names]


def _smallest(highest: int) -> type[np.unsignedinteger]:
    return np.uint8 if highest < 256 else np.uint16 if highest < 65_536 else np.uint32


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % _ALIGN)
