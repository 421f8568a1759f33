"""A rule "never lose all of these": pins that a rule sets, one frame of each unit, recorded like a reviewer's.

A frame that stays already is taken where there is one, so that the pin changes nothing now and holds under every
later threshold, embedding or method; else the most usable frame of the unit is brought back. What a person dropped
is never brought back. The rule's pins can be taken back together (`lift`). A rule pins what is there when it is set:
units that come later are without a pin of it until it is set again (`state_of`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dataeff_core.review.coverage import LABEL, Coverage, Unit
from dataeff_core.review.pinning import person, place, put, undo_of, what_machine_said
from dataeff_core.workspace import Dataset, SavedSelection
from dataeff_core.workspace.pins import pins_of
from dataeff_core.workspace.trail import DROP, KEEP, LONGEST, RULE, UNDO, Decision, Entry, fresh_key, trail_of


@dataclass(frozen=True)
class Applied:
    """What a rule did."""

    entries: tuple[Entry, ...]  # pins set now; units that were safe already need none
    brought_back: int  # of these, frames that the selection had removed
    impossible: tuple[Unit, ...]  # a person dropped every frame of these

    @property
    def sentence(self) -> str:
        """What to tell."""
        count = len(self.entries)
        done = f"{count} frame{'' if count == 1 else 's'} pinned, {self.brought_back} of them brought back"
        if not self.impossible:
            return f"{done}."
        named = ", ".join(unit.name for unit in self.impossible[:5])
        return f"{done}; reviewers dropped every frame of {named}, which the rule leaves so."


def never_lose(
    dataset: Dataset, saved: SavedSelection, found: Coverage, *, kind: str, of: str = "", by: str
) -> Applied:
    """Pin one frame of every unit of this kind (and label, `of`), in the name of the rule; `by` is who set it.

    `found` is the coverage of `saved` on the present frames of `dataset`. Raises BadInput for a name that is missing,
    Stale when the selection is older than the frames, and what the trail raises.
    """
    person(by)
    frames = dataset.frames
    placed = pins_of(dataset.folder).on(frames["frame_id"].tolist(), frames["sha256"].tolist())
    dropped = [row for row, pin in placed.rows.items() if pin.action == DROP and not pin.reviewer.startswith(RULE)]
    safe = {row for row, pin in placed.rows.items() if pin.action == KEEP}
    decisions = saved.decisions.set_index("frame_id").reindex(frames["frame_id"])
    kept = (decisions["decision"] == "kept").to_numpy(bool)
    order = preference(frames, kept)
    order[dropped] = np.iinfo(np.int64).max
    wanted = [unit for unit in found.units if unit.kind == kind and unit.of == of]
    chosen: dict[int, Unit] = {}
    impossible = []
    for unit in sorted(wanted, key=lambda one: int(one.rows[0])):
        if not safe.isdisjoint(unit.rows.tolist()):
            continue
        best = int(unit.rows[order[unit.rows].argmin()])
        if best in dropped:
            impossible.append(unit)
            continue
        chosen[best] = unit
        safe.add(best)
    new = _decisions(frames, saved, chosen, rule_name(kind, of), by)
    entries = put(dataset, new) if new else []
    return Applied(tuple(entries), sum(not kept[row] for row in chosen), tuple(impossible))


def lift(dataset: Dataset, *, kind: str, of: str = "", by: str) -> list[Entry]:
    """Take back all pins of this rule, also those that a person's decision lies upon, which would stand again once
    that decision is taken back."""
    person(by)
    trail = trail_of(dataset.folder)
    left = not_taken_back(trail.entries(machine=False)).get(rule_name(kind, of), ())
    return trail.append([undo_of(pin, by, fresh_key()) for pin in left])


def not_taken_back(entries: Iterable[Entry]) -> dict[str, tuple[Entry, ...]]:
    """A trail, oldest entry first -> each rule's name and its pins that were not taken back, oldest first; other
    decisions may lie upon them."""
    live: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        pins = live[entry.content, entry.frame_id]
        if entry.action == KEEP and entry.reviewer.startswith(RULE):
            pins.append(entry)
        elif entry.action == UNDO:
            pins[:] = [one for one in pins if entry.undoes not in (None, one.seq)]
    found: dict[str, list[Entry]] = defaultdict(list)
    for one in sorted((pin for pins in live.values() for pin in pins), key=lambda pin: pin.seq):
        found[one.reviewer].append(one)
    return {name: tuple(pins) for name, pins in found.items()}


@dataclass(frozen=True)
class State:
    """How a rule that is set stands now."""

    since: str  # when its first pin that was not taken back was set: UTC, ISO 8601
    pins: int
    units: int
    without: int  # units without any pin now, which setting the rule again would hold
    overruled: int  # units without any, as people decided against it


def state_of(pins: Sequence[Entry], saved: SavedSelection, units: Sequence[Unit]) -> State | None:
    """Of the rule with these pins (`not_taken_back`) on these units; None where it is not set. A person's pin that
    keeps a frame of a unit does as well as the rule's."""
    if not pins:
        return None
    placed = saved.placed.rows
    safe = {row for row, pin in placed.items() if pin.action == KEEP}
    dropped = {row for row, pin in placed.items() if pin.action == DROP and not pin.reviewer.startswith(RULE)}
    mine = {(pin.content, pin.frame_id) for pin in pins}
    against = {row for row in dropped if (placed[row].content, placed[row].frame_id) in mine}
    bare = [rows for rows in (set(unit.rows.tolist()) for unit in units) if safe.isdisjoint(rows)]
    overruled = sum(not against.isdisjoint(rows) or rows <= dropped for rows in bare)
    return State(pins[0].at, len(pins), len(units), len(bare) - overruled, overruled)


def preference(frames: pd.DataFrame, kept: np.ndarray) -> np.ndarray:
    """(n,) int64: 0 for the frame to be pinned rather than any other: kept ones first, then by picture quality
    (invalid_score, where measured), then by position."""
    score = (
        frames["invalid_score"].fillna(1).to_numpy(np.float64) if "invalid_score" in frames else np.zeros(len(kept))
    )
    ranked = np.lexsort((np.arange(len(kept)), score, ~kept))
    order = np.empty(len(kept), np.int64)
    order[ranked] = np.arange(len(kept))
    return order


def rule_name(kind: str, of: str = "") -> str:
    """The reviewer's name of the rule on the trail."""
    return f"{RULE}never lose a {f'value of {of}' if kind == LABEL else kind}"[: LONGEST["reviewer"]].rstrip()


def _decisions(
    frames: pd.DataFrame, saved: SavedSelection, chosen: dict[int, Unit], rule: str, by: str
) -> Sequence[Decision]:
    rows = list(chosen)
    said = what_machine_said(saved, frames["frame_id"].iloc[rows].tolist())
    return [
        Decision(
            reviewer=rule,
            action=KEEP,
            content=str(frames["sha256"].iat[row]),
            frame_id=str(frames["frame_id"].iat[row]),
            path=place(frames.iloc[row]),
            reason="rule",
            why=f"so that {chosen[row].name[:1000]} is not lost; set by {by}",
            machine=machine,
        )
        for row, machine in zip(rows, said, strict=True)
    ]
