"""A ViT-B/16 from files beside the bare model on tensors in memory, and the descriptor from thumbnails."""

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dataeff_core.datasets.importing import import_frames
from dataeff_core.encoders import make
from dataeff_core.encoders.embedding import embed
from dataeff_core.workspace import Dataset, Workspace

MODEL = "vit_base_patch16_224"
BATCHES = 3  # that the bare model is timed on, before and after the embedding


def run(quick: bool) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        workspace, dataset = imported(root, 96 if quick else 320)
        return [descriptor_row(workspace, dataset), timm_row(workspace, dataset, root)]


def imported(root: Path, count: int) -> tuple[Workspace, Dataset]:
    """A dataset of JPEG files, of real frames where there are some: by the variable, beside the project, or drawn."""
    beside = Path(__file__).parents[3] / "shared" / "data"
    real = Path(os.environ.get("DATAEFF_TEST_DATA", beside)) / "endoscopy"
    files = sorted(path for path in real.rglob("*.jpg") if "mask" not in str(path).lower())[:count]
    source = root / "source"
    source.mkdir()
    if not files:
        rng = np.random.default_rng(0)
        for number in range(count):
            small = Image.fromarray(rng.integers(0, 255, (30, 36, 3), np.uint8))
            small.resize((720, 576), Image.Resampling.BICUBIC).save(source / f"{number}.jpg", quality=90)
    for number, path in enumerate(files):
        shutil.copyfile(path, source / f"{number}-{path.name}")
    workspace = Workspace.open(root / "w")
    import_frames(workspace, source, name="bench")
    return workspace, workspace.dataset("bench")


def descriptor_row(workspace: Workspace, dataset: Dataset) -> dict[str, Any]:
    """The rate over several times the same thumbnails, so that the start of the workers weighs as in real sets."""
    from dataeff_core.frame_reading.decoding import default_workers, prepared_chunks
    from dataeff_core.frame_reading.reading import thumbnail_tasks
    from dataeff_core.reporting import Reporter

    tasks = thumbnail_tasks(workspace, dataset.frames) * 10
    frames = sum(len(task.keys) for task in tasks)
    prepare = make("descriptor").load().preparation()
    began = time.perf_counter()
    chunks = prepared_chunks(tasks, prepare, workers=default_workers(frames), reporter=Reporter())
    done = sum(len(chunk.keys) for chunk in chunks)
    rate = done / (time.perf_counter() - began)
    cores = len(os.sched_getaffinity(0))
    return {
        "name": "descriptor from thumbnails, frames a second",
        "value": round(rate),
        "target": ">= 500 on 2 cores",
        "passed": rate >= 500,
        "detail": f"{done} frames, {cores} cores, start of the workers included",
    }


def timm_row(workspace: Workspace, dataset: Dataset, root: Path) -> dict[str, Any]:
    import timm
    import torch

    torch.manual_seed(0)
    checkpoint = root / "weights.pth"
    torch.save(timm.create_model(MODEL, pretrained=False, num_classes=0).state_dict(), checkpoint)
    encoder = make(f"timm:{MODEL}", checkpoint=checkpoint)
    loaded = encoder.load()
    loaded.features([np.zeros((64, 64, 3), np.uint8)] * 8)
    before = bare_rate(loaded.model, precise=loaded.mode.precision == "float32")
    began = time.perf_counter()
    record = embed(workspace, dataset, encoder).record
    whole = time.perf_counter() - began
    notes = record.notes
    precise = notes["precision"] == "float32"
    rate = (before + bare_rate(loaded.model, precise=precise)) / 2
    share = record.images_per_second / rate
    return {
        "name": f"{MODEL} from files, as a share of the bare model's rate on tensors in memory",
        "value": round(share, 3),
        "target": ">= 0.9",
        "passed": share >= 0.9,
        "detail": f"{record.images_per_second:.1f} against {rate:.1f}/s; {record.frames} files in {whole:.0f} s "
        f"with loading and trials; batch {notes['batch_size']}, {notes['precision']}, which agrees with float32 to "
        f"{notes['agreement_with_float32']} and is {notes['speedup_over_float32']} times as fast",
    }


def bare_rate(model: Any, *, precise: bool) -> float:
    """Images a second of the model alone on float32 tensors, at the better of two batch sizes."""
    import torch

    rates = []
    for size in (8, 32):
        images = torch.rand(size, 3, 224, 224)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=not precise):
            model(images)
            began = time.perf_counter()
            for _ in range(BATCHES):
                model(images)
        rates.append(BATCHES * size / (time.perf_counter() - began))
    return max(rates)
