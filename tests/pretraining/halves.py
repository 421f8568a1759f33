"""SimCLR's loss and gradient on half of the images, in one of two processes; imports little, for it starts twice."""

import os
import socket
from pathlib import Path
from typing import Any

import torch
from torch import distributed, multiprocessing

from dataeff_core.pretraining import make
from dataeff_core.pretraining.simclr_network import SimCLRNetwork

SMALL: dict[str, Any] = {
    "model": "vit_tiny_patch16_224", "depth": 1, "image_size": 32, "projection_dim": 16, "temperature": 0.3,
}  # fmt: skip
NOTHING = torch.empty(6, 0)  # the numbers that SimCLR needs
PROCESSES = 2


def network_of(seed: int = 0, **changes: Any) -> SimCLRNetwork:
    return make("simclr", SMALL | changes).network(seed=seed)  # type: ignore[return-value]


def batch(n: int = 6) -> torch.Tensor:
    return torch.randn(n, 2, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def train_halves(folder: Path) -> list[dict[str, torch.Tensor]]:
    """What each of two gloo processes found with its half of `batch()`: 'loss', and the gradient by name."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    multiprocessing.spawn(_half, args=(port, folder), nprocs=PROCESSES)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(PROCESSES)]


def _half(rank: int, port: int, folder: Path) -> None:
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", rank=rank, world_size=PROCESSES)
    network = network_of()
    loss = network(batch().chunk(PROCESSES)[rank], NOTHING)
    loss.backward()
    found: dict[str, Any] = {name: one.grad for name, one in network.named_parameters()}
    torch.save(found | {"loss": loss.detach()}, folder / f"{rank}.pt")
    distributed.destroy_process_group()
