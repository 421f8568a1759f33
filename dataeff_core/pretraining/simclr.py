"""SimCLR: two views of one frame belong together, all others apart (Chen et al. 2020, arXiv 2002.05709)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from dataeff_core.pretraining.augmentation import Blur, Brightness, Contrast, Crop, Hue, Rotate, Saturation
from dataeff_core.pretraining.base import PretrainingMethod

if TYPE_CHECKING:
    import torch


class SimCLR(PretrainingMethod):
    """Contrastive learning: what the augmentation changes is what the network learns to overlook, so it is milder
    in colour than for natural images, and never grey."""

    NAME: ClassVar[str] = "simclr"
    TITLE: ClassVar[str] = "Recognise two views of one image (contrastive)"
    SOURCE: ClassVar[str] = "Chen et al. 2020, A Simple Framework for Contrastive Learning of Visual Representations"
    VIEWS: ClassVar[int] = 2
    DIVIDES: ClassVar[bool] = False  # an image is compared with all others of its step

    crop: Crop = 0.3
    rotate: Rotate = True
    brightness: Brightness = 0.3
    contrast: Contrast = 0.3
    saturation: Saturation = 0.2
    hue: Hue = 0.01
    blur: Blur = 0.005

    temperature: float = Field(
        default=0.2,
        ge=0.01,
        le=5,
        title="Temperature",
        description="the lower, the more the most similar other frames count; neighbouring frames of one video are "
        "such, so ours is above SimCLR's 0.1",
        json_schema_extra={"section": "method", "step": 0.05},
    )
    projection_dim: int = Field(
        default=128,
        ge=2,
        le=4096,
        title="Projection",
        description="numbers in which views are compared, behind a small network that is thrown away after training "
        "(SimCLR's 128)",
        json_schema_extra={"section": "network"},
    )

    def numbers(self) -> int:
        return 0

    def network(self, *, seed: int, weights: "Mapping[str, torch.Tensor] | None" = None) -> "torch.nn.Module":
        from dataeff_core.pretraining.simclr_network import SimCLRNetwork

        return SimCLRNetwork(
            self.backbone(),
            temperature=self.temperature,
            projection_dim=self.projection_dim,
            seed=seed,
            weights=weights,
        )
