"""Any timm model as an encoder. Only the declaration is here, so that listing encoders does not import torch."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from dataeff_core.encoders.base import Encoder

if TYPE_CHECKING:
    from dataeff_core.encoders.networks import Network
    from dataeff_core.workspace.root import Workspace

# 768 numbers a frame, as the paper's encoder; trained without labels, and its licence allows any use
DEFAULT_MODEL = "vit_base_patch16_224.dino"


class TimmModel(Encoder):
    """A timm model's own pooled features, before any classifier (`num_classes=0`), L2-normalised.

    Images are prepared as the model was trained (`timm.data.resolve_model_data_config`). The vectors are those of
    the model in float32; bfloat16 is used where it is faster and agrees (see `networks.Network`).
    """

    NAME: ClassVar[str] = "timm"
    TITLE: ClassVar[str] = "Neural network (timm)"
    READS: ClassVar[Literal["thumbnail", "original"]] = "original"
    USES_TORCH: ClassVar[bool] = True

    model: str = Field(default=DEFAULT_MODEL, title="Model", description="a timm model's name, with its weights' tag")
    checkpoint: str | None = Field(
        default=None, title="Checkpoint", description="a .safetensors or PyTorch file to take the weights from"
    )

    @classmethod
    def named(cls, model: str, checkpoint: Path | None, workspace: "Workspace | None" = None) -> "TimmModel":
        """'' is the default model."""
        file = str(checkpoint.expanduser().absolute()) if checkpoint is not None else None
        return cls(model=model or DEFAULT_MODEL, checkpoint=file)

    @property
    def full_name(self) -> str:
        return f"timm:{self.model}"

    @property
    def checkpoint_file(self) -> str | None:
        return self.checkpoint

    def params(self) -> dict[str, Any]:
        """Without the checkpoint's path: the weights' fingerprint stands for it."""
        return {"model": self.model}

    def load(self, *, device: str = "auto") -> "Network":
        """Raises NotFound for an unknown model, MissingWeights, BadInput for weights or a device that do not fit."""
        from dataeff_core.encoders.networks import load_timm

        return load_timm(self.model, Path(self.checkpoint) if self.checkpoint else None, device)
