"""What a run leaves behind: encoders, pictures of what a network reconstructs, the result."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from dataeff_core.backbones.checkpoints import weights_fingerprint
from dataeff_core.pretraining import metrics
from dataeff_core.pretraining.base import PretrainingMethod
from dataeff_core.pretraining.batches import SHOWN
from dataeff_core.pretraining.images import Images, Squash
from dataeff_core.workspace.records import now
from dataeff_core.workspace.runs import Run, RunResult
from dataeff_core.workspace.storage import write_atomically, write_json

FRAMES_SHOWN = 6


def write_encoder(path: Path, network: Any, method: PretrainingMethod) -> None:
    """The encoder's weights as .safetensors, with its Backbone as metadata. Raises StorageFailed."""
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.encoder.state_dict().items()}
    data = save(tensors, metadata={"format": "pt", "backbone": method.backbone().model_dump_json()})
    write_atomically(path, lambda stream: stream.write(data))


def write_decoder(path: Path, network: Any) -> None:
    """The decoder's weights as .safetensors, so that the finished network can still draw. Raises StorageFailed."""
    from safetensors.torch import save

    data = save({name: tensor.detach().cpu().contiguous() for name, tensor in network.decoder.state_dict().items()})
    write_atomically(path, lambda stream: stream.write(data))


def draw_reconstruction(path: Path, network: Any, method: PretrainingMethod, images: Images, *, seed: int) -> None:
    """What the network makes of a few frames as PNG: the same frames, with the same parts hidden, each time."""
    from dataeff_core.pretraining.reconstructing import picture

    which = np.linspace(0, len(images) - 1, min(FRAMES_SHOWN, len(images))).round().astype(np.int64)
    frames = Squash(method.image_size)(list(images.take(which)))
    numbers = np.random.default_rng([seed, SHOWN]).random((len(which), method.numbers()), np.float32)
    drawn = Image.fromarray(picture(network, torch.from_numpy(frames), torch.from_numpy(numbers)))
    write_atomically(path, lambda stream: drawn.save(stream, "PNG"))


def write_result(run: Run, network: Any, *, seconds: float, device: str, precision: str, last: int) -> RunResult:
    """Say that the run has finished. Its loss is the mean over the `last` steps, one pass over the images; the
    checkpoint goes, since nothing needs it any more."""
    record = run.record
    result = RunResult(
        epochs=record.images_seen / record.images,
        steps=record.steps,
        images_seen=record.images_seen,
        final_loss=metrics.mean_loss(run, since=record.steps - last),
        seconds=round(seconds, 3),
        images_per_second=round(record.images_seen / max(seconds, 1e-9), 2),
        device=device,
        precision=precision,
        weights=weights_fingerprint(network.encoder),
        finished=now(),
    )
    write_json(run.folder / RunResult.FILE, result.model_dump(mode="json"))
    run.checkpoint_file.unlink(missing_ok=True)
    return result
