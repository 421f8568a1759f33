"""A ViT built from a `Backbone`, and the few things everyone does with it: normalise, patch tokens, pooled vector."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from dataeff_core.backbones import Backbone
from dataeff_core.backbones.checkpoints import load_weights
from dataeff_core.backbones.positions import sine_positions
from dataeff_core.backbones.pretrained import check_name
from dataeff_core.errors import BadInput


def build(
    backbone: Backbone,
    *,
    seed: int = 0,
    weights: Mapping[str, torch.Tensor] | None = None,
    source: str = "the weights",
) -> Any:
    """A timm VisionTransformer without classifier; random parameters drawn from `seed`, or `weights` loaded into it
    (every parameter or none; `source` names them in an error). The global random state is left as it was.

    Random parameters are timm's, but learnt positions begin as sines and cosines (as in MAE): random ones take long
    to learn, and an untrained encoder that does not know where a patch is would be too easy to beat.

    Raises NotFound for a name timm does not know; BadInput for a model that is no plain ViT, an image size that the
    patch size does not divide, or weights that do not fit.
    """
    import timm
    from timm.models.vision_transformer import VisionTransformer

    check_name(backbone.model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            vit = timm.create_model(
                backbone.model, pretrained=False, num_classes=0, global_pool="avg", fc_norm=False,
                **backbone.timm_options(),
            )  # fmt: skip
        except (TypeError, AssertionError) as error:  # takes no patch or image size, or pools only its own way
            raise _no_vit(backbone) from error
    if not isinstance(vit, VisionTransformer) or vit.patch_embed is None:
        raise _no_vit(backbone)
    patch = vit.patch_embed.patch_size[0]
    if backbone.image_size % patch:
        near = max(patch, round(backbone.image_size / patch) * patch)
        raise BadInput(f"image_size {backbone.image_size} is not a multiple of the patch size {patch}; use {near}")
    if weights is not None:
        load_weights(vit, weights, source=source, heads=("head",))
    elif vit.pos_embed is not None:
        _place_by_sines(vit)
    return vit


def normalised(images: torch.Tensor, backbone: Backbone) -> torch.Tensor:
    """(n, h, w, 3) uint8 RGB -> (n, 3, h, w) float32, (x / 255 - mean) / std."""
    mean = torch.tensor(backbone.mean, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(backbone.std, device=images.device).view(1, 3, 1, 1)
    return (images.permute(0, 3, 1, 2).float() / 255 - mean) / std


def patch_tokens(vit: Any, images: torch.Tensor) -> torch.Tensor:
    """(n, 3, h, w) normalised -> (n, N, d) patch tokens after the last norm, row by row, without class tokens."""
    return vit.forward_features(images)[:, vit.num_prefix_tokens :]


def pooled(vit: Any, images: torch.Tensor) -> torch.Tensor:
    """(n, 3, h, w) normalised -> (n, d): the mean of the patch tokens after the last norm."""
    return patch_tokens(vit, images).mean(dim=1)


def patch_size(vit: nn.Module) -> int:
    """Side of a patch in pixels."""
    return int(vit.patch_embed.patch_size[0])  # type: ignore[union-attr,index]


def _place_by_sines(vit: Any) -> None:
    """Positions of the patches by `sine_positions`, of class tokens 0; they stay learnable."""
    with torch.no_grad():
        vit.pos_embed.zero_()
        vit.pos_embed[0, -vit.patch_embed.num_patches :] = sine_positions(vit.patch_embed.grid_size[0], vit.embed_dim)


def _no_vit(backbone: Backbone) -> BadInput:
    return BadInput(
        f"timm's {backbone.model} is not a plain vision transformer; choose one such as vit_small_patch16_224"
    )
