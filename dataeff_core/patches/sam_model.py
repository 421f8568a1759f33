"""SAM in memory: built to fit the file's own tensors, so that any size runs by the same path."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from dataeff_core.backbones.checkpoints import read_weights
from dataeff_core.backbones.devices import is_out_of_memory, resolve_device, use_all_processors
from dataeff_core.errors import BadInput, MissingWeights
from dataeff_core.patches.base import Candidates, LoadedProposer
from dataeff_core.patches.sam import Sam
from dataeff_core.workspace.storage import file_sha256

PUBLISHED = {
    "vit_b": "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
    "vit_l": "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
    "vit_h": "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
}
"""sha256 of the published files sam_vit_b_01ec64.pth, sam_vit_l_0b3195.pth and sam_vit_h_4b8939.pth."""

SIZES = {768: "vit_b", 1024: "vit_l", 1280: "vit_h"}  # width of the image encoder
HEADS_OF_DECODER = 8  # which its tensors do not tell; as in every published SAM
PIXEL_MEAN, PIXEL_STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


class LoadedSam(LoadedProposer):
    """segment-anything's automatic mask generator with its model."""

    IN_WORKERS = False
    LONGEST = 1024  # SAM scales the longer side to this itself

    def __init__(self, model: Any, asked: Sam, *, weights: str, size: str) -> None:
        from segment_anything import SamAutomaticMaskGenerator

        self.weights, self.size = weights, size
        self.generator = SamAutomaticMaskGenerator(
            model,
            points_per_side=asked.points_per_side,
            pred_iou_thresh=asked.pred_iou_thresh,
            stability_score_thresh=asked.stability_score_thresh,
            box_nms_thresh=asked.box_nms_thresh,
            crop_n_layers=asked.crop_n_layers,
            output_mode="uncompressed_rle",
        )

    def candidates(self, image: np.ndarray) -> Candidates:
        """Raises BadInput when memory does not suffice for one frame."""
        try:
            masks = self.generator.generate(np.ascontiguousarray(image))
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise BadInput(
                "memory does not suffice for SAM on one frame; choose a smaller checkpoint, or --device cpu"
            ) from error
        if not masks:
            return Candidates.none()
        height, width = image.shape[:2]
        left, top, across, down = np.array([mask["bbox"] for mask in masks], float).T
        # SAM's box ends at its last pixel, ours after it
        boxes = np.stack([top / height, left / width, (top + down + 1) / height, (left + across + 1) / width], axis=1)
        return Candidates(boxes, np.array([mask["predicted_iou"] for mask in masks], float))

    def notes(self) -> dict[str, str]:
        if self.weights == PUBLISHED.get(self.size):
            return {"weights": f"the published SAM {self.size}"}
        return {
            "weights": f"the weights are not the published SAM {self.size} (their sha256 is {self.weights[:16]}...); "
            "results will differ from it, so make sure that you trust the file"
        }


def load_sam(asked: Sam, *, device: str = "auto") -> LoadedSam:
    """Raises MissingWeights without a file, BadInput for one that is damaged, no SAM, or of another size."""
    where = resolve_device(device)
    if asked.checkpoint is None:
        raise MissingWeights(
            "sam needs its weights; give its file such as sam_vit_b_01ec64.pth with --checkpoint, or use superpixels"
        )
    path = Path(asked.checkpoint)
    tensors = read_weights(path)
    size = _size(tensors, path)
    if asked.model not in ("auto", size):
        raise BadInput(f"{path} is SAM {size} and model={asked.model} was asked for; give that file, or model=auto")
    try:
        model = build(tensors)
        model.load_state_dict(dict(tensors), strict=True)
    except (RuntimeError, KeyError, ValueError, ZeroDivisionError, AssertionError) as error:
        reason = (str(error).splitlines() or ["its tensors do not fit"])[0]
        raise BadInput(f"{path} is no whole SAM checkpoint ({reason:.200}); give another --checkpoint") from error
    use_all_processors()
    model = model.eval().requires_grad_(False).to(where)
    return LoadedSam(model, asked, weights=file_sha256(path), size=size)


def _size(tensors: Mapping[str, torch.Tensor], path: Path) -> str:
    """'vit_b', 'vit_l', 'vit_h', or 'width <n>' for one of no published size."""
    positions = tensors.get("image_encoder.pos_embed")
    if positions is None or positions.ndim != 4 or "mask_decoder.iou_token.weight" not in tensors:
        raise BadInput(f"{path} holds no SAM (its image encoder is missing); give another --checkpoint")
    width = int(positions.shape[-1])
    return SIZES.get(width, f"width {width}")


def build(tensors: Mapping[str, torch.Tensor]) -> nn.Module:
    """A SAM whose tensors have the shapes of these, of segment-anything's own classes, with random weights.

    Raises KeyError, RuntimeError and the like where they are not those of a SAM.
    """
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    grid, width = (int(tensors["image_encoder.pos_embed"].shape[at]) for at in (1, 3))
    patch = int(tensors["image_encoder.patch_embed.proj.weight"].shape[-1])
    depth = _count(tensors, "image_encoder.blocks")
    reach = [int(tensors[f"image_encoder.blocks.{at}.attn.rel_pos_h"].shape[0] + 1) // 2 for at in range(depth)]
    head = int(tensors["image_encoder.blocks.0.attn.rel_pos_h"].shape[1])
    inner = int(tensors["image_encoder.blocks.0.mlp.lin1.weight"].shape[0])
    channels = int(tensors["image_encoder.neck.0.weight"].shape[0])
    decoder = "mask_decoder.transformer.layers"
    masks = int(tensors["mask_decoder.mask_tokens.weight"].shape[0])
    return Sam(
        image_encoder=ImageEncoderViT(
            img_size=grid * patch,
            patch_size=patch,
            embed_dim=width,
            depth=depth,
            num_heads=width // head,
            mlp_ratio=inner / width,
            out_chans=channels,
            qkv_bias=True,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=min(reach),
            global_attn_indexes=tuple(at for at in range(depth) if reach[at] == grid),
        ),
        prompt_encoder=PromptEncoder(
            embed_dim=channels,
            image_embedding_size=(grid, grid),
            input_image_size=(grid * patch, grid * patch),
            mask_in_chans=int(tensors["prompt_encoder.mask_downscaling.3.weight"].shape[0]),
        ),
        mask_decoder=MaskDecoder(
            num_multimask_outputs=masks - 1,
            transformer=TwoWayTransformer(
                depth=_count(tensors, decoder),
                embedding_dim=channels,
                mlp_dim=int(tensors[f"{decoder}.0.mlp.lin1.weight"].shape[0]),
                num_heads=HEADS_OF_DECODER,
            ),
            transformer_dim=channels,
            iou_head_depth=_count(tensors, "mask_decoder.iou_prediction_head.layers"),
            iou_head_hidden_dim=int(tensors["mask_decoder.iou_prediction_head.layers.0.weight"].shape[0]),
        ),
        pixel_mean=PIXEL_MEAN,
        pixel_std=PIXEL_STD,
    )


def _count(tensors: Mapping[str, torch.Tensor], prefix: str) -> int:
    """How many numbered parts there are below `prefix`."""
    start = f"{prefix}."
    return 1 + max(int(name[len(start) :].partition(".")[0]) for name in tensors if name.startswith(start))
