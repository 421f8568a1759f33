"""Sets of values to begin with, from minutes on a laptop to the paper's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dataeff_core.errors import BadInput
from dataeff_core.pretraining.base import PretrainingMethod


@dataclass(frozen=True)
class Preset:
    """Values that fit each other; what it does not name keeps the method's default."""

    name: str
    title: str
    description: str
    values: Mapping[str, Any]  # for every method
    by_method: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # method's NAME -> values of its own

    def values_for(self, method: type[PretrainingMethod]) -> dict[str, Any]:
        """The values for this method: those for all, then its own."""
        return dict(self.values) | dict(self.by_method.get(method.NAME, {}))


PRESETS: tuple[Preset, ...] = (
    Preset(
        name="tiny",
        title="Tiny",
        description="Minutes on two processor cores with some hundred frames: a small network on small pictures, to "
        "try things out and to compare selections.",
        values={
            "model": "vit_tiny_patch16_224", "image_size": 96, "patch_size": 12, "depth": 4, "batch_size": 64,
            "learning_rate": 1e-3, "warmup": 0.1,
        },
        by_method={"mae": {"norm_pixels": False, "decoder_dim": 96, "decoder_depth": 1}},
    ),
    Preset(
        name="small",
        title="Small",
        description="Hours on a graphics card, or a night on a workstation, with some ten thousand frames: ViT-S/16.",
        values={
            "model": "vit_small_patch16_224", "image_size": 160, "batch_size": 64, "learning_rate": 5e-4,
            "warmup": 0.05,
        },
        by_method={"mae": {"decoder_dim": 256, "decoder_depth": 4}},
    ),
    Preset(
        name="paper",
        title="As in the paper",
        description="MedDEL's own settings, for a graphics card and days: ViT-B/16 at 224 pixels, 16 images a step, "
        "AdamW, a cosine with its peak at 1.5e-4. The paper trained MAE only; SimCLR compares more images a step.",
        values={
            "model": "vit_base_patch16_224", "image_size": 224, "batch_size": 16, "learning_rate": 1.5e-4,
        },
        by_method={"mae": {"decoder_dim": 512, "decoder_depth": 8}, "simclr": {"batch_size": 64}},
    ),
)  # fmt: skip


def preset_named(name: str) -> Preset:
    """The preset of that name. Raises BadInput, listing the known ones."""
    for preset in PRESETS:
        if name == preset.name:
            return preset
    raise BadInput(f"there is no preset {name!r}; choose {', '.join(one.name for one in PRESETS)}")
