"""Overruling: a person keeps or drops a frame, or takes that back; each is an entry on the dataset's trail."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import pandas as pd

from dataeff_core.errors import BadInput, NotFound, Stale
from dataeff_core.workspace import Dataset, SavedSelection, Workspace
from dataeff_core.workspace.pins import pins_of
from dataeff_core.workspace.trail import DROP, KEEP, RULE, UNDO, Decision, Entry, fresh_key, trail_of

KEEP_REASONS = {
    "finding": "shows a finding",
    "rare": "a rare view or appearance",
    "better": "a better picture than the one that stands for it",
    "not_alike": "not the same as the one that stands for it",
}
DROP_REASONS = {
    "unusable": "cannot be used",
    "alike": "the same as another kept frame",
    "private": "shows a person or their data",
    "outside": "not from inside the body",
}
REASONS = {**KEEP_REASONS, **DROP_REASONS, "rule": "by a rule", "other": "another reason"}
"""Code -> plain words."""

NUMBERS = ("similarity", "distance", "score")
NEEDED = ("frame_id", "sha256", "path", "kind", "frame_index")


def pin(
    workspace: Workspace,
    saved: SavedSelection,
    frames: Sequence[str],
    action: Literal["keep", "drop"],
    *,
    reviewer: str,
    reason: str = "",
    why: str = "",
    key: str | None = None,
    dataset: Dataset | None = None,
) -> list[Entry]:
    """Pin frames, each named by its id, a unique prefix of it or its path, with what `saved` says of them now.

    One entry a frame, all of them or none. `key` names this call: made a second time it adds nothing. `dataset` is
    the selection's, as it is now on disk, for a caller who has it open: reading a large one takes long. Raises
    NotFound for a frame that is not there or whose file is gone, Stale for one that came after the selection,
    BadInput for a reason that is not one of REASONS or a name that is missing; and what the trail raises.
    """
    person(reviewer)
    if reason and reason not in REASONS:
        raise BadInput(
            f"reason {reason!r} is not one of {', '.join(REASONS)}; give one of them, or words of your own"
        )
    dataset = dataset or workspace.dataset(saved.record.dataset)
    rows = all_present(dataset, frames)
    said = what_machine_said(saved, [str(row["frame_id"]) for row in rows])
    new = [
        Decision(
            reviewer=reviewer,
            action=action,
            content=str(row["sha256"]),
            frame_id=str(row["frame_id"]),
            path=place(row),
            reason=reason,
            why=why,
            machine=machine,
        )
        for row, machine in zip(rows, said, strict=True)
    ]
    return put(dataset, new, key=key)


def unpin(
    workspace: Workspace,
    saved: SavedSelection,
    frame: str,
    *,
    reviewer: str,
    why: str = "",
    key: str | None = None,
) -> Entry:
    """Take every pin on a frame back, so that the method's decision holds again. The file may be gone.

    Raises NotFound when there is no such frame or no pin on it; and what the trail raises.
    """
    person(reviewer)
    dataset = workspace.dataset(saved.record.dataset)
    row = known(dataset, frame)
    there = pin_on(dataset, row)
    if there is None:
        raise NotFound(f"frame {row['frame_id']} is not pinned, so there is nothing to take back")
    undo = Decision(
        reviewer=reviewer,
        action=UNDO,
        content=there.content,
        frame_id=there.frame_id,
        path=place(row),
        why=why,
        key=key or fresh_key(),
    )
    return trail_of(dataset.folder).append([undo])[0]


def take_back(dataset: Dataset, entry: Entry, *, reviewer: str, key: str | None = None) -> Entry:
    """Undo one keep, drop or mark: what was decided before it holds again."""
    return trail_of(dataset.folder).append([undo_of(entry, reviewer, key or fresh_key())])[0]


def take_all_back(
    dataset: Dataset, entries: Sequence[Entry], *, reviewer: str, key: str | None = None
) -> list[Entry]:
    """Undo many keeps, drops and marks, all of them or none; `key` as in `pin`."""
    key = key or fresh_key()
    return trail_of(dataset.folder).append([undo_of(one, reviewer, f"{key}:{one.seq}") for one in entries])


def undo_of(entry: Entry, reviewer: str, key: str) -> Decision:
    """The decision that takes this entry back."""
    return Decision(
        reviewer=reviewer,
        action=UNDO,
        content=entry.content,
        frame_id=entry.frame_id,
        path=entry.path,
        undoes=entry.seq,
        sample=entry.sample,
        key=key,
    )


def put(dataset: Dataset, decisions: Sequence[Decision], *, key: str | None = None) -> list[Entry]:
    """Write keeps and drops on present frames; the entries in their order. A pin that had gone over to one of them
    from a frame that is not there any more is taken back with it, so that it does not go on to a third."""
    key = key or fresh_key()
    frames = dataset.frames
    pins = pins_of(dataset.folder)
    placed = pins.on(frames["frame_id"].tolist(), frames["sha256"].tolist())
    moved = {
        str(frames["frame_id"].iat[row]): one
        for row, one in placed.rows.items()
        if one.frame_id != frames["frame_id"].iat[row]
    }
    new = [replace(one, key=f"{key}:{one.frame_id}") for one in decisions]
    undone = [
        Decision(
            reviewer=one.reviewer,
            action=UNDO,
            content=there.content,
            frame_id=there.frame_id,
            path=there.path,
            why=f"the picture now stands at {one.path}",
            key=f"{one.key}:moved",
        )
        for one in new
        if (there := moved.get(one.frame_id)) is not None
    ]
    return trail_of(dataset.folder).append([*undone, *new])[len(undone) :]


def pin_on(dataset: Dataset, row: pd.Series) -> Entry | None:
    """The pin that stands on one frame (a row of the frames table), or None."""
    pins = pins_of(dataset.folder)
    own = next(
        (one for one in pins.standing if (one.content, one.frame_id) == (row["sha256"], row["frame_id"])), None
    )
    if own is not None or not row["present"]:
        return own
    frames = dataset.frames
    placed = pins.on(frames["frame_id"].tolist(), frames["sha256"].tolist())
    return placed.rows.get(int((frames["frame_id"] == row["frame_id"]).to_numpy().argmax()))


def all_present(dataset: Dataset, wanted: Sequence[str]) -> list[Mapping[Any, Any]]:
    """What a pin needs of frames whose files are there, named as in `pin`. Raises NotFound."""
    frames = dataset.frames
    rows = pd.Index(frames["frame_id"].to_numpy(object)).get_indexer(pd.Index(list(wanted), dtype=object))
    whole_ids = iter(frames[list(NEEDED)].iloc[rows[rows >= 0]].to_dict("records"))
    return [
        next(whole_ids) if row >= 0 else present(dataset, one).to_dict()
        for one, row in zip(wanted, rows, strict=True)
    ]


def present(dataset: Dataset, wanted: str) -> pd.Series:
    """A frame whose file is there. Raises NotFound."""
    try:
        return dataset.frame(wanted)
    except NotFound:
        row = vanished(dataset, wanted)
        if row is None:
            raise
        raise NotFound(
            f"the file of frame {row['frame_id']} ({place(row)}) is gone; put it back and import again first"
        ) from None


def known(dataset: Dataset, wanted: str) -> pd.Series:
    """A frame whose file may be gone. Raises NotFound."""
    try:
        return dataset.frame(wanted)
    except NotFound:
        row = vanished(dataset, wanted)
        if row is None:
            raise
        return row


def vanished(dataset: Dataset, wanted: str) -> pd.Series | None:
    """A frame, named as in `Dataset.frame`, whose file has gone since an earlier import; None for no such."""
    frames = dataset.all_frames[~dataset.all_frames["present"]]
    found = frames[frames["frame_id"].str.startswith(wanted) | (frames["path"] == wanted)] if wanted else frames[:0]
    return found.iloc[0] if len(found) == 1 else None


def what_machine_said(saved: SavedSelection, frame_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The method's decision on each frame with its numbers and parameters, JSON-able. Raises Stale."""
    rows = saved.index.get_indexer(pd.Index(list(frame_ids), dtype=object))
    if (rows < 0).any():
        missing = frame_ids[int((rows < 0).argmax())]
        raise Stale(f"selection {saved.id} was made before frame {missing} came; run `select` again")
    told = saved.machine.iloc[rows]
    return [
        {
            "selection": saved.id,
            "method": saved.record.method,
            "params": saved.record.params,
            "decision": str(one["decision"]),
            "reason": str(one["reason"]),
            "representative_id": None if pd.isna(one["representative_id"]) else str(one["representative_id"]),
            **{name: finite(one[name]) for name in NUMBERS},
        }
        for one in told.to_dict("records")
    ]


def place(row: Mapping[Any, Any] | pd.Series) -> str:
    """Where a frame stands, for people: its path, and of a video the frame's number."""
    return str(row["path"]) if row["kind"] != "video" else f"{row['path']} frame {int(row['frame_index'])}"


def person(reviewer: str) -> None:
    """Raise BadInput for no name, and for one that would pass for a rule's."""
    if not reviewer.strip():
        raise BadInput("the reviewer's name is empty; say who decides")
    if reviewer.strip().startswith(RULE):
        raise BadInput(f"the name {reviewer!r:.120} begins like a rule's ({RULE}); give a person's name")


def finite(value: Any) -> float | None:
    """A number as JSON has it: NaN and missing as None."""
    return None if value is None or pd.isna(value) or not math.isfinite(value) else float(value)


__all__ = ["DROP", "DROP_REASONS", "KEEP", "KEEP_REASONS", "REASONS", "pin", "take_back", "unpin"]
