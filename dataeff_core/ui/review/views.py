"""The names of the Review page's views, and the way from one of them to another."""

import streamlit as st

from dataeff_core.ui.review.stepping import begin_at

STEP, TIMELINE, NOTHING_LOST, BLIND_AUDIT, REPORT, RECORD = (
    "Step through",
    "Timeline",
    "Nothing lost",
    "Blind audit",
    "Report",
    "Record",
)
VIEWS = {  # name -> its module in dataeff_core.ui.review, imported when it is looked at
    STEP: "stepping",
    TIMELINE: "timeline",
    NOTHING_LOST: "nothing_lost",
    BLIND_AUDIT: "blind_audit",
    REPORT: "report_view",
    RECORD: "record",
}
VIEW, _NEXT_VIEW = "review", "review-next"


def draw_choice() -> str:
    """The list of views; the one chosen, which the page's address remembers."""
    sent = _NEXT_VIEW in st.session_state
    if sent:
        st.session_state[VIEW] = st.session_state.pop(_NEXT_VIEW)
    chosen = st.segmented_control(
        "View",
        list(VIEWS),
        default=None if sent else STEP,
        required=True,
        key=VIEW,
        bind="query-params",
        label_visibility="collapsed",
    )
    return chosen or STEP


def decide_on(frame_id: str) -> None:
    """Show this removed frame where it can be decided on, from the page's next run on."""
    begin_at(frame_id)
    st.session_state[_NEXT_VIEW] = STEP
