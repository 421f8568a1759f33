"""Pins: what stands of a trail, put on top of what a method decided.

A saved selection holds what its method decided, and that never changes; so its recipe alone makes it again. What
reviewers decided is put on top whenever it is read (`SavedSelection.decisions`), from the trail as it is then. Every
selection of a dataset thus obeys every pin, whether it was made before or after it, and an export carries both
sides: the decisions with the pins on them, and the trail up to the last entry that they obey.

A pin is on a picture: content (sha256) and frame id. Where the frame is still there with that content, it is on that
frame, and on no exact copy of it, since a copy may be just what stands for it. Where it is not, as when files were
moved and imported again, the pin goes over to a frame of the same content that has no pin of its own: the first in
the dataset's order for the first such pin, and so on.

A drop that does no more than agree with a comparison ("rightly removed, as nearly the same") is a word on that
comparison. Where another selection keeps the frame, perhaps as the one that stands for those it was compared with,
there was no such comparison, and the frame stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dataeff_core.workspace.storage import fingerprint
from dataeff_core.workspace.trail import DROP, KEEP, RULE, UNDO, Entry, trail_of

if TYPE_CHECKING:
    import pandas as pd

PINNED = "pinned"
"""The reason of a frame whose decision a reviewer changed; its code is 5."""

KEPT, DROPPED = "kept", "dropped"
DECISION_OF = {KEEP: KEPT, DROP: DROPPED}
OVERRIDE_COLUMNS = ("override", "reviewer", "reviewed_at")
OF_ITSELF = ("invalid", "outlier", "too_hard")
"""Reasons for which a method removes a frame by its own picture and by no comparison with the kept ones."""


@dataclass(frozen=True)
class Pins:
    """The pins that stand, oldest first: for each picture the newest decision that was not taken back."""

    standing: tuple[Entry, ...] = ()
    last: int = 0  # the number of the newest entry that was read
    together: frozenset[int] = frozenset()  # numbers of entries written many at a time, as for all frames of a lasso

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Pins:
        """Fold a trail, oldest entry first."""
        stacks: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        calls: dict[str, list[int]] = defaultdict(list)
        last = 0
        for entry in entries:
            last = entry.seq
            stack = stacks[entry.content, entry.frame_id]
            if entry.action in DECISION_OF:
                stack.append(entry)
                calls[entry.key.rpartition(":")[0] or entry.key].append(entry.seq)
            elif entry.action == UNDO:
                stack[:] = [one for one in stack if entry.undoes not in (None, one.seq)]
        standing = (_newest(stack) for stack in stacks.values() if stack)
        together = frozenset(seq for found in calls.values() if len(found) > 1 for seq in found)
        return cls(tuple(sorted(standing, key=lambda entry: entry.seq)), last, together)

    def on(self, frame_ids: Sequence[str], contents: Sequence[str]) -> Placed:
        """Where the pins are among frames with these ids and contents, (n,) each, in the dataset's order."""
        pinned = {(pin.content, pin.frame_id) for pin in self.standing}
        pairs = enumerate(zip(contents, frame_ids, strict=True))
        own = {pair: row for row, pair in pairs if pair in pinned} if pinned else {}
        rows = {own[pin.content, pin.frame_id]: pin for pin in self.standing if (pin.content, pin.frame_id) in own}
        moved = [pin for pin in self.standing if (pin.content, pin.frame_id) not in own]
        wanted = {pin.content for pin in moved}
        free: dict[str, list[int]] = defaultdict(list)
        for row in range(len(contents) - 1, -1, -1) if wanted else ():
            if contents[row] in wanted and row not in rows:
                free[contents[row]].append(row)
        gone = []
        for pin in moved:
            if free[pin.content]:
                rows[free[pin.content].pop()] = pin
            else:
                gone.append(pin)
        return Placed(rows, tuple(gone), self.together)


def pins_of(dataset_folder: Path) -> Pins:
    """The pins on the dataset in that folder; their entries have what the machine had said in brief (trail.BRIEF).
    Raises StorageFailed or Conflict when the trail cannot be read."""
    return Pins.of(trail_of(dataset_folder).entries(machine=False))


@dataclass(frozen=True)
class Placed:
    """Pins on the rows of a table of frames."""

    rows: dict[int, Entry]
    gone: tuple[Entry, ...] = ()  # pins whose picture is not among the frames
    together: frozenset[int] = frozenset()  # as in Pins

    @cached_property
    def gone_sentence(self) -> str:
        """What to tell of the pins whose picture is not there; '' for none."""
        if not self.gone:
            return ""
        first = self.gone[0]
        more = f" and {len(self.gone) - 1} more" if len(self.gone) > 1 else ""
        return (
            f"the picture that {first.reviewer} pinned ({first.path or first.frame_id}){more} is not in the dataset "
            "any more; put the file back and import again, or let the pin rest"
        )

    def holding(self, machine: pd.DataFrame) -> Placed:
        """Those that hold in a selection whose method decided `machine` (row for row those frames): all but drops
        that only agreed with a comparison, on frames that this method keeps."""
        agreed = [row for row, pin in self.rows.items() if only_agrees(pin)]
        kept = (machine["decision"].iloc[agreed] == KEPT).to_numpy(bool)
        without = {row for row, keeps in zip(agreed, kept, strict=True) if keeps}
        return replace(self, rows={row: pin for row, pin in self.rows.items() if row not in without})

    def looked_at(self, machine: pd.DataFrame, selection: str) -> dict[int, Entry]:
        """Row -> the pin, where a person has looked at what this selection (its id, and what its method decided) did
        with just this frame: not as one of many at a time, and either in this selection, or where another removed
        it for the same reason and the same stand-in, or found that it must be kept."""
        reasons, standing = (machine[name].to_numpy(object) for name in ("reason", "representative_id"))
        return {
            row: pin
            for row, pin in self.rows.items()
            if not pin.reviewer.startswith(RULE)
            and pin.seq not in self.together
            and (
                pin.action == KEEP
                or pin.machine.get("selection") == selection
                or _same_removal(pin, str(reasons[row]), standing[row])
            )
        }

    def codes(self, n: int) -> np.ndarray:
        """(n,) uint8 by row: 0 no pin, 1 pinned to be kept, 2 pinned to be dropped."""
        codes = np.zeros(n, np.uint8)
        for row, pin in self.rows.items():
            codes[row] = 1 if pin.action == KEEP else 2
        return codes

    def put_on(self, decisions: pd.DataFrame) -> pd.DataFrame:
        """The decisions (columns DECISION_COLUMNS, row for row those frames) with the pins on them."""
        table = decisions.copy()
        rows = list(self.rows)
        for name, values in zip(
            OVERRIDE_COLUMNS,
            zip(*((DECISION_OF[pin.action], pin.reviewer, pin.at) for pin in self.rows.values()), strict=True),
            strict=False,
        ):
            column = np.full(len(table), None, dtype=object)
            column[rows] = values
            table[name] = column
            table[name] = table[name].astype("string")
        return overruled(table)


def only_agrees(pin: Entry) -> bool:
    """Whether a drop says no more than that a method rightly removed the frame beside the kept ones."""
    said = pin.machine
    plain = pin.reason in ("", "alike") and not pin.why
    removed = said.get("decision") == DROPPED and said.get("reason") not in OF_ITSELF
    return pin.action == DROP and plain and removed


def _newest(stack: Sequence[Entry]) -> Entry:
    """The entry that stands: the newest, unless it only agrees with a removal that somebody had decided outright."""
    if only_agrees(stack[-1]):
        outright = next((one for one in reversed(stack) if not only_agrees(one)), None)
        if outright is not None and outright.action == DROP:
            return outright
    return stack[-1]


def _same_removal(pin: Entry, reason: str, standing: object) -> bool:
    said = pin.machine
    stood = said.get("representative_id")
    same = stood == standing if isinstance(standing, str) else stood is None
    return said.get("decision") == DROPPED and said.get("reason") == reason and same


def overruled(decisions: pd.DataFrame) -> pd.DataFrame:
    """The decisions as their column `override` ('kept', 'dropped' or null) will have them; other columns of
    DECISION_COLUMNS may lack. Doing it again changes nothing.

    A frame whose decision changes has the reason PINNED and no representative. Frames that had a dropped one for
    their representative lose it: only the method's vectors could tell which other comes next. A pin that agrees
    with the method leaves the method's reason.
    """
    table = decisions.copy()
    override = table["override"].astype(object).where(table["override"].notna(), None)
    changed = (override.notna() & (override != table["decision"])).to_numpy(bool)
    if not changed.any():
        return table
    table.loc[changed, "decision"] = override[changed]
    if "reason" in table:
        table.loc[changed, "reason"] = PINNED
    alone = changed
    if "representative_id" in table:
        dropped = table.loc[changed & (table["decision"] == DROPPED).to_numpy(bool), "frame_id"]
        alone = changed | table["representative_id"].isin(set(dropped)).to_numpy(bool)
        table.loc[alone, "representative_id"] = None
    if "similarity" in table:
        table.loc[alone, "similarity"] = np.nan
    return table


def overrides_fingerprint(table: pd.DataFrame) -> str:
    """sha256 (hex) over the pins on a table of frame_id, sha256 and OVERRIDE_COLUMNS."""
    pinned = table[table["override"].notna()].sort_values("frame_id")
    return fingerprint([pinned[name].astype(str).tolist() for name in ("frame_id", "sha256", *OVERRIDE_COLUMNS)])


def overruling_sentence(machine: pd.DataFrame, table: pd.DataFrame, keep: float | None) -> str:
    """What the pins change: '' for nothing. `machine` and `table` are the decisions without and with them; `keep` is
    the share that was asked for."""
    was, now = ((one["decision"] == KEPT).to_numpy(bool) for one in (machine, table))
    added, removed = int((now & ~was).sum()), int((was & ~now).sum())
    if not added and not removed:
        return ""
    told = [f"{count} {verb}" for count, verb in ((added, "kept"), (removed, "removed")) if count]
    sentence = f"Against the method, reviewers have {' and '.join(told)}"
    if keep is not None and added != removed:
        more = "more" if added > removed else "fewer"
        sentence += (
            f"; {int(now.sum())} frames are kept, {abs(added - removed)} {more} than the {int(was.sum())} "
            f"that a share of {keep:g} allows"
        )
    return sentence
