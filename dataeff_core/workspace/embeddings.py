"""An embedding on disk: one float16 vector a frame, memory-mapped, joined to frames by id."""

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from dataeff_core.errors import Stale
from dataeff_core.workspace.datasets import Dataset
from dataeff_core.workspace.records import Record
from dataeff_core.workspace.results import Result


class EmbeddingRecord(Record):
    """What determines the vectors: encoder, its resolved weights and preprocessing, and the frames."""

    FILE: ClassVar[str] = "embedding.json"
    KIND: ClassVar[str] = "embedding"

    dataset: str
    dataset_fingerprint: str
    encoder: str  # as the user names it: 'descriptor', 'timm:vit_base_patch16_224'
    encoder_params: dict[str, Any]
    weights: str  # fingerprint of the weights, 'none' for an encoder without
    preprocessing: str  # version of the encoder's own code path; part of the identity
    checkpoint: str | None = None  # the file the weights came from, where one was given; not part of the identity
    notes: dict[str, Any] = {}  # what was found at run time: precision, its agreement with float32, batch size
    dim: int
    frames: int
    seconds: float
    images_per_second: float


class Embedding(Result[EmbeddingRecord]):
    """Vectors of a dataset's frames. Folder: embedding.json, vectors.npy (n, dim) float16, frames.parquet
    (frame_id, sha256), and whatever the encoder needs to embed further frames alike."""

    RECORD = EmbeddingRecord
    VECTORS = "vectors.npy"
    FRAMES = "frames.parquet"

    @cached_property
    def vectors(self) -> np.ndarray:
        """(n, dim) float16, L2-normalised rows, memory-mapped read-only, in the order of `frame_ids`."""
        return np.load(self.folder / self.VECTORS, mmap_mode="r", allow_pickle=False)

    @cached_property
    def frame_ids(self) -> np.ndarray:
        """(n,) str."""
        return pd.read_parquet(self.folder / self.FRAMES, columns=["frame_id"])["frame_id"].to_numpy(dtype=object)

    def check_fits(self, dataset: Dataset) -> None:
        """Raise Stale unless the vectors were made from just the frames that `dataset` has now."""
        if self.record.dataset_fingerprint != dataset.fingerprint:
            raise Stale(
                f"embedding {self.id} was made before {dataset.record.name} changed; run `embed {dataset.id} "
                f"--encoder {self.record.encoder}` again"
            )

    def rows(self, frame_ids: np.ndarray) -> np.ndarray:
        """(m,) int64 rows of `vectors` for these ids. Raises Stale when one is missing."""
        return rows_of(self.frame_ids, frame_ids, what=f"embedding {self.id}")


def rows_of(have: np.ndarray, wanted: np.ndarray, *, what: str) -> np.ndarray:
    """Positions (int64) of the ids `wanted` within the unique ids `have`. Raises Stale when one is missing."""
    if len(have) == len(wanted) and np.array_equal(have, wanted):
        return np.arange(len(wanted))
    rows = pd.Index(have).get_indexer(pd.Index(wanted))
    if (rows < 0).any():
        missing = int((rows < 0).sum())
        raise Stale(f"{what} lacks {missing} of {len(wanted)} frames; make it again")
    return rows.astype(np.int64)
