"""A run's whole state in one file: written whole or not at all, read without running code, refused where it is not
this run's."""

import io
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from dataeff_core.backbones.checkpoints import DAMAGE
from dataeff_core.errors import BadInput, Stale
from dataeff_core.workspace.runs import Run, RunRecord
from dataeff_core.workspace.storage import canonical_json, storage_errors, write_atomically

VERSION = 1


@dataclass
class Progress:
    """How far a run is. Sums are over the steps since the last line of metrics."""

    step: int = 0  # optimiser steps done
    seconds: float = 0.0  # of training, all attempts together
    loss_sum: float = 0.0
    norm_sum: float = 0.0
    summed: int = 0  # steps in the sums
    logged_at: float = 0.0  # `seconds` at the last line


def save(run: Run, progress: Progress, network: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Write the checkpoint over the one before. Raises StorageFailed; the one before then stays.

    The learning rate, the order of the images and all random numbers are functions of seed and step, so the step is
    all there is to keep of them.
    """
    state = {
        "version": VERSION,
        "run": identity(run.record),
        "progress": vars(progress),
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
    }
    # through memory: PyTorch hides a full disk behind an error of its own
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_atomically(run.checkpoint_file, lambda stream: stream.write(buffer.getbuffer()))


def restore(run: Run, network: nn.Module, optimiser: torch.optim.Optimizer) -> Progress:
    """Load the run's checkpoint into `network` and `optimiser`; a fresh Progress where there is none yet.

    Raises BadInput for a file that is damaged, holds more than tensors and numbers, or fits another network; Stale
    for another run's.
    """
    path = run.checkpoint_file
    if not path.is_file():
        return Progress()
    way_out = f"delete {path} to start the run from its beginning"
    with storage_errors("reading", path):
        path.open("rb").close()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd pickles, which are refused in a sentence
            state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise BadInput(
            f"the checkpoint of run {run.id} is damaged or holds more than tensors and numbers, and is not loaded; "
            f"{way_out}"
        ) from error
    except DAMAGE as error:
        reason = (str(error).splitlines() or ["it is empty"])[0]
        raise BadInput(f"the checkpoint of run {run.id} cannot be read ({reason:.200}); {way_out}") from error
    try:
        if state["version"] != VERSION or state["run"] != identity(run.record):
            raise Stale(f"the checkpoint in {path.parent.name} is of another run, or of another version; {way_out}")
        progress = Progress(**state["progress"])
        network.load_state_dict(state["network"], strict=True)
        _check_shapes(state["optimiser"], network)
        optimiser.load_state_dict(state["optimiser"])
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadInput(
            f"the checkpoint of run {run.id} does not fit its network ({reason:.200}); {way_out}"
        ) from error
    return progress


def identity(record: RunRecord) -> str:
    """What a checkpoint must agree with its run in: all that the loss curve depends on."""
    return canonical_json(
        {
            "id": record.id,
            "method": record.method,
            "params": record.params,
            "seed": record.seed,
            "steps": record.steps,
            "images": record.images_fingerprint,
        }
    )


def _check_shapes(optimiser: Mapping[str, Any], network: nn.Module) -> None:
    """Raise ValueError unless the optimiser's moments have the parameters' shapes, which PyTorch does not check."""
    shapes = sorted(tuple(parameter.shape) for parameter in network.parameters() if parameter.requires_grad)
    moments = sorted(tuple(moment["exp_avg"].shape) for moment in optimiser["state"].values())
    if moments and moments != shapes:
        raise ValueError("the optimiser's state is of other parameters")
