"""A small finished MAE run and a dataset with planted easy, hard and constant patches."""

from pathlib import Path

import numpy as np
from PIL import Image

from dataeff_core import pretraining
from dataeff_core.datasets.importing import import_frames
from dataeff_core.patches import make
from dataeff_core.patches.proposing import propose
from dataeff_core.patches.stored import PatchSet
from dataeff_core.pretraining.pretraining import pretrain
from dataeff_core.workspace import Dataset, Run, Workspace

SMALL = {
    "model": "vit_tiny_patch16_224", "depth": 1, "image_size": 32, "patch_size": 8, "batch_size": 8,
    "learning_rate": 1e-3, "precision": "float32", "decoder_dim": 32, "decoder_depth": 1, "norm_pixels": False,
    "crop": 1.0,
}  # fmt: skip
GRID = {"cells": 2, "lit": 0, "min_side": 8, "max_area": 1}


def write_frames(folder: Path, count: int = 10, size: int = 64) -> Path:
    """Frames of four quarters: a flat colour, a gentle slope, a texture, and noise; each its own every time."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    half = size // 2
    rows, columns = np.mgrid[:half, :half] / half
    for number in range(count):
        colour = rng.integers(60, 200, 3)
        frame = np.zeros((size, size, 3))
        frame[:half, :half] = colour
        frame[:half, half:] = colour + 30 * rows[..., None]
        frame[half:, :half] = colour + 60 * np.sin(40 * columns + 6 * rng.random())[..., None]
        frame[half:, half:] = rng.integers(0, 256, (half, half, 3))
        Image.fromarray(frame.clip(0, 255).astype(np.uint8)).save(folder / f"{number:02d}.png")
    return folder


def scored_workspace(root: Path, count: int = 10) -> tuple[Workspace, Dataset, PatchSet, Run]:
    """A workspace with frames, their quarters as patches, and an MAE that was trained for a moment."""
    workspace = Workspace.open(root / "w")
    import_frames(workspace, write_frames(root / "frames", count), name="planted", workers=1)
    dataset = workspace.dataset("latest")
    patches = propose(workspace, dataset, make("grid", GRID), workers=0)
    run = pretrain(workspace, dataset, pretraining.make("mae", SMALL), epochs=80, workers=0, device="cpu")
    return workspace, dataset, patches, run
