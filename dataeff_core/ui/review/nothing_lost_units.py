"""What stays of each unit in a table, and of the one picked there the worst-covered frame and all the others."""

import numpy as np
import pandas as pd
import streamlit as st

from dataeff_core.review.coverage import GROUP, KINDS, LABEL, LESION, VIDEO, Coverage, Unit
from dataeff_core.ui import gallery, visitor, why_card
from dataeff_core.ui.quantities import count, literal
from dataeff_core.ui.review import taking_back
from dataeff_core.ui.review.telling import partner_of, sentence_of
from dataeff_core.ui.review.views import decide_on
from dataeff_core.workspace import Dataset, SavedSelection, Workspace

PLURAL = {GROUP: "groups", VIDEO: "videos", LABEL: "values", LESION: "lesions"}
TABLE_HEIGHT = 420  # pixels
ALL = "all"
_PICKED = "nothing-lost-picked"


def draw(workspace: Workspace, dataset: Dataset, saved: SavedSelection, found: Coverage) -> None:
    """The table, and the unit that is picked in it."""
    taking_back.draw_result()
    left, right = st.columns([5, 4], gap="medium")
    with left:
        what, units = _shown(found)
        picked = st.dataframe(
            units_table(units),
            hide_index=True,
            height=TABLE_HEIGHT,
            width="stretch",
            key=f"nothing-lost-table-{what}",  # another table has no row picked
            on_select="rerun",
            selection_mode="single-row",
            placeholder="–",
            column_config={
                "": st.column_config.TextColumn(width=104),
                "Frames": st.column_config.NumberColumn(width=64),
                "Stay": st.column_config.NumberColumn(width=56),
                "Share": st.column_config.ProgressColumn(width=96, min_value=0, max_value=100, format="%.0f %%"),
                "Worst covered": st.column_config.NumberColumn(
                    format="%.2f",
                    help="How alike the worst-covered removed frame is to the kept one that stands for it: 1 is the "
                    "same picture. Empty where no frame stands for any of the removed ones, or none was removed.",
                ),
                "Nothing stands for": st.column_config.NumberColumn(
                    help="Removed frames that no kept frame stands for: unusable or unusual ones, mostly."
                ),
            },
        )
    rows = picked.selection.rows
    with right:
        if units:
            _draw_unit(workspace, dataset, saved, units[rows[0] if rows and rows[0] < len(units) else 0])


def units_table(units: list[Unit]) -> pd.DataFrame:
    """What stays of each unit, one row a unit, in their order."""
    return pd.DataFrame(
        {
            "": ["⚠ none stays" if unit.lost else "" for unit in units],
            "What": [unit.of if unit.kind == LABEL else unit.kind for unit in units],
            "Name": [unit.value if unit.kind == LABEL else unit.name for unit in units],
            "Frames": [len(unit.rows) for unit in units],
            "Stay": [unit.kept for unit in units],
            "Share": [100 * unit.kept / len(unit.rows) for unit in units],
            "Worst covered": [unit.worst_similarity for unit in units],
            "Nothing stands for": [len(unit.alone) for unit in units],
        }
    )


def _shown(found: Coverage) -> tuple[str, list[Unit]]:
    """The kind that is chosen, and its units."""
    kinds = {ALL: ("", "")} | {
        f"{unit.kind} {unit.of}": (unit.kind, unit.of)
        for unit in sorted(found.units, key=lambda one: KINDS.index(one.kind))
    }

    def title(one: str) -> str:
        kind, of = kinds[one]
        return literal(of) if kind == LABEL else PLURAL[kind].capitalize() if kind else "All"

    chosen = st.pills("Show", list(kinds), format_func=title, default=ALL, key="nothing-lost-kind")
    what = chosen if chosen in kinds else ALL
    kind, of = kinds[what]
    return what, [unit for unit in found.units if not kind or (unit.kind, unit.of) == (kind, of)]


def _draw_unit(workspace: Workspace, dataset: Dataset, saved: SavedSelection, unit: Unit) -> None:
    """The worst-covered frame of a unit and what stands for it, and all its frames."""
    st.markdown(f"#### {literal(unit.name)}: {_stay(unit)}")
    removed = unit.rows[(saved.decisions["decision"] != "kept").to_numpy(bool)[unit.rows]]
    this = f"{unit.kind} {unit.name}"
    of, picked = st.session_state.get(_PICKED, ("", ""))
    asked = (
        unit.rows[(dataset.frames["frame_id"].iloc[unit.rows] == picked).to_numpy(bool)]
        if of == this
        else unit.rows[:0]
    )
    if len(asked):
        row, why = int(asked[0]), ""
    elif unit.worst >= 0:
        row, why = unit.worst, "The removed frame of it that is least like the one that stands for it."
    elif len(removed):
        row, why = int(removed[0]), "No kept frame stands for what was removed of it; this is the first."
    else:
        row, why = int(unit.rows[0]), "Every frame of it stays; this is the first."
    partner = partner_of(dataset, saved, row)
    reason = str(saved.decisions["reason"].iat[row])
    why_card.draw_pair(dataset, row, reason, -1 if partner is None else partner, key="nothing-lost-pair")
    st.markdown(f"**{literal(sentence_of(dataset, saved, row))}**")
    if why:
        st.caption(why)
    frame_id, removal = str(dataset.frames["frame_id"].iat[row]), taking_back.removal_of(saved, row)
    if row in removed and taking_back.removed_by_method(saved, row):
        if st.button("Decide on it", key="nothing-lost-decide", help="Step through the removals from this one on."):
            decide_on(frame_id)
            st.rerun(scope="app")
    elif (
        removal is not None
        and visitor.may("review")
        and st.button(taking_back.LABEL, key="nothing-lost-take-back", help=f"{taking_back.HINT}.")
    ):
        taking_back.heard(workspace, dataset, saved, frame_id, removal.seq)
        st.rerun(scope="app")
    gallery.draw(
        np.concatenate([removed, np.setdiff1d(unit.rows, removed)]),
        lambda one: gallery.tile_of(dataset.frames, one, reason=str(saved.decisions["reason"].iat[one]), detail=""),
        key="nothing-lost-frames",
        label="All its frames, removed ones first",
        per_page=8,
        tile_width=110,
        selected=str(dataset.frames["frame_id"].iat[row]),
        reset=this,
        on_pick=lambda frame_id: st.session_state.update({_PICKED: (this, frame_id)}),
    )


def _stay(unit: Unit) -> str:
    if unit.lost:
        return "no frame stays" if len(unit.rows) > 1 else "its only frame is removed"
    return f"{count(unit.kept)} of {count(len(unit.rows))} stay" if len(unit.rows) > 1 else "its only frame stays"
