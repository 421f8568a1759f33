"""Mucosa: colour, blotches, branching vessels, residue, and the fine relief that makes the wall glisten."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter, zoom

from .textures import Array, WrappedMaps, band_noise, fractal_noise, gradient

# linear-light reflectances of mucosa seen under white light, from pale pink to orange-brown (our choice, by eye)
PALETTE = (
    (1.00, 0.22, 0.13),
    (1.00, 0.25, 0.10),
    (0.95, 0.17, 0.11),
    (1.02, 0.30, 0.20),
    (0.95, 0.29, 0.09),
    (1.00, 0.20, 0.14),
)
DETAIL_UNITS = 0.9  # side of the repeated fine tile, in tube radii


@dataclass(frozen=True)
class Tissue:
    """Wall maps over (s, theta), and two fine tiles: the wall's relief and the pits of polyps."""

    base: tuple[float, float, float]
    wall: WrappedMaps  # red, green, blue, wet
    detail: WrappedMaps  # tone, down, across
    pits: WrappedMaps  # tone, down, across
    cells_per_unit: float
    tile_cells: int
    wetness: float


def make_tissue(length: float, cells_per_unit: float, palette: int, rng: np.random.Generator) -> Tissue:
    """Tissue for a tube of this length. cells_per_unit: texels per tube radius; palette: index into PALETTE."""
    rows, columns = int(np.ceil(length * cells_per_unit)), int(np.ceil(2 * np.pi * cells_per_unit))
    jitter = rng.normal(1.0, 0.05, 3)
    base = tuple(float(value) for value in np.array(PALETTE[palette % len(PALETTE)]) * jitter)
    tile_cells = max(64, round(DETAIL_UNITS * cells_per_unit * 2))
    return Tissue(
        base=(base[0], base[1], base[2]),
        wall=WrappedMaps.build(_wall_maps((rows, columns), cells_per_unit, np.array(base), rng), levels=5),
        detail=WrappedMaps.build(_detail_tile(tile_cells, rng), levels=6),
        pits=WrappedMaps.build(_pit_tile(tile_cells, rng), levels=6),
        cells_per_unit=cells_per_unit,
        tile_cells=tile_cells,
        wetness=float(rng.uniform(0.6, 1.3)),
    )


def _wall_maps(
    shape: tuple[int, int], cells_per_unit: float, base: NDArray[np.float64], rng: np.random.Generator
) -> dict[str, Array]:
    blotch = _coarse_noise(shape, 1.1 * cells_per_unit, 0.15 * cells_per_unit, rng)
    speckle = fractal_noise(shape, 0.2 * cells_per_unit, rng, slope=0.7)
    vessels = _vessels(shape, cells_per_unit, rng) * (0.62 + 0.38 * np.tanh(blotch)) * rng.uniform(0.5, 1.6)
    light = 1.0 + 0.08 * blotch + 0.025 * speckle
    redness = 0.10 * _coarse_noise(shape, 0.8 * cells_per_unit, 0.1 * cells_per_unit, rng)
    residue = _residue(shape, cells_per_unit, rng)
    absorbed = {"red": (0.35, 0.0), "green": (0.95, -1.0), "blue": (0.8, -0.9)}
    stain = {"red": 0.8, "green": 0.42, "blue": 0.04}
    maps: dict[str, Array] = {}
    for channel, reflectance in zip(absorbed, base, strict=True):
        by_vessel, by_redness = absorbed[channel]
        colour = reflectance * light * np.exp(-by_vessel * vessels + by_redness * redness)
        maps[channel] = (colour * (1 - residue) + stain[channel] * light * residue).astype(np.float32)
    maps["wet"] = np.clip(0.6 + 0.6 * _coarse_noise(shape, 0.7 * cells_per_unit, 0.08 * cells_per_unit, rng), 0.1, 2)
    return maps


def _residue(shape: tuple[int, int], cells_per_unit: float, rng: np.random.Generator) -> Array:
    """Share of yellowish liquid, 0-1: pools on the lower side in some videos, none in others."""
    if rng.random() < 0.45:
        return np.zeros(shape, dtype=np.float32)
    cloud = _coarse_noise(shape, 1.6 * cells_per_unit, 0.05 * cells_per_unit, rng)
    theta = np.arange(shape[1]) * (2 * np.pi / shape[1])
    low = np.cos(theta - rng.uniform(0, 2 * np.pi))[None, :]
    return (rng.uniform(0.25, 0.55) / (1 + np.exp(-9 * (cloud * 0.5 + low - 1.25)))).astype(np.float32)


def _coarse_noise(shape: tuple[int, int], longest: float, shortest: float, rng: np.random.Generator) -> Array:
    """Fractal noise made on a grid four times coarser and enlarged: its shortest wave spans several cells."""
    small = (max(4, shape[0] // 4), max(4, shape[1] // 4))
    noise = fractal_noise(small, longest / 4, rng, shortest=max(2.0, shortest / 4))
    enlarged = zoom(noise, (shape[0] / small[0], shape[1] / small[1]), order=1, mode="grid-wrap", grid_mode=True)
    return enlarged.astype(np.float32)


def _vessels(shape: tuple[int, int], cells_per_unit: float, rng: np.random.Generator) -> Array:
    """Density of blood in the vessels seen through the mucosa: branching random walks. (rows, columns), about 0-1."""
    rows, columns = shape
    margin = int(0.5 * cells_per_unit)
    canvas = Image.new("L", (columns + 2 * margin, rows + 2 * margin))
    draw = ImageDraw.Draw(canvas)
    area = rows * columns / cells_per_unit**2
    for _ in range(max(1, round(area * rng.uniform(1.2, 3.0)))):
        x, y = rng.uniform((margin, margin), (columns + margin, rows + margin))
        root = (float(x), float(y), float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.012, 0.03)))
        _grow(draw, root, cells_per_unit, rng)
    image = np.asarray(canvas, dtype=np.float32) / 255
    wrapped = image[margin : margin + rows].copy()  # what grew over the edge comes back on the other side
    wrapped[:margin] = np.maximum(wrapped[:margin], image[margin + rows :])
    wrapped[-margin:] = np.maximum(wrapped[-margin:], image[:margin])
    vessels = wrapped[:, margin : margin + columns].copy()
    vessels[:, :margin] = np.maximum(vessels[:, :margin], wrapped[:, margin + columns :])
    vessels[:, -margin:] = np.maximum(vessels[:, -margin:], wrapped[:, :margin])
    fine = gaussian_filter(vessels, 0.006 * cells_per_unit, mode="wrap")
    return np.asarray(fine + 0.5 * gaussian_filter(vessels, 0.025 * cells_per_unit, mode="wrap"), dtype=np.float32)


def _grow(
    draw: ImageDraw.ImageDraw,
    root: tuple[float, float, float, float],
    cells: float,
    rng: np.random.Generator,
) -> None:
    """One vessel and its branches, drawn in place. root: x, y, heading, width (tube radii; it thins on the way)."""
    pending = [root]
    step = 0.035 * cells
    for _ in range(60):
        if not pending:
            return
        x, y, heading, width = pending.pop()
        bend = 0.0
        while width > 0.005:
            bend = 0.6 * bend + rng.normal(0, 0.13)
            heading += bend
            ahead = (x + step * np.cos(heading), y + step * np.sin(heading))
            thick = width * cells
            draw.line((x, y, *ahead), fill=int(255 * min(1.0, 0.25 + 0.3 * thick)), width=max(1, round(thick)))
            x, y = ahead
            width *= 0.982
            if rng.random() < 0.11:
                side = float(rng.choice((-1, 1)) * rng.uniform(0.4, 1.1))
                pending.append((x, y, heading + side, width * rng.uniform(0.5, 0.85)))
                width *= 0.93


def _detail_tile(cells: int, rng: np.random.Generator) -> dict[str, Array]:
    """Fine relief of the wet wall: slopes (height per tube radius) and a tone in which hollows are darker."""
    per_unit = cells / DETAIL_UNITS
    shape = (cells, cells)
    height = 0.0015 * band_noise(shape, 0.11 * per_unit, rng) + 0.00022 * band_noise(shape, 0.04 * per_unit, rng)
    height += 0.00012 * fractal_noise(shape, 0.05 * per_unit, rng, slope=0.8)
    down, across = gradient(height, per_unit)
    return {"tone": (height / height.std()).astype(np.float32), "down": down, "across": across}


def _pit_tile(cells: int, rng: np.random.Generator) -> dict[str, Array]:
    """Pit pattern of a polyp: ridges and pits of band noise, half round pits and half gyri."""
    per_unit = cells / DETAIL_UNITS
    noise = band_noise((cells, cells), 0.05 * per_unit, rng, bandwidth=0.22)
    gyri = np.abs(noise) - 0.8
    mixed = np.tanh(1.2 * (gyri if rng.random() < 0.5 else noise))
    height = 0.0009 * mixed + 0.003 * band_noise((cells, cells), 0.22 * per_unit, rng)
    down, across = gradient(height.astype(np.float32), per_unit)
    return {"tone": (mixed / mixed.std()).astype(np.float32), "down": down, "across": across}
