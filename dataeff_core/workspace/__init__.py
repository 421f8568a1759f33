"""Where things lie on disk, what they are called, and how they are found again.

The names are imported on first use, so that a job that waits in the queue, or `--help`, does not pay for pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataeff_core.workspace.benchmarks import Benchmark, BenchmarkRecord, Cell, CellRecord
    from dataeff_core.workspace.datasets import Dataset, DatasetRecord, Source
    from dataeff_core.workspace.embeddings import Embedding, EmbeddingRecord
    from dataeff_core.workspace.evaluations import Evaluation, EvaluationRecord
    from dataeff_core.workspace.maps import FrameMap, MapRecord
    from dataeff_core.workspace.mosaics import MosaicRecord, MosaicSet
    from dataeff_core.workspace.root import Workspace
    from dataeff_core.workspace.runs import Run, RunRecord, RunResult
    from dataeff_core.workspace.selections import SavedSelection, SelectionRecord

HOMES = {
    "Benchmark": "benchmarks",
    "BenchmarkRecord": "benchmarks",
    "Cell": "benchmarks",
    "CellRecord": "benchmarks",
    "Dataset": "datasets",
    "DatasetRecord": "datasets",
    "Embedding": "embeddings",
    "EmbeddingRecord": "embeddings",
    "Evaluation": "evaluations",
    "EvaluationRecord": "evaluations",
    "FrameMap": "maps",
    "MapRecord": "maps",
    "MosaicRecord": "mosaics",
    "MosaicSet": "mosaics",
    "Run": "runs",
    "RunRecord": "runs",
    "RunResult": "runs",
    "SavedSelection": "selections",
    "SelectionRecord": "selections",
    "Source": "datasets",
    "Workspace": "root",
}

__all__ = [
    "Benchmark",
    "BenchmarkRecord",
    "Cell",
    "CellRecord",
    "Dataset",
    "DatasetRecord",
    "Embedding",
    "EmbeddingRecord",
    "Evaluation",
    "EvaluationRecord",
    "FrameMap",
    "MapRecord",
    "MosaicRecord",
    "MosaicSet",
    "Run",
    "RunRecord",
    "RunResult",
    "SavedSelection",
    "SelectionRecord",
    "Source",
    "Workspace",
]


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
