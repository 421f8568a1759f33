"""Training and scoring of the segmentation head, on tokens that are computed once or through the encoder."""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from dataeff_core.backbones import vit as backbone_vit
from dataeff_core.errors import BadInput
from dataeff_core.evaluation import metrics, overlays
from dataeff_core.evaluation.base import Material, Scored
from dataeff_core.evaluation.heads import MaskHead, at_size, build_head, mask_loss
from dataeff_core.evaluation.intervals import intervals
from dataeff_core.evaluation.masks import Masks
from dataeff_core.evaluation.overlays import Picture
from dataeff_core.evaluation.segmentation import Segmentation

ENCODED_AT_ONCE = 32  # images
MOST_KEPT_BYTES = 4 << 30  # tokens of a frozen encoder are kept up to this size, beyond it computed when needed
WARM_UP = 0.05  # of the steps

Tokens = Callable[[np.ndarray], torch.Tensor]
"""(m,) rows -> (m, N, d) patch tokens, on the device."""


@dataclass
class Trainee:
    """What is trained, and how it comes by an image's tokens."""

    settings: Segmentation
    tokens: Tokens
    head: MaskHead
    encoder: Any  # None while it is frozen
    target: torch.Tensor  # (n, S, S) float32: share of foreground in each cell

    def logits(self, rows: np.ndarray) -> torch.Tensor:
        """(m, S, S), on the device."""
        return self.head(self.tokens(rows))

    @torch.no_grad()
    def predict(self, rows: np.ndarray) -> torch.Tensor:
        """(m, S, S) float32 logits on the CPU."""
        parts = [self.logits(part).float().cpu() for part in chunks(rows, ENCODED_AT_ONCE)]
        return torch.cat(parts)

    def state(self) -> list[dict[str, torch.Tensor]]:
        return [copy.deepcopy(module.state_dict()) for module in self.modules]

    def restore(self, state: list[dict[str, torch.Tensor]]) -> None:
        for module, kept in zip(self.modules, state, strict=True):
            module.load_state_dict(kept)

    @property
    def modules(self) -> list[torch.nn.Module]:
        return [self.head] if self.encoder is None else [self.head, self.encoder]


def segment(settings: Segmentation, material: Material) -> Scored:
    """Train on the training images, take the epoch that is best on the validation images, score the test images."""
    masks: Masks = material.examples.truth
    trainee = prepare(settings, material)
    test = material.rows("test")
    last = max(1, settings.epochs - settings.last_epochs + 1)
    rows: list[dict[str, float]] = []
    best, best_epoch, kept = -1.0, 0, trainee.state()
    for epoch in train(trainee, material):
        found = validation_iou(trainee, material.rows("validation"))
        if found > best:
            best, best_epoch, kept = found, epoch, trainee.state()
        if epoch >= last:
            table = counts_of(trainee.predict(test), masks, test)
            rows.append({"epoch": epoch} | metrics.values(metrics.segmentation_metrics(table), len(test)))
    trainee.restore(kept)
    logits = trainee.predict(test)
    table = counts_of(logits, masks, test)
    named = metrics.segmentation_metrics(table)
    frames = material.examples.frames.iloc[test]
    per_image = per_image_table(frames, table)

    def draw(folder: Path, picture: Picture) -> None:
        def pair(row: int) -> tuple[np.ndarray, np.ndarray]:
            return masks.mask(test[row]), predicted(logits[row], masks.shapes[test[row]])

        overlays.write(folder, frames, per_image["iou"].to_numpy(), pair, picture)

    return Scored(
        metrics=metrics.values(named, len(test)),
        intervals=intervals(named, material.units[test], seed=material.seed),
        per_image=per_image,
        per_epoch=pd.DataFrame(rows).astype({"epoch": "int64"}),
        notes=notes(masks, test, best_epoch, best),
        draw=draw,
    )


def prepare(settings: Segmentation, material: Material) -> Trainee:
    """The head and the encoder before the first step."""
    masks: Masks = material.examples.truth
    side = material.backbone.image_size // backbone_vit.patch_size(material.vit) * settings.detail
    target = torch.from_numpy(masks.coverage(side)).to(material.device)
    train_rows = material.rows("train")
    encoder = material.vit.to(material.device).eval()
    head = build_head(
        encoder.num_features,
        hidden=settings.hidden,
        detail=settings.detail,
        seed=material.seed,
        foreground=float(target[train_rows].mean()),
    ).to(material.device)
    tokens = through(encoder, material)
    if settings.encoder == "frozen":
        encoder.requires_grad_(False)
        return Trainee(settings, cached(tokens, material), head, None, target)
    return Trainee(settings, tokens, head, encoder.requires_grad_(True), target)


def through(encoder: Any, material: Material) -> Tokens:
    """Tokens computed whenever they are asked for, so that the encoder can learn."""

    def tokens(rows: np.ndarray) -> torch.Tensor:
        pixels = torch.from_numpy(material.images[rows]).to(material.device)
        return backbone_vit.patch_tokens(encoder, backbone_vit.normalised(pixels, material.backbone))

    return tokens


@torch.no_grad()
def cached(tokens: Tokens, material: Material) -> Tokens:
    """Tokens of all images computed now, once; where they would fill too much memory, whenever they are asked for."""
    if tokens(np.arange(1)).nbytes * len(material.images) > MOST_KEPT_BYTES:
        return torch.no_grad()(tokens)
    parts = list(chunks(np.arange(len(material.images)), ENCODED_AT_ONCE))
    every = torch.cat([tokens(part) for part in material.reporter.over(parts, "encoding", len(parts))])
    return lambda rows: every[torch.from_numpy(rows).to(every.device)]


def train(trainee: Trainee, material: Material) -> Iterator[int]:
    """Yield after each epoch its number, from 1. Raises BadInput when the loss is no longer a number."""
    settings, train_rows = trainee.settings, material.rows("train")
    rng = np.random.default_rng(material.seed)
    steps = settings.epochs * math.ceil(len(train_rows) / settings.batch_size)
    optimiser, schedule = optimisation(trainee, steps)
    everything = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    for epoch in material.reporter.over(range(1, settings.epochs + 1), "training the head"):
        for part in chunks(rng.permutation(train_rows), settings.batch_size):
            loss = mask_loss(trainee.logits(part), trainee.target[torch.from_numpy(part)])
            if not torch.isfinite(loss):
                raise BadInput(
                    f"the loss of the segmentation was {loss.item()} in epoch {epoch}; lower learning_rate "
                    f"({settings.learning_rate:g}) or encoder_learning_rate ({settings.encoder_learning_rate:g})"
                )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(everything, 1.0)
            optimiser.step()
            schedule.step()
        yield epoch


def optimisation(trainee: Trainee, steps: int) -> tuple[torch.optim.Optimizer, Any]:
    """AdamW, the encoder with a learning rate of its own, warmed up and then lowered along a cosine to 0."""
    settings = trainee.settings
    rates = [settings.learning_rate, settings.encoder_learning_rate]
    groups = []
    for module, rate in zip(trainee.modules, rates, strict=False):
        matrices = [one for one in module.parameters() if one.ndim > 1]
        others = [one for one in module.parameters() if one.ndim <= 1]
        groups.append({"params": matrices, "lr": rate, "weight_decay": settings.weight_decay})
        groups.append({"params": others, "lr": rate, "weight_decay": 0.0})
    optimiser = torch.optim.AdamW(groups)
    warm = max(1, round(WARM_UP * steps))

    def factor(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))

    return optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, factor)


def validation_iou(trainee: Trainee, rows: np.ndarray) -> float:
    """Foreground IoU, averaged over images, on the cells of the grid (quicker than on pixels)."""
    found = trainee.predict(rows) > 0
    truth = trainee.target[torch.from_numpy(rows)].cpu() > 0.5
    both, either = (found & truth).sum(dim=(1, 2)), (found | truth).sum(dim=(1, 2))
    return float(metrics.ratio(both.numpy(), either.numpy()).mean())


def counts_of(logits: torch.Tensor, masks: Masks, rows: np.ndarray) -> np.ndarray:
    """(m, 4) int64 `metrics.counts` of predictions (m, S, S), on each mask's own pixels."""
    tables = [metrics.counts(predicted(logits[i], masks.shapes[row]), masks.mask(row)) for i, row in enumerate(rows)]
    return np.stack(tables)


def predicted(logits: torch.Tensor, shape: tuple[int, int]) -> np.ndarray:
    """(S, S) logits -> (h, w) bool: a probability above 0.5."""
    return (at_size(logits, *shape) > 0).numpy()


def per_image_table(frames: pd.DataFrame, table: np.ndarray) -> pd.DataFrame:
    pixels = table.sum(axis=1)
    return pd.DataFrame(
        {
            "frame_id": frames["frame_id"].to_numpy(object),
            "group": frames["group"].to_numpy(object),
            "truth_share": (table[:, 2] + table[:, 3]) / pixels,
            "predicted_share": (table[:, 1] + table[:, 3]) / pixels,
            "iou": metrics.iou(table),
            "dice": metrics.dice(table),
        }
    )


def notes(masks: Masks, test: np.ndarray, best_epoch: int, best: float) -> dict[str, str]:
    found = {"epoch": f"scored as it was after epoch {best_epoch}, the best on validation (IoU {best:.3f} there)"}
    if not (masks.shares[test] > 0).any():
        found["test"] = (
            f"all {len(test)} test masks are empty, so the score says only how often nothing was rightly found; use "
            "another seed or more images with foreground"
        )
    return found


def chunks(rows: np.ndarray, size: int) -> Iterator[np.ndarray]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
