"""Which processor a network runs on, and with how many threads."""

import os
from typing import TYPE_CHECKING

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


def use_all_processors() -> None:
    """As many threads as processors this process may use: PyTorch's own count ignores limits set from outside."""
    import torch

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(max(1, min(torch.get_num_threads(), usable)))
