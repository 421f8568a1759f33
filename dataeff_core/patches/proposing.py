"""Patches of every frame of a dataset, resumably: processes read frames and find boxes, here they are gathered."""

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dataeff_core.errors import BadInput
from dataeff_core.frame_reading.decoding import Chunk, default_workers, prepared_chunks
from dataeff_core.frame_reading.reading import original_tasks, thumbnail_tasks
from dataeff_core.patches.base import LoadedProposer, Proposer
from dataeff_core.patches.boxes import in_pixels, shares_of, tidied
from dataeff_core.patches.overlays import overlay_masks
from dataeff_core.patches.shards import RowShards
from dataeff_core.patches.stored import PATCH_COLUMNS, PatchSet, PatchSetRecord, patches_folder
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.datasets import Dataset
from dataeff_core.workspace.root import Workspace
from dataeff_core.workspace.storage import exclusive, fingerprint, new_folder, write_atomically
from dataeff_core.workspace.thumbnails import shrink

NAMED = 3  # unreadable frames that are named; the rest is counted


def propose(
    workspace: Workspace,
    dataset: Dataset,
    proposer: Proposer,
    *,
    device: str = "auto",
    workers: int | None = None,
    reporter: Reporter | None = None,
) -> PatchSet:
    """The patches of every present frame; an equal set that is there already is returned.

    What is found is kept as it comes (`RowShards`, by content), so a run that was stopped goes on where it was, and
    after a further import only new pictures are looked at. A frame that cannot be read is listed with its reason and
    tried again by the next run; all others are done. `workers` processes read frames (default: one a processor;
    0: none).

    Raises BadInput for an empty dataset or one without any patch, MissingWeights, StorageFailed, WorkerDied,
    Cancelled.
    """
    reporter = reporter or Reporter()
    if dataset.frames.empty:
        raise BadInput(f"dataset {dataset.record.name!r} has no frames to cut patches from; import some first")
    if workers is not None and workers < 0:
        raise BadInput(f"workers {workers} is below 0; give 0 (none) or more")
    reporter.phase(f"loading {proposer.NAME}")
    loaded = proposer.load(device=device)
    for sentence in loaded.notes().values():
        reporter.log(sentence)
    made_by = fingerprint(proposer.NAME, proposer.params(), loaded.weights, proposer.VERSION)
    parent = patches_folder(dataset)
    folder = parent / f"{proposer.NAME}-{fingerprint(made_by, dataset.fingerprint)[:10]}"
    store = RowShards(parent / f".found-{proposer.NAME}-{made_by[:16]}")
    with exclusive(store.lock_file, reporter):
        if (folder / PatchSetRecord.FILE).is_file():
            record = PatchSetRecord.read(folder)
            if record.unreadable == 0:
                return PatchSet(folder, record)
        store.open()
        run = _Run(workspace, dataset, proposer, loaded, store, reporter)
        run.search(workers)
        run.save(folder)
    return PatchSet(folder, PatchSetRecord.read(folder))


@dataclass(frozen=True)
class Finding:
    """What a worker does with its frames: finds and tidies their boxes."""

    loaded: LoadedProposer
    rules: Proposer

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """n frames -> (n,) object, each (k, 5) float64: boxes as shares of the frame's sides, and scores."""
        return _ragged([tidied(self.loaded.candidates(image), image, self.rules) for image in images])


@dataclass(frozen=True)
class Shrinking:
    """What a worker does for a proposer that works in the main process."""

    longest: int

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """n frames -> (n,) object, each (h, w, 3) uint8 with its longer side at most `longest` pixels."""
        return _ragged([shrink(image, self.longest) if self.longest else image for image in images])


def _ragged(values: list[np.ndarray]) -> np.ndarray:
    out = np.empty(len(values), dtype=object)
    for at, value in enumerate(values):
        out[at] = value
    return out


@dataclass
class _Run:
    """One set of patches in the making."""

    workspace: Workspace
    dataset: Dataset
    proposer: Proposer
    loaded: LoadedProposer
    store: RowShards
    reporter: Reporter
    unreadable: dict[str, str] = field(default_factory=dict)  # sha256 -> reason
    started: float = field(default_factory=time.monotonic)
    looked_at: int = 0
    seconds_looking: float = 0.0

    def search(self, workers: int | None) -> None:
        """Boxes of all pictures that were not looked at yet, into the store."""
        pictures = self.dataset.frames.drop_duplicates("sha256")
        wanted = pictures[~pictures["sha256"].isin(self.store.known)]
        self.reporter.phase(f"proposing patches with {self.proposer.NAME}", len(wanted))
        began = time.monotonic()
        if len(wanted):
            try:
                self._search(wanted, default_workers(len(wanted)) if workers is None else workers)
            finally:
                self.store.flush()
        self.seconds_looking = time.monotonic() - began

    def _search(self, wanted: pd.DataFrame, workers: int) -> None:
        thumbnails = self.proposer.READS == "thumbnail"
        tasks = thumbnail_tasks(self.workspace, wanted) if thumbnails else original_tasks(self.dataset, wanted)
        here = not self.loaded.IN_WORKERS
        prepare: Callable[[Sequence[np.ndarray]], np.ndarray]
        prepare = Shrinking(self.loaded.LONGEST) if here else Finding(self.loaded, self.proposer)
        chunks = prepared_chunks(tasks, prepare, workers=workers, reporter=self.reporter)
        with closing(chunks):
            for chunk in chunks:
                self.unreadable |= chunk.bad
                self.reporter.advance(len(chunk.bad))
                self._take(chunk, here=here)

    def _take(self, chunk: Chunk, *, here: bool) -> None:
        for key, row in zip(chunk.keys, () if chunk.rows is None else chunk.rows, strict=True):
            found = tidied(self.loaded.candidates(row), row, self.proposer) if here else row
            self.store.add(key, {"boxes": found})
            self.looked_at += 1
            self.reporter.advance()

    def save(self, folder: Path) -> None:
        """Write the set's folder. Raises BadInput when not one patch was found."""
        for left_over in folder.parent.glob(f".{folder.name}.*.tmp"):  # of a run that was killed; we hold the lock
            shutil.rmtree(left_over, ignore_errors=True)
        table, without = self._table()
        if table.empty:
            raise BadInput(
                f"{self.proposer.NAME} finds no patch in any of {len(self.dataset.frames)} frames"
                f"{self._first_reason()}; lower min_area ({self.proposer.min_area:g}), min_side "
                f"({self.proposer.min_side}) or lit ({self.proposer.lit:g})"
            )
        with new_folder(folder, replace=True) as making:
            tables = {PatchSet.PATCHES: table, PatchSet.UNREADABLE: self._unreadable()}
            for file, one in tables.items():
                write_atomically(making / file, lambda stream, t=one: t.to_parquet(stream, index=False))  # type: ignore[misc]
            self._record(folder.name, len(table), without).write(making)

    def _table(self) -> tuple[pd.DataFrame, int]:
        """The patches (PATCH_COLUMNS) and how many readable frames have none."""
        frames = self.dataset.frames
        counts, rows = self.store.gather(frames["sha256"].tolist(), ["boxes"])
        found = rows["boxes"].reshape(-1, 5)
        ends = np.cumsum(counts)
        overlays = self._overlays()
        parts, per_frame = [], np.zeros(len(frames), np.int64)
        sizes = frames[["height", "width"]].to_numpy(np.int64)
        for at, (end, count) in enumerate(zip(ends.tolist(), counts.tolist(), strict=True)):
            mine = found[end - count : end]
            if overlays[at] is not None:
                mine = mine[shares_of(overlays[at], mine[:, :4]) <= 1 - self.proposer.lit]
            pixels, kept = in_pixels(mine[:, :4], int(sizes[at, 0]), int(sizes[at, 1]), self.proposer.min_side)
            parts.append(np.concatenate([pixels, mine[kept, 4:]], axis=1))
            per_frame[at] = len(kept)
        joined = np.concatenate(parts) if parts else np.empty((0, 5))
        frame = np.repeat(np.arange(len(frames)), per_frame)
        number = np.arange(len(frame)) - np.repeat(np.cumsum(per_frame) - per_frame, per_frame)
        ids = frames["frame_id"].to_numpy(object)[frame]
        pixels = joined[:, :4].astype(np.int32)
        area = np.prod(pixels[:, 2:] - pixels[:, :2], axis=1) / np.prod(sizes[frame], axis=1)
        columns = {
            "patch_id": [f"{one}-{n}" for one, n in zip(ids, number.tolist(), strict=True)],
            "frame_id": ids,
            "sha256": frames["sha256"].to_numpy(object)[frame],
            "group": frames["group"].to_numpy(object)[frame],
            **dict(zip(("top", "left", "bottom", "right"), pixels.T, strict=True)),
            "area": area,
            "score": joined[:, 4],
        }
        readable = ~frames["sha256"].isin(list(self.unreadable)).to_numpy()
        return pd.DataFrame(columns).astype(PATCH_COLUMNS), int(((per_frame == 0) & readable).sum())

    def _overlays(self) -> list[Any]:
        """For each frame where its group's overlays are, None where there are none."""
        frames = self.dataset.frames
        if self.proposer.lit == 0:
            return [None] * len(frames)
        masks = overlay_masks(self.workspace, frames, reporter=self.reporter)
        kinds = zip(frames["group"], frames["width"], frames["height"], strict=True)
        return [masks.get((str(group), int(width), int(height))) for group, width, height in kinds]

    def _unreadable(self) -> pd.DataFrame:
        lost = self.dataset.frames[self.dataset.frames["sha256"].isin(list(self.unreadable))]
        table = lost[["frame_id", "path", "sha256"]].assign(reason=[self.unreadable[key] for key in lost["sha256"]])
        return table[["frame_id", "path", "reason"]].astype("string")

    def _first_reason(self) -> str:
        return f" ({next(iter(self.unreadable.values()))})" if self.unreadable else ""

    def _record(self, name: str, patches: int, without: int) -> PatchSetRecord:
        lost = self._unreadable()
        notes = dict(self.loaded.notes())
        if len(lost):
            named = [f"{path}: {reason}" for path, reason in zip(lost["path"][:NAMED], lost["reason"], strict=False)]
            more = "; ..." if len(lost) > NAMED else ""
            notes["unreadable"] = f"{len(lost)} frames cannot be read and have no patches: {'; '.join(named)}{more}"
        if without:
            notes["without"] = f"nothing that passes the rules was found in {without} frames"
        return PatchSetRecord(
            id=name,
            dataset=self.dataset.id,
            dataset_fingerprint=self.dataset.fingerprint,
            proposer=self.proposer.NAME,
            params=self.proposer.params(),
            weights=self.loaded.weights,
            version=self.proposer.VERSION,
            frames=len(self.dataset.frames),
            patches=patches,
            frames_without=without,
            unreadable=len(lost),
            notes=notes,
            seconds=round(time.monotonic() - self.started, 3),
            images_per_second=round(self.looked_at / max(self.seconds_looking, 1e-6), 1),
        )
