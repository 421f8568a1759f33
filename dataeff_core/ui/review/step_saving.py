"""What the browser wants written: a list of decisions, each under a key of its own, so that a list sent twice counts
once. Every decision is answered: '' when it is on the trail, else one sentence."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dataeff_core.errors import BadInput, Conflict, DataEffError, NotAllowed, NotFound, StorageFailed
from dataeff_core.review.pinning import DROP_REASONS, KEEP_REASONS, pin, take_back
from dataeff_core.ui import cached
from dataeff_core.workspace import SavedSelection, Workspace
from dataeff_core.workspace.trail import DROP, KEEP, LONGEST, UNDO, trail_of

MOST = 200  # decisions in one list; a browser that has more sends the rest afterwards
_KEY = re.compile(r"[0-9a-zA-Z-]{16,64}")
_FRAME = re.compile(r"[0-9a-f]{16}")
_FOR_ALL = (StorageFailed, Conflict, NotAllowed)  # what stops one decision on the trail stops them all
_REASONS = {KEEP: KEEP_REASONS, DROP: DROP_REASONS}


@dataclass(frozen=True)
class Wish:
    """One decision that a browser wants written."""

    key: str
    action: str  # keep, drop or undo
    frame_id: str
    reason: str = ""
    why: str = ""
    by: str = ""  # who took it, where the browser says so
    of: str = ""  # with 'undo': the key, as the trail has it, of the decision that is taken back


def read(told: Any) -> list[Wish]:
    """The wishes in what a browser sent; whatever is none is left out, and so stays unanswered."""
    listed = told.get("wishes") if isinstance(told, dict) else None
    found = [_wish(one) for one in listed[:MOST]] if isinstance(listed, list) else []
    return [one for one in found if one is not None]


def write(workspace: Workspace, saved: SavedSelection, wishes: Iterable[Wish], *, reviewer: str) -> dict[str, str]:
    """Write them in their order; key -> '' or why not. One that cannot be written does not stop the next, unless
    the trail itself cannot be used."""
    answers: dict[str, str] = {}
    stopped = ""
    for wish in wishes:
        if not stopped:
            try:
                _write(workspace, saved, wish, reviewer)
            except _FOR_ALL as error:
                answers[wish.key] = str(error)
                stopped = "" if _is_its_own(error, wish) else str(error)
            except DataEffError as error:
                answers[wish.key] = str(error)
            else:
                answers[wish.key] = ""
        else:
            answers[wish.key] = stopped
    return answers


def _write(workspace: Workspace, saved: SavedSelection, wish: Wish, reviewer: str) -> None:
    if wish.by and wish.by != reviewer:
        raise BadInput(f"{wish.by} took this decision, and now {reviewer} reviews; decide again")
    if wish.action == UNDO:
        _take_back(workspace, saved, wish, reviewer)
        return
    pin(
        workspace,
        saved,
        [wish.frame_id],
        KEEP if wish.action == KEEP else DROP,
        reviewer=reviewer,
        reason=wish.reason,
        why=wish.why,
        key=wish.key,
        dataset=cached.dataset(workspace, saved.record.dataset),
    )


def _take_back(workspace: Workspace, saved: SavedSelection, wish: Wish, reviewer: str) -> None:
    """Undo one decision of the reviewer's own. Raises NotFound, NotAllowed for another's."""
    dataset = cached.dataset(workspace, saved.record.dataset)
    entries = trail_of(dataset.folder).entries(machine=False)
    if any(one.key == wish.key for one in entries):
        return
    entry = next((one for one in reversed(entries) if one.key == wish.of and one.frame_id == wish.frame_id), None)
    if entry is None:
        raise NotFound("there is nothing to take back on this frame: the decision was never written")
    if entry.reviewer != reviewer:
        raise NotFound(f"{entry.reviewer} decided on this frame; decide otherwise instead of taking that back")
    take_back(dataset, entry, reviewer=reviewer, key=wish.key)


def _is_its_own(error: DataEffError, wish: Wish) -> bool:
    """Whether the error is about this decision alone: its key is taken."""
    return isinstance(error, Conflict) and wish.key in str(error)


def _wish(one: Any) -> Wish | None:
    if not isinstance(one, dict):
        return None
    texts = {name: one.get(name, "") for name in ("key", "action", "frame", "reason", "why", "by", "of")}
    if not all(isinstance(text, str) for text in texts.values()):
        return None
    known = _KEY.fullmatch(texts["key"]) and _FRAME.fullmatch(texts["frame"])
    if not known or texts["action"] not in (KEEP, DROP, UNDO):
        return None
    reason = texts["reason"] if texts["reason"] in _REASONS.get(texts["action"], {}) else ""
    why = texts["why"].strip()[: LONGEST["why"]]
    return Wish(texts["key"], texts["action"], texts["frame"], reason, why, texts["by"], texts["of"])
