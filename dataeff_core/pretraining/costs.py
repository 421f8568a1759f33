"""What a run will cost, before it starts and without torch: from earlier runs on this machine where there are some,
else from arithmetic and a rough rate; the sentence says which."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataeff_core.backbones import Backbone
from dataeff_core.pretraining.base import PretrainingMethod
from dataeff_core.pretraining.budgets import budget
from dataeff_core.pretraining.images import side_of
from dataeff_core.workspace.root import Workspace
from dataeff_core.workspace.runs import Run

SIZES = {"tiny": (192, 12), "small": (384, 12), "base": (768, 12), "large": (1024, 24), "huge": (1280, 32)}
"""Width and blocks of the usual ViTs (Dosovitskiy et al. 2020, Table 1; Touvron et al. 2020 for tiny and small)."""
ROUGH = {"cpu": 5e10, "cuda": 4e13, "mps": 2e12}
"""Operations a second, a core (cpu) or in all: an order of magnitude only, seen on a server's cores and one GPU."""
TELLING_SECONDS, TELLING_RATIO = 30.0, 10.0
"""A run of another network says something if it took that long, and its operations an image differ by no more:
small networks wait for memory and Python most of the time."""
NVIDIA = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True)
class Cost:
    """What a run takes."""

    images_seen: int
    steps: int
    epochs: int
    seconds: float | None  # None: not known
    basis: str  # where `seconds` comes from, one sentence
    disk_bytes: int  # at most, while it runs: two checkpoints, since the old one stays until the new one is whole,
    # and the prepared images, which later runs share


def estimate(
    workspace: Workspace,
    method: PretrainingMethod,
    *,
    images: int,
    epochs: int | None = None,
    images_seen: int | None = None,
    device: str = "auto",
) -> Cost:
    """What training `method` on `images` images will take. Raises BadInput as `budgets.budget` does."""
    length = budget(images, method.batch_size, epochs=epochs, images_seen=images_seen)
    rate, basis = _images_per_second(workspace, method, kind_of(device))
    parameters = sum(_parameters(part) for part in _parts(method.model_dump(), method.VIEWS))
    return Cost(
        images_seen=length.images_seen,
        steps=length.steps,
        epochs=length.epochs,
        seconds=None if rate is None else length.images_seen / rate,
        basis=basis,
        disk_bytes=2 * 3 * 4 * parameters + images * 3 * side_of(method) ** 2,
    )


def kind_of(device: str) -> str:
    """'cpu', 'cuda' or 'mps': what 'auto' will most likely find, without asking torch."""
    if device != "auto":
        return device.partition(":")[0]
    if NVIDIA.is_dir() and os.environ.get("CUDA_VISIBLE_DEVICES", "all") not in ("", "-1"):
        return "cuda"
    return "mps" if (platform.system(), platform.machine()) == ("Darwin", "arm64") else "cpu"


def operations(method: PretrainingMethod) -> float | None:
    """Floating-point operations of one image in one step, forward and backward; None for a ViT of unknown size."""
    parts = _parts(method.model_dump(), method.VIEWS)
    return 3 * sum(_forward(part) for part in parts) if parts else None


def _images_per_second(workspace: Workspace, method: PretrainingMethod, device: str) -> tuple[float | None, str]:
    """The rate, None where it is not known, and the sentence that says how."""
    finished = [run for run in workspace.runs() if run.result is not None and run.result.device == device]
    needed = operations(method)
    alike = [run for run in finished if _same_work(run, method)]
    if alike:
        rate = _total(alike, "images_seen") / _total(alike, "seconds")
        runs = "an earlier run" if len(alike) == 1 else f"{len(alike)} earlier runs"
        return rate, f"From {runs} of this method and network on this {_named(device)}: {rate:,.0f} images a second."
    if needed is None:
        return None, f"The size of {method.model} is not known here, and no run with it has finished yet."
    others = [
        (run, work)
        for run in finished
        if (work := _operations_of(run)) is not None and _total([run], "seconds") >= TELLING_SECONDS
        if 1 / TELLING_RATIO <= work / needed <= TELLING_RATIO
    ]
    if others:
        done = sum(work * run.record.images_seen for run, work in others)
        rate = done / _total([run for run, _ in others], "seconds") / needed
        return rate, (
            f"A guess of {rate:,.1f} images a second, from earlier runs of other networks on this "
            f"{_named(device)} and the number of operations: it may be wrong by half."
        )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    speed = ROUGH.get(device, ROUGH["cpu"]) * (cores if device == "cpu" else 1)
    return speed / needed, (
        f"A rough guess: {needed / 1e9:,.1f} billion operations an image at {speed / 1e9:,.0f} billion a second on "
        f"this {_named(device)}; it may be wrong several times over until a run has finished here."
    )


def _named(device: str) -> str:
    return {"cpu": "processor", "cuda": "GPU", "mps": "GPU"}.get(device, device)


def _total(runs: list[Run], what: str) -> float:
    return max(1e-9, sum(getattr(run.result, what) for run in runs))


def _same_work(run: Run, method: PretrainingMethod) -> bool:
    """Whether a step of `run` does what one of `method` would: all but its schedule is equal."""
    free = {"learning_rate", "weight_decay", "warmup", "clip_norm", "start_from"}
    wanted = method.model_dump(mode="json")
    return run.record.method == method.NAME and all(
        run.record.params.get(key) == value for key, value in wanted.items() if key not in free
    )


def _operations_of(run: Run) -> float | None:
    from dataeff_core.pretraining import METHODS

    views = next((one.VIEWS for one in METHODS if run.record.method == one.NAME), None)
    parts = _parts(run.record.params, views) if views else []
    return 3 * sum(_forward(part) for part in parts) if parts else None


@dataclass(frozen=True)
class _Part:
    """A stack of transformer blocks, and the patches it sees."""

    width: int
    blocks: int
    tokens: float
    pixels: int  # numbers of a patch, which it takes in or gives out
    views: int = 1


def _parts(params: Mapping[str, Any], views: int) -> list[_Part]:
    """The encoder and, where the method has one, the decoder; empty for a ViT of unknown size."""
    words = params["model"].partition(".")[0].split("_")
    size = next((SIZES[word] for word in words if word in SIZES), None)
    patch = Backbone(model=params["model"], patch_size=params.get("patch_size")).patch
    if size is None or patch is None:
        return []
    tokens, pixels = (params["image_size"] / patch) ** 2, 3 * patch**2
    seen = tokens * (1 - params.get("mask_ratio", 0.0))
    parts = [_Part(size[0], params.get("depth") or size[1], seen, pixels, views)]
    if "decoder_dim" in params:
        parts.append(_Part(params["decoder_dim"], params["decoder_depth"], tokens, pixels))
    return parts


def _forward(part: _Part) -> float:
    """Operations, two a multiplication: 12 d^2 multiplications a token and block, 2 N^2 d for attention."""
    blocks = part.blocks * (24 * part.tokens * part.width**2 + 4 * part.tokens**2 * part.width)
    return part.views * (blocks + 2 * part.tokens * part.pixels * part.width)


def _parameters(part: _Part) -> int:
    return 12 * part.blocks * part.width**2 + part.pixels * part.width
