"""Frames with something in them, and a small SAM of segment-anything's own classes with random weights."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np


def scope_frame(height: int = 120, width: int = 160, *, seed: int = 0, disc: bool = True) -> np.ndarray:
    """A lit round field on black with a pale square in it, uint8 RGB."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    frame = np.full((height, width, 3), (150, 80, 60), np.float64) + rng.normal(0, 3, (height, width, 3))
    top, left = height // 3, width // 2
    frame[top : top + height // 5, left : left + height // 5] = (225, 205, 150)
    if disc:
        outside = np.hypot(rows - height / 2, columns - width / 2) > 0.48 * height
        frame[outside] = 4
    return frame.clip(0, 255).astype(np.uint8)


def tiny_sam(seed: int = 0, **changes: Any) -> Any:
    import torch
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    width, depth = changes.get("width", 16), changes.get("depth", 2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Sam(
            image_encoder=ImageEncoderViT(
                img_size=64,
                patch_size=8,
                embed_dim=width,
                depth=depth,
                num_heads=2,
                mlp_ratio=2,
                out_chans=32,
                qkv_bias=True,
                norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
                use_rel_pos=True,
                window_size=4,
                global_attn_indexes=(depth - 1,),
            ),
            prompt_encoder=PromptEncoder(
                embed_dim=32, image_embedding_size=(8, 8), input_image_size=(64, 64), mask_in_chans=16
            ),
            mask_decoder=MaskDecoder(
                num_multimask_outputs=3,
                transformer=TwoWayTransformer(depth=2, embedding_dim=32, mlp_dim=64, num_heads=8),
                transformer_dim=32,
                iou_head_depth=3,
                iou_head_hidden_dim=32,
            ),
        )


def write_sam(path: Path, **changes: Any) -> Path:
    import torch

    torch.save(tiny_sam(**changes).state_dict(), path)
    return path
