"""The masked reconstruction error of patches, and what else their V-information needs, batch by batch."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from dataeff_core.backbones.devices import is_out_of_memory
from dataeff_core.backbones.vit import normalised
from dataeff_core.errors import BadInput
from dataeff_core.hardness.information import FLOOR
from dataeff_core.hardness.masks import fixed_masks
from dataeff_core.pretraining.mae_network import MAENetwork, patchify, take


@dataclass(frozen=True)
class Measured:
    """Of m patches; values are intensities in [0, 1], or evened-out ones where the MAE draws those."""

    mean: np.ndarray  # (m, 3) float64: mean of the hidden values, each channel
    square: np.ndarray  # (m,) float64: mean of their squares
    error: np.ndarray  # (m,) float64: mean squared error of the MAE's drawing
    constant: np.ndarray  # (m,) bool: True = one colour throughout
    vector: np.ndarray  # (m, d) float16: mean token over the masks, L2-normalised


class Measuring:
    """An MAE set up to measure patches with the same masks for all."""

    def __init__(
        self,
        network: MAENetwork,
        *,
        device: torch.device,
        masks: int,
        visible: int,
        seed: int,
        batch: int,
        precision: Literal["float32", "bfloat16"] = "float32",
    ) -> None:
        self.network = network.to(device).eval().requires_grad_(False)
        self.device, self.batch, self.precision = device, batch, precision
        orders = torch.from_numpy(fixed_masks(network.patches, visible, masks, seed)).to(device)
        self.visible, self.hidden = orders[:, :visible], orders[:, visible:]
        std = torch.tensor(network.backbone.std, device=device)
        offset = torch.tensor(network.backbone.mean, device=device)
        self.scale = torch.ones(3, device=device) if network.norm_pixels else std
        self.offset = torch.zeros(3, device=device) if network.norm_pixels else offset

    def measure(self, crops: np.ndarray) -> Measured:
        """(m, s, s, 3) uint8 of the network's input size. Each patch is measured in a batch of the same shape,
        filled up where there are fewer, so that its numbers do not depend on the others. Raises BadInput."""
        parts = [self._measured(crops[start : start + self.batch]) for start in range(0, len(crops), self.batch)]
        if not parts:
            parts = [self._measured(crops)]
        return Measured(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("mean", "square", "error", "constant", "vector")
            )
        )

    def _measured(self, crops: np.ndarray) -> Measured:
        count = len(crops)
        filled = np.zeros((self.batch, *crops.shape[1:]), np.uint8)
        filled[:count] = crops
        try:
            found = self._run(torch.from_numpy(filled).to(self.device))
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise BadInput(
                f"the memory of {self.device.type} does not hold {self.batch} patches at once; lower --batch"
            ) from error
        mean, square, squared_error, constant, vector = (one[:count].cpu().numpy() for one in found)
        return Measured(
            mean.astype(np.float64),
            square.astype(np.float64),
            squared_error.astype(np.float64),
            constant,
            vector.astype(np.float16),
        )

    @torch.inference_mode()
    def _run(self, crops: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """What the values are is summed once for all masks; a mask costs little more than the network."""
        network, count = self.network, len(crops)
        patches = patchify(normalised(crops, network.backbone), network.patch)
        wanted = network.target(patches)
        error = torch.zeros(count, 3, device=self.device)
        vector = torch.zeros(count, network.encoder.embed_dim, device=self.device)
        for shown, covered in zip(self.visible, self.hidden, strict=True):
            visible, hidden = shown.expand(count, -1), covered.expand(count, -1)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
                tokens = network.encode(patches, visible)
                drawn = network.decoder(tokens, visible, hidden)
            error += self._by_channel((drawn.float() - take(wanted, hidden)).square()).mean(dim=(1, 3))
            vector += tokens[:, network.encoder.num_prefix_tokens :].float().mean(dim=1)
        mean, square = self._of_values(wanted)
        constant = torch.var(crops.float().div_(255), dim=(1, 2), correction=0).amax(dim=1) <= FLOOR
        unit = torch.nn.functional.normalize(vector, dim=1)
        return mean, square, (error * self.scale.square()).mean(dim=1) / len(self.visible), constant, unit

    def _of_values(self, wanted: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, N, 3 P) -> (n, 3) and (n,): means of the hidden values and of their squares, each part as often as it
        is hidden."""
        often = torch.bincount(self.hidden.flatten(), minlength=wanted.shape[1]).to(wanted.dtype)
        often = (often / often.sum()).view(1, -1, 1)
        values = self._by_channel(wanted) * self.scale.view(1, 1, 3, 1) + self.offset.view(1, 1, 3, 1)
        return (values.mean(dim=3) * often).sum(dim=1), (values.square().mean(dim=3) * often).sum(dim=1).mean(dim=1)

    def _by_channel(self, parts: torch.Tensor) -> torch.Tensor:
        """(n, h, 3 P) -> (n, h, 3, P)."""
        return parts.reshape(*parts.shape[:2], 3, -1)
