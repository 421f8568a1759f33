"""Patches chosen and laid out as training images, and kept under a name: a selection of patches."""

import time
from pathlib import Path

import numpy as np
import pandas as pd

from dataeff_core import __version__
from dataeff_core.errors import BadInput
from dataeff_core.hardness.choosing import PatchRules
from dataeff_core.hardness.information import terms
from dataeff_core.hardness.stored import Hardness
from dataeff_core.mosaics.exporting import Planned, manifest_of, plan
from dataeff_core.mosaics.layout import Layout, MosaicRules
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.datasets import Dataset
from dataeff_core.workspace.mosaics import CELL_COLUMNS, MosaicRecord, MosaicSet, Tiling, mosaics_folder
from dataeff_core.workspace.removals import not_removed
from dataeff_core.workspace.storage import exclusive, fingerprint, new_folder, write_atomically


def save_mosaics(
    dataset: Dataset,
    scored: Hardness,
    choice: PatchRules,
    rules: MosaicRules,
    *,
    count: int | None = None,
    seed: int = 0,
    name: str = "",
    overruled: bool = True,
    reporter: Reporter | None = None,
) -> MosaicSet:
    """Choose `choice` of the scored patches, lay them out by `rules` as `count` mosaics (or as many as they allow),
    and keep which patch stands where; no pixel is read. An equal set that is there already is returned. Without
    `overruled` reviewers' decisions on frames are left aside.

    Raises Stale, BadInput (too few patches, contradicting rules), StorageFailed.
    """
    began = time.monotonic()
    planned = plan(dataset, scored, choice, rules, count=count, seed=seed, overruled=overruled, reporter=reporter)
    seconds = time.monotonic() - began
    return keep(dataset, scored, planned, choice, rules, count=count, seed=seed, name=name, seconds=seconds)


def keep(
    dataset: Dataset,
    scored: Hardness,
    planned: Planned,
    choice: PatchRules,
    rules: MosaicRules,
    *,
    count: int | None,
    seed: int,
    name: str,
    seconds: float,
) -> MosaicSet:
    """Write what was planned by these rules, which took so many seconds; an equal set that is there already is
    returned. Raises StorageFailed."""
    cells = manifest_of(dataset, scored, planned.layout)[list(CELL_COLUMNS)]
    layout = planned.layout
    record = MosaicRecord(
        id=f"mosaics-{_identity(dataset, scored, cells['patch_id'].tolist(), choice, rules, count, seed, name)}",
        name=name,
        dataset=dataset.id,
        dataset_name=dataset.record.name,
        dataset_fingerprint=dataset.fingerprint,
        patch_set=scored.record.patch_set,
        hardness=scored.id,
        scorer=scored.record.scorer,
        weights=scored.record.weights,
        patches=choice.model_dump(mode="json"),
        mosaic=rules.model_dump(mode="json"),
        count=count,
        seed=seed,
        mosaics=len(layout),
        patches_used=int(layout.rows.size),
        frames=int(cells["frame_id"].nunique()),
        retained=len(layout) / len(dataset.frames),
        tiling=Tiling(grid=layout.grid, height=layout.height, width=layout.width, aspect=rules.aspect),
        nothing=planned.terms.nothing,
        given=planned.terms.given,
        warning=planned.warning,
        notes=planned.notes,
        code_version=__version__,
        seconds=round(seconds, 3),
    )
    folder = mosaics_folder(dataset) / record.id
    with exclusive(mosaics_folder(dataset) / ".lock"):
        if (folder / MosaicRecord.FILE).is_file():
            return MosaicSet(folder, MosaicRecord.read(folder))
        _write(folder, record, cells)
    return MosaicSet(folder, record)


def reopened(dataset: Dataset, scored: Hardness, mosaics: MosaicSet) -> Planned:
    """A saved set as it was planned, to write its images; without the mosaics that show frames which reviewers have
    removed since. Raises Stale, BadInput when `scored` is not what it was chosen from, or nothing is left."""
    record = mosaics.record
    mosaics.check_fits(dataset)
    cells, notes = not_removed(dataset, mosaics.manifest)
    if cells.empty:
        raise BadInput(f"{notes['removed_since']}; lay out new ones")
    rows = pd.Index(scored.table["patch_id"]).get_indexer(pd.Index(cells["patch_id"]))
    if record.hardness != scored.id or (rows < 0).any():
        raise BadInput(f"mosaics {record.id} are of scored patches {record.hardness}, not of {scored.id}; give those")
    shape = (-1, record.tiling.cells)
    layout = Layout(
        rows.astype(np.int64).reshape(shape),
        cells["band"].to_numpy(np.int64).reshape(shape),
        record.tiling.grid,
        record.tiling.height,
        record.tiling.width,
    )
    return Planned(layout, terms(scored.moments, rows), record.warning, record.notes | notes)


def _identity(  # noqa: PLR0917
    dataset: Dataset,
    scored: Hardness,
    patches: list[str],
    choice: PatchRules,
    rules: MosaicRules,
    count: int | None,
    seed: int,
    name: str,
) -> str:
    """What makes two sets equal: the recipe, and the patches too, which reviewers' decisions may change."""
    recipe = (choice.model_dump(mode="json"), rules.model_dump(mode="json"), count, seed, name, __version__)
    return fingerprint(dataset.fingerprint, scored.id, patches, *recipe)[:10]


def _write(folder: Path, record: MosaicRecord, cells: pd.DataFrame) -> None:
    with new_folder(folder) as making:
        write_atomically(making / MosaicSet.MANIFEST, lambda stream: cells.to_parquet(stream, index=False))
        record.write(making)
