"""All datasets of the workspace, with counts and how far each is."""

import pandas as pd
import streamlit as st

from dataeff_core.ui import state
from dataeff_core.ui.quantities import when
from dataeff_core.workspace import Workspace


def table_of(workspace: Workspace) -> pd.DataFrame:
    """One row a dataset, newest first: id, name, frames, groups, unreadable, embeddings, selections, updated."""
    rows = []
    for one in reversed(workspace.datasets()):  # two columns of each, so that large ones are not kept in memory
        groups = pd.read_parquet(one.folder / one.record.frames_file, columns=["group", "present"])
        present = groups.loc[groups["present"], "group"]
        rows.append(
            {
                "id": one.id,
                "Name": one.record.name,
                "Frames": len(present),
                "Groups": present.nunique(),
                "Cannot be read": len(one.unreadable),
                "Embeddings": len(workspace.embeddings(one)),
                "Selections": len(workspace.selections(one)),
                "Last import": when(one.record.updated),
            }
        )
    return pd.DataFrame(rows)


def draw(workspace: Workspace) -> None:
    """The table; a click on a row makes that dataset the one at hand."""
    table = table_of(workspace)
    event = st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        on_select="rerun",
        selection_mode="single-row",
        key="datasets-table",
        column_config={"id": None},
    )
    st.caption("Click the box before a row to work with that dataset on all pages.")
    rows = event.selection.rows
    chosen = str(table["id"].iat[rows[0]]) if rows and rows[0] < len(table) else ""
    current = state.dataset()
    if chosen and (current is None or current.id != chosen):
        state.choose_dataset(chosen)
        st.session_state.pop("datasets-table", None)
        st.rerun()
