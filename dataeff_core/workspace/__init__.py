"""Where things lie on disk, what they are called, and how they are found again."""

from dataeff_core.workspace.datasets import Dataset, DatasetRecord, Source
from dataeff_core.workspace.embeddings import Embedding, EmbeddingRecord
from dataeff_core.workspace.maps import FrameMap, MapRecord
from dataeff_core.workspace.root import Workspace
from dataeff_core.workspace.selections import SavedSelection, SelectionRecord

__all__ = [
    "Dataset",
    "DatasetRecord",
    "Embedding",
    "EmbeddingRecord",
    "FrameMap",
    "MapRecord",
    "SavedSelection",
    "SelectionRecord",
    "Source",
    "Workspace",
]
