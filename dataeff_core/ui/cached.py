"""What a server process keeps open, shared by all sessions and by the HTTP routes.

Keys carry the fingerprint of what they stand for, so a re-import is seen at once and nothing stale is ever shown.
`cache_resource` hands out the very object: memory-mapped vectors stay mapped and are never copied, so nobody may
change what he gets from here.
"""

from pathlib import Path

import streamlit as st

from dataeff_core.workspace import (
    Dataset,
    DatasetRecord,
    Embedding,
    EmbeddingRecord,
    FrameMap,
    MapRecord,
    SavedSelection,
    SelectionRecord,
    Workspace,
)


def dataset(workspace: Workspace, dataset_id: str) -> Dataset:
    """The dataset as it is now on disk; its tables are read once a fingerprint. Raises NotFound."""
    record = workspace.dataset(dataset_id).record
    return _dataset(str(workspace.root), record.id, record.frames_file, record.model_dump_json())


def embedding(workspace: Workspace, of: Dataset, wanted: str = "latest") -> Embedding:
    """An embedding of `of`, its vectors mapped once. Raises NotFound."""
    found = workspace.embedding(of, wanted)
    return _embedding(str(found.folder), found.record.model_dump_json())


def frame_map(workspace: Workspace, of: Dataset, of_embedding: Embedding | None = None) -> FrameMap | None:
    """The newest map of `of` that fits its frames (and was made from `of_embedding`, where given), or None."""
    for one in reversed(workspace.maps(of)):
        fits = one.record.dataset_fingerprint == of.fingerprint
        if fits and (of_embedding is None or one.record.embedding == of_embedding.id):
            return _frame_map(str(one.folder), one.record.model_dump_json())
    return None


def selection(workspace: Workspace, of: Dataset, wanted: str) -> SavedSelection:
    """A saved selection of `of`, with the reviewers' pins as they are now. Raises NotFound."""
    found = workspace.selection(wanted, of)
    return _selection(str(found.folder), found.record.model_dump_json(), found.pins_version)


@st.cache_resource(max_entries=4, show_spinner=False)
def _dataset(root: str, dataset_id: str, frames_file: str, record: str) -> Dataset:
    folder = Path(root) / "datasets" / dataset_id
    return Dataset(folder, DatasetRecord.model_validate_json(record))


@st.cache_resource(max_entries=8, show_spinner=False)
def _embedding(folder: str, record: str) -> Embedding:
    return Embedding(Path(folder), EmbeddingRecord.model_validate_json(record))


@st.cache_resource(max_entries=8, show_spinner=False)
def _frame_map(folder: str, record: str) -> FrameMap:
    return FrameMap(Path(folder), MapRecord.model_validate_json(record))


@st.cache_resource(max_entries=16, show_spinner=False)
def _selection(folder: str, record: str, pins_version: int) -> SavedSelection:
    return SavedSelection(Path(folder), SelectionRecord.model_validate_json(record))
