"""Small datasets with truth, and runs with weights, made directly on disk."""

import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from dataeff_core.backbones import Backbone
from dataeff_core.workspace import Dataset, DatasetRecord, Run, RunRecord, RunResult, Source, Workspace
from dataeff_core.workspace.datasets import FRAME_COLUMNS, UNREADABLE_COLUMNS, frame_id, save_frames
from dataeff_core.workspace.records import now
from dataeff_core.workspace.storage import write_json
from dataeff_core.workspace.thumbnails import write_thumbnail

TINY = Backbone(model="vit_tiny_patch16_224", image_size=32, patch_size=8, depth=1)


def scene(seed: int, side: int = 64, *, radius: int = 14) -> tuple[np.ndarray, np.ndarray]:
    """A reddish picture (side, side, 3) uint8 with a bluish disc, and the disc (side, side) bool; radius 0: none."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    top, left = rng.integers(radius, side - radius, 2)
    disc = np.hypot(y - top, x - left) < radius
    rgb = np.where(disc[..., None], (60, 90, 200), (200, 110, 90)) + rng.normal(0, 12, (side, side, 3))
    return rgb.clip(0, 255).astype(np.uint8), disc


def make_dataset(
    root: Path,
    pictures: Sequence[np.ndarray],
    *,
    masks: Sequence[np.ndarray | None] | None = None,
    groups: Sequence[str] | None = None,
    labels: dict[str, Sequence[str | None]] | None = None,
    name: str = "downstream",
) -> tuple[Workspace, Dataset]:
    """A workspace at `root` with a dataset of PNG files, in groups of one image where none are given. A mask is
    written as 0/255 PNG; labels become label_<name> columns."""
    workspace = Workspace.open(root)
    source, mask_folder = root.parent / f"{name}-images", root.parent / f"{name}-masks"
    rows = []
    for number, rgb in enumerate(pictures):
        path = os.fsencode(f"{number:04d}.png")
        data = png(rgb)
        file = source / os.fsdecode(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        key = hashlib.sha256(data).hexdigest()
        write_thumbnail(workspace.thumbnail(key), rgb)
        mask = masks[number] if masks is not None else None
        if mask is not None:
            mask_folder.mkdir(parents=True, exist_ok=True)
            (mask_folder / os.fsdecode(path)).write_bytes(png((mask * 255).astype(np.uint8)))
        group = groups[number] if groups else f"g{number:04d}"
        rows.append(_row(number, path, key, rgb) | {"group": group, "mask_bytes": None if mask is None else path})
    table = pd.DataFrame(rows).astype(FRAME_COLUMNS)
    for label, values in (labels or {}).items():
        table[f"label_{label}"] = pd.array(list(values), dtype="string")
    record = DatasetRecord(
        id=f"{name}-000001",
        name=name,
        sources=(Source(root=str(source), masks=str(mask_folder) if masks is not None else None),),
        frames_file="",
        unreadable_file="",
        fingerprint="",
        updated=now(),
    )
    folder = workspace.datasets_folder / record.id
    folder.mkdir(parents=True)
    save_frames(folder, record, table, pd.DataFrame(columns=list(UNREADABLE_COLUMNS)))
    return workspace, workspace.dataset(record.id)


def discs(
    root: Path, count: int = 24, *, name: str = "discs", seed: int = 0, empty: int = 0
) -> tuple[Workspace, Dataset]:
    """A dataset of scenes whose discs are to be outlined; the first `empty` have none."""
    made = [scene(seed * 1000 + one, radius=0 if one < empty else 14) for one in range(count)]
    return make_dataset(root, [rgb for rgb, _ in made], masks=[disc for _, disc in made], name=name)


def make_run(
    workspace: Workspace,
    dataset: Dataset,
    *,
    run_id: str = "mae-000001",
    backbone: Backbone = TINY,
    seed: int = 0,
    retained: float = 1.0,
    seen: Sequence[int] | None = None,
    finished: bool = True,
    snapshots: Sequence[int] = (),
) -> Run:
    """A run on all frames or rows `seen`; its encoder is drawn from `seed`, each snapshot's from seed + epoch."""
    from safetensors.torch import save_file

    from dataeff_core.backbones import vit
    from dataeff_core.backbones.checkpoints import weights_fingerprint

    frames = dataset.frames if seen is None else dataset.frames.iloc[list(seen)]
    record = RunRecord(
        id=run_id,
        dataset=dataset.id,
        dataset_name=dataset.record.name,
        dataset_fingerprint=dataset.fingerprint,
        retained=retained,
        images=len(frames),
        images_fingerprint="",
        method="mae",
        params={},
        backbone=backbone.model_dump(mode="json"),
        seed=seed,
        epochs=10,
        steps=10,
        images_seen=10,
        code_version="0.1.0",
    )
    run = Run(workspace.runs_folder / run_id, record)
    run.folder.mkdir(parents=True)
    record.write(run.folder)
    frames[["frame_id", "sha256"]].to_parquet(run.folder / Run.FRAMES, index=False)
    for epoch in snapshots:
        run.snapshot_file(epoch).parent.mkdir(exist_ok=True)
        save_file(vit.build(backbone, seed=seed + epoch).state_dict(), run.snapshot_file(epoch))
    if finished:
        built = vit.build(backbone, seed=seed)
        save_file(built.state_dict(), run.encoder_file)
        result = RunResult(
            epochs=10,
            steps=10,
            images_seen=10,
            final_loss=1.0,
            seconds=1.0,
            images_per_second=10.0,
            device="cpu",
            precision="float32",
            weights=weights_fingerprint(built),
            finished=now(),
        )
        write_json(run.folder / RunResult.FILE, result.model_dump(mode="json"))
    return run


def png(pixels: np.ndarray) -> bytes:
    """An image's bytes as PNG."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def _row(number: int, path: bytes, key: str, rgb: np.ndarray) -> dict[str, Any]:
    return {
        "frame_id": frame_id(0, path, 0),
        "source": 0,
        "path": os.fsdecode(path),
        "path_bytes": path,
        "kind": "image",
        "frame_index": 0,
        "time_s": np.nan,
        "sha256": key,
        "file_bytes": 1,
        "width": rgb.shape[1],
        "height": rgb.shape[0],
        "order": number,
        "present": True,
        "added": now(),
    }
