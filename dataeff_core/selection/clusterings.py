"""Clusters and scores kept beside their dataset, so that what was computed once opens at once."""

import io
import zipfile
from collections.abc import Mapping

import numpy as np

from dataeff_core.workspace import Dataset, Embedding
from dataeff_core.workspace.storage import fingerprint, write_atomically

CODE_VERSION = "1"  # of the numerics: raise it when equal parameters give other scores than before


class Clusterings:
    """Arrays of one embedding in the folder `clusterings/<embedding>-<fingerprint>`, one .npz a key.

    Rows are those of `dataset.frames`; the fingerprint stands for these, for the vectors' making and for the
    version of the numerics, so that nothing old is ever taken for new.
    """

    def __init__(self, dataset: Dataset, embedding: Embedding) -> None:
        of = embedding.record
        print_ = fingerprint(CODE_VERSION, dataset.fingerprint, of.id, of.created, of.weights, of.preprocessing)
        self.folder = dataset.folder / "clusterings" / f"{of.id}-{print_[:12]}"

    def load(self, key: str) -> dict[str, np.ndarray] | None:
        """See selection.base.Store. A damaged file counts as none: it is made again."""
        try:
            with (self.folder / f"{key}.npz").open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None

    def save(self, key: str, arrays: Mapping[str, np.ndarray]) -> None:
        """See selection.base.Store. Raises StorageFailed."""
        held = io.BytesIO()
        np.savez(held, allow_pickle=False, **dict(arrays))
        write_atomically(self.folder / f"{key}.npz", lambda stream: stream.write(held.getbuffer()))
