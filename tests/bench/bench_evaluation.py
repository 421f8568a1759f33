"""What scoring an encoder costs, and whether pre-training shows in it: a linear probe on scikit-learn's digits
after a minute of MAE, beside the same network with random weights, in three seeds."""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIDE = 32  # pixels: the digits' 8 x 8 are enlarged
NETWORK = {"model": "vit_tiny_patch16_224", "image_size": SIDE, "patch_size": 8, "depth": 4}
TRAINING = {"mask_ratio": 0.5, "decoder_dim": 96, "decoder_depth": 1, "batch_size": 64, "learning_rate": 1e-3}
PLAIN = {"crop": 1.0, "flip": False, "rotate": False}  # a mirrored digit is another character


def run(quick: bool) -> list[dict[str, Any]]:
    from dataeff_core.evaluation import make_task
    from dataeff_core.evaluation.evaluating import evaluate
    from dataeff_core.pretraining import make
    from dataeff_core.pretraining.pretraining import pretrain

    with tempfile.TemporaryDirectory() as folder:
        workspace, digits = imported(Path(folder))
        method = make("mae", NETWORK | TRAINING | PLAIN)
        task = make_task("classification")
        gains, seconds, detail = [], [], []
        for seed in range(3):
            made = pretrain(workspace, digits, method, epochs=8 if quick else 40, seed=seed)
            began = time.perf_counter()
            trained = evaluate(workspace, f"run:{made.id}", digits, task, seed=seed).record.metrics
            seconds.append(time.perf_counter() - began)
            random = evaluate(workspace, f"untrained:{made.id}", digits, task, seed=seed).record.metrics
            gains.append([trained[name] - random[name] for name in ("auc_macro", "accuracy_balanced")])
            detail.append(f"{trained['accuracy_balanced']:.3f} against {random['accuracy_balanced']:.3f}")
    auc, accuracy = np.array(gains).min(axis=0)
    return [
        {
            "name": "linear probe on digits: pre-trained less untrained, least of 3 seeds (balanced accuracy)",
            "value": round(float(accuracy), 4),
            "target": "> 0",
            "passed": bool(accuracy > 0 and auc > 0),
            "detail": f"{'; '.join(detail)}; macro AUC at least {auc:+.4f}",
        },
        {
            "name": "classification of 1,797 digits, seconds",
            "value": round(float(np.median(seconds)), 1),
            "target": "<= 60",
            "passed": bool(np.median(seconds) <= 60),
            "detail": "reading, leakage check, encoding, probe, neighbours, intervals",
        },
    ]


def imported(folder: Path) -> tuple[Any, Any]:
    """The digits as a dataset of PNG files, each image a group of its own."""
    from sklearn.datasets import load_digits

    from dataeff_core.datasets.importing import import_frames
    from dataeff_core.workspace import Workspace

    loaded = load_digits()
    images = folder / "digits"
    images.mkdir()
    lines = ["file,digit"]
    for number, (pixels, digit) in enumerate(zip(loaded.images, loaded.target, strict=True)):
        grey = Image.fromarray((pixels * 255 / 16).astype(np.uint8)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        grey.convert("RGB").save(images / f"{number:04d}.png")
        lines.append(f"{number:04d}.png,{digit}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    workspace = Workspace.open(folder / "workspace")
    done = import_frames(
        workspace, images, name="digits", groups="{group}.png", labels=folder / "labels.csv", reporter=None
    )
    return workspace, workspace.dataset(done.dataset)
