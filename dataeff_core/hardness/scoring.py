"""From a dataset's patches to their hardness, resumably: processes read frames and cut, the MAE draws here."""

import math
import shutil
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from dataeff_core.errors import BadInput
from dataeff_core.frame_reading.decoding import default_workers, prepared_chunks
from dataeff_core.frame_reading.reading import original_tasks
from dataeff_core.hardness.cropping import BOX, Cropping, Cut, cuts_of
from dataeff_core.hardness.information import Moments, pointwise, terms
from dataeff_core.hardness.scale import corrected, enlargement
from dataeff_core.hardness.stored import SCORE_COLUMNS, Hardness, HardnessRecord, hardness_folder
from dataeff_core.hardness.waiting import Arrays, Waiting
from dataeff_core.patches.shards import RowShards
from dataeff_core.patches.stored import PATCH_COLUMNS, PatchSet
from dataeff_core.reporting import Reporter
from dataeff_core.theory.warning import effective_dimension
from dataeff_core.workspace.datasets import Dataset
from dataeff_core.workspace.root import Workspace
from dataeff_core.workspace.storage import exclusive, fingerprint, new_folder, write_array, write_atomically

if TYPE_CHECKING:
    from dataeff_core.hardness.mae_loading import LoadedMAE
    from dataeff_core.hardness.measuring import Measuring

VERSION = "1"  # of the code path; part of the scores' identity
BATCH = {"cpu": 32, "mps": 64, "cuda": 256}
NAMED = 3


class Scorer(BaseModel):
    """How patches are scored; the instance is its parameters. OptiDEL scores by an MAE's reconstruction error; which
    masks and how many is not published, so these are our choices."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    masks: int = Field(
        default=4,
        ge=1,
        le=64,
        title="Masks",
        description="the error is the mean over so many masks, the same for every patch; with a quarter visible four "
        "hide each part equally often (our choice)",
    )
    mask_ratio: float | None = Field(
        default=None,
        ge=0.05,
        le=0.95,
        title="Hidden share",
        description="of a patch's parts; left out: as the MAE was trained",
        json_schema_extra={"unit": "share of the parts", "step": 0.05},
    )
    mask_seed: int = Field(default=0, ge=0, title="Seed of the masks", description="which masks (our choice)")
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32",
        title="Precision",
        description="bfloat16 is faster on recent processors and changes scores by about a percent",
    )


def score(
    workspace: Workspace,
    dataset: Dataset,
    patches: PatchSet,
    scorer: Scorer,
    *,
    run: str = "latest",
    checkpoint: Path | None = None,
    evened: bool = True,
    device: str = "auto",
    batch: int | None = None,
    workers: int | None = None,
    reporter: Reporter | None = None,
) -> Hardness:
    """The hardness of every patch under the MAE of a finished run, or of a file; an equal one that is there already
    is returned.

    What is measured is kept as it comes, so a job that was stopped goes on where it was, and new frames alone are
    measured after an import. A frame that cannot be read is left out and told. `evened` is of a file's MAE
    (mae_loading.load_mae); `batch` patches go through the network at once.

    Raises Stale when the patches are not of the dataset as it is, NotFound without an MAE, BadInput, MissingWeights,
    StorageFailed, WorkerDied, Cancelled.
    """
    from dataeff_core.hardness.mae_loading import load_mae

    reporter = reporter or Reporter()
    patches.check_fits(dataset)
    if batch is not None and not 1 <= batch <= 65536:
        raise BadInput(f"batch {batch} is not in 1..65536; give how many patches go through the network at once")
    if workers is not None and workers < 0:
        raise BadInput(f"workers {workers} is below 0; give 0 (none) or more")
    reporter.phase("loading the masked autoencoder")
    mae = load_mae(workspace, run=run, checkpoint=checkpoint, evened=evened)
    params = scorer.model_dump(mode="json") | {"mask_ratio": scorer.mask_ratio or mae.mask_ratio}
    of_patches = patches.record
    made_by = fingerprint(
        mae.weights, params, VERSION, of_patches.proposer, of_patches.params, of_patches.weights, of_patches.version
    )
    parent = hardness_folder(dataset)
    folder = parent / f"hardness-{fingerprint(made_by, dataset.fingerprint, of_patches.created)[:10]}"
    store = RowShards(parent / f".measured-{made_by[:16]}")
    with exclusive(store.lock_file, reporter):
        if (folder / HardnessRecord.FILE).is_file():
            record = HardnessRecord.read(folder)
            if record.unreadable == 0:
                return Hardness(folder, record)
        store.open()
        work = _Run(workspace, dataset, patches, mae, params, store, reporter)
        work.measure(device, batch, workers)
        work.save(folder)
    return Hardness(folder, HardnessRecord.read(folder))


@dataclass
class _Run:
    """One scoring in the making."""

    workspace: Workspace
    dataset: Dataset
    patches: PatchSet
    mae: "LoadedMAE"
    params: dict[str, Any]
    store: RowShards
    reporter: Reporter
    unreadable: dict[str, str] = field(default_factory=dict)  # sha256 -> reason
    started: float = field(default_factory=time.monotonic)
    measured: int = 0
    seconds_measuring: float = 0.0

    def measure(self, device: str, batch: int | None, workers: int | None) -> None:
        """Measurements of all patches that have none yet, into the store."""
        wanted = {cut.key: cut for cut in cuts_of(self.patches.table) if cut.key not in self.store.known}
        cuts: dict[str, list[Cut]] = {}
        for cut in wanted.values():
            cuts.setdefault(cut.sha256, []).append(cut)
        boxes = {key: np.concatenate([cut.boxes for cut in some]) for key, some in cuts.items()}
        self.reporter.phase("scoring patches", sum(map(len, boxes.values())))
        if not boxes:
            return
        frames = self.dataset.frames.drop_duplicates("sha256")
        frames = frames[frames["sha256"].isin(list(boxes))]
        measuring = self._measuring(device, batch)
        tasks = original_tasks(self.dataset, frames)
        count = default_workers(len(frames)) if workers is None else workers
        cropping = Cropping(self.mae.network.backbone.image_size, boxes)
        began = time.monotonic()
        chunks = prepared_chunks(tasks, cropping, workers=count, reporter=self.reporter)
        waiting = Waiting(measuring.batch)
        try:
            with closing(chunks):
                for chunk in chunks:
                    self.unreadable |= chunk.bad
                    self.reporter.advance(sum(len(boxes[key]) for key in chunk.bad))
                    for key, crops in zip(chunk.keys, () if chunk.rows is None else chunk.rows, strict=True):
                        ends = np.cumsum([len(cut.boxes) for cut in cuts[key]])
                        for cut, part in zip(cuts[key], np.split(crops, ends[:-1]), strict=True):
                            waiting.add(cut.key, part)
                    self._measure(measuring, waiting, least=measuring.batch)
            self._measure(measuring, waiting, least=1)
        finally:
            self.store.flush()
            self.seconds_measuring = time.monotonic() - began

    def _measuring(self, device: str, batch: int | None) -> "Measuring":
        from dataeff_core.backbones.devices import resolve_device, use_all_processors
        from dataeff_core.hardness.measuring import Measuring
        from dataeff_core.pretraining.mae_network import visible_count

        use_all_processors()
        where = resolve_device(device)
        return Measuring(
            self.mae.network,
            device=where,
            masks=self.params["masks"],
            visible=visible_count(self.mae.network.patches, self.params["mask_ratio"]),
            seed=self.params["mask_seed"],
            batch=batch or BATCH.get(where.type, 32),
            precision=self.params["precision"],
        )

    def _measure(self, measuring: "Measuring", waiting: "Waiting", *, least: int) -> None:
        """Measure whole batches while at least so many patches wait; what belongs to a frame is kept together."""
        while waiting.count >= least:
            crops = waiting.next()
            found = measuring.measure(crops)
            arrays: Arrays = {
                "mean": found.mean,
                "square": found.square,
                "error": found.error,
                "constant": found.constant,
                "vector": found.vector,
            }
            for key, rows in waiting.back(arrays):
                self.store.add(key, rows)
            self.measured += len(crops)
            self.reporter.advance(len(crops))

    # ---- saving -----------------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        """Write the folder. Raises BadInput when not one patch could be measured."""
        for left_over in folder.parent.glob(f".{folder.name}.*.tmp"):  # of a run that was killed; we hold the lock
            shutil.rmtree(left_over, ignore_errors=True)
        self.reporter.phase("correcting for scale")
        cuts = cuts_of(self.patches.table)
        there = np.array([cut.key in self.store.known for cut in cuts], bool)
        table = self.patches.table[np.repeat(there, [len(cut.boxes) for cut in cuts])].reset_index(drop=True)
        if table.empty:
            reason = next(iter(self.unreadable.values()), "there are none")
            raise BadInput(f"not one of {self.patches.record.patches} patches could be scored ({reason}); check them")
        keys = [cut.key for cut in cuts if cut.key in self.store.known]
        _, rows = self.store.gather(keys, ["mean", "square", "error", "constant", "vector"])
        scored, fitted = self._scored(table, rows)
        vectors = rows["vector"]
        with new_folder(folder, replace=True) as making:
            write_atomically(making / Hardness.TABLE, lambda stream: scored.to_parquet(stream, index=False))
            write_array(making / Hardness.VECTORS, vectors)
            self._record(folder.name, scored, vectors, (fitted.nothing, fitted.given)).write(making)

    def _scored(self, table: pd.DataFrame, rows: Arrays) -> tuple[pd.DataFrame, Any]:
        """The patches with their scores, and the terms of all of them."""
        moments = Moments(rows["mean"].reshape(-1, 3), rows["square"], rows["error"])
        fitted = terms(moments)
        nothing, given = pointwise(moments, fitted)
        scale = enlargement(table[BOX].to_numpy(np.int64), self.mae.network.backbone.image_size)
        columns = {
            "hardness": corrected(moments.error, scale, rows["constant"]),
            "error": moments.error,
            "enlargement": scale,
            "constant": rows["constant"],
            "nothing": nothing,
            "given": given,
            "information": nothing - given,
            **dict(zip(("mean_red", "mean_green", "mean_blue"), moments.mean.T, strict=True)),
            "square": moments.square,
            "squared_error": moments.error,
        }
        return table.assign(**columns).astype(PATCH_COLUMNS | SCORE_COLUMNS), fitted

    def _record(
        self, name: str, scored: pd.DataFrame, vectors: np.ndarray, of_all: tuple[float, float]
    ) -> HardnessRecord:
        network, notes = self.mae.network, {}
        if self.unreadable:
            named = "; ".join(list(self.unreadable.values())[:NAMED])
            notes["unreadable"] = f"{len(self.unreadable)} pictures cannot be read, their patches left out: {named}"
        one_colour = int(scored["constant"].sum())
        if one_colour:
            notes["constant"] = f"{one_colour} patches have one colour throughout and get hardness 0"
        if not all(map(math.isfinite, of_all)):
            raise BadInput(f"{self.mae.name} draws no finite values; give another run or checkpoint")
        return HardnessRecord(
            id=name,
            dataset=self.dataset.id,
            dataset_fingerprint=self.dataset.fingerprint,
            patch_set=self.patches.id,
            patch_set_created=self.patches.record.created,
            scorer=self.mae.name,
            run=self.mae.run,
            weights=self.mae.weights,
            params=self.params,
            values="evened" if network.norm_pixels else "intensities",
            version=VERSION,
            side=network.backbone.image_size,
            part=network.patch,
            patches=len(scored),
            frames=int(scored["frame_id"].nunique()),
            unreadable=len(self.unreadable),
            nothing=of_all[0],
            given=of_all[1],
            dimension=effective_dimension(vectors),
            notes=notes,
            seconds=round(time.monotonic() - self.started, 3),
            patches_per_second=round(self.measured / max(self.seconds_measuring, 1e-6), 1),
        )
