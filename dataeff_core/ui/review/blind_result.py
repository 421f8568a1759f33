"""What a blind audit came to: the rate of wrong removals with its interval, how far reviewers agree, and a table."""

import math

import pandas as pd
import streamlit as st

from dataeff_core.errors import DataEffError
from dataeff_core.exporting.audit import table_csv
from dataeff_core.review import outcome, pinning
from dataeff_core.review.agreement import Rate
from dataeff_core.review.audit_table import COLUMNS, rows_of
from dataeff_core.review.outcome import AuditResult
from dataeff_core.review.sampling import AuditRecord
from dataeff_core.ui import gallery, visitor
from dataeff_core.ui.quantities import count, counted, literal, share
from dataeff_core.workspace import Dataset, SavedSelection, Workspace
from dataeff_core.workspace.trail import fresh_key


def draw(
    workspace: Workspace, dataset: Dataset, saved: SavedSelection, record: AuditRecord, own_needed: list[str]
) -> None:
    """The result, and what the visitor can do about the removed frames that he found to be needed."""
    found = outcome.result(dataset, record)
    together = found.rates[AuditResult.ALL]
    st.markdown(f"#### {headline(found)}")
    st.markdown(sentence(found, together))
    since = outcome.decided_since(record, saved.pins)
    if since:
        st.markdown(f"Since it was drawn, people decided on {count(since)} of its frames.")
    if together.judged or found.worst is not None:
        st.dataframe(table(found), hide_index=True, width="content")
    if found.kappa:
        st.markdown("**How far reviewers agree**")
        st.dataframe(agreement(found), hide_index=True, width="content")
        st.caption("1 is full agreement, 0 is what chance would give (Cohen's kappa).")
    st.download_button(
        "Result as a table (CSV)",
        table_csv(COLUMNS, rows_of(record, found)),
        file_name=f"{record.id}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="blind-csv",
    )
    st.caption("An export of this selection carries the same table.")
    _draw_needed(workspace, dataset, saved, record, own_needed)


def headline(found: AuditResult) -> str:
    """The result in a few words."""
    rate, unsure = found.rates[AuditResult.ALL], found.unsure.get(AuditResult.ALL, 0)
    if not rate.judged:
        return (
            f"Nobody could tell of {counted(unsure, 'removal')}" if unsure else "No removed frame has been judged yet"
        )
    more = f", and of {count(unsure)} more nobody could tell" if unsure else ""
    return f"{count(rate.wrong)} of {counted(rate.judged, 'removal')} judged wrong{more}"


def sentence(found: AuditResult, rate: Rate) -> str:
    """What that says of all removed frames, and of which it does not speak."""
    if not rate.judged and found.worst is not None:
        return "Every answer so far is “I cannot tell”, so nothing is known of how many removals are wrong."
    if not rate.judged:
        return "The result stands here as soon as a reviewer has judged frames."
    people, worst = counted(len(found.rates) - 1, "reviewer"), found.worst
    told = (
        f"Judged by {people}. By that, an estimated {share(rate.rate)} of all removed frames are wrong removals; "
        f"with 95\u202f% confidence, between {share(rate.low)} and {share(rate.high)}."
    )
    if worst is not None:
        told += (
            f" With the frames of which nobody could tell counted as wrong it is {share(worst.rate)}, between "
            f"{share(worst.low)} and {share(worst.high)}."
        )
    if abs(rate.rate - rate.wrong / rate.judged) >= 0.0005:
        told += " Each kind of removal counts by how many frames it is."
    if len(found.rates) > 2:
        told += " Where reviewers differ, what most of them said counts; a draw counts as wrong."
    if rate.unjudged:
        told += f" It does not speak of {counted(rate.unjudged, 'removed frame')} of kinds of which none was judged."
    return told


def table(found: AuditResult) -> pd.DataFrame:
    """One line a reviewer."""
    lines = []
    for name, rate in found.rates.items():
        if name == AuditResult.ALL and len(found.rates) <= 2:
            continue  # one reviewer alone: the same line again
        needed, kept = found.kept_needed.get(name, (None, None))
        lines.append(
            {
                "Reviewer": name,
                "Removed frames judged": rate.judged,
                "Wrong removals": rate.wrong,
                "Share": "" if math.isnan(rate.rate) else share(rate.rate),
                "95 % interval": f"{share(rate.low)} to {share(rate.high)}" if rate.judged else "",
                "Could not tell": str(found.unsure.get(name, "")),
                "Kept frames found needed": "" if kept is None else f"{needed} of {kept}",
            }
        )
    return pd.DataFrame(lines)


def agreement(found: AuditResult) -> pd.DataFrame:
    """One line a pair of reviewers."""
    return pd.DataFrame(
        [
            {
                "Reviewers": f"{one} and {other}",
                "Frames both answered": both,
                "Agreement beyond chance": "all answers the same" if math.isnan(kappa) else f"{kappa:.2f}",
            }
            for (one, other), (kappa, both) in found.kappa.items()
        ]
    )


def _draw_needed(
    workspace: Workspace, dataset: Dataset, saved: SavedSelection, record: AuditRecord, own_needed: list[str]
) -> None:
    """The removed frames that the visitor found to be needed, and one click that keeps them."""
    decided = dict(zip(saved.decisions["frame_id"], saved.decisions["decision"], strict=True))
    still = [one for one in own_needed if decided.get(one) == "dropped"]
    if not own_needed:
        return
    st.markdown(f"**Removed frames that you found to be needed ({count(len(own_needed))})**")
    frames = dataset.frames
    rows = pd.Index(frames["frame_id"].to_numpy(object)).get_indexer(pd.Index(own_needed, dtype=object))
    gallery.draw(
        rows[rows >= 0],
        lambda row: gallery.tile_of(frames, row),
        key="blind-needed",
        label="Removed frames that you found to be needed",
        reset=record.id,
        per_page=12,
        tile_width=112,
    )
    if not still:
        st.caption("All of them are kept now.")
        return
    if visitor.may("review") and st.button(
        f"Keep {'it' if len(still) == 1 else f'these {count(len(still))} frames'}",
        icon=":material/keep:",
        key="blind-keep",
        help="An entry in the record for each, with your name; every selection of these frames obeys it.",
    ):
        try:
            visitor.require("review")
            pinning.pin(
                workspace,
                saved,
                still,
                "keep",
                reviewer=visitor.name(),
                why=f"found needed in the blind audit {record.id}",
                key=fresh_key(),
            )
        except DataEffError as error:
            st.error(literal(str(error)), icon=":material/error:")
            return
        st.rerun()


__all__ = ["agreement", "draw", "headline", "sentence", "table"]
