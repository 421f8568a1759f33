"""Patches and their scores without any network: the quarters of every frame, of a hardness drawn by chance."""

import numpy as np
import pandas as pd

from dataeff_core.hardness.stored import Hardness, HardnessRecord, hardness_folder
from dataeff_core.patches.stored import PatchSet, PatchSetRecord, patches_folder
from dataeff_core.workspace import Dataset
from dataeff_core.workspace.records import now
from dataeff_core.workspace.storage import write_array

BOX = ["top", "left", "bottom", "right"]


def fabricate_patches(dataset: Dataset, *, count: int = 4) -> PatchSet:
    """The first `count` quarters of every frame; 0 makes a set in which nothing was found."""
    frames = dataset.frames
    rows = [_quarter(frame, number) for frame in frames.to_dict("records") for number in range(count)]
    columns = ["patch_id", "frame_id", "sha256", "group", *BOX, "area", "score"]
    record = PatchSetRecord(
        id=f"grid-fabricated{count}",
        created=now(),
        dataset=dataset.id,
        dataset_fingerprint=dataset.fingerprint,
        proposer="grid",
        params={},
        weights="none",
        version="2",
        frames=len(frames),
        patches=len(rows),
        frames_without=0 if count else len(frames),
        unreadable=0,
        seconds=1.0,
        images_per_second=1.0,
    )
    folder = patches_folder(dataset) / record.id
    folder.mkdir(parents=True)
    pd.DataFrame(rows, columns=columns).to_parquet(folder / PatchSet.PATCHES)
    pd.DataFrame({"frame_id": [], "path": [], "reason": []}).to_parquet(folder / PatchSet.UNREADABLE)
    record.write(folder)
    return PatchSet(folder, record)


def fabricate_scores(dataset: Dataset, patches: PatchSet, *, seed: int = 0, dimension: float = 4.0) -> Hardness:
    """Scores of `patches` under a network that draws everything better than a flat colour."""
    rng = np.random.default_rng(seed)
    table, m = patches.table.copy(), len(patches.table)
    error = rng.lognormal(-4, 0.5, m)
    mean = rng.uniform(0.3, 0.7, (m, 3))
    table = table.assign(
        hardness=error.astype(np.float32),
        error=error.astype(np.float32),
        enlargement=np.float32(1),
        constant=False,
        nothing=np.float32(0),
        given=np.float32(0),
        information=np.float32(0),
        mean_red=mean[:, 0],
        mean_green=mean[:, 1],
        mean_blue=mean[:, 2],
        square=np.square(mean).mean(axis=1) + 3 * error,
        squared_error=error,
    )
    record = HardnessRecord(
        id=f"hardness-fabricated{seed}",
        created=now(),
        dataset=dataset.id,
        dataset_fingerprint=dataset.fingerprint,
        patch_set=patches.id,
        patch_set_created=patches.record.created,
        scorer="run:fabricated",
        run="fabricated",
        weights="0" * 64,
        params={},
        values="intensities",
        version="1",
        side=96,
        part=12,
        patches=m,
        frames=int(table["frame_id"].nunique()),
        unreadable=0,
        nothing=0.0,
        given=0.0,
        dimension=dimension,
        seconds=1.0,
        patches_per_second=1.0,
    )
    folder = hardness_folder(dataset) / record.id
    folder.mkdir(parents=True)
    table.to_parquet(folder / Hardness.TABLE)
    vectors = rng.standard_normal((m, 8))
    write_array(folder / Hardness.VECTORS, (vectors / np.linalg.norm(vectors, axis=1)[:, None]).astype(np.float16))
    record.write(folder)
    return Hardness(folder, record)


def _quarter(frame: dict, number: int) -> tuple:
    height, width = int(frame["height"]) // 2, int(frame["width"]) // 2
    down, across = divmod(number % 4, 2)
    box = (down * height, across * width, (down + 1) * height, (across + 1) * width)
    return (f"{frame['frame_id']}-{number}", frame["frame_id"], frame["sha256"], frame["group"], *box, 0.25, 1.0)
