"""Deciding for all frames in the lasso at once: keep them or remove them, whatever the limits say, with a reason."""

from typing import Literal

import numpy as np
import streamlit as st

from dataeff_core.errors import DataEffError
from dataeff_core.review.pinning import DROP_REASONS, KEEP_REASONS, REASONS, pin, take_all_back
from dataeff_core.ui import visitor
from dataeff_core.ui.explored import Decided, Explored
from dataeff_core.ui.quantities import count, counted, literal
from dataeff_core.ui.selections import title
from dataeff_core.workspace import SavedSelection, Workspace
from dataeff_core.workspace.pins import overruling_sentence
from dataeff_core.workspace.trail import DROP, KEEP, LONGEST, Entry, trail_of

_DONE = "explore-pinned"
_ACTIONS: dict[Literal["keep", "drop"], str] = {KEEP: "Keep all of them", DROP: "Remove all of them"}


def draw(workspace: Workspace, explored: Explored, decided: Decided, rows: np.ndarray) -> None:
    """The button beside the lasso's galleries; `rows` are the frames in the lasso."""
    if not len(rows) or not visitor.may("review"):
        return
    saved = selection_of(workspace, explored)
    with st.container(horizontal=True, vertical_alignment="center", key="explore-pin-bar"):
        label, decided_before = (
            f"Decide for all {count(len(rows))} in the lasso",
            st.session_state.get(_DONE, ())[2:4],
        )
        with st.popover(label, icon=":material/gavel:", key=f"explore-pin-{decided_before}"):  # closes once decided
            if saved is None:
                st.markdown(
                    "Save a selection first (at the top of this page). A decision of yours is recorded together with "
                    "what a saved selection had said."
                )
            else:
                _draw_form(workspace, explored, decided, rows, saved)
        _draw_done(workspace, explored)


def selection_of(workspace: Workspace, explored: Explored) -> SavedSelection | None:
    """The newest selection of these very frames, one made from this embedding before others; None where none fits."""
    fitting = [
        one
        for one in workspace.selections(explored.dataset)
        if one.record.dataset_fingerprint == explored.dataset.fingerprint
    ]
    own = [one for one in fitting if one.record.embedding == explored.embedding.id]
    return next(reversed(own or fitting), None)


def _draw_form(
    workspace: Workspace, explored: Explored, decided: Decided, rows: np.ndarray, saved: SavedSelection
) -> None:
    kept = int(np.count_nonzero(decided.kept[rows]))
    st.markdown(
        f"{counted(len(rows), 'frame')} in the lasso, whatever the filters show: {count(kept)} kept and "
        f"{count(len(rows) - kept)} removed as the limits stand."
    )
    reviewer = visitor.ask_for_name()
    if reviewer is None:
        return
    action = st.radio("What to do", list(_ACTIONS), format_func=_ACTIONS.__getitem__, key="explore-pin-action")
    codes = [*(KEEP_REASONS if action == KEEP else DROP_REASONS), "other"]
    reason = st.selectbox(
        "Reason",
        codes,
        index=None,
        format_func=REASONS.__getitem__,
        placeholder="choose one, or use your words",
        key=f"explore-pin-reason-{action}",
    )
    why = st.text_input("In your words", max_chars=LONGEST["why"], key="explore-pin-why")
    st.caption(
        f"One entry in the record for each frame, with what {literal(title(saved.record))} said of it. It holds for "
        "every selection of these frames and can be taken back."
    )
    label = f"{'Keep' if action == KEEP else 'Remove'} {counted(len(rows), 'frame')}"
    if st.button(label, type="primary", key="explore-pin-go", disabled=not (reason or why.strip())):
        ids = explored.dataset.frames["frame_id"].iloc[rows].tolist()
        try:
            visitor.require("review")
            with st.spinner("Writing the record …"):
                entries = pin(workspace, saved, ids, action, reviewer=reviewer, reason=reason or "", why=why.strip())
        except DataEffError as error:
            st.error(literal(str(error)), icon=":material/error:")
            return
        st.session_state[_DONE] = (
            explored.dataset.id,
            action,
            entries[0].seq,
            entries[-1].seq,
            _told(workspace, saved),
        )
        st.rerun()


def _told(workspace: Workspace, saved: SavedSelection) -> str:
    """What the pins now change in the selection, and where they break its budget; '' for nothing."""
    now = workspace.selection(saved.id)
    return overruling_sentence(now.machine, now.decisions, now.record.keep)


def _draw_done(workspace: Workspace, explored: Explored) -> None:
    """What was last decided here, and the button that takes it back."""
    done = st.session_state.get(_DONE)
    if done is None or done[0] != explored.dataset.id:
        return
    _, action, first, last, told = done
    verb = "kept" if action == KEEP else "removed"
    more = f" {literal(told)}." if told else ""
    st.markdown(
        f":material/check_circle: {counted(last - first + 1, 'frame')} {verb} by you; the map shows what the limits "
        f"alone decide.{more}",
        width="stretch",
    )
    if st.button("Take it back", icon=":material/undo:", key="explore-pin-undo"):
        try:
            visitor.require("review")
            entries = _entries(explored, first, last)
            take_all_back(explored.dataset, entries, reviewer=visitor.name(), key=f"undo-{first}-{last}")
        except DataEffError as error:
            st.error(literal(str(error)), icon=":material/error:")
            return
        del st.session_state[_DONE]
        st.rerun()


def _entries(explored: Explored, first: int, last: int) -> list[Entry]:
    """Those entries of the trail; one transaction wrote them, so nobody else's stand between."""
    return trail_of(explored.dataset.folder).entries(after=first - 1, upto=last, machine=False)
