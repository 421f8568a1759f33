"""Segmentation: how well an encoder's patch tokens tell foreground from background."""

from typing import ClassVar, Literal

from pydantic import Field

from dataeff_core.evaluation.base import Examples, Material, Scored, Task
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset


class Segmentation(Task):
    """A small MLP on each patch token gives the mask of that patch.

    MedDEL (downstream settings) says no more than "a simple MLP" of its head. All else is our choice: LayerNorm,
    Linear, GELU, Linear to `detail` x `detail` cells a patch, laid side by side and scaled bilinearly to the mask's
    own pixels; binary cross-entropy plus soft Dice on the share of foreground in each cell; AdamW with a cosine
    schedule; the epoch with the best IoU on the validation images is the one that is scored, at a probability of 0.5.
    """

    NAME: ClassVar[Literal["segmentation", "classification"]] = "segmentation"
    TITLE: ClassVar[str] = "Outline what the masks show"
    HEADLINE: ClassVar[str] = "fg_iou_mean_per_image"

    encoder: Literal["frozen", "finetuned"] = Field(
        default="frozen",
        title="Encoder",
        description="frozen: only the head learns, in seconds, and the score tells encoders apart; finetuned: all "
        "learns (the paper does not say which it did)",
    )
    epochs: int = Field(
        default=60,
        ge=1,
        le=5000,
        title="Epochs",
        description="passes over the training images; the paper shows 200 to 500, for a larger network",
    )
    learning_rate: float = Field(
        default=1e-3,
        gt=0,
        le=1,
        title="Learning rate",
        description="of the head, at its highest (our choice)",
        json_schema_extra={"step": 1e-4},
    )
    encoder_learning_rate: float = Field(
        default=1e-4,
        gt=0,
        le=1,
        title="Encoder's learning rate",
        description="where the encoder is fine-tuned: lower than the head's, to keep what it knows (our choice)",
        json_schema_extra={"step": 1e-5},
    )
    weight_decay: float = Field(
        default=0.05,
        ge=0,
        le=1,
        title="Weight decay",
        description="of AdamW, on matrices (our choice)",
        json_schema_extra={"step": 0.01},
    )
    batch_size: int = Field(
        default=16,
        ge=1,
        le=1024,
        title="Images a step",
        description="in one step of the head's training; lower it when memory runs out",
        json_schema_extra={"unit": "images"},
    )
    hidden: int = Field(
        default=128,
        ge=1,
        le=8192,
        title="Hidden units",
        description="width of the head's one hidden layer; a small head leaves the work to the encoder (our choice)",
    )
    detail: int = Field(
        default=4,
        ge=1,
        le=64,
        title="Cells a patch side",
        description="each patch is answered by this many by this many cells, so that outlines are finer than patches",
    )
    last_epochs: int = Field(
        default=10,
        ge=1,
        le=1000,
        title="Last epochs",
        description="how many of the last epochs are scored one by one for the box plot (the paper's Fig. 4)",
    )

    def truth_fingerprint(self, dataset: Dataset) -> str:
        from dataeff_core.evaluation.masks import masks_fingerprint

        return masks_fingerprint(dataset)

    def examples(self, dataset: Dataset, reporter: Reporter) -> Examples:
        """The images whose mask can be used; strata: 'foreground' or 'empty'."""
        import numpy as np

        from dataeff_core.evaluation.masks import read_masks

        frames, masks, left_out, notes = read_masks(dataset, reporter)
        strata = np.where(masks.shares > 0, "foreground", "empty").astype(object)
        return Examples(frames, masks, strata, left_out, notes)

    def score(self, material: Material) -> Scored:
        from dataeff_core.evaluation.segmenting import segment

        return segment(self, material)
