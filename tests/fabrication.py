"""A small complete workspace made directly from the workspace's own classes, so that pages can be tested without
running import, embedding or projection."""

import functools
import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from dataeff_core.datasets import quality
from dataeff_core.datasets.names import shown
from dataeff_core.datasets.quality import MEASURES
from dataeff_core.workspace import (
    Dataset,
    DatasetRecord,
    Embedding,
    EmbeddingRecord,
    FrameMap,
    MapRecord,
    SavedSelection,
    SelectionRecord,
    Source,
    Workspace,
)
from dataeff_core.workspace.datasets import FRAME_COLUMNS, UNREADABLE_COLUMNS, frame_id, save_frames
from dataeff_core.workspace.records import now
from dataeff_core.workspace.storage import write_array, write_atomically

HOSTILE_NAMES = (
    "<script>alert(1)</script>.png",
    "=cmd()|' '!A0.png",
    "a 'quoted' \"name\".png",
    "line\nbreak.png",
    "emoji \N{MICROSCOPE}.png",
    "[link](javascript:alert(1)) $x^2$ :red[x] <b>.png",
)
MEDDEL = {"k": 3, "epsilon": 0.9, "rule": "cover", "keep": "near"}


def fabricate(
    root: Path,
    frames: int = 60,
    groups: int = 3,
    dim: int = 32,
    *,
    seed: int = 0,
    thumbnails: bool = True,
    distinct: int | None = None,
    hostile_names: bool = False,
    masks: bool = False,
    name: str = "fabricated",
) -> tuple[Workspace, Dataset, Embedding, FrameMap]:
    """A workspace at `root` holding one dataset with `frames` frames in `groups` groups, an embedding of `dim`
    dimensions and a map; originals lie in the folder `<root>-source`, or `<root>-<name>-source` under another name.

    `distinct` limits how many different pictures there are (default: one a frame, at most 400); frames that share
    a picture share its sha256. `hostile_names` gives the first frames and groups names that try to break out of
    HTML, Markdown and CSV. Without `thumbnails` neither thumbnails nor originals are written. With `masks` each
    frame has a mask (a disc; every eighth is empty) and the labels `finding` and `<b>site</b>`.
    """
    rng = np.random.default_rng(seed)
    workspace = Workspace.open(root)
    source = root.with_name(f"{root.name}-source" if name == "fabricated" else f"{root.name}-{name}-source")
    distinct_pictures = min(distinct or frames, frames, 400)
    scene = _scenes(frames, groups)
    table = _frames_table(frames, groups, hostile_names, rng)
    which = scene % distinct_pictures if distinct else np.arange(frames) % distinct_pictures
    table[["sha256", "file_bytes"]] = _write_pictures(
        workspace, source, table, pictures=which, seed=seed, thumbnails=thumbnails
    )
    for name_ in MEASURES:
        values = np.array([_measured(seed * 1000 + one)[name_] for one in range(distinct_pictures)], np.float32)
        table[f"q_{name_}"] = values[which]
    if thumbnails:
        files = [source / path for path in table["path"]]
        table["file_bytes"] = [file.stat().st_size if file.is_file() else 0 for file in files]
    if masks:
        _add_masks_and_labels(source, table)
    dataset = _save_dataset(workspace, source, table.astype(FRAME_COLUMNS | {"invalid_measure": "string"}), name)
    vectors = _vectors(scene, dim, rng)
    embedding = _save_embedding(dataset, vectors)
    return workspace, workspace.dataset(dataset.id), embedding, _save_map(dataset, embedding, vectors)


def fabricate_selection(
    dataset: Dataset,
    embedding: Embedding,
    *,
    keep: float = 0.3,
    seed: int = 0,
    name: str = "",
    method: str = "meddel",
) -> SavedSelection:
    """A saved selection whose numbers agree with each other: every dropped duplicate has a kept representative of
    its own group where there is one."""
    rng = np.random.default_rng(seed)
    frames = dataset.frames
    kept = np.zeros(len(frames), bool)
    kept[rng.permutation(len(frames))[: max(1, round(keep * len(frames)))]] = True
    reason = np.where(kept, "kept", rng.choice(["duplicate", "outlier", "invalid"], len(frames), p=[0.7, 0.2, 0.1]))
    ids, group = frames["frame_id"].to_numpy(object), frames["group"].to_numpy(object)
    stand_in = {one: ids[kept & (group == one)] for one in np.unique(group[kept])}
    has = [why == "duplicate" and one in stand_in for why, one in zip(reason, group, strict=True)]
    similarity = np.where(has, rng.uniform(0.9, 1.0, len(frames)), np.nan).astype(np.float32)
    decisions = pd.DataFrame(
        {
            "frame_id": ids,
            "decision": np.where(kept, "kept", "dropped"),
            "reason": reason,
            "representative_id": [stand_in[one][0] if yes else None for yes, one in zip(has, group, strict=True)],
            "similarity": similarity,
            "distance": rng.uniform(0, 1, len(frames)).astype(np.float32),
            "score": similarity,
            "override": None,
            "reviewer": None,
            "reviewed_at": None,
        }
    ).astype({"override": "string", "reviewer": "string", "reviewed_at": "string", "representative_id": "string"})
    dropped = decisions.loc[~kept, "reason"].value_counts()
    record = SelectionRecord(
        id=f"{method.replace('_', '-')}-{seed:06x}{round(keep * 1000):03d}",
        name=name,
        dataset=dataset.id,
        dataset_name=dataset.record.name,
        dataset_fingerprint=dataset.fingerprint,
        embedding=embedding.id,
        encoder="descriptor",
        weights="none",
        method=method,
        params=MEDDEL | {"eta": round(0.9 + keep / 20, 3)} if method == "meddel" else {},
        seed=seed,
        frames=len(frames),
        kept=int(kept.sum()),
        dropped={str(one): int(count) for one, count in dropped.items()},
        code_version="0.1.0",
        seconds=0.01,
    )
    folder = dataset.folder / "selections" / record.id
    write_atomically(folder / SavedSelection.DECISIONS, lambda out: decisions.to_parquet(out, index=False))
    record.write(folder)
    return SavedSelection(folder, record)


def picture(seed: int, height: int = 192, width: int = 224) -> np.ndarray:
    """(height, width, 3) uint8: something pink with a dark lumen, different for every seed."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    centre = rng.uniform(-0.4, 0.4, 2)
    away = np.hypot(x - centre[0], y - centre[1])
    folds = 0.12 * np.sin(away * rng.uniform(8, 18) + rng.uniform(0, 6))
    light = np.clip(0.15 + 0.75 * away + folds, 0, 1) * (np.hypot(x, y) < 1.05)
    tint = np.array([235, 140, 110]) + rng.uniform(-20, 20, 3)
    return np.clip(light[..., None] * tint + rng.normal(0, 3, (height, width, 1)), 0, 255).astype(np.uint8)


@functools.cache
def _measured(seed: int) -> dict[str, float]:
    return quality.measure(picture(seed))


def _scenes(frames: int, groups: int) -> np.ndarray:
    """(frames,) int: runs of neighbouring frames that show the same thing."""
    return np.arange(frames) // max(1, frames // (groups * 5))


def _frames_table(frames: int, groups: int, hostile: bool, rng: np.random.Generator) -> pd.DataFrame:
    group = np.sort(np.arange(frames) % groups)
    order = np.concatenate([np.arange(int((group == one).sum())) for one in range(groups)])
    group_names = [f"patient-{one + 1:03d}" for one in range(groups)]
    if hostile:
        group_names[0] = "<img src=x onerror=alert(1)> *p*"
    names = [f"frame_{i:06d}.png" for i in range(frames)]
    if hostile:
        names[: len(HOSTILE_NAMES)] = HOSTILE_NAMES[:frames]
    paths = [f"p{g + 1:02d}/{name}" for g, name in zip(group, names, strict=True)]
    score = rng.beta(2, 6, frames)
    table = pd.DataFrame(
        {
            "frame_id": [frame_id(0, os.fsencode(path), 0) for path in paths],
            "source": 0,
            "path": [shown(os.fsencode(path)) for path in paths],
            "path_bytes": [os.fsencode(path) for path in paths],
            "kind": "image",
            "frame_index": 0,
            "time_s": np.nan,
            "sha256": "",
            "file_bytes": 0,
            "width": 224,
            "height": 192,
            "group": [group_names[one] for one in group],
            "order": order,
            "mask_bytes": None,
            "present": True,
            "added": now(),
        }
    )
    table["invalid_score"] = score.astype(np.float32)
    table["invalid_measure"] = [f"{one}:low" for one in rng.choice(MEASURES, frames)]
    return table


def _write_pictures(
    workspace: Workspace, source: Path, table: pd.DataFrame, *, pictures: np.ndarray, seed: int, thumbnails: bool
) -> list[tuple[str, int]]:
    """sha256 and size of each frame; writes originals (hard links where frames share one) and thumbnails."""
    keys: dict[int, tuple[str, int]] = {}
    first: dict[int, Path] = {}
    for path, one in zip(table["path_bytes"], pictures.tolist(), strict=True):
        file = source / os.fsdecode(path)
        if one in keys:
            if thumbnails and len(table) <= 5000:
                file.parent.mkdir(parents=True, exist_ok=True)
                os.link(first[one], file)
            continue
        pixels = Image.fromarray(picture(seed * 1000 + one)) if thumbnails else None
        data = _encoded(pixels, "PNG") if pixels else f"{seed}/{one}".encode()
        keys[one], first[one] = (hashlib.sha256(data).hexdigest(), len(data)), file
        if pixels:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            thumbnail = workspace.thumbnail(keys[one][0])
            thumbnail.parent.mkdir(exist_ok=True)
            thumbnail.write_bytes(_encoded(pixels, "WEBP"))
    source.mkdir(parents=True, exist_ok=True)
    return [keys[one] for one in pictures.tolist()]


def _add_masks_and_labels(source: Path, table: pd.DataFrame) -> None:
    """A mask a frame in `<source>-masks`, beside it by the same path; two label columns."""
    y, x = np.mgrid[-1 : 1 : int(table["height"].iat[0]) * 1j, -1 : 1 : int(table["width"].iat[0]) * 1j]
    for number, path in enumerate(table["path_bytes"]):
        file = source.with_name(f"{source.name}-masks") / os.fsdecode(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        disc = np.hypot(x - 0.3 * np.cos(number), y - 0.3 * np.sin(number)) < 0.35 * (number % 8 != 0)
        file.write_bytes(_encoded(Image.fromarray((disc * 255).astype(np.uint8)), "PNG"))
    table["mask_bytes"] = table["path_bytes"]
    table["label_finding"] = np.where(np.arange(len(table)) % 8 != 0, "polyp", "normal")
    table["label_<b>site</b>"] = np.array(["colon", "stomach", "ileum"])[np.arange(len(table)) % 3]


def _encoded(pixels: Image.Image, form: str) -> bytes:
    out = io.BytesIO()
    pixels.save(out, form)
    return out.getvalue()


def _save_dataset(workspace: Workspace, source: Path, table: pd.DataFrame, name: str) -> Dataset:
    masks = source.with_name(f"{source.name}-masks")
    record = DatasetRecord(
        id=f"{name}-000001",
        name=name,
        sources=(Source(root=str(source), masks=str(masks) if masks.is_dir() else None),),
        frames_file="",
        unreadable_file="",
        fingerprint="",
        updated=now(),
    )
    broken = [
        ("p01/broken.jpg", "the file ends too early (truncated)"),
        ("p01/<b>empty</b>.png", "the file is empty"),
    ]
    unreadable = pd.DataFrame(
        [(path, os.fsencode(path), 0, reason, 12) for path, reason in broken], columns=list(UNREADABLE_COLUMNS)
    )
    folder = workspace.datasets_folder / record.id
    folder.mkdir(parents=True)
    return Dataset(folder, save_frames(folder, record, table, unreadable))


def _vectors(scene: np.ndarray, dim: int, rng: np.random.Generator) -> np.ndarray:
    """(n, dim) float16, unit rows: tight bunches of frames of one scene, which are near-duplicates."""
    centres = rng.normal(size=(int(scene.max()) + 1, dim))
    vectors = centres[scene] + rng.normal(scale=0.25, size=(len(scene), dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


def _save_embedding(dataset: Dataset, vectors: np.ndarray) -> Embedding:
    record = EmbeddingRecord(
        id="descriptor-000001",
        dataset=dataset.id,
        dataset_fingerprint=dataset.fingerprint,
        encoder="descriptor",
        encoder_params={},
        weights="none",
        preprocessing="fabricated",
        dim=vectors.shape[1],
        frames=len(vectors),
        seconds=1.0,
        images_per_second=float(len(vectors)),
    )
    folder = dataset.folder / "embeddings" / record.id
    write_array(folder / Embedding.VECTORS, vectors)
    ids = dataset.frames[["frame_id", "sha256"]]
    write_atomically(folder / Embedding.FRAMES, lambda out: ids.to_parquet(out, index=False))
    record.write(folder)
    return Embedding(folder, record)


def _save_map(dataset: Dataset, embedding: Embedding, vectors: np.ndarray) -> FrameMap:
    """The first two principal components, scaled into [-1, 1]."""
    centred = vectors.astype(np.float32) - vectors.mean(axis=0, dtype=np.float32)
    _, axes = np.linalg.eigh(centred.T @ centred)
    xy = centred @ axes[:, -2:]
    xy = (xy / max(1e-6, np.abs(xy).max())).astype(np.float32)
    table = pd.DataFrame({"frame_id": dataset.frames["frame_id"], "x": xy[:, 0], "y": xy[:, 1]})
    record = MapRecord(
        id="pca-000001",
        dataset=dataset.id,
        dataset_fingerprint=dataset.fingerprint,
        embedding=embedding.id,
        method="pca",
        params={},
        frames=len(table),
        seconds=0.1,
    )
    folder = dataset.folder / "maps" / record.id
    write_atomically(folder / FrameMap.COORDINATES, lambda out: table.to_parquet(out, index=False))
    record.write(folder)
    return FrameMap(folder, record)


def hostile_fragments() -> Sequence[str]:
    """Pieces that must never reach a page unescaped."""
    return ("<script>", "onerror=", "javascript:")
