"""Weights from a file: read without running code, fitted to a model's names, told apart by a fingerprint."""

import hashlib
import pickle
import struct
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dataeff_core.errors import BadInput, MissingWeights
from dataeff_core.workspace.storage import storage_errors

# where training scripts put the weights within what they save: MAE, DINO, timm, lightning
NESTED_UNDER = (
    "model",
    "state_dict",
    "model_state_dict",
    "model_ema",
    "state_dict_ema",
    "teacher",
    "student",
    "encoder",
)

# what PyTorch's safe unpickler was seen to raise on damaged files, besides UnpicklingError
DAMAGE = (
    RuntimeError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    AssertionError,
    OverflowError,
    MemoryError,
    OSError,
    struct.error,
)


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The tensors in a .safetensors or PyTorch file by name. No code in the file is run.

    Raises MissingWeights when it is not there, BadInput when it holds no weights that can be read safely.
    """
    if not path.is_file():
        raise MissingWeights(f"the checkpoint {path} is not there; give an existing file with --checkpoint")
    with storage_errors("reading", path):
        path.open("rb").close()
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    tensors = _tensors(content)
    if not tensors:
        raise BadInput(f"{path} holds no weights (a mapping of names to tensors); give another --checkpoint")
    return tensors


def _read_safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise BadInput(f"{path} is no whole safetensors file ({error}); give another --checkpoint") from error


def _read_torch(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd pickles, which are refused in a sentence or read
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise BadInput(
            f"{path} is no PyTorch checkpoint, or holds more than tensors and cannot be read safely; save its state "
            "dict alone, best as .safetensors, and give that with --checkpoint"
        ) from error
    except DAMAGE as error:
        reason = (str(error).splitlines() or ["it is empty"])[0]
        raise BadInput(f"{path} cannot be read as a PyTorch checkpoint ({reason}); give another file") from error


def _tensors(content: Any) -> dict[str, torch.Tensor]:
    """The state dict in what a training script saved."""
    while isinstance(content, Mapping):
        found = {str(name): value for name, value in content.items() if isinstance(value, torch.Tensor)}
        if found:
            return found
        content = next((content[key] for key in NESTED_UNDER if isinstance(content.get(key), Mapping)), None)
    return {}


def load_weights(
    model: nn.Module, weights: Mapping[str, torch.Tensor], *, source: str, heads: tuple[str, ...]
) -> None:
    """Load `weights` into `model`, every parameter or none; a common prefix ('module.', 'encoder.') is taken off.

    What belongs to no part of the model (a decoder, a projection) or to its classifier (`heads`) is left aside.
    Raises BadInput when a parameter is missing or has another shape, or a part has more layers than the model.
    """
    wanted = model.state_dict()
    prefix = _prefix(wanted, weights)
    given = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    parts = {name.partition(".")[0] for name in wanted}
    wrong = [f"{name} is missing" for name in wanted if name not in given]
    wrong += [
        f"{name} is {tuple(given[name].shape)} instead of {tuple(value.shape)}"
        for name, value in wanted.items()
        if name in given and given[name].shape != value.shape
    ]
    wrong += [
        f"{name} has no place in it"
        for name in given
        if name not in wanted and name.partition(".")[0] in parts and not name.startswith(heads)
    ]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise BadInput(
            f"{source} does not fit the model: {', '.join(wrong[:3])}{more}; choose the model that these weights are "
            "of (timm:<model>), or another --checkpoint"
        )
    model.load_state_dict({name: given[name] for name in wanted}, strict=True)


def _prefix(wanted: Mapping[str, torch.Tensor], weights: Mapping[str, torch.Tensor]) -> str:
    """What stands before the model's names in the file: the prefix under which most of them are found."""
    prefixes = {""}
    for name in list(wanted)[:8]:
        prefixes |= {given.removesuffix(name) for given in weights if given.endswith("." + name)}
    return max(sorted(prefixes), key=lambda prefix: sum(prefix + name in weights for name in wanted))


def weights_fingerprint(model: nn.Module) -> str:
    """sha256 (hex) over all parameters and buffers by name: name, dtype, shape, bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data if flat.numel() else b"")
    return digest.hexdigest()
