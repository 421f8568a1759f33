"""What all pages share for one visitor: the workspace, the dataset at hand, and the words he reads."""

import streamlit as st

from dataeff_core.errors import NotFound
from dataeff_core.ui import cached
from dataeff_core.workspace import Dataset, Workspace

DATASET_KEY = "dataset"  # also the query parameter, so that a link restores the choice
WORDS_KEY = "words"
_NEXT_DATASET = "dataset-next"
PLAIN, SYMBOLS = "plain words", "symbols"


def workspace() -> Workspace:
    """The workspace of $DATAEFF_WORKSPACE, else ./workspace. Raises StorageFailed, BadInput."""
    return Workspace.open()


def dataset() -> Dataset | None:
    """The dataset chosen in the sidebar, else the newest, as it is now on disk; None while there is none."""
    try:
        return cached.dataset(workspace(), st.session_state.get(DATASET_KEY) or "latest")
    except NotFound:
        return None


def choose_dataset(dataset_id: str) -> None:
    """Make this the dataset at hand from the next run on."""
    st.session_state[_NEXT_DATASET] = dataset_id


def plain_words() -> bool:
    """Whether the visitor reads plain words (the default) rather than symbols."""
    return st.session_state.get(WORDS_KEY, PLAIN) != SYMBOLS


def draw_dataset_picker(space: Workspace) -> None:
    """The list of datasets, newest first, in the place where it is called."""
    records = [one.record for one in reversed(space.datasets())]
    if not records:
        st.session_state.pop(DATASET_KEY, None)
        return
    names = [record.name for record in records]
    shown = {r.id: r.name if names.count(r.name) == 1 else f"{r.name} ({r.id[-6:]})" for r in records}
    wanted = st.session_state.pop(_NEXT_DATASET, None) or st.session_state.get(DATASET_KEY)
    if wanted in shown:
        st.session_state[DATASET_KEY] = wanted
    else:
        st.session_state.pop(DATASET_KEY, None)
    st.selectbox(
        "Dataset",
        list(shown),
        format_func=lambda one: shown.get(one, one),
        key=DATASET_KEY,
        bind="query-params",
        help="All pages show this dataset. The address of this page remembers it.",
    )


def draw_words_switch() -> None:
    """Plain words or the papers' symbols, in the place where it is called."""
    st.segmented_control(
        "Wording",
        [PLAIN, SYMBOLS],
        default=PLAIN,
        required=True,
        key=WORDS_KEY,
        bind="query-params",
        width="stretch",
        help="Plain words for everyday reading; symbols as the papers write them.",
    )
