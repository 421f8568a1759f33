"""Step through: the removals one after another, the most doubtful first, decided with one key each."""

import time
from functools import lru_cache
from typing import Any

import streamlit as st

from dataeff_core.errors import DataEffError
from dataeff_core.review.queue import enough_reviewed, still_needed
from dataeff_core.ui import assets, fragments, routes, visitor
from dataeff_core.ui.quantities import counted, literal, share
from dataeff_core.ui.review import step_queue, step_saving, step_words
from dataeff_core.ui.review.step_marks import Marks, Tally
from dataeff_core.ui.review.step_queue import CHUNK, Steps
from dataeff_core.workspace import Dataset, SavedSelection, Workspace

NOT_REMOVED = (
    "The frame asked for is not among the removals of this selection; the first one that nobody has looked at is "
    "shown instead."
)
LIMITS = (0.005, 0.01, 0.02, 0.05)  # of harmful removals that nobody has seen, out of all
_ANSWERS, _START = "review-answers", "review-start"

_component = st.components.v2.component("dataeff_reviewer", js=assets.read("loader.js"))


def draw(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    """The view."""
    with st.container(key="review-name"):  # always there, so that what follows keeps its place
        visitor.ask_for_name()
    with st.spinner("Putting the removals in order …"):
        steps = step_queue.opened(workspace, dataset, saved)
    if not len(steps):
        st.markdown("#### Nothing was removed")
        st.markdown("This selection keeps every frame, so there is nothing to step through.")
        return
    fragments.draw(_draw_live, workspace, steps)


def begin_at(frame_id: str) -> None:
    """Show this removed frame when the view is drawn next."""
    st.session_state[_START] = frame_id


def _draw_live(workspace: Workspace, steps: Steps) -> None:
    """All that follows a decision; only this runs again when one is taken."""
    saved = steps.saved
    key = f"reviewer-{saved.id}"

    def heard() -> None:
        st.session_state.pop(_START, None)  # where to begin has been heeded
        st.session_state[_ANSWERS] = answers_to(workspace, saved, getattr(st.session_state[key], "pending", None))

    marks = steps.marks()
    if _asked(steps) == -1:
        st.info(NOT_REMOVED, icon=":material/info:")
    _component(
        key=key,
        data=component_data(steps, marks, st.session_state.get(_ANSWERS, {}), visitor.name()),
        on_pending_change=heard,
    )
    _draw_enough(marks.tally)
    overruling = st.empty()  # a place of its own: what was said before never stays beside what is said now
    if marks.overruling:
        overruling.markdown(f":material/balance: {literal(marks.overruling)}.")


def component_data(steps: Steps, marks: Marks, answers: dict[str, Any], reviewer: str) -> dict[str, Any]:
    """What the browser is told; frames and marks it fetches."""
    saved, dataset = steps.saved, steps.dataset
    here = f"{dataset.id}/{saved.id}"
    return {
        "module": routes.module_url("reviewer.js"),
        "about": here,
        "drawn": int(time.time() * 1000),  # the browser may hear of two drawings in the wrong order
        "n": len(steps),
        "chunk": CHUNK,
        "frames": routes.review_url(f"{here}/frames"),
        "marks": routes.review_url(f"{here}/marks"),
        "thumbnail": routes.thumbnail_url("{key}"),
        "original": routes.original_url(dataset.id, "{id}"),
        "start": _start(steps, marks),
        "last": marks.last,
        "reviewer": reviewer,
        "may": visitor.may("review"),
        "answers": answers,
        "reasons": step_words.reasons(),
        "words": step_words.WORDS,
    }


def _start(steps: Steps, marks: Marks) -> int:
    """The position to begin at: the frame asked for, else the first that nobody has looked at."""
    asked = _asked(steps)
    return marks.first_open if asked is None or asked < 0 else asked


def _asked(steps: Steps) -> int | None:
    """The position of the frame asked for, -1 where the method did not remove it; None where none was."""
    wanted = st.session_state.get(_START)
    if not wanted:
        return None
    row = steps.row_of(wanted)
    return int(steps.position[row]) if row >= 0 else -1


def answers_to(workspace: Workspace, saved: SavedSelection, pending: Any) -> dict[str, Any]:
    """Write what the browser wants written; its number and an answer a decision."""
    wishes = step_saving.read(pending)
    number = pending.get("number") if isinstance(pending, dict) else None
    try:
        visitor.require("review")
        answers = step_saving.write(workspace, saved, wishes, reviewer=visitor.name())
    except DataEffError as error:
        answers = {one.key: str(error) for one in wishes}
    return {"number": number if isinstance(number, int) else 0, "by_key": answers}


def _draw_enough(tally: Tally) -> None:
    """Whether enough removals have been looked at, for the limit that the visitor chooses."""
    with st.container(horizontal=True, vertical_alignment="center", key="review-enough-box"):
        st.markdown("Enough, when of all removals at most this share can be wrong and unseen:", width="content")
        chosen = st.segmented_control(
            "Limit",
            LIMITS,
            default=0.01,
            required=True,
            format_func=_percent,
            key="review-enough",
            label_visibility="collapsed",
        )
    limit = float(chosen or 0.01)
    found = enough_reviewed(removed=tally.removed, reviewed=tally.reviewed, harmful=tally.kept, limit=limit)
    icon = ":material/check_circle:" if found.enough else ":material/pending:"
    st.markdown(f"{icon} {literal(found.sentence)}")
    needed = st.empty()
    if not found.enough:
        more = _still_needed(tally, limit)
        needed.caption(
            f"{counted(more, 'more removal')} looked at without finding a wrong one would be enough "
            f"({share(more / tally.removed)} of all)."
        )


@lru_cache(maxsize=256)
def _still_needed(tally: Tally, limit: float) -> int:
    return still_needed(removed=tally.removed, reviewed=tally.reviewed, harmful=tally.kept, limit=limit)


def _percent(limit: float) -> str:
    return f"{limit * 100:g} %"
