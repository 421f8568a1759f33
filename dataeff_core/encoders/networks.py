"""A network in memory: normalises, runs in the precision and batch size that it found to be best, and pools."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from dataeff_core.backbones import Backbone
from dataeff_core.backbones.checkpoints import load_weights, read_weights, weights_fingerprint
from dataeff_core.backbones.devices import resolve_device, use_all_processors
from dataeff_core.backbones.pretrained import check_name, pretrained_file
from dataeff_core.backbones.vit import build
from dataeff_core.encoders.base import LoadedEncoder
from dataeff_core.encoders.batching import BatchSize
from dataeff_core.encoders.preparation import Preparation
from dataeff_core.errors import BadInput, DataEffError, MissingWeights, NotFound
from dataeff_core.workspace.runs import Run

AGREEMENT = 0.999  # cosine that bfloat16 vectors must have with float32 ones, for every probe image
FASTER = 1.1  # and how much faster it must be to be used
PROBE = 8  # images that precision and memory format are tried on


@dataclass(frozen=True)
class Mode:
    """How the network is run, and what the trial on the first images showed."""

    precision: str = "float32"
    channels_last: bool = False
    agreement: float = 1.0  # smallest cosine with float32 over the probe images
    speedup: float = 1.0  # over float32 in the plain memory format


def load_timm(name: str, checkpoint: Path | None, device: str) -> "Network":
    """A timm model with its weights. Raises NotFound, MissingWeights, BadInput."""
    import timm

    check_name(name)
    where = resolve_device(device)
    if checkpoint is not None:
        weights = read_weights(checkpoint)
        model: Any = timm.create_model(name, pretrained=False, num_classes=0)
        heads = dict(model.pretrained_cfg).get("classifier") or ()
        heads = (heads,) if isinstance(heads, str) else tuple(heads)
        load_weights(model, weights, source=str(checkpoint), heads=heads)
    else:
        overlay = {"file": str(pretrained_file(name))}
        model = timm.create_model(name, pretrained=True, num_classes=0, pretrained_cfg_overlay=overlay)
    config = timm.data.resolve_model_data_config(model)
    _, height, width = config["input_size"]
    preparation = Preparation(
        height=height,
        width=width,
        crop_pct=config["crop_pct"],
        crop_mode=config["crop_mode"],
        interpolation=config["interpolation"] if config["interpolation"] != "random" else "bilinear",
        fill=tuple(round(255 * channel) for channel in config["mean"]),
    )
    return Network(model, preparation, config["mean"], config["std"], where)


def load_run(run: Run, device: str) -> "Network":
    """The encoder that a finished pre-training run left.

    Raises NotFound when the run was deleted, BadInput when it has not finished or its weights are not those it left.
    """
    result = run.result if run.folder.is_dir() else None
    if result is None:
        raise _unfinished(run)
    file, backbone = run.encoder_file, Backbone.model_validate(run.record.backbone)
    damaged = f"the weights of run {run.id} are damaged; pre-train again, or use another encoder"
    try:
        vit = build(backbone, weights=read_weights(file), source=str(file))
    except (BadInput, MissingWeights) as error:
        raise BadInput(f"{damaged} ({error})") from error
    size = backbone.image_size
    network = Network(
        vit, Preparation(size, size, 1.0, "squash"), backbone.mean, backbone.std, resolve_device(device)
    )
    if network.weights != result.weights:
        raise BadInput(f"{damaged} ({file.name} is not what it left)")
    return network


def _unfinished(run: Run) -> DataEffError:
    if not run.folder.is_dir():
        return NotFound(f"run {run.id} is gone, and its encoder with it; pre-train again, or use another encoder")
    if run.state == "running":
        return BadInput(f"run {run.id} has not finished yet; wait until it has, or use another encoder")
    return BadInput(f"run {run.id} stopped before its end; run `pretrain --resume {run.id}` first")


class Network(LoadedEncoder):
    """A module that maps (n, 3, h, w) normalised images to (n, d) features."""

    def __init__(
        self,
        model: nn.Module,
        preparation: Preparation,
        mean: Sequence[float],
        std: Sequence[float],
        device: torch.device,
    ) -> None:
        use_all_processors()
        self.weights = weights_fingerprint(model)
        self.preprocessing = f"network-1 {preparation} mean={tuple(mean)} std={tuple(std)}"
        self.prepare, self.device = preparation, device
        self.model = model.eval().requires_grad_(False).to(device)
        # (x / 255 - mean) / std as one multiplication and one addition
        scale = torch.tensor([1 / (255 * one) for one in std], device=device)
        shift = torch.tensor([-m / s for m, s in zip(mean, std, strict=True)], device=device)
        self.scale, self.shift = scale.view(1, 3, 1, 1), shift.view(1, 3, 1, 1)
        self.mode: Mode | None = None
        self.sizes = BatchSize()
        trial = self._run(np.zeros((1, preparation.height, preparation.width, 3), np.uint8), Mode())
        if trial.ndim != 2:
            raise BadInput(
                f"the model gives features of shape {tuple(trial.shape)} instead of one vector an image; choose a "
                "timm model that pools, such as a ViT or a ResNet"
            )
        self.feature_dim = int(trial.shape[1])

    @property
    def batch_size(self) -> int:  # type: ignore[override]
        return self.sizes.size

    def preparation(self) -> Callable[[Sequence[np.ndarray]], np.ndarray]:
        return self.prepare

    def features(self, images: Sequence[np.ndarray]) -> np.ndarray:
        return self.infer(self.prepare(images))

    def infer(self, prepared: np.ndarray) -> np.ndarray:
        """(n, h, w, 3) uint8 -> (n, feature_dim) float32, L2-normalised so that float16 can hold any model's.

        Raises BadInput when not even one image fits into memory.
        """
        if self.mode is None:
            self.mode = self._best_mode(prepared[:PROBE])
        done: list[np.ndarray] = []
        at = 0
        while at < len(prepared):
            batch = prepared[at : at + self.sizes.size]
            began = time.perf_counter()
            try:
                done.append(self.finish(self._run(batch, self.mode).numpy()))
            except (torch.OutOfMemoryError, RuntimeError) as error:
                self._shrink(error, len(batch))
                continue
            self.sizes.measured(len(batch), time.perf_counter() - began)
            at += len(batch)
        return np.concatenate(done) if done else np.empty((0, self.feature_dim), np.float32)

    def notes(self) -> dict[str, Any]:
        mode = self.mode or Mode()
        return {
            "device": str(self.device),
            "precision": mode.precision,
            "agreement_with_float32": round(mode.agreement, 6),
            "speedup_over_float32": round(mode.speedup, 2),
            "channels_last": mode.channels_last,
            "batch_size": self.sizes.best_size,
        }

    @torch.inference_mode()
    def _run(self, prepared: np.ndarray, mode: Mode) -> torch.Tensor:
        """(n, d) float32 on the CPU."""
        pixels = torch.from_numpy(np.ascontiguousarray(prepared)).to(self.device).permute(0, 3, 1, 2)
        images = pixels.to(torch.float32).mul_(self.scale).add_(self.shift)
        kept = torch.channels_last if mode.channels_last else torch.contiguous_format
        with self._precision(mode):
            return self.model(images.contiguous(memory_format=kept)).float().cpu()

    def _precision(self, mode: Mode) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=mode.precision == "bfloat16")

    def _best_mode(self, probe: np.ndarray) -> Mode:
        """The fastest way to run that agrees with float32 on these images (n, h, w, 3)."""
        plain = Mode()
        self._run(probe[:1], plain)
        reference, slowest = self._timed(probe, plain, runs=1)
        best, fastest = plain, slowest
        tries = [replace(plain, precision="bfloat16")] if self._has_bfloat16() else []
        if sum(isinstance(module, nn.Conv2d) for module in self.model.modules()) > 4:
            tries += [replace(one, channels_last=True) for one in [*tries, plain]]
        for mode in tries:
            if mode.channels_last:
                self.model.to(memory_format=torch.channels_last)
            vectors, seconds = self._timed(probe, mode, runs=2)
            agreement = float(nn.functional.cosine_similarity(reference, vectors).min())
            if agreement >= AGREEMENT and seconds * FASTER <= fastest:
                best, fastest = replace(mode, agreement=agreement, speedup=slowest / seconds), seconds
        if not best.channels_last:
            self.model.to(memory_format=torch.contiguous_format)
        return best

    def _timed(self, probe: np.ndarray, mode: Mode, *, runs: int) -> tuple[torch.Tensor, float]:
        """The vectors, and the shortest of `runs` times in seconds."""
        times = []
        for _ in range(runs):
            began = time.perf_counter()
            vectors = self._run(probe, mode)
            times.append(time.perf_counter() - began)
        return vectors, min(times)

    def _has_bfloat16(self) -> bool:
        if self.device.type == "cuda":
            return torch.cuda.is_bf16_supported()
        if self.device.type != "cpu" or not torch.backends.mkldnn.is_available():
            return False
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())

    def _shrink(self, error: RuntimeError, frames: int) -> None:
        """Halve the batch when memory ran out; any other error goes on."""
        cpu_full = "can't allocate memory" in str(error) or "not enough memory" in str(error)
        if not isinstance(error, torch.OutOfMemoryError) and not cpu_full:
            raise error
        if frames == 1:
            raise BadInput(
                f"the model does not fit into the memory of {self.device}, not even for one image; choose a smaller "
                "model, or --device cpu"
            ) from error
        self.sizes.too_large(frames)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
