"""MAE: hide most patches of a frame and have the network draw them (He et al. 2021, arXiv 2111.06377)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from dataeff_core.pretraining.base import PretrainingMethod

if TYPE_CHECKING:
    import torch


class MAE(PretrainingMethod):
    """A masked autoencoder: the encoder sees the visible patches only, a light decoder draws the hidden ones.

    Its augmentation is MAE's, crop and mirror: hiding patches is change enough (its Table 1e).
    """

    NAME: ClassVar[str] = "mae"
    TITLE: ClassVar[str] = "Draw the hidden parts of an image (masked autoencoder)"
    SOURCE: ClassVar[str] = "He et al. 2021, Masked Autoencoders Are Scalable Vision Learners"
    VIEWS: ClassVar[int] = 1
    RECONSTRUCTS: ClassVar[bool] = True

    mask_ratio: float = Field(
        default=0.75,
        ge=0.05,
        le=0.95,
        title="Hidden share",
        description="of a frame's patches; the more are hidden, the faster a step, and the harder the task (MAE's "
        "0.75; the paper gives none)",
        json_schema_extra={"section": "method", "unit": "share of the patches", "step": 0.05},
    )
    norm_pixels: bool = Field(
        default=True,
        title="Even out each patch",
        description="draw each patch's pixels less their mean and divided by their deviation, so that texture counts "
        "as much as brightness (better in MAE's Table 1d)",
        json_schema_extra={"section": "method"},
    )
    decoder_dim: int = Field(
        default=512,
        ge=32,
        le=2048,
        multiple_of=32,
        title="Decoder width",
        description="numbers a patch in the decoder, a multiple of 32, which is one attention head (MAE's 512)",
        json_schema_extra={"section": "network", "step": 32},
    )
    decoder_depth: int = Field(
        default=8,
        ge=1,
        le=32,
        title="Decoder blocks",
        description="the decoder is thrown away after training; a light one saves time (MAE's 8)",
        json_schema_extra={"section": "network"},
    )

    def numbers(self) -> int:
        """One a patch; the patches with the smallest stay visible."""
        from dataeff_core.pretraining.mae_network import patches_of

        return patches_of(self.backbone())

    def network(self, *, seed: int, weights: "Mapping[str, torch.Tensor] | None" = None) -> "torch.nn.Module":
        from dataeff_core.pretraining.mae_network import MAENetwork

        return MAENetwork(
            self.backbone(),
            mask_ratio=self.mask_ratio,
            norm_pixels=self.norm_pixels,
            decoder_dim=self.decoder_dim,
            decoder_depth=self.decoder_depth,
            seed=seed,
            weights=weights,
        )
