"""A method as small as may be: every pixel statistic through one matrix, so that the loop is what a test measures."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import Field
from torch import nn

from dataeff_core.pretraining.base import PretrainingMethod


class Toy(PretrainingMethod):
    NAME: ClassVar[str] = "toy"
    TITLE: ClassVar[str] = "Toy"
    SOURCE: ClassVar[str] = "tests"
    VIEWS: ClassVar[int] = 1

    dropout: float = 0.0
    sinks: bool = False  # its loss falls to minus infinity and is then no number
    fits: int = Field(default=10_000, description="images at once; more raise what a GPU raises when it is full")

    def numbers(self) -> int:
        return 2

    def network(self, *, seed: int, weights: Mapping[str, torch.Tensor] | None = None) -> nn.Module:
        return ToyNetwork(self, seed)


class ToyNetwork(nn.Module):
    def __init__(self, method: Toy, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoder = nn.Linear(3, 4)
            self.head = nn.Linear(4, 2)
        self.dropout = nn.Dropout(method.dropout)
        self.edge = nn.Parameter(torch.zeros(()))
        self.method = method

    def forward(self, views: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        if len(views) > self.method.fits:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        drawn = self.head(self.dropout(self.encoder(views[:, 0].mean(dim=(2, 3)))))
        loss = (drawn - numbers).square().mean()
        return loss + torch.log(1 - self.edge) if self.method.sinks else loss + 0 * self.edge
