"""What a pre-training method is: a frozen declaration of parameters that can make a network with a loss."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, field_validator

from dataeff_core.backbones import Backbone
from dataeff_core.pretraining.augmentation import Augmentation

if TYPE_CHECKING:
    import torch

SECTIONS = ("method", "network", "training", "augmentation")
"""Where a field stands in the form: json_schema_extra['section']; 'method' where none is said."""


def _in(section: str, **extra: Any) -> dict[str, Any]:
    return {"section": section, **extra}


class PretrainingMethod(Augmentation, ABC):
    """One self-supervised method; the instance is all its hyper-parameters. Defaults are the paper's where the paper
    (MedDEL, its pre-training settings) gives them, else our choice, which the description says. The fields of
    `Augmentation` are every method's, each with its own defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    NAME: ClassVar[str]
    TITLE: ClassVar[str]  # plain words for the form
    SOURCE: ClassVar[str]  # paper
    VIEWS: ClassVar[int]  # augmented views of each image in a step
    RECONSTRUCTS: ClassVar[bool] = False
    DIVIDES: ClassVar[bool] = True  # whether a step's loss is the mean of its parts' losses: each image on its own

    model: str = Field(
        default="vit_base_patch16_224",
        title="Network",
        description="a timm ViT's name; the paper's is ViT-B/16",
        json_schema_extra=_in("network"),
    )
    image_size: int = Field(
        default=224,
        ge=16,
        le=1024,
        title="Image size",
        description="images are squashed to this many pixels a side; a multiple of the patch size (our choice)",
        json_schema_extra=_in("network", unit="pixels", step=16),
    )
    patch_size: int | None = Field(
        default=None,
        ge=2,
        le=64,
        title="Patch size",
        description="side of a patch; left out: the network's own",
        json_schema_extra=_in("network", unit="pixels"),
    )
    depth: int | None = Field(
        default=None,
        ge=1,
        le=64,
        title="Blocks",
        description="how many transformer blocks; left out: all of the network's",
        json_schema_extra=_in("network"),
    )
    start_from: str | None = Field(
        default=None,
        title="Start from",
        description="a file with weights (.safetensors or PyTorch) to start from; left out: random ones",
        json_schema_extra=_in("network"),
    )
    batch_size: int = Field(
        default=16,
        ge=2,
        le=8192,
        title="Images a step",
        description="in one optimiser step, over all processes and accumulated parts; the paper's is 16",
        json_schema_extra=_in("training", unit="images"),
    )
    accumulate: int = Field(
        default=1,
        ge=1,
        le=1024,
        title="Parts of a step",
        description="a step's images go through memory in so many parts; raise it when memory runs out",
        json_schema_extra=_in("training"),
    )
    learning_rate: float = Field(
        default=1.5e-4,
        gt=0,
        le=1,
        title="Peak learning rate",
        description="of AdamW, reached after the warm-up and then lowered along a cosine to 0; the paper's is 1.5e-4",
        json_schema_extra=_in("training", step=1e-5),
    )
    weight_decay: float = Field(
        default=0.05,
        ge=0,
        le=1,
        title="Weight decay",
        description="of matrices, not of biases and norms (MAE's value; the paper gives none)",
        json_schema_extra=_in("training"),
    )
    warmup: float = Field(
        default=0.05,
        ge=0,
        le=0.5,
        title="Warm-up",
        description="share of the steps over which the learning rate rises from 0 (our choice)",
        json_schema_extra=_in("training"),
    )
    clip_norm: float = Field(
        default=1.0,
        ge=0,
        le=1000,
        title="Gradient limit",
        description="longer gradients are shortened to this norm; 0: never (our choice)",
        json_schema_extra=_in("training", step=0.5),
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        title="Precision",
        description="bfloat16 autocast is faster on recent processors; auto: where the device has it in hardware",
        json_schema_extra=_in("training"),
    )

    @field_validator("start_from")
    @classmethod
    def _absolute(cls, start_from: str | None) -> str | None:
        """The same file whatever folder a job or a later resume works in."""
        return str(Path(start_from).expanduser().absolute()) if start_from else start_from

    def backbone(self) -> Backbone:
        """The ViT this trains."""
        return Backbone(model=self.model, image_size=self.image_size, patch_size=self.patch_size, depth=self.depth)

    @abstractmethod
    def numbers(self) -> int:
        """How many uniform random numbers in [0, 1) the loss needs for each image (MAE: one a patch; SimCLR: 0)."""

    @abstractmethod
    def network(self, *, seed: int, weights: "Mapping[str, torch.Tensor] | None" = None) -> "torch.nn.Module":
        """A module with the ViT as its attribute `encoder` and `forward(views, numbers) -> loss`.

        views (n, VIEWS, 3, image_size, image_size) float32, normalised; numbers (n, self.numbers()) float32; the loss
        is a scalar, the mean over the n images, so that equal inputs give equal losses on any number of processes.
        Random parameters are drawn from `seed`. Raises BadInput, NotFound.
        """

    def augment(self, images: "torch.Tensor", numbers: "torch.Tensor", *, grid: int = 1) -> "torch.Tensor":
        """(n, s, s, 3) uint8 and (n, VIEWS, augmentations.NUMBERS) float32 in [0, 1) -> views for `network`.

        A function of its arguments alone, image by image, so that a resumed or divided batch is the same batch. In a
        mosaic of `grid` x `grid` cells each cell is changed on its own by the same numbers, so that the seams stay
        where they are (our choice; a crop of the whole would move them off the ViT's patches).
        """
        from dataeff_core.pretraining.augmentations import augmented, in_cells, put_together

        backbone = self.backbone()
        cells, numbers = (images, numbers) if grid == 1 else in_cells(images, numbers, grid)
        size = self.image_size // grid
        views = augmented(cells, numbers, self, size=size, mean=backbone.mean, std=backbone.std)
        return views if grid == 1 else put_together(views, grid)
