"""The blind audit: draw a sample, judge frame by frame without the machine's decision, and see what came out."""

import streamlit as st

from dataeff_core.errors import DataEffError
from dataeff_core.review import sampling
from dataeff_core.review.agreement import clopper_pearson
from dataeff_core.review.sampling import AuditRecord, Shown
from dataeff_core.ui import fragments, visitor
from dataeff_core.ui.quantities import count, counted, literal, share, when
from dataeff_core.ui.review import blind_marking, blind_result
from dataeff_core.workspace import Dataset, SavedSelection, Workspace

MOST = 1000  # removed frames in a sample: more than anybody looks at
USUAL = 100
JUDGE, RESULT = "judge", "result"
_DRAWN, _WHICH, _MODE = "blind-drawn", "blind-audit", "blind-mode"


def draw(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    """The view."""
    found = [one for one in reversed(sampling.audits(dataset)) if one.selection == saved.id]
    if not found:
        st.markdown(
            "How often is a removal wrong? Removed frames are drawn at random and mixed with kept ones. You judge "
            "each beside a kept frame, told neither which is which nor what others answered."
        )
        _draw_sample_form(dataset, saved, 0)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        record = _pick(found)
        with st.popover("New sample", icon=":material/casino:"):
            _draw_sample_form(dataset, saved, len(found))
    reviewer = visitor.ask_for_name()
    if reviewer is not None:
        fragments.draw(_draw_audit, workspace, dataset, saved, record, reviewer)


def _pick(found: list[AuditRecord]) -> AuditRecord:
    """The audit at hand: the newest, unless another one was chosen."""
    by_id = {one.id: one for one in found}
    wanted = st.session_state.pop(_DRAWN, None) or st.session_state.get(_WHICH)
    if wanted in by_id:
        st.session_state[_WHICH] = wanted
    else:
        st.session_state.pop(_WHICH, None)

    def told(one: str) -> str:
        removed = sum(item.stratum >= 0 for item in by_id[one].items)
        name = f"{by_id[one].name}: " if by_id[one].name else ""
        return f"{name}{counted(removed, 'removed frame')}, drawn {when(by_id[one].created)} · {one[-6:]}"

    chosen = st.selectbox(
        "Sample", list(by_id), format_func=told, key=_WHICH, label_visibility="collapsed", width=430
    )
    return by_id[chosen or found[0].id]


def _draw_sample_form(dataset: Dataset, saved: SavedSelection, drawn: int) -> None:
    """How many removed frames, and the button that draws them."""
    removed = int((saved.decisions["decision"] == "dropped").sum())
    if removed == 0:
        st.info("This selection removes no frame, so there is nothing to audit.")
        return
    if not visitor.may("review"):
        st.caption("A reviewer can draw a sample.")
        return
    most = min(MOST, removed)
    size = int(
        st.number_input(
            "Removed frames to judge", 1, most, min(USUAL, most), key=f"blind-size-{saved.id}-{drawn}", width=240
        )
    )
    mixed = count(round(sampling.KEPT_SHARE * size))
    if size < removed:
        limit = share(clopper_pearson(0, size)[1])
        st.caption(
            f"With {mixed} kept ones mixed in. If none of {counted(size, 'removed frame')} turns out to be needed, "
            f"then at most about {limit} of all {count(removed)} are (with 95\u202f% confidence)."
        )
    else:
        st.caption(f"All removed frames, with {mixed} kept ones mixed in.")
    if st.button("Draw the sample", type="primary", icon=":material/casino:", key=f"blind-draw-{drawn}"):
        try:
            visitor.require("review")
            record = sampling.draw(dataset, saved, size=size, seed=drawn)
        except DataEffError as error:
            st.error(literal(str(error)), icon=":material/error:")
            return
        st.session_state[_DRAWN] = record.id
        st.rerun()


def _draw_audit(
    workspace: Workspace, dataset: Dataset, saved: SavedSelection, record: AuditRecord, reviewer: str
) -> None:
    """The frames to judge for a reviewer, and the result for who is through with them or does not judge."""
    shown = sampling.shown_to(dataset, record, reviewer)
    marked, may_mark = sum(one.verdict is not None for one in shown), visitor.may("review")
    finished = marked == len(shown)
    asked_for = st.session_state.get(_MODE)
    mode = RESULT if finished or not may_mark else JUDGE
    if may_mark and isinstance(asked_for, tuple) and asked_for[:2] == (record.id, reviewer):
        mode = asked_for[2]
    if mode == JUDGE:
        blind_marking.draw(dataset, record, reviewer, shown)
        if finished:
            _draw_turn(record, reviewer, RESULT, "To the result")
        elif not marked:
            _draw_turn(record, reviewer, RESULT, "See the result without judging", "It may sway your own answers.")
        return
    blind_result.draw(workspace, dataset, saved, record, own_needed(record, shown) if finished else [])
    if may_mark:
        _draw_turn(record, reviewer, JUDGE, "Look at my answers again" if finished else "Judge the frames myself")


def _draw_turn(record: AuditRecord, reviewer: str, mode: str, label: str, told: str | None = None) -> None:
    """A button that leads from judging to the result, or back."""
    if st.button(label, key=f"blind-to-{mode}", help=told):
        st.session_state[_MODE] = (record.id, reviewer, mode)
        st.rerun()


def own_needed(record: AuditRecord, shown: list[Shown]) -> list[str]:
    """The removed frames that this reviewer found to be needed."""
    removed = {one.frame_id for one in record.items if one.stratum >= 0}
    return [one.frame_id for one in shown if one.verdict == sampling.NEEDED and one.frame_id in removed]
