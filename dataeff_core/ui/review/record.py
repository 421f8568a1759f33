"""The record: every decision of reviewers and rules, newest first. It can be read and saved here, never changed."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from dataeff_core.exporting.audit import audit_csv
from dataeff_core.review.pinning import REASONS
from dataeff_core.review.sampling import VERDICTS
from dataeff_core.ui import visitor, words
from dataeff_core.ui.quantities import count, counted, literal, when
from dataeff_core.workspace import Dataset, SavedSelection, Workspace
from dataeff_core.workspace.trail import DROP, KEEP, MARK, RULE, UNDO, Entry, trail_of

DEEDS = {KEEP: "keep", DROP: "remove", UNDO: "take back", MARK: "blind audit"}
MOST = 5000  # lines in the browser's table
EVERYBODY = "everybody"


def draw(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    """The view."""
    trail = trail_of(dataset.folder)
    entries = visible(_entries(str(dataset.folder), trail.last), visitor.name())
    if not entries:
        st.markdown("#### Nothing is recorded yet")
        st.markdown("Each decision to keep or remove a frame will stand here: who, when, why, and what it overruled.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        people = sorted({one.reviewer for one in entries})
        who = st.selectbox("Who", [EVERYBODY, *people], format_func=_person, key="record-who", width=240)
        deeds = st.pills(
            "What", list(DEEDS), selection_mode="multi", format_func=DEEDS.__getitem__, key="record-what"
        )
        wanted = st.text_input("Frame, reason or words", key="record-find", width=240)
    shown = [one for one in entries if fits(one, str(who), deeds, wanted)]
    st.markdown(f":gray[{counted(len(shown), 'entry', 'entries')} of {count(len(entries))}, newest first]")
    st.dataframe(table(shown[:MOST]), hide_index=True, width="stretch", height=460)
    if len(shown) > MOST:
        st.caption(f"The newest {count(MOST)} are listed; the file below has all {count(len(shown))}.")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "These entries as a table (CSV)",
            lambda: audit_csv(shown[::-1]),
            file_name=f"{dataset.id}-record.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="record-csv",
        )
        if st.button("Check that nothing was changed", icon=":material/verified:", key="record-check"):
            faults = trail.faults()
            if faults:
                st.error(
                    f"The record is not as it was written: {literal('; '.join(faults))}", icon=":material/error:"
                )
            else:
                st.markdown(f":material/check_circle: All {counted(len(entries), 'entry', 'entries')} as written.")
    st.caption(
        "Answers of others in blind audits are not listed. The page cannot change the record; to undo is to add."
    )


def visible(entries: Sequence[Entry], reviewer: str) -> list[Entry]:
    """Newest first; of blind audits only this reviewer's own answers."""
    return [one for one in reversed(entries) if not one.sample or one.reviewer == reviewer]


def fits(entry: Entry, who: str, deeds: Sequence[str], wanted: str) -> bool:
    """Whether the filters let the entry through."""
    text = " ".join((entry.path, entry.frame_id, REASONS.get(entry.reason, entry.reason), entry.why)).casefold()
    return (
        who in (EVERYBODY, entry.reviewer)
        and (not deeds or entry.action in deeds)
        and all(part in text for part in wanted.casefold().split())
    )


def table(entries: Sequence[Entry]) -> pd.DataFrame:
    """One line an entry, in words."""
    return pd.DataFrame(
        {
            "No.": [one.seq for one in entries],
            "When": [when(one.at) for one in entries],
            "Who": [_person(one.reviewer) for one in entries],
            "What": [_deed(one) for one in entries],
            "Frame": [one.path or one.frame_id for one in entries],
            "The method had said": [_machine(one) for one in entries],
            "Why": [" · ".join(filter(None, (REASONS.get(one.reason, one.reason), one.why))) for one in entries],
        }
    )


@st.cache_resource(max_entries=2, show_spinner=False)
def _entries(folder: str, last: int) -> list[Entry]:
    return trail_of(Path(folder)).entries(upto=last)


def _person(name: str) -> str:
    return f"rule: {name.removeprefix(RULE)}" if name.startswith(RULE) else name


def _deed(entry: Entry) -> str:
    if entry.action == MARK:
        return f"answered: {VERDICTS.get(entry.verdict, entry.verdict)}"
    if entry.action == UNDO and entry.undoes is not None:
        return f"take back no. {entry.undoes}"
    return DEEDS[entry.action]


def _machine(entry: Entry) -> str:
    """What the method had decided, in words; '' where it is not recorded."""
    reason = str(entry.machine.get("reason") or "")
    if not reason:
        return ""
    alike = entry.machine.get("similarity")
    told = words.reason(reason) if reason != "kept" else "kept"
    return f"{told} ({alike:.3f} alike)" if isinstance(alike, float) and reason != "kept" else told


__all__ = ["draw", "fits", "table", "visible"]
