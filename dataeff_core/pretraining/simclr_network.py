"""SimCLR's network and its NT-Xent loss, over one process or several (Chen et al. 2020, Sec 2.1, Algorithm 1)."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 the usual name
from torch import distributed, nn

from dataeff_core.backbones import Backbone
from dataeff_core.backbones.vit import build, pooled


class SimCLRNetwork(nn.Module):
    """`encoder` (a timm ViT) and the projection head W2 relu(W1 h), without batch norm: it would tie the images of
    one process together, and two processes would no longer train as one."""

    def __init__(
        self,
        backbone: Backbone,
        *,
        temperature: float = 0.2,
        projection_dim: int = 128,
        seed: int = 0,
        weights: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        """Raises BadInput, NotFound."""
        super().__init__()
        self.encoder = build(backbone, seed=seed, weights=weights, source="the file to start from")
        self.temperature = temperature
        width = self.encoder.embed_dim
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.head = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, projection_dim))

    def forward(self, views: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        """The loss: views (n, 2, 3, s, s) float32 normalised; numbers are not used -> scalar.

        Where several processes train together each compares its images with those of all of them.
        """
        projections = self.head(pooled(self.encoder, views.transpose(0, 1).flatten(0, 1)))
        first, second = projections.float().chunk(2)
        return nt_xent(first, second, temperature=self.temperature)


def nt_xent(first: torch.Tensor, second: torch.Tensor, *, temperature: float) -> torch.Tensor:
    """Mean over both views of all images of -log(exp(s_ij / t) / sum over k != i of exp(s_ik / t)), s the cosine.

    (n, d) twice, rows i belong together. In several processes n is equal in all, k runs over the images of all and
    the mean over this process's: the mean of the processes' losses, and of their gradients, is that of one process.
    """
    own = F.normalize(torch.cat((first, second)), dim=1)
    others, rank = _gathered(own)
    count, at = len(own), torch.arange(len(own), device=own.device)
    logits = own @ others.T / temperature
    logits = logits.masked_fill(F.one_hot(rank * count + at, len(others)).bool(), -torch.inf)
    return F.cross_entropy(logits, rank * count + at.roll(count // 2))


def _gathered(own: torch.Tensor) -> tuple[torch.Tensor, int]:
    """The rows of all processes in order of rank, with gradient, and this process's rank."""
    if not (distributed.is_available() and distributed.is_initialized()) or distributed.get_world_size() == 1:
        return own, 0
    return _Gather.apply(own), distributed.get_rank()


class _Gather(torch.autograd.Function):
    """All processes' rows; backward: the sum of what all processes' losses say of this one's rows."""

    @staticmethod
    def forward(ctx: Any, own: torch.Tensor) -> torch.Tensor:
        parts = [torch.empty_like(own) for _ in range(distributed.get_world_size())]
        distributed.all_gather(parts, own.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        total = gradient.contiguous()
        distributed.all_reduce(total)
        return total.chunk(distributed.get_world_size())[distributed.get_rank()]
