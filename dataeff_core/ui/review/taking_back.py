"""Frames that the method keeps and somebody removed: they are not among its removals, so that there is nothing to
decide on; but what removed them can be taken back."""

import pandas as pd
import streamlit as st

from dataeff_core.errors import DataEffError, NotFound
from dataeff_core.review import pinning
from dataeff_core.ui import cached, visitor
from dataeff_core.ui.quantities import literal
from dataeff_core.workspace import Dataset, SavedSelection, Workspace
from dataeff_core.workspace.trail import DROP, RULE, Entry

LABEL = "Take it back"
HINT = "Somebody removed this frame, which the method keeps; this takes that decision back"
_RESULT = "taken-back"


def removed_by_method(saved: SavedSelection, row: int) -> bool:
    """Whether it is among the method's removals, which are stepped through."""
    return bool(saved.machine["decision"].iat[row] != "kept")


def removal_of(saved: SavedSelection, row: int) -> Entry | None:
    """The decision by which a frame went that the method keeps; None where there is no such."""
    pin = saved.placed.rows.get(row)
    return pin if pin is not None and pin.action == DROP and not removed_by_method(saved, row) else None


def take_back(workspace: Workspace, dataset: Dataset, saved: SavedSelection, frame_id: str, seq: int) -> str:
    """Undo decision number `seq`, whose ever it is, in the visitor's name; a sentence on what holds now. Raises
    NotAllowed, BadInput for no name, NotFound where another decision holds by now, and what the trail raises."""
    visitor.require("review")
    pinning.person(visitor.name())
    entry = _standing(cached.selection(workspace, dataset, saved.id), frame_id)
    if entry is None or entry.seq != seq:
        raise NotFound("somebody has decided on this frame anew meanwhile; look at it again")
    pinning.take_back(dataset, entry, reviewer=visitor.name())
    left = _standing(cached.selection(workspace, dataset, saved.id), frame_id)
    if left is None:
        return f"Taken back what {who(entry)} decided: the frame stays, as the method has it."
    return f"Taken back what {who(entry)} decided; the frame is still removed, by decision of {who(left)}."


def heard(workspace: Workspace, dataset: Dataset, saved: SavedSelection, frame_id: str, seq: int) -> None:
    """Take it back, and have `draw_result` tell what came of it."""
    try:
        st.session_state[_RESULT] = (True, take_back(workspace, dataset, saved, frame_id, seq))
    except DataEffError as error:
        st.session_state[_RESULT] = (False, str(error))


def draw_result() -> None:
    """What came of the last one, once."""
    with st.container(key="taken-back"):  # always there, so that what follows keeps its place
        if (result := st.session_state.pop(_RESULT, None)) is not None:
            (st.success if result[0] else st.error)(literal(result[1]))


def who(entry: Entry) -> str:
    """Who decided, for people."""
    return f"the rule {entry.reviewer[len(RULE) :]}" if entry.reviewer.startswith(RULE) else entry.reviewer


def _standing(saved: SavedSelection, frame_id: str) -> Entry | None:
    there = saved.index.get_indexer(pd.Index([frame_id], dtype=object))[0]
    return None if there < 0 else removal_of(saved, int(there))
