"""Vision transformers as encoders, pre-training and evaluation share them: which one, where its weights come from,
what it runs on. Importing this package does not import torch; `vit` does."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

MEAN = (0.485, 0.456, 0.406)  # of ImageNet, RGB in [0, 1]; what nearly all published ViT weights expect
STD = (0.229, 0.224, 0.225)


class Backbone(BaseModel):
    """Which ViT: a timm model's name, and what is changed in it. The instance determines the parameters' shapes.

    Images are squashed to `image_size` x `image_size` pixels (our choice: nothing at an endoscope's rim is cut off)
    and normalised by `mean` and `std`; an image's vector is the mean of its patch tokens after the last norm.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(default="vit_base_patch16_224", title="Model", description="a timm ViT's name")
    image_size: int = Field(default=224, ge=16, le=1024, title="Image size", json_schema_extra={"unit": "pixels"})
    patch_size: int | None = Field(default=None, ge=2, le=64, description="None: the model's own")
    depth: int | None = Field(default=None, ge=1, le=64, description="use so many blocks; None: all of the model's")
    mean: tuple[float, float, float] = MEAN
    std: tuple[float, float, float] = STD

    def timm_options(self) -> dict[str, Any]:
        """What `timm.create_model` is told besides the name."""
        changed = {"patch_size": self.patch_size, "depth": self.depth}
        return {"img_size": self.image_size} | {key: value for key, value in changed.items() if value is not None}

    @property
    def patch(self) -> int | None:
        """Pixels a side of a patch: as given, else as the model's name says; None where it does not."""
        words = self.model.partition(".")[0].split("_")
        own = (int(word[5:]) for word in words if word.startswith("patch") and word[5:].isdigit())
        return self.patch_size or next(own, None)
