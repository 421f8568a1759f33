"""One run in several processes, as torchrun starts them: each takes its share of every batch, the first one writes.

    torchrun --nproc-per-node 2 -m dataeff_core pretrain ...

Gradients are averaged by one all-reduce after the backward pass (our choice: it needs no wrapper around the network;
overlapping it with the backward pass would save a few milliseconds a step).
"""

import atexit
import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import distributed, nn

from dataeff_core.errors import WorkerDied

PATIENCE = timedelta(days=2)  # while the first process prepares the images; torchrun ends us if it dies


@dataclass(frozen=True)
class Processes:
    """This process among those that train one run."""

    device: torch.device
    rank: int = 0
    count: int = 1

    @property
    def writes(self) -> bool:
        """Whether this is the one that writes to disk and reports."""
        return self.rank == 0

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        """The mean of a tensor over all processes."""
        if self.count == 1:
            return value
        total = value.clone()
        with _others_lost():
            distributed.all_reduce(total)
        return total / self.count

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Give every process the mean of all processes' gradients."""
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        means = self.mean(torch.cat([gradient.reshape(-1) for gradient in gradients]))
        for gradient, mean in zip(gradients, means.split([one.numel() for one in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def any(self, *flags: bool) -> list[bool]:
        """Which of `flags` are true in any process; all get the same answer."""
        if self.count == 1:
            return list(flags)
        return (self.mean(torch.tensor(flags, dtype=torch.float32, device=self.device)) > 0).tolist()

    def wait(self) -> None:
        """Until all processes have come here."""
        self.any(False)

    def from_first(self, text: str) -> str:
        """The first process's `text`, in every process. Waits for it."""
        if self.count == 1:
            return text
        data = text.encode()
        length = torch.tensor(len(data), device=self.device)
        with _others_lost():
            distributed.broadcast(length, 0)
            whole = torch.zeros(int(length), dtype=torch.uint8, device=self.device)
            if self.writes:
                whole.copy_(torch.frombuffer(bytearray(data), dtype=torch.uint8))
            distributed.broadcast(whole, 0)
        return bytes(whole.cpu().tolist()).decode()


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """Join the other processes that torchrun has started with this one, if it has; `device` is the kind to use."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1 or not distributed.is_available():
        yield Processes(device)
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
        # once a process: torchrun's store remembers the first group, and a second one would wait for its members
        atexit.register(distributed.destroy_process_group)
    yield Processes(device, distributed.get_rank(), count)


@contextlib.contextmanager
def _others_lost() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        first = (str(error).splitlines() or [""])[0]
        raise WorkerDied(
            f"another process of this run has ended ({first[:120]}); what it said stands above, and --resume goes on "
            "from the last checkpoint"
        ) from error
