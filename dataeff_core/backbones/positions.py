"""Where a patch is, as numbers that a transformer can add to it."""

import torch
import torch.nn.functional as F  # noqa: N812 the usual name


def sine_positions(grid: int, dim: int) -> torch.Tensor:
    """(grid * grid, dim) float32, row by row: half of the numbers for x, half for y, each sines and cosines of
    wave lengths from 2 pi to 20,000 pi patches (Vaswani et al. 2017, in two dimensions as in MAE)."""
    quarter = dim // 4
    frequency = 10_000.0 ** -(torch.arange(quarter, dtype=torch.float64) / quarter)
    angle = torch.arange(grid, dtype=torch.float64)[:, None] * frequency
    line = torch.cat((angle.sin(), angle.cos()), dim=1)  # (grid, dim / 2)
    x, y = line.repeat(grid, 1), line.repeat_interleave(grid, dim=0)
    whole = torch.cat((x, y), dim=1).float()
    return F.pad(whole, (0, dim - whole.shape[1]))
