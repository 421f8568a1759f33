"""SAM, the Segment Anything Model, as OptiDEL proposes patches. Only the declaration is in this file: no torch."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, field_validator

from dataeff_core.patches.base import Proposer

if TYPE_CHECKING:
    from dataeff_core.patches.sam_model import LoadedSam


class Sam(Proposer):
    """The bounding boxes of the masks of segment-anything's automatic mask generator (Kirillov et al. 2023), the
    surest by predicted overlap first. OptiDEL's proposer; its settings are not published, so these are the library's
    defaults. Weights come from a file alone, never from the network."""

    NAME: ClassVar[str] = "sam"
    TITLE: ClassVar[str] = "Things that stand out (SAM, needs its weights)"
    SOURCE: ClassVar[str] = "Kirillov et al. 2023 (Segment Anything), as OptiDEL"
    READS: ClassVar[Literal["thumbnail", "original"]] = "original"
    USES_TORCH: ClassVar[bool] = True

    checkpoint: str | None = Field(
        default=None,
        title="Weights",
        description="SAM's checkpoint file, such as sam_vit_b_01ec64.pth (ViT-B), ..._l_... or ..._h_...",
    )
    model: Literal["auto", "vit_b", "vit_l", "vit_h"] = Field(
        default="auto", title="Size", description="which SAM the file must be; auto: whichever it is"
    )
    points_per_side: int = Field(
        default=32,
        ge=1,
        le=128,
        title="Points a side",
        description="a mask is asked for at each point of a grid; half of them is four times as fast",
        json_schema_extra={"unit": "points"},
    )
    pred_iou_thresh: float = Field(
        default=0.88,
        ge=0,
        le=1,
        title="Least predicted overlap",
        description="masks that SAM itself believes in less are left out",
        json_schema_extra={"step": 0.01},
    )
    stability_score_thresh: float = Field(
        default=0.95,
        ge=0,
        le=1,
        title="Least stability",
        description="masks that change more when their cut-off moves are left out",
        json_schema_extra={"step": 0.01},
    )
    box_nms_thresh: float = Field(
        default=0.7,
        ge=0,
        le=1,
        title="Most overlap inside SAM",
        description="of two masks whose boxes overlap more the surer one stays, before `overlap` is applied",
        json_schema_extra={"unit": "intersection over union", "step": 0.05},
    )
    crop_n_layers: int = Field(
        default=0,
        ge=0,
        le=3,
        title="Layers of crops",
        description="look at crops too, which finds smaller things at many times the cost",
    )

    @field_validator("checkpoint")
    @classmethod
    def _absolute(cls, checkpoint: str | None) -> str | None:
        """The same file whatever folder a job works in."""
        return str(Path(checkpoint).expanduser().absolute()) if checkpoint else checkpoint

    def params(self) -> dict[str, Any]:
        """Without the file's name: its content is known by its sha256."""
        return self.model_dump(mode="json", exclude={"checkpoint"})

    def load(self, *, device: str = "auto") -> "LoadedSam":
        from dataeff_core.patches.sam_model import load_sam

        return load_sam(self, device=device)
