"""From an encoder and a dataset to a saved evaluation: complete, or not at all."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dataeff_core import __version__
from dataeff_core.errors import BadInput
from dataeff_core.evaluation import overlays
from dataeff_core.evaluation.base import Draw, Examples, Material, Scored, Task
from dataeff_core.evaluation.pictures import picture, read_images
from dataeff_core.evaluation.splits import SPLITS, split
from dataeff_core.evaluation.subjects import Subject, find_subject
from dataeff_core.leakage import Leaks, find_leaks
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset, Evaluation, EvaluationRecord, Workspace
from dataeff_core.workspace.records import fresh_id
from dataeff_core.workspace.storage import new_folder, write_atomically


def evaluate(
    workspace: Workspace,
    encoder: str,
    on: Dataset,
    task: Task,
    *,
    epoch: int | None = None,
    checkpoint: Path | None = None,
    seed: int = 0,
    device: str = "auto",
    name: str = "",
    reporter: Reporter | None = None,
) -> Evaluation:
    """Score the encoder called `encoder` (see subjects.find_subject) on the dataset `on`, and save what came out.

    An equal evaluation that is there already (same encoder, weights, images, truth, settings and seed) is returned
    instead. `seed` draws the splits, the head and the bootstrap. Raises NotFound, BadInput, MissingWeights, Conflict,
    StorageFailed, WorkerDied, Cancelled.
    """
    from dataeff_core.backbones.devices import resolve_device, use_all_processors

    started = time.monotonic()
    reporter = reporter or Reporter()
    if seed < 0:
        raise BadInput(f"seed {seed} is below 0; give 0 or a larger whole number")
    where = resolve_device(device)
    truth = task.truth_fingerprint(on)
    reporter.phase("loading the encoder")
    use_all_processors()
    subject = find_subject(workspace, encoder, epoch=epoch, checkpoint=checkpoint, seed=seed)
    identity = identity_of(subject, on, task, truth, seed)
    known = equal_evaluation(workspace, identity)
    if known is not None:
        reporter.log(f"the same evaluation is there already: {known.id}")
        return known
    examples, images = usable(on, task, subject, reporter)
    shares = {"validation": task.validation, "test": task.test}
    frames = examples.frames
    units = frames["group" if task.split_by == "group" else "frame_id"].to_numpy(object)
    parts = split(units, examples.strata, seed=seed, name=on.record.name, **shares)
    tested = frames[parts == "test"]
    leaks = find_leaks(workspace, on, tested, subject.run if subject.trained_here else None, reporter)
    scored = scored_or_said(
        task, Material(subject.backbone, subject.vit, images, examples, parts, units, seed, where, reporter)
    )
    record = EvaluationRecord(
        id=fresh_id(f"{task.NAME}-{subject.name.partition(':')[2]}"[:32]),
        name=name,
        retained=subject.run.record.retained if subject.run is not None and subject.trained_here else None,
        dataset_name=on.record.name,
        headline=task.HEADLINE,
        counts={one: int((parts == one).sum()) for one in SPLITS} | {"left_out": len(examples.left_out)},
        metrics=scored.metrics,
        intervals=scored.intervals,
        leaks=leaks.summary(per_image_scores(scored)),
        notes=notes_of(examples, subject, scored, leaks),
        code_version=__version__,
        seconds=round(time.monotonic() - started, 3),
        **identity,
    )
    for note in record.notes.values():
        reporter.log(str(note))
    tables = {
        Evaluation.PER_IMAGE_FILE: scored.per_image,
        Evaluation.PER_EPOCH_FILE: scored.per_epoch,
        Evaluation.SPLITS_FILE: splits_table(examples, parts),
        Evaluation.LEFT_OUT_FILE: left_out_table(examples),
    }
    return save(workspace, on, record, tables, scored.draw)


def identity_of(subject: Subject, on: Dataset, task: Task, truth: str, seed: int) -> dict[str, Any]:
    """The fields of a record that determine what comes out."""
    return {
        "encoder": subject.name,
        "weights": subject.weights,
        "run": subject.run.id if subject.run is not None else None,
        "epoch": subject.epoch,
        "dataset": on.id,
        "dataset_fingerprint": on.fingerprint,
        "truth": truth,
        "task": task.NAME,
        "label": task.label_of(on),
        "params": task.model_dump(mode="json"),
        "seed": seed,
    }


def equal_evaluation(workspace: Workspace, identity: dict[str, Any]) -> Evaluation | None:
    """The newest evaluation of this version with just these fields, None where there is none."""
    wanted = identity | {"code_version": __version__}
    for one in reversed(workspace.evaluations()):
        if all(getattr(one.record, key) == value for key, value in wanted.items()):
            return one
    return None


def usable(on: Dataset, task: Task, subject: Subject, reporter: Reporter) -> tuple[Examples, np.ndarray]:
    """The examples whose picture can be read, and those pictures (n, s, s, 3) uint8. Raises BadInput without any."""
    examples = task.examples(on, reporter)
    images, unreadable = read_images(on, examples.frames, subject.backbone.image_size, reporter=reporter)
    fine = ~examples.frames["frame_id"].isin(list(unreadable)).to_numpy(bool)
    if not fine.any():
        reason = next(iter(unreadable.values()))
        raise BadInput(f"no image of {on.record.name} can be read ({reason}); bring the files back or import again")
    return examples.keep(fine, unreadable), images[fine]


def scored_or_said(task: Task, material: Material) -> Scored:
    """The score. Raises BadInput when memory does not suffice."""
    import torch

    from dataeff_core.backbones.devices import repeatable

    try:
        with repeatable(material.device):
            return task.score(material)
    except torch.OutOfMemoryError as error:
        raise BadInput(
            f"the memory of {material.device} does not suffice for {material.backbone.model} at "
            f"{material.backbone.image_size} pixels; lower batch_size, or choose --device cpu"
        ) from error


def per_image_scores(scored: Scored) -> pd.Series | None:
    """The score of each test image by frame_id, where the task has one."""
    table = scored.per_image
    return table.set_index("frame_id")["iou"] if "iou" in table else None


def notes_of(examples: Examples, subject: Subject, scored: Scored, leaks: Leaks) -> dict[str, str]:
    """What is worth saying, in sentences by topic."""
    side = subject.backbone.image_size
    frames = examples.frames
    found = dict(examples.notes)
    if examples.left_out:
        reasons = pd.Series(list(examples.left_out.values())).value_counts()
        listed = "; ".join(f"{count} x {reason}" for reason, count in reasons.head(3).items())
        found["left_out"] = f"{len(examples.left_out)} images are left out: {listed}"
    small = int(((frames["width"] < side) | (frames["height"] < side)).sum())
    if small:
        found["small"] = f"{small} images are smaller than the encoder's {side} x {side} pixels and were enlarged"
    if leaks.sentence:
        found["leaks"] = leaks.sentence
    return found | scored.notes


def save(
    workspace: Workspace, on: Dataset, record: EvaluationRecord, tables: dict[str, pd.DataFrame], draw: Draw | None
) -> Evaluation:
    """Write the evaluation's folder. Raises StorageFailed."""
    folder = workspace.evaluations_folder / record.id
    with new_folder(folder) as making:
        for file, table in tables.items():
            write_atomically(making / file, lambda stream, t=table: t.to_parquet(stream, index=False))  # type: ignore[misc]
        if draw is not None:
            draw(making / "overlays", lambda frame: picture(workspace, on, frame, overlays.LONGEST))
        record.write(making)
    return Evaluation(folder, record)


def splits_table(examples: Examples, parts: np.ndarray) -> pd.DataFrame:
    """Columns frame_id, group, split: every image used."""
    used = examples.frames[["frame_id", "group"]].assign(split=parts.astype(str))
    return used.astype({"frame_id": "string", "group": "string", "split": "string"})


def left_out_table(examples: Examples) -> pd.DataFrame:
    """Columns frame_id, reason: every image that could not be used."""
    return pd.DataFrame(list(examples.left_out.items()), columns=["frame_id", "reason"], dtype="string")
