"""Every frame of a dataset to one vector, resumably: read and prepare in workers, infer here, fit, finish, save."""

import os
import shutil
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from dataeff_core.encoders.base import Encoder, LoadedEncoder
from dataeff_core.encoders.batching import Rebatcher
from dataeff_core.encoders.feature_store import FeatureStore
from dataeff_core.errors import BadInput
from dataeff_core.frame_reading.decoding import default_workers, prepared_chunks
from dataeff_core.frame_reading.reading import original_tasks, thumbnail_tasks
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.datasets import Dataset
from dataeff_core.workspace.embeddings import Embedding, EmbeddingRecord
from dataeff_core.workspace.records import slug
from dataeff_core.workspace.root import Workspace
from dataeff_core.workspace.storage import exclusive, fingerprint, new_folder, write_atomically

BLOCK = 8192  # rows finished at once
NAMED = 3  # bad frames that an error names; the rest is counted


def embed(
    workspace: Workspace,
    dataset: Dataset,
    encoder: Encoder,
    *,
    device: str = "auto",
    workers: int | None = None,
    reporter: Reporter | None = None,
) -> Embedding:
    """One vector for every present frame of `dataset`; an equal embedding that is there already is returned.

    What is computed is kept as it comes (`FeatureStore`), so a run that was stopped or killed goes on where it
    was, and after a further import only new pictures are computed. `workers` is the number of processes that read
    frames (default: one a processor; 0: none).

    Raises BadInput when the dataset is empty, or frames can no longer be read or give no finite vector: after all
    others are done and kept. Also MissingWeights, StorageFailed, WorkerDied, Cancelled. Zero vectors are allowed.
    """
    reporter = reporter or Reporter()
    if dataset.frames.empty:
        raise BadInput(f"dataset {dataset.record.name!r} has no frames to embed; import some images or videos first")
    if workers is not None and workers < 0:
        raise BadInput(f"workers {workers} is below 0; give 0 (none) or more")
    reporter.phase(f"loading {encoder.full_name}")
    loaded = encoder.load(device=device)
    made_by = fingerprint(encoder.full_name, encoder.params(), loaded.weights, loaded.preprocessing)
    name = slug(encoder.full_name)
    parent = dataset.folder / "embeddings"
    folder = parent / f"{name}-{fingerprint(made_by, dataset.fingerprint)[:10]}"
    store = FeatureStore(parent / f".features-{name}-{made_by[:16]}")
    with exclusive(store.lock_file, reporter):
        if not (folder / EmbeddingRecord.FILE).is_file():
            store.open()
            run = _Run(workspace, dataset, encoder, loaded, store, reporter)
            run.compute(workers)
            run.save(folder)
    return Embedding(folder, EmbeddingRecord.read(folder))


@dataclass
class _Run:
    """One embedding in the making."""

    workspace: Workspace
    dataset: Dataset
    encoder: Encoder
    loaded: LoadedEncoder
    store: FeatureStore
    reporter: Reporter
    unreadable: dict[str, str] = field(default_factory=dict)  # sha256 -> reason
    not_finite: list[str] = field(default_factory=list)  # sha256
    started: float = field(default_factory=time.monotonic)
    computed: int = 0
    seconds_computing: float = 0.0

    def compute(self, workers: int | None) -> None:
        """Features of all frames that have none yet, into the store. Raises BadInput at the end for bad frames."""
        pictures = self.dataset.frames.drop_duplicates("sha256")
        wanted = pictures[[key not in self.store for key in pictures["sha256"]]]
        self.reporter.phase(f"embedding with {self.encoder.full_name}", len(wanted))
        began = time.monotonic()
        if len(wanted):
            try:
                self._compute(wanted, default_workers(len(wanted)) if workers is None else workers)
            finally:
                self.store.flush()
        self.seconds_computing = time.monotonic() - began
        for name, value in self.loaded.notes().items():
            self.reporter.log(f"{name.replace('_', ' ')}: {value}")
        self._complain()

    def _compute(self, wanted: pd.DataFrame, workers: int) -> None:
        if self.encoder.READS == "thumbnail":
            tasks = thumbnail_tasks(self.workspace, wanted)
        else:
            tasks = original_tasks(self.dataset, wanted)
        ready = Rebatcher()
        chunks = prepared_chunks(tasks, self.loaded.preparation(), workers=workers, reporter=self.reporter)
        with closing(chunks):
            for chunk in chunks:
                self.unreadable |= chunk.bad
                self.reporter.advance(len(chunk.bad))
                if chunk.rows is not None:
                    ready.add(chunk.keys, chunk.rows)
                for keys, rows in ready.take(self.loaded.batch_size):
                    self._infer(keys, rows)
        while ready.keys:
            for keys, rows in ready.take(max(2, self.loaded.batch_size), last=True):
                self._infer(keys, rows)

    def _infer(self, keys: list[str], rows: np.ndarray) -> None:
        features = self.loaded.infer(rows)
        finite = np.isfinite(features.astype(np.float16)).all(axis=1)
        self.not_finite += [keys[row] for row in np.flatnonzero(~finite)]
        self.store.add([keys[row] for row in np.flatnonzero(finite)], features[finite])
        self.computed += len(keys)
        self.reporter.advance(len(keys))

    def _complain(self) -> None:
        """Raise for frames without features: an embedding covers all frames or is none."""
        if self.unreadable:
            raise BadInput(
                f"{self._listed(self.unreadable)} cannot be read any more; import the same folder again, which notes "
                "what has vanished or changed, then embed again (the vectors of all other frames are kept)"
            )
        if self.not_finite:
            raise BadInput(
                f"encoder {self.encoder.full_name} gives no finite vector for {self._listed(self.not_finite)}; "
                "use another encoder or checkpoint (the vectors of all other frames are kept)"
            )

    def _listed(self, bad: "dict[str, str] | list[str]") -> str:
        """'3 of 510 frames (a.jpg: the file is cut off; b.jpg; ...)'."""
        frames = self.dataset.frames
        hit = frames[frames["sha256"].isin(list(bad))]
        reasons = bad if isinstance(bad, dict) else {}
        named = [
            f"{path}: {reasons[key]}" if key in reasons else str(path)
            for path, key in zip(hit["path"][:NAMED], hit["sha256"][:NAMED], strict=True)
        ]
        more = "; ..." if len(hit) > NAMED else ""
        return f"{len(hit)} of {len(frames)} frames ({'; '.join(named)}{more})"

    def save(self, folder: Path) -> None:
        """Fit, finish and write the embedding's folder."""
        frames, count = self.dataset.frames, len(self.dataset.frames)
        for left_over in folder.parent.glob(f".{folder.name}.*.tmp"):  # of a run that was killed; we hold the lock
            shutil.rmtree(left_over, ignore_errors=True)
        with new_folder(folder) as temporary:
            raw = temporary / "features.raw"
            features = _room(raw, (count, self.loaded.feature_dim))
            self.store.gather(frames["sha256"].tolist(), features)
            self.reporter.phase("fitting")
            self.loaded.fit(features)
            dim = self._finish(features, temporary / Embedding.VECTORS)
            self.loaded.save_state(temporary)
            del features
            raw.unlink()
            ids = frames[["frame_id", "sha256"]]
            write_atomically(temporary / Embedding.FRAMES, lambda stream: ids.to_parquet(stream, index=False))
            self._record(folder.name, dim).write(temporary)

    def _finish(self, features: np.ndarray, path: Path) -> int:
        """Write the final vectors of `features` block by block; their dimension."""
        dim = 0
        with path.open("wb") as stream:
            self.reporter.phase("writing vectors", len(features))
            for start in range(0, len(features), BLOCK):
                block = self.loaded.finish(np.asarray(features[start : start + BLOCK])).astype(np.float16)
                if not np.isfinite(block).all():
                    row = start + int(np.flatnonzero(~np.isfinite(block).all(axis=1))[0])
                    self.not_finite.append(str(self.dataset.frames["sha256"][row]))
                    self._complain()
                if start == 0:
                    dim = block.shape[1]
                    header = {"descr": "<f2", "fortran_order": False, "shape": (len(features), dim)}
                    np.lib.format.write_array_header_1_0(stream, header)
                stream.write(np.ascontiguousarray(block, dtype="<f2").data)
                self.reporter.advance(len(block))
            stream.flush()
            os.fsync(stream.fileno())
        return dim

    def _record(self, name: str, dim: int) -> EmbeddingRecord:
        seconds = time.monotonic() - self.started
        count, spent = (
            (self.computed, self.seconds_computing) if self.computed else (len(self.dataset.frames), seconds)
        )
        return EmbeddingRecord(
            id=name,
            dataset=self.dataset.id,
            dataset_fingerprint=self.dataset.fingerprint,
            encoder=self.encoder.full_name,
            encoder_params=self.encoder.params(),
            weights=self.loaded.weights,
            preprocessing=self.loaded.preprocessing,
            checkpoint=self.encoder.checkpoint_file,
            notes=self.loaded.notes(),
            dim=dim,
            frames=len(self.dataset.frames),
            seconds=round(seconds, 3),
            images_per_second=round(count / max(spent, 1e-6), 1),
        )


def _room(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """A memory-mapped float16 array on disk. Its room is written first: a full disk then is an error with a
    sentence, where a write through the mapping would end the process."""
    zeros = bytes(1 << 20)
    left = shape[0] * shape[1] * 2
    with path.open("wb") as stream:
        while left > 0:
            left -= stream.write(zeros[:left])
    return np.memmap(path, dtype=np.float16, mode="r+", shape=shape)
