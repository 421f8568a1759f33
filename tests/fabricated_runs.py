"""Pre-training runs, evaluations and benchmarks made directly from the workspace's own classes, so that pages can be
tested without training anything. Equal arguments give equal curves and scores."""

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from dataeff_core.backbones import Backbone
from dataeff_core.hardness.choosing import PatchRules
from dataeff_core.hardness.stored import hardness_of
from dataeff_core.mosaics.layout import MosaicRules
from dataeff_core.mosaics.saving import save_mosaics
from dataeff_core.pretraining.base import PretrainingMethod
from dataeff_core.pretraining.sources import CELLS
from dataeff_core.selection.baselines import frames_to_keep
from dataeff_core.workspace import (
    Benchmark,
    BenchmarkRecord,
    Cell,
    CellRecord,
    Dataset,
    Evaluation,
    EvaluationRecord,
    MosaicSet,
    Run,
    RunRecord,
    RunResult,
    SavedSelection,
    Workspace,
)
from dataeff_core.workspace.benchmarks import FULL, OPTIDEL
from dataeff_core.workspace.records import now
from dataeff_core.workspace.runs import METRICS
from dataeff_core.workspace.storage import fingerprint, write_atomically, write_json
from tests.fabrication import fabricate_selection, picture

TINY = {"model": "vit_tiny_patch16_224", "image_size": 96, "patch_size": 16, "depth": 4}
OWN = {"mae": {"mask_ratio": 0.75}, "simclr": {"temperature": 0.1}}  # what a method has besides the shared fields
CODE = "0.1.0"
FULL_MIOU = 0.62  # mIoU of the fabricated full-data encoder


def fabricate_run(
    workspace: Workspace,
    dataset: Dataset,
    *,
    selection: SavedSelection | None = None,
    mosaics: MosaicSet | None = None,
    method: str = "mae",
    finished: bool = True,
    points: int = 60,
    epochs: int = 40,
    seed: int = 0,
    name: str = "",
    problem: str = "",
    params: dict[str, object] | None = None,
    snapshots: Sequence[int] = (),
) -> Run:
    """A run on `dataset`, or on what `selection` keeps, or on `mosaics`. One that is not finished has got to its
    middle: half of `points` logged steps and half of the reconstructions, and a checkpoint that nobody can load."""
    retained = selection.record.retained if selection is not None else 1.0
    images = selection.record.kept if selection is not None else len(dataset.frames)
    subset = selection.id if selection is not None else None
    of_mosaics: dict[str, object] = {}
    if mosaics is not None:
        told = mosaics.record
        retained, images, subset = told.retained, told.mosaics, mosaics.id
        of_mosaics = {"mosaics": mosaics.id, "mosaics_name": told.name, "tiling": told.tiling}
    all_params = _params(method) | (params or {})
    batch = int(str(all_params["batch_size"]))
    steps = max(points, -(-epochs * images // batch))
    run_id = f"{method}-{fingerprint(dataset.id, subset, seed, name)[:6]}"
    record = RunRecord(
        id=run_id,
        name=name,
        dataset=dataset.id,
        dataset_name=dataset.record.name,
        dataset_fingerprint=dataset.fingerprint,
        selection=selection.id if selection is not None else None,
        selection_name=selection.record.name if selection is not None else "",
        **of_mosaics,  # type: ignore[arg-type]
        retained=retained,
        images=images,
        images_fingerprint=fingerprint(dataset.fingerprint, subset),
        method=method,
        preset="tiny",
        params=all_params,
        backbone=Backbone(**TINY).model_dump(mode="json"),  # type: ignore[arg-type]
        seed=seed,
        epochs=epochs,
        steps=steps,
        images_seen=epochs * images,
        code_version=CODE,
    )
    run = Run(workspace.runs_folder / run_id, record)
    run.folder.mkdir(parents=True)
    if mosaics is not None:
        cells = mosaics.manifest[CELLS]
        write_atomically(run.folder / Run.CELLS, lambda out: cells.to_parquet(out, index=False))
    record.write(run.folder)
    curve = metrics_of(record, points if finished else max(1, points // 2), of=points)
    lines = "".join(json.dumps(row) + "\n" for row in curve.to_dict("records"))
    (run.folder / Run.METRICS_FILE).write_text(lines)
    reached = float(curve["epoch"].iat[-1])
    run.checkpoint_file.write_bytes(b"fabricated")
    if method == "mae":
        for epoch in sorted({1, *range(max(1, epochs // 5), epochs + 1, max(1, epochs // 5))}):
            if epoch <= reached:
                _write_reconstruction(run, epoch, share=epoch / epochs, seed=seed)
    for epoch in snapshots:
        if epoch <= reached:
            write_atomically(run.snapshot_file(epoch), lambda out: out.write(b"fabricated"))
    if problem:
        write_json(run.folder / Run.PROBLEM, {"sentence": problem})
    if finished:
        _finish(run, curve)
    return run


def metrics_of(record: RunRecord, points: int, *, of: int) -> pd.DataFrame:
    """The first `points` of `of` logged steps, columns METRICS: warm-up, cosine, a loss that falls and levels off."""
    rng = np.random.default_rng([record.seed, record.images])
    share = np.arange(1, of + 1) / of
    step = np.maximum(1, np.round(share * record.steps)).astype(int)
    warmup = float(record.params["warmup"]) or 1e-9
    rate = np.where(share < warmup, share / warmup, 0.5 + 0.5 * np.cos(np.pi * (share - warmup) / (1 - warmup)))
    start, end = (1.05, 0.42) if record.method == "mae" else (3.4, 1.1)
    noise = rng.normal(0, 0.015 * start, of)
    speed = 90 + rng.normal(0, 4, of)
    columns = {
        "step": step,
        "epoch": share * record.epochs,
        "images_seen": np.round(share * record.images_seen).astype(int),
        "loss": end + 0.1 * (1 - record.retained) + (start - end) * np.exp(-5 * share) + noise,
        "learning_rate": float(record.params["learning_rate"]) * rate,
        "gradient_norm": 0.4 + 1.6 * np.exp(-6 * share) + np.abs(rng.normal(0, 0.08, of)),
        "images_per_second": speed,
        "seconds": share * record.images_seen / 90,
    }
    return pd.DataFrame(columns, columns=list(METRICS)).iloc[:points]


def fabricate_evaluation(
    workspace: Workspace,
    run: Run,
    on: Dataset,
    *,
    score: float,
    seed: int = 0,
    epoch: int | None = None,
    task: str = "segmentation",
    untrained: bool = False,
    images: int = 24,
    leaks: int = 0,
) -> Evaluation:
    """The score of `run` (or of its architecture with random weights) on `on`, whatever `on` holds: per image, over
    the last epochs, with an interval around it and, for a segmentation, overlays."""
    rng = np.random.default_rng([seed, round(1000 * score), epoch or 0])
    frames = on.frames.iloc[: max(6, min(images * 2, len(on.frames)))]
    split = np.resize(["test", "train", "train", "validation"], len(frames))
    tested = frames[split == "test"]
    ious = np.clip(rng.normal(score, 0.18, len(tested)), 0, 1)
    ious += score - ious.mean()
    evaluation_id = f"{task}-{fingerprint(run.id, on.id, seed, epoch, untrained, score)[:6]}"
    record = EvaluationRecord(
        id=evaluation_id,
        encoder=f"untrained:{run.id}" if untrained else f"run:{run.id}",
        weights=fingerprint(run.id, epoch, untrained),
        run=run.id,
        epoch=epoch,
        retained=run.record.retained,
        dataset=on.id,
        dataset_name=on.record.name,
        dataset_fingerprint=on.fingerprint,
        task=task,  # type: ignore[arg-type]
        label="finding" if task == "classification" else None,
        params={"epochs": 30, "frozen": True},
        seed=seed,
        counts={name: int((split == name).sum()) for name in ("train", "validation", "test")} | {"left_out": 0},
        headline="fg_iou_mean_per_image" if task == "segmentation" else "auc_macro",
        metrics=_metrics(task, score),
        intervals={name: (max(0.0, one - 0.04), min(1.0, one + 0.04)) for name, one in _metrics(task, score).items()},
        leaks={"checked": True, "threshold": 0.9, "frames": leaks, "examples": []},
        code_version=CODE,
        seconds=42.0,
    )
    folder = workspace.evaluations_folder / evaluation_id
    per_image = pd.DataFrame(
        {
            "frame_id": tested["frame_id"].to_numpy(object),
            "group": tested["group"].to_numpy(object),
            "truth_share": rng.uniform(0.02, 0.3, len(tested)),
            "predicted_share": rng.uniform(0.02, 0.3, len(tested)),
            "iou": ious,
        }
    )
    last = score + rng.normal(0, 0.008, 10)
    per_epoch = pd.DataFrame({"epoch": np.arange(21, 31)} | dict.fromkeys(record.metrics, last))
    splits = pd.DataFrame(
        {"frame_id": frames["frame_id"].to_numpy(object), "group": frames["group"].to_numpy(object), "split": split}
    )
    tables = {
        Evaluation.PER_IMAGE_FILE: per_image,
        Evaluation.PER_EPOCH_FILE: per_epoch,
        Evaluation.SPLITS_FILE: splits,
    }
    for file, table in tables.items():
        write_atomically(folder / file, lambda out, t=table: t.to_parquet(out, index=False))  # type: ignore[misc]
    evaluation = Evaluation(folder, record)
    if task == "segmentation":
        _write_overlays(evaluation, per_image, seed)
    record.write(folder)
    return evaluation


def fabricate_benchmark(
    workspace: Workspace,
    dataset: Dataset,
    on: Dataset,
    *,
    methods: Sequence[str] = (FULL, "meddel", "random"),
    keeps: Sequence[float] = (0.05, 0.2, 0.5),
    seeds: Sequence[int] = (0, 1, 2),
    done: int | None = None,
    epochs: int = 40,
    snapshots: Sequence[float] = (),
    name: str = "",
) -> Benchmark:
    """A matrix of which the first `done` cells (None: all) are done, each with its selection, run and evaluation;
    `dataset` needs an embedding, and for OPTIDEL scored patches. Images seen are equal in all cells; MedDEL loses
    less than random does."""
    embedding = workspace.embedding(dataset)
    record = BenchmarkRecord(
        id=f"benchmark-{fingerprint(dataset.id, on.id, list(methods), list(keeps), list(seeds), name)[:6]}",
        name=name,
        dataset=dataset.id,
        dataset_name=dataset.record.name,
        dataset_fingerprint=dataset.fingerprint,
        on=on.id,
        on_name=on.record.name,
        on_fingerprint=on.fingerprint,
        methods=tuple(methods),
        keeps=tuple(keeps),
        seeds=tuple(seeds),
        encoder=embedding.id,
        pretraining="mae",
        preset="tiny",
        images_seen=epochs * len(dataset.frames),
        snapshots=tuple(snapshots),
        code_version=CODE,
    )
    benchmark = Benchmark(workspace.benchmarks_folder / record.id, record)
    benchmark.folder.mkdir(parents=True)
    record.write(benchmark.folder)
    for cell in record.cells[:done]:
        saved: SavedSelection | MosaicSet | None = None
        if cell.method == OPTIDEL:
            saved = fabricate_mosaics(dataset, count=frames_to_keep(cell.keep, len(dataset.frames)), seed=cell.seed)
        elif cell.method != FULL:
            saved = fabricate_selection(dataset, embedding, keep=cell.keep, seed=cell.seed, method=cell.method)
        _fabricate_cell(workspace, benchmark, cell, dataset=dataset, on=on, saved=saved, full_epochs=epochs)
    return benchmark


def fabricate_mosaics(dataset: Dataset, *, count: int, seed: int = 0, name: str = "") -> MosaicSet:
    """Mosaics of scored patches of any hardness, of which `dataset` needs some."""
    rules = PatchRules(lower=0, upper=None, usable=False)
    return save_mosaics(dataset, hardness_of(dataset), rules, MosaicRules(), count=count, seed=seed, name=name)


def plausible_miou(method: str, retained: float, seed: int) -> float:
    """A fraction that falls with what is left out, less so for MedDEL, and scatters a little with the seed."""
    loss = {"meddel": 0.03, "full": 0.0}.get(method, 0.09) * (1 - retained) ** 2
    return float(FULL_MIOU - loss + np.random.default_rng([seed, round(1000 * retained)]).normal(0, 0.006))


def _fabricate_cell(
    workspace: Workspace,
    benchmark: Benchmark,
    cell: Cell,
    *,
    dataset: Dataset,
    on: Dataset,
    saved: SavedSelection | MosaicSet | None,
    full_epochs: int,
) -> None:
    selection = saved if isinstance(saved, SavedSelection) else None
    mosaics = saved if isinstance(saved, MosaicSet) else None
    images = len(dataset.frames)
    if saved is not None:
        images = mosaics.record.mosaics if mosaics is not None else saved.record.kept  # type: ignore[union-attr]
    retained = images / len(dataset.frames)
    epochs = max(1, round(full_epochs / retained))
    shares = [*benchmark.record.snapshots]
    at = sorted({max(1, round(share * epochs)) for share in shares if share < 1})
    run = fabricate_run(
        workspace,
        dataset,
        selection=selection,
        mosaics=mosaics,
        epochs=epochs,
        points=20,
        seed=cell.seed,
        name=cell.id,
        snapshots=at,
    )
    miou = plausible_miou(cell.method, retained, cell.seed)
    scored = fabricate_evaluation(workspace, run, on, score=miou, seed=cell.seed)
    early = {
        epoch: fabricate_evaluation(
            workspace, run, on, score=miou * (0.75 + 0.25 * epoch / epochs), seed=cell.seed, epoch=epoch
        ).id
        for epoch in at
    }
    benchmark.save(
        CellRecord(
            cell=cell,
            selection=selection.id if selection is not None else None,
            mosaics=mosaics.id if mosaics is not None else None,
            run=run.id,
            evaluation=scored.id,
            snapshot_evaluations=early,
            images=images,
            retained=retained,
            epochs=epochs,
            images_seen=epochs * images,
            miou=miou,
            normdel=float(1 / (1 + np.exp(-miou * np.exp(-retained)))),
            bytes=int(dataset.frames["file_bytes"].sum() * (min(1.0, 3 * retained) if mosaics else retained)),
            seconds={"selection": 0.5, "pretraining": epochs * images / 90, "evaluation": 42.0},
        )
    )


def _params(method: str) -> dict[str, object]:
    shared = {name: field.default for name, field in PretrainingMethod.model_fields.items()}
    return shared | TINY | OWN[method]


def _metrics(task: str, score: float) -> dict[str, float]:
    if task == "classification":
        return {"auc_macro": score, "accuracy": max(0.0, score - 0.05), "knn_auc_macro": max(0.0, score - 0.03)}
    return {
        "fg_iou_mean_per_image": score,
        "fg_iou_pooled": min(1.0, score + 0.02),
        "two_class_mean": min(1.0, 0.48 + score / 2),
    }


def _finish(run: Run, curve: pd.DataFrame) -> None:
    write_atomically(run.encoder_file, lambda out: out.write(b"fabricated"))
    last = curve.iloc[-1]
    result = RunResult(
        epochs=float(last["epoch"]),
        steps=int(last["step"]),
        images_seen=int(last["images_seen"]),
        final_loss=float(curve["loss"].tail(3).mean()),
        seconds=float(last["seconds"]),
        images_per_second=90.0,
        device="cpu",
        precision="float32",
        weights=fingerprint(run.id),
        finished=now(),
    )
    write_json(run.folder / RunResult.FILE, result.model_dump(mode="json"))


def _write_reconstruction(run: Run, epoch: int, *, share: float, seed: int) -> None:
    """Six frames; a row each of masked input, reconstruction (sharper as training goes on), original."""
    rng = np.random.default_rng(seed)
    originals = [picture(seed + number, 96, 96) for number in range(6)]
    rows: list[list[np.ndarray]] = [[], [], []]
    for frame in originals:
        hidden = np.kron(rng.random((6, 6)) < 0.75, np.ones((16, 16)))[..., None]
        blurred = np.kron(frame.reshape(6, 16, 6, 16, 3).mean(axis=(1, 3)), np.ones((16, 16, 1)))
        guess = share * frame + (1 - share) * blurred
        rows[0].append(np.where(hidden > 0, 128, frame).astype(np.uint8))
        rows[1].append(np.where(hidden > 0, guess, frame).astype(np.uint8))
        rows[2].append(frame)
    pixels = np.concatenate([np.concatenate(row, axis=1) for row in rows], axis=0)
    write_atomically(run.reconstruction_file(epoch), lambda out: Image.fromarray(pixels).save(out, "PNG"))


def _write_overlays(evaluation: Evaluation, per_image: pd.DataFrame, seed: int, each: int = 4) -> None:
    """Pictures with a drawn truth (a circle) and prediction (a shifted one)."""
    ranked = per_image.sort_values("iou", ascending=False)["frame_id"].tolist()
    middle = max(0, len(ranked) // 2 - each // 2)
    chosen = {"best": ranked[:each], "median": ranked[middle : middle + each], "worst": ranked[::-1][:each]}
    (evaluation.folder / "overlays").mkdir(parents=True, exist_ok=True)
    for kind, ids in chosen.items():
        for rank, frame in enumerate(ids):
            image = Image.fromarray(picture(seed + rank, 192, 192))
            pen = ImageDraw.Draw(image)
            shift = {"best": 3, "median": 12, "worst": 50}[kind]
            pen.ellipse((60, 60, 130, 130), outline=(86, 180, 233), width=3)
            pen.ellipse((60 + shift, 60, 130 + shift, 130), outline=(213, 94, 0), width=3)
            image.save(evaluation.folder / "overlays" / f"{kind}-{rank}-{frame}.webp")
