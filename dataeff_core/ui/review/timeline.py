"""The timeline: each video or ordered group as a strip of what stays and what does not."""

import streamlit as st

from dataeff_core.ui.quantities import counted
from dataeff_core.workspace import Dataset, SavedSelection, Workspace


def draw(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    """The view."""
    st.caption(counted(len(dataset.frames), "frame"))
