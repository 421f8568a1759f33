"""The masked autoencoder's network and loss (He et al. 2021, Sec 3; their numbers where no other is given)."""

from collections.abc import Mapping
from functools import lru_cache

import torch
import torch.nn.functional as F  # noqa: N812 the usual name
from torch import nn

from dataeff_core.backbones import Backbone
from dataeff_core.backbones.positions import sine_positions
from dataeff_core.backbones.vit import build, patch_size
from dataeff_core.errors import BadInput

EPSILON = 1e-6  # added to a patch's variance, so that a black patch stays finite
HEAD_DIM = 32  # of the decoder's attention heads


class MAENetwork(nn.Module):
    """`encoder` (a timm ViT), a decoder, and the mean squared error on the hidden patches.

    Shapes, with N patches of P pixels, V visible: views (n, 3, s, s) -> encoder (n, prefix + V, d) ->
    decoder (n, prefix + N, decoder_dim) -> hidden patches (n, N - V, 3 P).
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        mask_ratio: float = 0.75,
        norm_pixels: bool = True,
        decoder_dim: int = 512,
        decoder_depth: int = 8,
        seed: int = 0,
        weights: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        """Raises BadInput for a ViT that MAE cannot train; NotFound."""
        super().__init__()
        self.encoder = build(backbone, seed=seed, weights=weights, source="the file to start from")
        self.backbone = backbone
        self.norm_pixels = norm_pixels
        self.patch = patch_size(self.encoder)
        self.patches = patches_of(backbone)
        self.visible = visible_count(self.patches, mask_ratio)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.decoder = Decoder(
                grid=backbone.image_size // self.patch,
                prefix=self.encoder.num_prefix_tokens,
                encoder_dim=self.encoder.embed_dim,
                dim=decoder_dim,
                depth=decoder_depth,
                out=3 * self.patch**2,
            )

    def forward(self, views: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        """The loss: views (n, 1, 3, s, s) float32 normalised, numbers (n, N) float32 in [0, 1) -> scalar."""
        patches = patchify(views[:, 0], self.patch)
        visible, hidden = split(numbers, self.visible)
        drawn = self.decoder(self.encode(patches, visible), visible, hidden)
        wanted = self.target(take(patches, hidden))
        return (drawn.float() - wanted).square().mean()  # equally many hidden patches in each image

    def encode(self, patches: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """(n, N, 3 P) pixels and (n, V) positions -> (n, prefix + V, d) tokens after the last norm.

        The encoder's own layers, given the visible patches' pixels and nothing else.
        """
        vit = self.encoder
        projection = vit.patch_embed.proj  # a convolution that never overlaps: on single patches it is a matrix
        tokens = F.linear(take(patches, visible), projection.weight.flatten(1), projection.bias)
        tokens = vit.patch_embed.norm(tokens)
        # class tokens and positions as this ViT adds them, whatever kind it is: its sum with nothing
        added = vit._pos_embed(patches.new_zeros(1, self.patches, vit.embed_dim))
        prefix, positions = added[:, : vit.num_prefix_tokens], added[:, vit.num_prefix_tokens :]
        tokens = tokens + positions[0][visible]
        tokens = torch.cat((prefix.expand(len(tokens), -1, -1).to(tokens.dtype), tokens), dim=1)
        return vit.norm(vit.blocks(vit.norm_pre(tokens)))

    def target(self, patches: torch.Tensor) -> torch.Tensor:
        """What is to be drawn for (..., 3 P) pixels: themselves, or evened out by `norm_pixels`."""
        if not self.norm_pixels:
            return patches
        mean, deviation = spread(patches)
        return (patches - mean) / deviation

    def reconstruct(self, images: torch.Tensor, numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, 3, s, s) normalised, (n, N) -> the same images with the hidden patches drawn, and (n, N) bool,
        True = hidden. Evened-out patches get the brightness and deviation of the original (as MAE's figures)."""
        patches = patchify(images, self.patch)
        visible, hidden = split(numbers, self.visible)
        drawn = self.decoder(self.encode(patches, visible), visible, hidden).float()
        if self.norm_pixels:
            mean, deviation = spread(take(patches, hidden))
            drawn = drawn * deviation + mean
        whole = patches.scatter(1, hidden.unsqueeze(-1).expand_as(drawn), drawn)
        is_hidden = torch.ones_like(numbers, dtype=torch.bool).scatter(1, visible, False)
        return unpatchify(whole, self.patch), is_hidden


class Decoder(nn.Module):
    """Few transformer blocks over all patches: the encoded ones in their places, one learnt token at the others."""

    def __init__(self, *, grid: int, prefix: int, encoder_dim: int, dim: int, depth: int, out: int) -> None:
        super().__init__()
        from timm.models.vision_transformer import Block

        self.prefix = prefix
        self.embed = nn.Linear(encoder_dim, dim)
        self.hidden_token = nn.Parameter(torch.empty(1, 1, dim))
        self.register_buffer("positions", sine_positions(grid, dim).unsqueeze(0), persistent=False)
        self.blocks = nn.Sequential(*(Block(dim, dim // HEAD_DIM, qkv_bias=True) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.out = nn.Linear(dim, out)
        nn.init.normal_(self.hidden_token, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, tokens: torch.Tensor, visible: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """(n, prefix + V, d), (n, V) and (n, N - V) positions -> (n, N - V, 3 P): the hidden patches."""
        tokens = self.embed(tokens)
        prefix, seen = tokens[:, : self.prefix], tokens[:, self.prefix :]
        positions = self.positions[0].to(tokens.dtype)  # type: ignore[index]
        unseen = self.hidden_token.to(tokens.dtype) + positions[hidden]
        tokens = self.blocks(torch.cat((prefix, seen + positions[visible], unseen), dim=1))
        return self.out(self.norm(tokens[:, -hidden.shape[1] :]))


@lru_cache(maxsize=32)
def patches_of(backbone: Backbone) -> int:
    """How many patches an image has. Raises BadInput for a ViT that MAE cannot train; NotFound."""
    from timm.layers import PatchEmbed

    vit = build(backbone)
    if type(vit.patch_embed) is not PatchEmbed:
        raise BadInput(
            f"MAE cannot hide patches from {backbone.model}, whose patches see their neighbours; choose a plain ViT "
            "such as vit_small_patch16_224"
        )
    if vit.patch_embed.num_patches < 2:
        raise BadInput(
            f"image_size {backbone.image_size} is a single patch of {patch_size(vit)} pixels; MAE needs at least 2: "
            "use a larger image or a smaller patch_size"
        )
    return int(vit.patch_embed.num_patches)


def visible_count(patches: int, mask_ratio: float) -> int:
    """How many of `patches` stay visible, exactly: at least one, and not all."""
    return min(max(round(patches * (1 - mask_ratio)), 1), patches - 1)


def split(numbers: torch.Tensor, visible: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(n, N) uniform -> positions (n, visible) of the smallest numbers and (n, N - visible) of the others, int64."""
    order = numbers.argsort(dim=1, stable=True)
    return order[:, :visible], order[:, visible:]


def take(values: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """(n, N, d), (n, m) positions -> (n, m, d)."""
    return values.gather(1, at.unsqueeze(-1).expand(-1, -1, values.shape[-1]))


def patchify(images: torch.Tensor, patch: int) -> torch.Tensor:
    """(n, 3, s, s) -> (n, N, 3 patch patch), patches row by row, each by channel, row, column."""
    n, channels, height, width = images.shape
    cut = images.reshape(n, channels, height // patch, patch, width // patch, patch)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(n, -1, channels * patch * patch)


def unpatchify(patches: torch.Tensor, patch: int) -> torch.Tensor:
    """The square images that `patchify` cut into (n, N, 3 patch patch)."""
    n, count = patches.shape[:2]
    grid = round(count**0.5)
    cut = patches.reshape(n, grid, grid, -1, patch, patch)
    return cut.permute(0, 3, 1, 4, 2, 5).reshape(n, -1, grid * patch, grid * patch)


def spread(patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation of each patch's pixels: (..., 3 P) -> (..., 1) twice."""
    variance, mean = torch.var_mean(patches, dim=-1, keepdim=True)
    return mean, (variance + EPSILON).sqrt()
