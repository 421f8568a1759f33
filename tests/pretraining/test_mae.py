"""MAE: masks, what the encoder sees, the loss against lightly's parts and by hand, and what it costs."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from lightly.models.modules import MaskedVisionTransformerDecoderTIMM, MaskedVisionTransformerTIMM
from lightly.models.utils import get_2d_sine_cosine_positional_embedding, normalize_mean_var, set_at_index
from lightly.models.utils import patchify as lightly_patchify
from torch.utils.flop_counter import FlopCounterMode

from dataeff_core.backbones import Backbone
from dataeff_core.backbones.positions import sine_positions
from dataeff_core.backbones.vit import build
from dataeff_core.errors import BadInput
from dataeff_core.pretraining import make
from dataeff_core.pretraining.mae_network import (
    MAENetwork,
    patchify,
    split,
    take,
    unpatchify,
    visible_count,
)
from dataeff_core.pretraining.reconstructing import GAP, HIDDEN, picture

SMALL: dict[str, Any] = {
    "model": "vit_tiny_patch16_224", "depth": 2, "image_size": 32, "patch_size": 8, "decoder_dim": 64,
    "decoder_depth": 1,
}  # fmt: skip
PATCHES = 16


def network_of(seed: int = 0, **changes: Any) -> MAENetwork:
    return make("mae", SMALL | changes).network(seed=seed)  # type: ignore[return-value]


@pytest.fixture(scope="module")
def network() -> MAENetwork:
    return network_of()


@pytest.fixture(scope="module")
def views() -> torch.Tensor:
    return torch.randn(5, 1, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def numbers() -> torch.Tensor:
    return torch.rand(5, PATCHES, generator=torch.Generator().manual_seed(2))


def in_lightly(network: MAENetwork) -> tuple[MaskedVisionTransformerTIMM, MaskedVisionTransformerDecoderTIMM]:
    """The same weights in lightly's encoder and decoder."""
    dim = network.decoder.norm.normalized_shape[0]
    encoder = MaskedVisionTransformerTIMM(
        copy.deepcopy(network.encoder), weight_initialization="skip", pos_embed_initialization="skip"
    )
    decoder = MaskedVisionTransformerDecoderTIMM(PATCHES, dim, depth=1, num_heads=dim // 32)
    decoder.blocks.load_state_dict(network.decoder.blocks.state_dict())
    decoder.norm.load_state_dict(network.decoder.norm.state_dict())
    decoder.mask_token.data.copy_(network.decoder.hidden_token)
    return encoder, decoder


# ---- masks


@pytest.mark.parametrize(
    ("patches", "ratio", "visible"),
    [(196, 0.75, 49), (144, 0.75, 36), (16, 0.05, 15), (16, 0.95, 1), (4, 0.95, 1), (2, 0.05, 1), (64, 0.6, 26)],
)
def test_how_many_patches_stay_visible(patches: int, ratio: float, visible: int) -> None:
    assert visible_count(patches, ratio) == visible


def test_the_smallest_numbers_stay_visible_and_every_patch_is_in_one_part(numbers: torch.Tensor) -> None:
    visible, hidden = split(numbers, 4)
    assert (visible.shape, hidden.shape) == ((5, 4), (5, 12))
    for row in range(5):
        assert sorted([*visible[row].tolist(), *hidden[row].tolist()]) == list(range(PATCHES))
        assert numbers[row][visible[row]].max() < numbers[row][hidden[row]].min()


def test_each_patch_is_hidden_equally_often() -> None:
    _, hidden = split(torch.rand(20_000, PATCHES, generator=torch.Generator().manual_seed(0)), 4)
    share = torch.bincount(hidden.flatten(), minlength=PATCHES) / 20_000
    assert (share - 0.75).abs().max() < 0.015  # five standard deviations


def test_patches_are_laid_side_by_side_again(views: torch.Tensor) -> None:
    patches = patchify(views[:, 0], 8)
    assert patches.shape == (5, PATCHES, 3 * 64)
    torch.testing.assert_close(patches[2, 6].view(3, 8, 8), views[2, 0, :, 8:16, 16:24], rtol=0, atol=0)
    torch.testing.assert_close(unpatchify(patches, 8), views[:, 0], rtol=0, atol=0)


# ---- the encoder


def test_no_hidden_pixel_reaches_the_encoder(network: MAENetwork, views: torch.Tensor, numbers: torch.Tensor) -> None:
    patches = patchify(views[:, 0], 8)
    visible, hidden = split(numbers, network.visible)
    changed = patches.scatter(1, hidden.unsqueeze(-1).expand(-1, -1, patches.shape[-1]), 1e6)
    assert not torch.equal(changed, patches)
    assert torch.equal(network.encode(patches, visible), network.encode(changed, visible))


def test_the_encoder_alone_gets_the_visible_patches(
    network: MAENetwork, views: torch.Tensor, numbers: torch.Tensor
) -> None:
    lengths: list[int] = []
    handle = network.encoder.blocks[0].register_forward_hook(lambda _, given, __: lengths.append(given[0].shape[1]))
    network(views, numbers)
    handle.remove()
    assert lengths == [1 + 4]


@pytest.mark.parametrize(
    "model",
    [
        "vit_tiny_patch16_224",  # class token
        "vit_base_patch16_gap_224",  # none
        "vit_wee_patch16_reg1_gap_256",  # register
        "deit3_small_patch16_224",  # positions without the class token's, layer scale
        "vit_base_patch16_clip_224",  # norm before the blocks, no bias of the patches
    ],
)
def test_with_all_patches_visible_the_tokens_are_the_vits_own(model: str, views: torch.Tensor) -> None:
    network = network_of(model=model, depth=1)
    vit = network.encoder
    with torch.no_grad():
        for parameter in vit.parameters():  # zeros and ones would hide a mistake
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3)) * 0.02)
        everything = torch.arange(PATCHES).expand(5, -1)
        own = vit.forward_features(views[:, 0])
        torch.testing.assert_close(network.encode(patchify(views[:, 0], 8), everything), own, atol=1e-5, rtol=1e-4)
        order = torch.randperm(PATCHES, generator=torch.Generator().manual_seed(4)).expand(5, -1)
        prefix = vit.num_prefix_tokens
        shuffled = network.encode(patchify(views[:, 0], 8), order)[:, prefix:]
        torch.testing.assert_close(shuffled, take(own[:, prefix:], order), atol=1e-5, rtol=1e-4)


def test_the_encoder_is_lightlys(network: MAENetwork, views: torch.Tensor, numbers: torch.Tensor) -> None:
    visible, _ = split(numbers, network.visible)
    theirs = in_lightly(network)[0].encode(
        views[:, 0], idx_keep=torch.cat((torch.zeros(5, 1).long(), visible + 1), 1)
    )
    torch.testing.assert_close(network.encode(patchify(views[:, 0], 8), visible), theirs, atol=1e-5, rtol=1e-4)


def test_the_encoder_costs_what_the_visible_patches_cost() -> None:
    """Floating-point operations counted: a full forward against a quarter of the patches (ratio 0.75)."""
    network = network_of(image_size=224, patch_size=16, depth=12, mask_ratio=0.75)
    images, numbers = torch.randn(1, 3, 224, 224), torch.rand(1, 196)

    def cost(run: Any) -> int:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            run()
        return counter.get_total_flops()

    full = cost(lambda: network.encoder.forward_features(images))
    masked = cost(lambda: network.encode(patchify(images, 16), split(numbers, network.visible)[0]))
    assert 0.2 < masked / full < 0.26  # attention between a quarter of the tokens costs a sixteenth


# ---- the loss


def test_the_loss_is_the_one_made_of_lightlys_parts(views: torch.Tensor, numbers: torch.Tensor) -> None:
    network = network_of(seed=3)
    encoder, decoder = in_lightly(network)
    visible, hidden = split(numbers, network.visible)
    keep = torch.cat((torch.zeros(5, 1).long(), visible + 1), dim=1)  # lightly counts the class token
    encoded = network.decoder.embed(encoder.encode(views[:, 0], idx_keep=keep))
    whole = set_at_index(decoder.mask_token.expand(5, 1 + PATCHES, -1).clone(), keep, encoded)
    decoded = decoder(whole, idx_mask=hidden + 1)[:, 1:]
    drawn = network.decoder.out(take(decoded, hidden))
    target = normalize_mean_var(take(lightly_patchify(views[:, 0], 8), hidden))
    target = target.view(5, -1, 64, 3).transpose(2, 3).flatten(2)  # lightly's pixels come colour by colour last
    torch.testing.assert_close(network(views, numbers), torch.nn.functional.mse_loss(drawn, target))


@pytest.mark.parametrize("norm_pixels", [True, False])
def test_the_loss_pixel_by_pixel(norm_pixels: bool, views: torch.Tensor, numbers: torch.Tensor) -> None:
    network = network_of(norm_pixels=norm_pixels)
    visible, hidden = split(numbers, network.visible)
    patches = patchify(views[:, 0], 8)
    drawn = network.decoder(network.encode(patches, visible), visible, hidden).detach().double().numpy()
    errors = []
    for image in range(5):
        for place, patch in enumerate(hidden[image].tolist()):
            row, column = divmod(patch, 4)
            pixels = views[image, 0, :, row * 8 : row * 8 + 8, column * 8 : column * 8 + 8].double().numpy().ravel()
            if norm_pixels:
                pixels = (pixels - pixels.mean()) / np.sqrt(pixels.var(ddof=1) + 1e-6)
            errors.append(np.mean((drawn[image, place] - pixels) ** 2))
    assert network(views, numbers).item() == pytest.approx(np.mean(errors), rel=1e-5)


def test_visible_pixels_do_not_count_in_the_loss_by_themselves(views: torch.Tensor, numbers: torch.Tensor) -> None:
    network = network_of()
    torch.nn.init.zeros_(network.decoder.out.weight)
    visible, _ = split(numbers, network.visible)
    patches = patchify(views[:, 0], 8)
    changed = patches.scatter(1, visible.unsqueeze(-1).expand(-1, -1, patches.shape[-1]), 7.0)
    assert network(views, numbers) == network(unpatchify(changed, 8).unsqueeze(1), numbers)


def test_the_loss_is_the_mean_of_the_images(network: MAENetwork, views: torch.Tensor, numbers: torch.Tensor) -> None:
    alone = torch.stack([network(views[i : i + 1], numbers[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(network(views, numbers), alone.mean())
    order = torch.tensor([3, 0, 4, 2, 1])
    torch.testing.assert_close(network(views[order], numbers[order]), network(views, numbers))


def test_a_patch_of_one_colour_has_a_finite_loss_and_gradient(numbers: torch.Tensor) -> None:
    network = network_of()
    loss = network(torch.zeros(5, 1, 3, 32, 32), numbers)
    loss.backward()
    assert loss.isfinite()
    assert all(one.grad.isfinite().all() for one in network.parameters() if one.grad is not None)


def test_every_parameter_learns(views: torch.Tensor, numbers: torch.Tensor) -> None:
    network = network_of()
    network(views, numbers).backward()
    still = [name for name, one in network.named_parameters() if one.grad is None or not one.grad.abs().sum() > 0]
    assert still == []


def test_it_learns_to_draw_what_it_saw(views: torch.Tensor, numbers: torch.Tensor) -> None:
    network = network_of()
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    before = network(views, numbers).item()
    for _ in range(30):
        optimiser.zero_grad()
        network(views, numbers).backward()
        optimiser.step()
    assert network(views, numbers).item() < 0.8 * before


def test_bfloat16_gives_nearly_the_same_loss(network: MAENetwork, views: torch.Tensor, numbers: torch.Tensor) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        low = network(views, numbers)
    assert low.dtype == torch.float32
    torch.testing.assert_close(low, network(views, numbers), rtol=0.02, atol=0)


# ---- making one


def test_weights_go_into_a_timm_vit_and_back() -> None:
    method = make("mae", SMALL)
    network = method.network(seed=1)
    vit = build(method.backbone(), seed=9, weights=network.encoder.state_dict())
    assert list(vit.state_dict()) == list(network.encoder.state_dict())
    again = method.network(seed=2, weights=vit.state_dict())
    for name, value in network.encoder.state_dict().items():
        assert torch.equal(again.encoder.state_dict()[name], value), name  # type: ignore[union-attr,operator]


def test_the_seed_determines_the_network_and_nothing_else_does() -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    one, same, other = (network_of(seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["encoder.blocks.0.attn.qkv.weight"], other["encoder.blocks.0.attn.qkv.weight"])
    assert not torch.equal(one["decoder.embed.weight"], other["decoder.embed.weight"])


def test_positions_are_maes() -> None:
    theirs = get_2d_sine_cosine_positional_embedding(64, 4, cls_token=False)
    np.testing.assert_allclose(sine_positions(4, 64).numpy(), theirs, atol=1e-6)


@pytest.mark.parametrize("model", ["vit_tiny_patch16_224", "deit3_small_patch16_224"])
def test_an_encoder_begins_with_them(model: str) -> None:
    """The run's encoder and what it is compared with, the same one untrained."""
    method = make("mae", SMALL | {"model": model, "depth": 1})
    for encoder in (method.network(seed=0).encoder, build(method.backbone(), seed=0)):
        torch.testing.assert_close(encoder.pos_embed[0, -PATCHES:], sine_positions(4, encoder.embed_dim))
        assert encoder.pos_embed[0, :-PATCHES].abs().sum() == 0
        assert encoder.pos_embed.requires_grad


def test_numbers_is_the_count_of_patches() -> None:
    assert make("mae", SMALL).numbers() == PATCHES
    assert make("mae", {"image_size": 48, "model": "vit_tiny_patch16_224"}).numbers() == 9


def test_refuses_what_it_cannot_train_in_a_sentence() -> None:
    with pytest.raises(BadInput, match="single patch of 16 pixels"):
        make("mae", {"image_size": 16}).numbers()
    with pytest.raises(BadInput, match="not a multiple of the patch size 8; use 32"):
        make("mae", SMALL | {"image_size": 35}).network(seed=0)
    with pytest.raises(BadInput, match="not a plain vision transformer"):
        make("mae", {"model": "deit_tiny_distilled_patch16_224", "image_size": 32}).network(seed=0)
    with pytest.raises(BadInput, match="whose patches see their neighbours"):
        make("mae", {"model": "vit_tiny_r_s16_p8_224", "image_size": 64}).network(seed=0)


# ---- the picture


def test_the_picture_shows_what_is_seen_what_is_drawn_and_the_frame(numbers: torch.Tensor) -> None:
    network = network_of().train()
    frames = torch.randint(0, 256, (5, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    shown = picture(network, frames, numbers)
    assert (shown.shape, shown.dtype) == ((3 * 32 + 2 * GAP, 5 * 32 + 4 * GAP, 3), np.uint8)
    assert network.training
    visible, _ = split(numbers, network.visible)
    for column in range(5):
        across = slice(column * (32 + GAP), column * (32 + GAP) + 32)
        seen, drawn, frame = (shown[top : top + 32, across] for top in (0, 32 + GAP, 2 * (32 + GAP)))
        np.testing.assert_array_equal(frame, frames[column].numpy())
        for patch in range(PATCHES):
            row, place = divmod(patch, 4)
            at = np.s_[row * 8 : row * 8 + 8, place * 8 : place * 8 + 8]
            if patch in visible[column]:
                np.testing.assert_array_equal(seen[at], frame[at])
                np.testing.assert_array_equal(drawn[at], frame[at])
            else:
                assert (seen[at] == HIDDEN).all()
                assert not np.array_equal(drawn[at], frame[at])
    np.testing.assert_array_equal(picture(network, frames, numbers), shown)


@pytest.mark.parametrize("norm_pixels", [True, False])
def test_a_perfect_decoder_gives_the_frame_back(norm_pixels: bool, numbers: torch.Tensor) -> None:
    network = network_of(norm_pixels=norm_pixels)
    frames = torch.randint(0, 256, (5, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images = (frames.permute(0, 3, 1, 2) / 255 - torch.tensor(network.backbone.mean).view(3, 1, 1)) / torch.tensor(
        network.backbone.std
    ).view(3, 1, 1)

    class Perfect(torch.nn.Module):
        def forward(self, _: torch.Tensor, visible: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
            return network.target(take(patchify(images, 8), hidden))

    network.decoder = Perfect()  # type: ignore[assignment]
    torch.testing.assert_close(network.reconstruct(images, numbers)[0], images, atol=1e-5, rtol=1e-5)
    rows = picture(network, frames, numbers)
    assert np.abs(rows[34:66].astype(int) - rows[68:].astype(int)).max() <= 1


def test_the_backbone_is_the_declared_one() -> None:
    assert network_of().backbone == Backbone(model=SMALL["model"], image_size=32, patch_size=8, depth=2)
