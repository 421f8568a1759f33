"""Which processor a network runs on, and with how many threads."""

import contextlib
import os
import platform
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dataeff_core.errors import BadInput

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")


def resolve_device(wanted: str) -> "torch.device":
    """'auto' is the GPU where there is one. Raises BadInput for a device that is unknown or not there."""
    import torch

    kind = wanted.partition(":")[0]
    if kind not in DEVICES:
        raise BadInput(f"device {wanted!r} is not one of {', '.join(DEVICES)}; leave it out to use the best there is")
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return torch.device(next(name for name in ("cuda", "mps", "cpu") if present[name]))
    if not present.get(kind, False):
        raise BadInput(f"this machine has no {wanted} device that PyTorch can use; choose --device cpu or auto")
    try:
        return torch.device(wanted)
    except RuntimeError as error:
        raise BadInput(f"device {wanted!r} is not understood; choose one of {', '.join(DEVICES)}") from error


def use_all_processors(processes: int = 1) -> None:
    """As many threads as processors this process may use: PyTorch's own count ignores limits set from outside. With
    several `processes` at one task on this machine, an equal share of them each."""
    import torch

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(max(1, min(torch.get_num_threads(), usable // processes)))


@contextlib.contextmanager
def repeatable(device: "torch.device") -> Iterator[None]:
    """On a CPU: training again gives the same bits with as many threads. PyTorch otherwise lets several threads add
    to one number in any order (as the gradient of picking tokens does), which a long training makes much of."""
    import torch
    from torch.utils import deterministic

    memory: Any = deterministic  # a module whose attribute is a switch
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    filled = memory.fill_uninitialized_memory
    if device.type == "cpu":
        torch.use_deterministic_algorithms(True, warn_only=True)
        memory.fill_uninitialized_memory = False  # a search for bugs, which takes time
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        memory.fill_uninitialized_memory = filled


def has_bfloat16(device: "torch.device") -> bool:
    """Whether the device multiplies bfloat16 in hardware, so that autocast to it pays."""
    import torch

    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    if platform.machine() in ("x86_64", "AMD64"):  # oneDNN also says yes where it only emulates it
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def is_out_of_memory(error: BaseException) -> bool:
    """Whether PyTorch raised `error` because memory ran out, on a GPU or on the CPU."""
    import torch

    said = str(error)
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and ("can't allocate memory" in said or "not enough memory" in said)
    )
