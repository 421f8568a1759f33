"""What a masked autoencoder makes of hidden patches, as one picture to look at while it trains."""

import numpy as np
import torch

from dataeff_core.backbones.vit import normalised
from dataeff_core.pretraining.mae_network import MAENetwork

HIDDEN = 128  # grey of a hidden patch
GAP = 2  # pixels of white between the pictures


@torch.no_grad()
def picture(network: MAENetwork, images: torch.Tensor, numbers: torch.Tensor) -> np.ndarray:
    """(n, s, s, 3) uint8 and (n, N) in [0, 1) -> (3 s + 2 GAP, n s + (n - 1) GAP, 3) uint8: a column a frame, from
    above: what the encoder sees, the same with the hidden patches drawn, the frame itself.

    A function of its arguments alone: the same frames with the same numbers can be compared between epochs. The
    network is left in the mode (training or not) it was in.
    """
    device = next(network.parameters()).device
    was_training = network.training
    network.eval()
    inputs = normalised(images.to(device), network.backbone)
    drawn, hidden = network.reconstruct(inputs, numbers.to(device))
    network.train(was_training)
    frames = images.cpu().numpy()
    masks = hidden.cpu().numpy()
    side = round(masks.shape[1] ** 0.5)
    masks = masks.reshape(-1, side, side).repeat(network.patch, axis=1).repeat(network.patch, axis=2)[..., None]
    seen = np.where(masks, np.uint8(HIDDEN), frames)
    filled = np.where(masks, _to_uint8(drawn, network), frames)
    return np.concatenate(_spaced([np.concatenate(_spaced(list(row), 1), 1) for row in (seen, filled, frames)], 0), 0)


def _to_uint8(images: torch.Tensor, network: MAENetwork) -> np.ndarray:
    """(n, 3, s, s) normalised -> (n, s, s, 3) uint8."""
    mean = images.new_tensor(network.backbone.mean).view(1, 3, 1, 1)
    std = images.new_tensor(network.backbone.std).view(1, 3, 1, 1)
    pixels = ((images * std + mean) * 255).round().clamp(0, 255)
    return np.ascontiguousarray(pixels.permute(0, 2, 3, 1).to(torch.uint8).cpu().numpy())


def _spaced(parts: list[np.ndarray], axis: int) -> list[np.ndarray]:
    """The pictures with white between each two."""
    gap = np.full_like(parts[0].take(range(GAP), axis), 255)
    return [one for part in parts for one in (gap, part)][1:]
