"""Mosaics written as images, with a manifest from each of their cells to its frame, box and scores."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from dataeff_core import __version__
from dataeff_core.errors import BadInput, Conflict
from dataeff_core.hardness.choosing import PatchRules, Ranked
from dataeff_core.hardness.information import Terms, terms
from dataeff_core.hardness.stored import Hardness
from dataeff_core.mosaics.assembling import assembled
from dataeff_core.mosaics.layout import Layout, MosaicRules, lay_out
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.datasets import Dataset
from dataeff_core.workspace.storage import file_sha256, new_folder, storage_errors, write_atomically, write_json

IMAGES, MANIFEST, RECIPE, SUMS = "images", "manifest.parquet", "mosaics.json", "SHA256SUMS"
FROM_PATCH = ["patch_id", "frame_id", "sha256", "group", "top", "left", "bottom", "right", "hardness", "information"]
NAMED = 3


@dataclass(frozen=True)
class Planned:
    """What would be made."""

    layout: Layout
    terms: Terms  # of the patches in the mosaics
    warning: str
    notes: dict[str, str]


@dataclass(frozen=True)
class Exported:
    """What was written."""

    out: Path
    mosaics: int
    left_out: int  # of which a frame cannot be read
    bytes: int


def plan(
    dataset: Dataset,
    scored: Hardness,
    choice: PatchRules,
    rules: MosaicRules,
    *,
    count: int | None = None,
    seed: int = 0,
    overruled: bool = True,
    reporter: Reporter | None = None,
) -> Planned:
    """Choose patches, for `count` mosaics no more than those take, and lay them out; nothing is read or written.
    Without `overruled` reviewers' decisions on frames are left aside. Raises Stale, BadInput."""
    scored.check_fits(dataset)
    ranked = Ranked.of(scored, dataset, usable=choice.usable, overruled=overruled)
    most = None if count is None else max(0, count) * rules.grid**2
    chosen = ranked.choose(choice, most=most, seed=seed, reporter=reporter)
    used = scored.table["frame_id"].to_numpy(object)[chosen.rows]
    frames = dataset.frames[dataset.frames["frame_id"].isin(set(used.tolist()))]
    sizes = frames[["height", "width"]].to_numpy(np.int64)
    layout = lay_out(chosen.rows, rules, sizes=sizes, count=count, seed=seed)
    notes = ranked.notes()
    left = len(chosen.rows) - layout.rows.size
    if left:
        notes["left_over"] = f"{left} of the {len(chosen.rows)} chosen patches, the easiest, are in no mosaic"
    if len(sizes) == 1:
        notes["one_frame"] = "all patches are of one frame, so the mosaics show nothing but it"
    return Planned(layout, terms(ranked.moments, layout.rows.ravel()), chosen.warning, notes)


def manifest_of(dataset: Dataset, scored: Hardness, layout: Layout) -> pd.DataFrame:
    """One row a cell: mosaic, file, where the cell stands in it, its band of hardness, and its patch's frame, box (in
    pixels of the frame) and scores."""
    cells = layout.rows.shape[1]
    mosaic = np.repeat(np.arange(len(layout)), cells)
    places = np.array([layout.place(at) for at in range(cells)])
    patch = scored.table.iloc[layout.rows.ravel()][FROM_PATCH].reset_index(drop=True)
    paths = dataset.frames.set_index("frame_id")["path"]
    height, width = layout.cell
    where = pd.DataFrame(
        {
            "mosaic": mosaic,
            "file": [f"{IMAGES}/{file_name(one)}" for one in mosaic.tolist()],
            "cell_top": np.tile(places[:, 0], len(layout)),
            "cell_left": np.tile(places[:, 1], len(layout)),
            "cell_height": height,
            "cell_width": width,
            "band": layout.bands.ravel(),
            "path": paths.loc[patch["frame_id"]].to_numpy(object),
        }
    )
    return pd.concat([where, patch], axis=1)


def file_name(mosaic: int) -> str:
    return f"mosaic-{mosaic:06d}.png"


def export_mosaics(
    dataset: Dataset,
    scored: Hardness,
    planned: Planned,
    out: Path,
    *,
    choice: PatchRules,
    rules: MosaicRules,
    count: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    reporter: Reporter | None = None,
) -> Exported:
    """Write the mosaics as PNG, the manifest, the recipe and the sums into the new folder `out`, whole or not at all.

    A mosaic of which a frame cannot be read is left out and told. Raises Conflict when `out` is there, BadInput when
    not one could be made, StorageFailed, WorkerDied, Cancelled.
    """
    reporter = reporter or Reporter()
    if workers is not None and workers < 0:
        raise BadInput(f"workers {workers} is below 0; give 0 (none) or more")
    out = out.expanduser().absolute()
    if out.exists():
        raise Conflict(f"{out} is already there; name a new folder")
    layout = planned.layout
    reporter.phase("making mosaics", len(layout))
    bad: dict[str, str] = {}
    whole = np.zeros(len(layout), bool)
    with new_folder(out) as making:
        (making / IMAGES).mkdir()
        for block in assembled(dataset, scored.table, layout, rules.aspect, workers=workers, reporter=reporter):
            bad |= block.bad
            for at, mosaic in enumerate(block.mosaics):
                if block.whole[at]:
                    whole[block.start + at] = True
                    _write_png(making / IMAGES / file_name(block.start + at), mosaic)
                reporter.advance()
        if not whole.any():
            raise BadInput(f"not one of {len(layout)} mosaics could be made ({next(iter(bad.values()), 'no frame')})")
        table = manifest_of(dataset, scored, layout)
        table = table[whole[table["mosaic"].to_numpy()]].reset_index(drop=True)
        write_atomically(making / MANIFEST, lambda stream: table.to_parquet(stream, index=False))
        told = dict(planned.notes) | _left_out(whole, bad)
        recipe = _recipe(dataset, scored, planned, choice, rules, count, seed, int(whole.sum()), told)
        write_json(making / RECIPE, recipe)
        size = _write_sums(making)
    for sentence in told.values():
        reporter.log(sentence)
    return Exported(out, int(whole.sum()), int((~whole).sum()), size)


def _left_out(whole: np.ndarray, bad: dict[str, str]) -> dict[str, str]:
    if whole.all():
        return {}
    reasons = "; ".join(list(bad.values())[:NAMED])
    return {"left_out": f"{int((~whole).sum())} mosaics are left out, as {len(bad)} frames cannot be read: {reasons}"}


def _write_png(path: Path, mosaic: np.ndarray) -> None:
    with storage_errors("writing", path):
        Image.fromarray(mosaic).save(path, "PNG", compress_level=3)


def _recipe(  # noqa: PLR0917
    dataset: Dataset,
    scored: Hardness,
    planned: Planned,
    choice: PatchRules,
    rules: MosaicRules,
    count: int | None,
    seed: int,
    mosaics: int,
    notes: dict[str, str],
) -> dict[str, Any]:
    """What they were made by; which patches that came to, reviewers' decisions included, is in the manifest."""
    return {
        "schema_version": 1,
        "dataset": dataset.id,
        "dataset_fingerprint": dataset.fingerprint,
        "patch_set": scored.record.patch_set,
        "hardness": scored.id,
        "scorer": scored.record.scorer,
        "weights": scored.record.weights,
        "scoring": scored.record.params,
        "patches": choice.model_dump(mode="json"),
        "mosaic": rules.model_dump(mode="json"),
        "height": planned.layout.height,
        "width": planned.layout.width,
        "count": count,
        "seed": seed,
        "mosaics": mosaics,
        "nothing": planned.terms.nothing,
        "given": planned.terms.given,
        "warning": planned.warning,
        "notes": notes,
        "code_version": __version__,
    }


def _write_sums(folder: Path) -> int:
    """SHA256SUMS of all else, in `sha256sum -c` form; the bytes of all files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = "".join(f"{file_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)
    write_atomically(folder / SUMS, lambda stream: stream.write(lines.encode()))
    return sum(path.stat().st_size for path in files) + len(lines.encode())
