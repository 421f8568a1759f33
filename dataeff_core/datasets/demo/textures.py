"""Tileable noise, and maps that wrap around both ways and are sampled with mip levels.

Everything the demo draws on the bowel wall is precomputed once a video in such maps, so that a texture
moves with the wall from frame to frame, as in a real video.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Array = NDArray[np.floating[Any]]  # float32 wherever there is one value a pixel or a texel


def band_noise(
    shape: tuple[int, int], wavelength: float, rng: np.random.Generator, *, bandwidth: float = 0.4
) -> Array:
    """Gaussian noise around one wavelength, periodic both ways.

    shape: (rows, columns); wavelength: in cells; bandwidth: standard deviation of the band, in octaves.
    Returns (rows, columns) float32 with mean 0 and standard deviation 1.
    """
    return _shaped(shape, rng, lambda octave: np.exp(-0.5 * ((octave + np.log2(wavelength)) / bandwidth) ** 2))


def fractal_noise(
    shape: tuple[int, int], longest: float, rng: np.random.Generator, *, shortest: float = 2.0, slope: float = 1.2
) -> Array:
    """Noise whose amplitude falls with frequency, periodic both ways.

    shape: (rows, columns); longest, shortest: wavelengths in cells between which there is noise; slope: the
    amplitude spectrum goes as frequency ** -slope. Returns (rows, columns) float32, mean 0 and deviation 1.
    """

    def spectrum(octave: Array) -> Array:
        inside = (octave >= -np.log2(longest)) & (octave <= -np.log2(shortest))
        return np.where(inside, np.exp2(-(slope + 0.5) * octave), 0.0).astype(np.float32)

    return _shaped(shape, rng, spectrum)


def _shaped(shape: tuple[int, int], rng: np.random.Generator, spectrum: Callable[[Array], Array]) -> Array:
    rows, columns = shape
    down, across = np.meshgrid(fft.fftfreq(rows), fft.rfftfreq(columns), indexing="ij")
    frequency = np.sqrt(down**2 + across**2).astype(np.float32)
    frequency[0, 0] = 1e-9
    wave = fft.rfft2(rng.standard_normal(shape, dtype=np.float32)) * spectrum(np.log2(frequency))
    wave[0, 0] = 0
    noise = fft.irfft2(wave, s=shape)
    return (noise / max(float(noise.std()), 1e-9)).astype(np.float32)


def gradient(height: Array, cells_per_unit: float) -> tuple[Array, Array]:
    """Slope along rows and along columns of a wrapped height map, in height per unit of length."""
    half = 0.5 * cells_per_unit
    return (
        (np.roll(height, -1, 0) - np.roll(height, 1, 0)) * half,
        (np.roll(height, -1, 1) - np.roll(height, 1, 1)) * half,
    )


@dataclass(frozen=True)
class WrappedMaps:
    """Several maps of one shape, each with its mip levels one after the other in one flat array."""

    channels: Mapping[str, Array]
    heights: NDArray[np.int32]  # of each level
    widths: NDArray[np.int32]
    starts: NDArray[np.int32]

    @classmethod
    def build(cls, maps: Mapping[str, Array], levels: int = 1) -> "WrappedMaps":
        """maps: name -> (rows, columns) float32, all of one shape; levels: how often the size is halved, plus 1."""
        flat: dict[str, Array] = {}
        shapes: list[tuple[int, int]] = []
        for name, full in maps.items():
            pyramid = [full.astype(np.float32)]
            while len(pyramid) < levels and min(pyramid[-1].shape) >= 4:
                pyramid.append(_halved(pyramid[-1]))
            shapes = [(level.shape[0], level.shape[1]) for level in pyramid]
            flat[name] = np.concatenate([level.ravel() for level in pyramid])
        sizes = np.array([rows * columns for rows, columns in shapes])
        return cls(
            channels=flat,
            heights=np.array([rows for rows, _ in shapes], dtype=np.int32),
            widths=np.array([columns for _, columns in shapes], dtype=np.int32),
            starts=(np.cumsum(sizes) - sizes).astype(np.int32),
        )

    def sample(self, v: Array, u: Array, names: tuple[str, ...], level: Array | None = None) -> list[Array]:
        """Bilinear values at fractions v, u of the map's height and width (any real number: it wraps).

        v, u: (n,); level: (n,) mip level, rounded to the nearest there is. Returns one (n,) array a name.
        """
        mip = np.zeros(1, dtype=np.int32) if level is None else np.rint(level).astype(np.int32)
        mip = np.clip(mip, 0, len(self.starts) - 1)
        height, width, start = self.heights[mip], self.widths[mip], self.starts[mip]
        row = (v - np.floor(v)) * height - np.float32(0.5)
        column = (u - np.floor(u)) * width - np.float32(0.5)
        row_floor, column_floor = np.floor(row), np.floor(column)
        down, across = row - row_floor, column - column_floor
        top, left = row_floor.astype(np.int32), column_floor.astype(np.int32)
        bottom, right = top + 1, left + 1
        top, left = np.where(top < 0, height - 1, top), np.where(left < 0, width - 1, left)
        bottom, right = np.where(bottom >= height, 0, bottom), np.where(right >= width, 0, right)
        first, second = start + top * width, start + bottom * width
        corners = (first + left, first + right, second + left, second + right)
        weights = ((1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across)
        return [self._blend(self.channels[name], corners, weights) for name in names]

    @staticmethod
    def _blend(flat: Array, corners: tuple, weights: tuple) -> Array:
        total = flat.take(corners[0], mode="clip") * weights[0]
        for corner, weight in zip(corners[1:], weights[1:], strict=True):
            total += flat.take(corner, mode="clip") * weight
        return total.astype(np.float32, copy=False)


def _halved(level: Array) -> Array:
    rows, columns = level.shape[0] // 2, level.shape[1] // 2
    return level[: rows * 2, : columns * 2].reshape(rows, 2, columns, 2).mean(axis=(1, 3), dtype=np.float32)
