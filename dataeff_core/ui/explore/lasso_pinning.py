"""Deciding for all frames in the lasso at once: keep them or remove them, whatever the limits say, with a reason."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import streamlit as st

from dataeff_core.errors import DataEffError
from dataeff_core.review.pinning import DROP_REASONS, KEEP_REASONS, REASONS, pin, take_all_back
from dataeff_core.ui import visitor
from dataeff_core.ui.explore.explored import Decided, Explored
from dataeff_core.ui.quantities import count, counted, literal
from dataeff_core.ui.selections import title
from dataeff_core.workspace import SavedSelection, Workspace
from dataeff_core.workspace.pins import overruling_sentence
from dataeff_core.workspace.storage import fingerprint
from dataeff_core.workspace.trail import DROP, KEEP, LONGEST, fresh_key, trail_of

_DONE, _ONCE = "explore-pinned", "explore-pin-once"
_ACTIONS: dict[Literal["keep", "drop"], str] = {KEEP: "Keep all of them", DROP: "Remove all of them"}


@dataclass(frozen=True)
class Done:
    """What was last decided here."""

    dataset: str
    action: str
    first: int  # numbers on the trail; one transaction wrote them, so nobody else's stand between
    last: int
    told: str  # what the pins now change in the selection


def draw(workspace: Workspace, explored: Explored, decided: Decided, rows: np.ndarray) -> None:
    """The button beside the lasso's galleries, and what was last decided with it; `rows` are the frames in the
    lasso, none without one."""
    done = st.session_state.get(_DONE)
    if not isinstance(done, Done) or done.dataset != explored.dataset.id:
        done = None
    if not visitor.may("review") or not (len(rows) or done):
        return
    with st.container(horizontal=True, vertical_alignment="center", key="explore-pin-bar"):
        if len(rows):
            label = f"Decide for all {count(len(rows))} in the lasso"
            closed_by = 0 if done is None else done.last  # another key once decided, which closes it
            with st.popover(label, icon=":material/gavel:", key=f"explore-pin-{closed_by}"):
                _draw_offer(workspace, explored, decided, rows)
        if done is not None:
            _draw_done(explored, done)


def _draw_offer(workspace: Workspace, explored: Explored, decided: Decided, rows: np.ndarray) -> None:
    saved = selection_of(workspace, explored)
    if saved is None:
        st.markdown(
            "Save a selection first (at the top of this page). A decision of yours is recorded together with what a "
            "saved selection had said."
        )
        return
    _draw_form(workspace, explored, decided, rows, saved)


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
                reason, why = reason or "", why.strip()
                # The same for a second click while the first is being written, which then adds nothing.
                once = st.session_state.setdefault(_ONCE, fresh_key())
                key = fingerprint([once, action, saved.id, reviewer, reason, why, *ids])
                entries = pin(workspace, saved, ids, action, reviewer=reviewer, reason=reason, why=why, key=key)
        except DataEffError as error:
            st.error(literal(str(error)), icon=":material/error:")
            return
        del st.session_state[_ONCE]
        told = _told(workspace, saved)
        st.session_state[_DONE] = Done(explored.dataset.id, action, entries[0].seq, entries[-1].seq, told)
        st.rerun()


def _told(workspace: Workspace, saved: SavedSelection) -> str:
    """What the pins now change in the selection, and where they break its budget; '' for nothing."""
    now = workspace.selection(saved.id)
    return overruling_sentence(now.machine, now.decisions, now.record.keep)


def _draw_done(explored: Explored, done: Done) -> None:
    """What was last decided here, and the button that takes it back."""
    if st.button("Take it back", icon=":material/undo:", key="explore-pin-undo"):
        try:
            visitor.require("review")
            trail = trail_of(explored.dataset.folder)
            entries = trail.entries(after=done.first - 1, upto=done.last, machine=False)
            take_all_back(explored.dataset, entries, reviewer=visitor.name(), key=f"undo-{done.first}-{done.last}")
        except DataEffError as error:
            st.error(literal(str(error)), icon=":material/error:")
            return
        del st.session_state[_DONE]
        st.rerun()
    verb = "kept" if done.action == KEEP else "removed"
    more = f" {literal(done.told)}." if done.told else ""
    st.markdown(
        f":material/check_circle: {counted(done.last - done.first + 1, 'frame')} {verb} by you, ringed on the map; "
        f"its points show what the limits alone decide.{more}",
        width="stretch",
    )
