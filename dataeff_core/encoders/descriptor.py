"""The encoder without weights: what lies where in the field of view, whitened over the dataset.

Soft-pooled gradient histograms (Dalal and Triggs 2005) and Lab low frequencies of the cropped field of view,
centred over the dataset and moderately whitened: scaled by 1/sqrt(variance + 2 mean variance) along principal
axes, so that what all frames share counts little and what is rare does not drown in noise. The parts are known,
their combination is our choice. Cosines of whitened vectors are lower than a network's: near-duplicates stand
above about 0.4, so calibrate the limit instead of taking the papers' 0.9.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from PIL import Image

from dataeff_core import field_of_view
from dataeff_core.encoders.base import Encoder, LoadedEncoder
from dataeff_core.workspace.storage import write_atomically

SIDE = 64  # pixels: the field of view is brought to a square of this side
CELLS = 8  # a row: pooling cells of gradients, lightness and colour alike
ORIENTATIONS = 12  # bins over 180 degrees
POOLING_WIDTH = 0.6  # of a cell: standard deviation of the pooling window, wide so that a shift of 5 % costs little
BLOCK_WEIGHTS = (1.0, 0.6, 0.5)  # gradients, lightness, colour: standard deviation of each block as a whole
BLOCKS = tuple(np.cumsum([0, CELLS**2 * ORIENTATIONS, CELLS**2, CELLS**2 * 2]).tolist())

SHRINKAGE = 2.0  # mean variances added to each variance before its root is divided by
LEAST_VARIANCE = (6.0, 4.0, 2000.0)  # of each block in total, a third of what real frames have: so that
# in a set of copies of one view their small differences are not blown up to the size of real ones
LIKENESS = 4.0  # constant last component, by which vectors near the mean (identical frames) are alike, not unrelated
FIT_ROWS = 50_000  # frames that mean and covariance are taken from, evenly spaced over the dataset
CHUNK_ROWS = 4096


class Descriptor(Encoder):
    """Gradient histograms and Lab low frequencies of the field of view; needs no weights."""

    NAME: ClassVar[str] = "descriptor"
    TITLE: ClassVar[str] = "Shapes and colours in the field of view (no weights needed)"
    READS: ClassVar[Literal["thumbnail", "original"]] = "thumbnail"

    def load(self, *, device: str = "auto") -> "LoadedDescriptor":
        """Nothing to load; `device` is not used."""
        return LoadedDescriptor()


class LoadedDescriptor(LoadedEncoder):
    """The descriptor, after `fit` or `load_state` with the dataset's mean and axes."""

    STATE = "descriptor.npz"
    weights = "none"
    preprocessing = "descriptor-1"
    feature_dim = BLOCKS[-1]
    MOST_AXES = 255  # and the constant: 256 components

    def __init__(self) -> None:
        self.mean: np.ndarray | None = None  # (feature_dim,) float32
        self.axes: np.ndarray | None = None  # (feature_dim, axes) float32, whitening included

    def features(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """(n, feature_dim) float32 for RGB uint8 images (h, w, 3) of any size; rows independent."""
        if not len(images):
            return np.zeros((0, self.feature_dim), np.float32)
        return np.stack([describe(squared_field(image)) for image in images])

    def fit(self, features: np.ndarray) -> None:
        """Take mean and whitened principal axes from features (n, feature_dim), in chunks, from at most FIT_ROWS."""
        rows = features[:: max(1, -(-len(features) // FIT_ROWS))]
        self.mean, covariance = _moments(rows)
        block_scale = _block_scales(np.diag(covariance))
        covariance *= block_scale[:, None] * block_scale
        variance, axes = np.linalg.eigh(covariance)
        kept = min(self.MOST_AXES, max(1, len(rows) - 1))
        variance, axes = np.maximum(variance[::-1][:kept], 0), axes[:, ::-1][:, :kept]
        spanned = min(self.feature_dim, max(1, len(rows) - 1))
        mean_variance = sum(weight**2 for weight in BLOCK_WEIGHTS) / spanned
        whitening = 1 / np.sqrt(variance + SHRINKAGE * mean_variance)
        signs = np.where(axes[np.abs(axes).argmax(axis=0), np.arange(kept)] < 0, -1, 1)  # eigh leaves them open
        self.axes = (block_scale[:, None] * axes * (whitening * signs)).astype(np.float32)

    def finish(self, features: np.ndarray) -> np.ndarray:
        """(n, axes + 1) float32, rows L2-normalised. Raises ValueError before `fit` or `load_state`."""
        if self.mean is None or self.axes is None:
            raise ValueError(
                "the descriptor must be fitted to a dataset, or its state loaded, before it makes vectors"
            )
        centred = np.asarray(features, np.float32) - self.mean
        constant = np.full((len(centred), 1), LIKENESS, np.float32)
        return super().finish(np.hstack([centred @ self.axes, constant]))

    def save_state(self, folder: Path) -> None:
        """Write mean and axes to `descriptor.npz`."""
        if self.mean is None or self.axes is None:
            raise ValueError("the descriptor has nothing to save before it is fitted")
        mean, axes = self.mean, self.axes
        write_atomically(folder / self.STATE, lambda stream: np.savez(stream, mean=mean, axes=axes))

    def load_state(self, folder: Path) -> None:
        """Read what `save_state` wrote."""
        with np.load(folder / self.STATE, allow_pickle=False) as state:
            self.mean, self.axes = state["mean"], state["axes"]


def squared_field(rgb: np.ndarray) -> np.ndarray:
    """The field of view of an RGB frame, brought to (SIDE, SIDE, 3) uint8."""
    field = field_of_view.find(rgb)
    box = (field.left, field.top, field.right, field.bottom)
    small = min(field.bottom - field.top, field.right - field.left) < SIDE
    filter_ = Image.Resampling.BILINEAR if small else Image.Resampling.BOX
    return np.asarray(Image.fromarray(rgb).resize((SIDE, SIDE), filter_, box=box))


def describe(square: np.ndarray) -> np.ndarray:
    """(feature_dim,) float32 of a field of view (SIDE, SIDE, 3) uint8.

    Lightness is standardised within the frame, which takes out exposure and most of gamma.
    """
    lightness, green_red, blue_yellow = _lab(square)
    lightness = (lightness - lightness.mean()) / (lightness.std() + 5.0)
    window = _pooling_window()
    low = window @ lightness @ window.T
    colour = window @ np.stack([green_red, blue_yellow]) @ window.T
    return np.concatenate([_gradient_histograms(lightness).ravel(), low.ravel(), colour.ravel()])


def _gradient_histograms(lightness: np.ndarray) -> np.ndarray:
    """(ORIENTATIONS, CELLS, CELLS): roots of pooled gradient strength, the strength of the frame divided out."""
    down, right = np.zeros_like(lightness), np.zeros_like(lightness)
    down[1:-1] = lightness[2:] - lightness[:-2]
    right[:, 1:-1] = lightness[:, 2:] - lightness[:, :-2]
    strength = np.hypot(down, right)
    position = (np.arctan2(down, right) * np.float32(ORIENTATIONS / np.pi)) % ORIENTATIONS
    distance = np.abs(position - np.arange(ORIENTATIONS, dtype=np.float32)[:, None, None])
    share = np.maximum(1 - np.minimum(distance, ORIENTATIONS - distance), 0)  # linear between neighbouring bins
    window = _pooling_window()
    pooled = window @ (share * strength) @ window.T
    power = (pooled**2).sum(axis=0).mean()
    return np.sqrt(np.maximum(pooled, 0) / np.sqrt(power + 1e-3))


@cache
def _pooling_window() -> np.ndarray:
    """(CELLS, SIDE) float32: a Gaussian window a cell, rows summing to one."""
    cell = SIDE / CELLS
    centres = (np.arange(CELLS) + 0.5) * cell - 0.5
    window = np.exp(-0.5 * ((np.arange(SIDE) - centres[:, None]) / (POOLING_WIDTH * cell)) ** 2)
    return (window / window.sum(axis=1, keepdims=True)).astype(np.float32)


@cache
def _linear_light() -> np.ndarray:
    """(256,) float32: sRGB level -> linear light in [0, 1]."""
    level = np.arange(256) / 255
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4).astype(np.float32)


# sRGB primaries to CIE XYZ (D65), rows divided by the white point
_XYZ = np.array([[0.43395, 0.37622, 0.18983], [0.21267, 0.71515, 0.07218], [0.01776, 0.10947, 0.87277]], np.float32)


def _lab(rgb: np.ndarray) -> np.ndarray:
    """(3, h, w) float32 CIE L*, a*, b* of sRGB uint8 (h, w, 3)."""
    xyz = np.tensordot(_XYZ, _linear_light()[rgb], axes=([1], [2]))
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def _moments(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) float32 and covariance (d, d) float64 of rows, read chunk by chunk."""
    chunks = [slice(start, start + CHUNK_ROWS) for start in range(0, len(rows), CHUNK_ROWS)]
    dim = rows.shape[1]
    mean = sum((np.asarray(rows[part], np.float64).sum(axis=0) for part in chunks), np.zeros(dim)) / max(len(rows), 1)
    covariance = np.zeros((dim, dim))
    for part in chunks:
        centred = np.asarray(rows[part], np.float32) - mean.astype(np.float32)
        covariance += centred.T @ centred
    return mean.astype(np.float32), covariance / max(len(rows) - 1, 1)


def _block_scales(variance: np.ndarray) -> np.ndarray:
    """(d,) factors that bring each block's total variance to its weight squared, or less where it hardly varies."""
    scales = np.empty(len(variance))
    for index, weight in enumerate(BLOCK_WEIGHTS):
        block = slice(BLOCKS[index], BLOCKS[index + 1])
        scales[block] = weight / np.sqrt(max(variance[block].sum(), LEAST_VARIANCE[index]))
    return scales
