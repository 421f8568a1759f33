"""The segmentation head: an MLP on each patch token. Our choice; MedDEL says "a simple MLP"."""

import math
from typing import Any

import torch
from torch import nn


class MaskHead(nn.Module):
    """(n, N, d) patch tokens of a square image -> (n, S, S) logits, S = sqrt(N) * detail cells a side."""

    def __init__(self, dim: int, *, hidden: int, detail: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, detail * detail)
        )
        self.shuffle = nn.PixelShuffle(detail)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        count, patches, _ = tokens.shape
        side = math.isqrt(patches)
        cells = self.layers(tokens).transpose(1, 2).reshape(count, -1, side, side)
        return self.shuffle(cells)[:, 0]


def build_head(dim: int, *, hidden: int, detail: int, seed: int, foreground: float) -> MaskHead:
    """A head with random weights drawn from `seed`, that begins by answering `foreground`, the share to expect."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = MaskHead(dim, hidden=hidden, detail=detail)
    share = min(max(foreground, 0.01), 0.99)
    last: Any = head.layers[-1]
    nn.init.constant_(last.bias, math.log(share / (1 - share)))
    return head


def mask_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy plus soft Dice loss (Milletari et al. 2016, one cell added above and below so that empty
    masks count), means over the images; logits and target (n, S, S), target the share of foreground in [0, 1]."""
    entropy = nn.functional.binary_cross_entropy_with_logits(logits, target)
    found = logits.sigmoid()
    both = (found * target).sum(dim=(1, 2))
    dice = (2 * both + 1) / (found.sum(dim=(1, 2)) + target.sum(dim=(1, 2)) + 1)
    return entropy + (1 - dice).mean()


def at_size(logits: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """(S, S) logits -> (height, width), bilinear."""
    return nn.functional.interpolate(logits[None, None], size=(height, width), mode="bilinear")[0, 0]
