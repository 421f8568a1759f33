"""The changes of `augmentation.Augmentation`, for a whole batch at once.

Each view is a function of its frame and of its own NUMBERS uniform numbers alone: no global randomness, and a frame
alone gives the same bits as in any batch (elementwise operations; the one mean, of whole numbers, is exact).
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812 the usual name

from dataeff_core.pretraining.augmentation import Augmentation

USES = (
    "area", "aspect", "x", "y", "mirror_x", "mirror_y", "turn", "brightness", "contrast", "saturation", "hue", "blur",
)  # fmt: skip
NUMBERS = len(USES)
"""How many uniform numbers one view needs; number i decides USES[i], whatever is switched off."""

LUMA = (0.299, 0.587, 0.114)  # grey of an RGB colour, ITU-R BT.601
KERNEL_SDS = 2.5  # a Gaussian reaches so many standard deviations


def augmented(
    images: torch.Tensor,
    numbers: torch.Tensor,
    asked: Augmentation,
    *,
    size: int,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
) -> torch.Tensor:
    """(n, s, s, 3) uint8 RGB and (n, views, NUMBERS) float32 in [0, 1) -> (n, views, 3, size, size) float32,
    normalised as (x / 255 - mean) / std."""
    n, views = numbers.shape[:2]
    drawn = dict(zip(USES, numbers.reshape(n * views, NUMBERS).unbind(1), strict=True))
    pixels = images.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format).div_(255)
    pixels = pixels.repeat_interleave(views, dim=0)
    if asked.moves_pixels or images.shape[1] != size:
        grid = _grid(drawn, asked, size)
        pixels = F.grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)
    if asked.changes_colours:
        pixels = _recoloured(pixels, drawn, asked, _mean_grey(images).repeat_interleave(views))
    if asked.blur:
        pixels = _blurred(pixels, drawn["blur"] * asked.blur * size, math.ceil(KERNEL_SDS * asked.blur * size))
    pixels.sub_(pixels.new_tensor(mean).view(3, 1, 1)).div_(pixels.new_tensor(std).view(3, 1, 1))
    return pixels.view(n, views, 3, size, size)


def in_cells(images: torch.Tensor, numbers: torch.Tensor, grid: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Mosaics (n, s, s, 3) and the numbers of each -> their cells (n x grid x grid, s / grid, s / grid, 3), from the
    upper left, row by row, and the same numbers for each cell of a mosaic."""
    n, side = len(images), images.shape[1] // grid
    cells = images.view(n, grid, side, grid, side, 3).permute(0, 1, 3, 2, 4, 5)
    return cells.reshape(-1, side, side, 3), numbers.repeat_interleave(grid**2, dim=0)


def put_together(cells: torch.Tensor, grid: int) -> torch.Tensor:
    """Views of cells (n x grid x grid, views, 3, c, c) -> of mosaics (n, views, 3, grid x c, grid x c)."""
    views, size = cells.shape[1], cells.shape[-1]
    placed = cells.view(-1, grid, grid, views, 3, size, size).permute(0, 3, 4, 1, 5, 2, 6)
    return placed.reshape(-1, views, 3, grid * size, grid * size)


def _grid(drawn: dict[str, torch.Tensor], asked: Augmentation, size: int) -> torch.Tensor:
    """(m, size, size, 2): where in the frame, from -1 to 1, each pixel of the view is read: first mirrored, then
    turned, then scaled and moved to the crop."""
    width, height = _crop(drawn, asked)
    right, down = (drawn["x"] * 2 - 1) * (1 - width), (drawn["y"] * 2 - 1) * (1 - height)
    mirror_x, mirror_y = (
        torch.where((drawn[axis] < 0.5) & asked.flip, -1.0, 1.0) for axis in ("mirror_x", "mirror_y")
    )
    quarter = (drawn["turn"] * 4).long() * asked.rotate
    cos = drawn["turn"].new_tensor((1, 0, -1, 0))[quarter]
    sin = drawn["turn"].new_tensor((0, 1, 0, -1))[quarter]
    at = (torch.arange(size, device=width.device, dtype=width.dtype) * 2 + 1) / size - 1
    across, along = at.view(1, 1, size), at.view(1, size, 1)

    def plane(of_x: torch.Tensor, of_y: torch.Tensor, offset: torch.Tensor) -> torch.Tensor:
        return of_x.view(-1, 1, 1) * across + (of_y.view(-1, 1, 1) * along + offset.view(-1, 1, 1))

    x = plane(width * cos * mirror_x, -width * sin * mirror_y, right)
    y = plane(height * sin * mirror_x, height * cos * mirror_y, down)
    return torch.stack((x, y), dim=-1)


def _crop(drawn: dict[str, torch.Tensor], asked: Augmentation) -> tuple[torch.Tensor, torch.Tensor]:
    """Width and height of each crop as shares of the frame's, (m,) each."""
    area = asked.crop + (1 - asked.crop) * drawn["area"]
    if asked.crop == 1:
        return area, area
    half = torch.exp((drawn["aspect"] * 2 - 1) * (math.log(asked.stretch) / 2))  # root of the ratio of the sides
    side = area.sqrt()
    return (side * half).clamp(max=1), (side / half).clamp(max=1)


def _mean_grey(images: torch.Tensor) -> torch.Tensor:
    """(n, s, s, 3) uint8 -> (n,): the mean grey in [0, 1]; sums of whole numbers, so exact for any batch."""
    red, green, blue = (
        images.sum(dim=(1, 2), dtype=torch.int64).double().div(images.shape[1] * images.shape[2] * 255).T
    )
    return (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue).float()


def _recoloured(
    pixels: torch.Tensor, drawn: dict[str, torch.Tensor], asked: Augmentation, grey: torch.Tensor
) -> torch.Tensor:
    """Brightness, contrast about the frame's `grey` (m,), saturation and hue as one affine map of the colours.

    With J the matrix of ones, w = LUMA and R the turn of hue about the grey axis (Rodrigues), which keeps greys:
    R (s I + (1 - s) 1 w') (b c x + (1 - c) b grey) = b c (s R + (1 - s) 1 w') x + (1 - c) b grey.
    """
    b, c, s = (1 + (drawn[key] * 2 - 1) * getattr(asked, key) for key in ("brightness", "contrast", "saturation"))
    angle = (drawn["hue"] * 2 - 1) * (asked.hue * 2 * math.pi)
    cos, third, side = torch.cos(angle), (1 - torch.cos(angle)) / 3, torch.sin(angle) / math.sqrt(3)
    turn = (third + cos, third - side, third + side)  # a circulant matrix: row i is this, shifted i times
    red, green, blue = pixels.unbind(1)
    out = torch.empty_like(pixels)
    for i in range(3):
        row = [(b * c * (s * turn[(j - i) % 3] + (1 - s) * LUMA[j])).view(-1, 1, 1) for j in range(3)]
        out[:, i] = (red * row[0]).add_(green * row[1]).add_(blue * row[2])
    return out.add_(((1 - c) * b * grey).view(-1, 1, 1, 1)).clamp_(0, 1)


def _blurred(pixels: torch.Tensor, sigma: torch.Tensor, radius: int) -> torch.Tensor:
    """Each image softened by a Gaussian of `sigma` (m,) pixels, cut off at `radius`; the rim is repeated."""
    steps = torch.arange(-radius, radius + 1, device=sigma.device, dtype=sigma.dtype)
    weights = torch.exp(-0.5 * (steps / sigma.clamp(min=1e-3).unsqueeze(1)) ** 2)
    weights = weights / _sum(list(weights.unbind(1))).unsqueeze(1)
    size = pixels.shape[-1]
    for dim in (2, 3):
        padding = (0, 0, radius, radius) if dim == 2 else (radius, radius, 0, 0)
        padded = F.pad(pixels, padding, mode="replicate")
        shifted = [
            padded.narrow(dim, i, size) * weight.view(-1, 1, 1, 1) for i, weight in enumerate(weights.unbind(1))
        ]
        pixels = _sum(shifted)
    return pixels


def _sum(terms: list[torch.Tensor]) -> torch.Tensor:
    """Their sum in the order given, whatever the shape."""
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total
