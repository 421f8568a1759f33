"""Nothing lost: what stays of each patient, video, label and lesion, and the rule that keeps one of each."""

import streamlit as st

from dataeff_core.review.coverage import coverage
from dataeff_core.review.lesions import lesions_of
from dataeff_core.suppliers import foreground
from dataeff_core.ui.quantities import literal
from dataeff_core.workspace import Dataset, SavedSelection, Workspace


def draw(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    """The view."""
    found = coverage(dataset.frames, saved.decisions, lesions_of(dataset, foreground))
    st.markdown(literal(found.sentence))
