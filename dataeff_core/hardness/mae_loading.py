"""A masked autoencoder with its decoder: from a finished run, or from a checkpoint as MAE's authors publish them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from dataeff_core.backbones import Backbone
from dataeff_core.backbones.checkpoints import read_weights, weights_fingerprint
from dataeff_core.errors import BadInput, DataEffError, MissingWeights, NotFound
from dataeff_core.pretraining import method_named
from dataeff_core.pretraining.mae_network import HEAD_DIM, MAENetwork
from dataeff_core.workspace.root import Workspace
from dataeff_core.workspace.runs import Run

WIDTHS = {
    192: "vit_tiny_patch16_224",
    384: "vit_small_patch16_224",
    768: "vit_base_patch16_224",
    1024: "vit_large_patch16_224",
    1280: "vit_huge_patch14_224",
}
"""Width of the encoder -> the plain ViT of that width."""

DECODER_NAMES = {
    "decoder_embed.": "embed.",
    "mask_token": "hidden_token",
    "decoder_blocks.": "blocks.",
    "decoder_norm.": "norm.",
    "decoder_pred.": "out.",
}
"""MAE's published names -> ours."""


@dataclass(frozen=True)
class LoadedMAE:
    """A network that can draw hidden parts, and where it is from."""

    network: MAENetwork
    name: str  # 'run:<id>', or 'checkpoint <file name>'
    run: str | None
    mask_ratio: float  # as it was trained
    weights: str  # fingerprint of encoder and decoder


def load_mae(
    workspace: Workspace, *, run: str = "latest", checkpoint: Path | None = None, evened: bool = True
) -> LoadedMAE:
    """The MAE of a finished run (its id, name, or `latest`), or of a file; `evened`: whether a file's MAE was trained
    to draw each part less its mean and divided by its deviation (norm_pix_loss).

    Raises NotFound when there is none, BadInput for a run without decoder or unfit weights, MissingWeights.
    """
    return _from_file(checkpoint, evened=evened) if checkpoint is not None else _from_run(find_run(workspace, run))


def find_run(workspace: Workspace, wanted: str = "latest") -> Run:
    """The finished run of a method that reconstructs, by id, prefix or name; `latest`: the newest that has kept its
    decoder. Raises NotFound (it says how to get one), BadInput."""
    if wanted == "latest":
        fit = [run for run in workspace.runs() if run.state == "done" and run.decoder_file.is_file()]
        if not fit:
            raise NotFound(
                "there is no finished masked autoencoder to score patches with; run `pretrain DATASET --method mae` "
                "first, or give one with --checkpoint"
            )
        return fit[-1]
    run = workspace.run(wanted)
    if not method_named(run.record.method).RECONSTRUCTS:
        raise BadInput(f"run {run.id} is {run.record.method}, which draws nothing; give a run of --method mae")
    if run.state != "done":
        raise BadInput(f"run {run.id} has not finished; wait for it, or run `pretrain --resume {run.id}`")
    if not run.decoder_file.is_file():
        raise BadInput(
            f"run {run.id} was trained before decoders were kept, so it cannot draw any more; run `pretrain` again, "
            "or give --checkpoint"
        )
    return run


def _from_run(run: Run) -> LoadedMAE:
    method = method_named(run.record.method).model_validate(run.record.params | {"start_from": None})
    network: Any = method.network(seed=run.record.seed)
    damaged = f"the weights of run {run.id} are damaged; pre-train again, or give another run"
    try:
        network.encoder.load_state_dict(read_weights(run.encoder_file), strict=True)
        network.decoder.load_state_dict(read_weights(run.decoder_file), strict=True)
    except (BadInput, MissingWeights, RuntimeError) as error:
        raise BadInput(f"{damaged} ({str(error).splitlines()[0]:.200})") from error
    if run.result is None or weights_fingerprint(network.encoder) != run.result.weights:
        raise BadInput(f"{damaged} ({run.encoder_file.name} is not what it left)")
    ratio = float(run.record.params["mask_ratio"])
    return LoadedMAE(network, f"run:{run.id}", run.id, ratio, weights_fingerprint(network))


def _from_file(path: Path, *, evened: bool) -> LoadedMAE:
    tensors = read_weights(path)
    unfit = f"{path} is no masked autoencoder with its decoder"
    way_out = "give MAE's full checkpoint (with decoder_embed, decoder_blocks, decoder_pred), or a run of ours"
    if "decoder_pred.weight" not in tensors or "pos_embed" not in tensors:
        raise BadInput(f"{unfit}; {way_out}")
    encoder = {name: one for name, one in tensors.items() if not name.startswith("decoder_") and name != "mask_token"}
    try:
        network = _network(encoder, tensors, evened=evened)
        network.decoder.load_state_dict(_decoder(tensors, network.patch), strict=True)
    except (DataEffError, RuntimeError, KeyError, IndexError, ValueError) as error:
        reason = (str(error).splitlines() or ["its tensors do not fit"])[0]
        raise BadInput(f"{unfit} ({reason:.200}); {way_out}") from error
    return LoadedMAE(network, f"checkpoint {path.name}", None, 0.75, weights_fingerprint(network))


def _network(encoder: Mapping[str, torch.Tensor], tensors: Mapping[str, torch.Tensor], *, evened: bool) -> MAENetwork:
    """A network of the file's shapes with its encoder."""
    width, patch = int(tensors["pos_embed"].shape[-1]), int(tensors["patch_embed.proj.weight"].shape[-1])
    if width not in WIDTHS:
        raise BadInput(f"its encoder's width {width} is none of {', '.join(map(str, WIDTHS))}")
    dim = int(tensors["decoder_embed.weight"].shape[0])
    if dim % HEAD_DIM:
        raise BadInput(f"its decoder's width {dim} is not a multiple of {HEAD_DIM}")
    grid = round((int(tensors["pos_embed"].shape[1]) - 1) ** 0.5)
    backbone = Backbone(
        model=WIDTHS[width], image_size=grid * patch, patch_size=patch, depth=_count(tensors, "blocks.")
    )
    return MAENetwork(
        backbone,
        norm_pixels=evened,
        decoder_dim=dim,
        decoder_depth=_count(tensors, "decoder_blocks."),
        weights=encoder,
    )


def _decoder(tensors: Mapping[str, torch.Tensor], patch: int) -> dict[str, torch.Tensor]:
    """The decoder's tensors under our names; its last layer draws row, column, channel, ours channel, row, column."""
    found = {
        ours + name[len(theirs) :]: one
        for name, one in tensors.items()
        for theirs, ours in DECODER_NAMES.items()
        if name.startswith(theirs)
    }
    for name in ("out.weight", "out.bias"):
        one = found[name]
        found[name] = one.reshape(patch, patch, 3, -1).permute(2, 0, 1, 3).reshape(one.shape)
    return found


def _count(tensors: Mapping[str, torch.Tensor], prefix: str) -> int:
    return 1 + max(int(name[len(prefix) :].partition(".")[0]) for name in tensors if name.startswith(prefix))
