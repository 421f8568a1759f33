"""Quality measures: a few numbers a frame from which blur, darkness, noise, bars and captions can be told.

Each is blind or misled on some fault (noise looks sharp, a caption looks rich in contrast); together they
tell (`dataeff_core.datasets.invalid`). They are measured inside the field of view unless said otherwise, on a
copy of fixed size, so that two resolutions of one scene measure alike.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image
from scipy import ndimage

from dataeff_core import field_of_view

WORKING_SIDE = 256  # pixels of the longer side while measuring
BLOCK = 8  # pixels: side of the tiles for flatness


@dataclass(frozen=True)
class Measure:
    """One quality measure: its key, and how people call it and its two ends."""

    name: str
    title: str
    unit: str
    low: str  # what a frame is called that is far below the rest, e.g. 'much blurrier than the rest'
    high: str
    bad: Literal["low", "high", "both"]  # the end at which a frame may be unusable

    def words(self, end: str) -> str:
        """The plain words for the end 'low' or 'high'."""
        return self.low if end == "low" else self.high


_all = (
    Measure("sharpness", "Sharpness", "share", "much blurrier", "much sharper", "low"),
    Measure("detail", "Fine detail", "log10 levels", "much smoother", "much busier", "both"),
    Measure("brightness", "Brightness", "grey levels", "much darker", "much brighter", "both"),
    Measure("contrast", "Contrast", "grey levels", "much flatter in contrast", "much harsher in contrast", "both"),
    Measure("clipped", "Clipped share", "share", "less clipped", "far more clipped to black or white", "high"),
    Measure("dark", "Dark share", "share", "less dark", "dark over far more of the field", "high"),
    Measure("glare", "Glare share", "share", "less glare", "glaring over far more of the field", "high"),
    Measure("entropy", "Entropy", "bits", "much emptier", "much busier in tone", "low"),
    Measure("border", "Border share", "share", "with less border", "with far more border or blank area", "both"),
    Measure("flat", "Flat share", "share", "with fewer flat areas", "flat over far more of the frame", "high"),
    Measure("noise", "Noise", "grey levels", "less noisy", "much noisier", "high"),
    Measure("bars", "Bars", "grey levels", "less striped", "far more striped with bars", "high"),
    Measure(
        "lettering",
        "Lettering",
        "grey levels",
        "with less lettering",
        "with far more lettering or drawn lines",
        "high",
    ),
    Measure("saturation", "Colour saturation", "share", "much paler in colour", "much stronger in colour", "both"),
    Measure("redness", "Red against green", "grey levels", "much greener", "much redder", "both"),
    Measure("yellowness", "Yellow against blue", "grey levels", "much bluer", "much yellower", "both"),
    Measure("colour_noise", "Colour speckle", "grey levels", "less colour speckle", "speckled with colour", "high"),
    Measure(
        "left_right", "Left against right", "share", "much darker on the right", "much darker on the left", "both"
    ),
    Measure(
        "top_bottom", "Top against bottom", "share", "much darker at the bottom", "much darker at the top", "both"
    ),
)
MEASURES: tuple[str, ...] = tuple(measure.name for measure in _all)
"""The keys of `measure`, in order; columns of the frames table carry them as q_<key>."""

DESCRIBED: dict[str, Measure] = {measure.name: measure for measure in _all}
"""What each measure is called, by key."""


def words(standing_out: str) -> str:
    """Plain words for what `invalid.score` names, e.g. 'sharpness:low' -> 'much blurrier than the rest'."""
    name, _, end = standing_out.partition(":")
    return f"{DESCRIBED[name].words(end)} than the rest"


def measure(rgb: np.ndarray) -> dict[str, float]:
    """All MEASURES of one RGB frame (h, w, 3) uint8 of any size. A function of the pixels alone."""
    whole = _at_working_size(rgb)
    field = field_of_view.find(whole)
    inside = field.crop(whole)
    grey = _luma(inside)
    whole_grey = _luma(whole)
    values = {
        **_tones(grey),
        **_structure(grey),
        **_colours(inside),
        "border": 1.0 - field.share,
        "flat": _flat_share(whole_grey),
        **_balance(whole_grey),
    }
    return {name: float(values[name]) for name in MEASURES}


def _at_working_size(rgb: np.ndarray) -> np.ndarray:
    height, width = rgb.shape[:2]
    scale = WORKING_SIDE / max(height, width)
    size = (max(BLOCK, round(width * scale)), max(BLOCK, round(height * scale)))
    if size == (width, height):
        return rgb
    filter_ = Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(rgb).resize(size, filter_))


def _luma(rgb: np.ndarray) -> np.ndarray:
    """(h, w) float32 luma (ITU-R BT.601), 0 to 255."""
    return rgb @ np.array([0.299, 0.587, 0.114], dtype=np.float32)


def _tones(grey: np.ndarray) -> dict[str, float]:
    histogram = np.bincount(np.minimum(grey, 255).astype(np.uint8).ravel(), minlength=256) / grey.size
    seen = histogram[histogram > 0]
    dark, glare = histogram[:20].sum(), histogram[245:].sum()
    return {
        "brightness": grey.mean(),
        "contrast": grey.std(),
        "clipped": histogram[:5].sum() + histogram[251:].sum(),
        "dark": dark,
        "glare": glare,
        "entropy": -(seen * np.log2(seen)).sum(),
    }


def _structure(grey: np.ndarray) -> dict[str, float]:
    step_down, step_right = np.abs(np.diff(grey, axis=0)), np.abs(np.diff(grey, axis=1))
    blurred_down = np.abs(np.diff(ndimage.uniform_filter1d(grey, 9, axis=0), axis=0))
    blurred_right = np.abs(np.diff(ndimage.uniform_filter1d(grey, 9, axis=1), axis=1))
    lost_down = np.maximum(step_down - blurred_down, 0).sum() / max(step_down.sum(), 1e-6)
    lost_right = np.maximum(step_right - blurred_right, 0).sum() / max(step_right.sum(), 1e-6)
    fine = np.abs(_second(_second(grey, 0), 1)) if min(grey.shape) > 2 else np.zeros(1)
    strong = np.minimum(step_down[:, :-1], 255) + step_right[:-1] if min(grey.shape) > 1 else np.zeros(1)
    return {
        # how much of the frame's gradient a further blur takes away (Crete et al. 2007): little, if blurred already
        "sharpness": min(lost_down, lost_right),
        "detail": np.log10(0.1 + step_down.mean() + step_right.mean()),
        # Immerkaer (1996), by the median, so that edges do not count
        "noise": np.sqrt(np.pi / 2) / 6 * np.median(fine) * 1.2,
        "bars": max(_bar_strength(grey, axis=1), _bar_strength(grey, axis=0)),
        "lettering": np.maximum(strong - 60, 0).mean(),
    }


def _second(values: np.ndarray, axis: int) -> np.ndarray:
    return np.diff(values, 2, axis=axis)


def _bar_strength(grey: np.ndarray, *, axis: int) -> float:
    """Mean step from one line's median to the next: large where whole rows (axis 1) or columns (0) jump together."""
    return float(np.abs(np.diff(np.median(grey, axis=axis))).mean()) if grey.shape[1 - axis] > 1 else 0.0


def _colours(rgb: np.ndarray) -> dict[str, float]:
    values = rgb.astype(np.float32)
    red, green, blue = values[..., 0], values[..., 1], values[..., 2]
    highest, lowest = values.max(axis=2), values.min(axis=2)
    chroma = red - green
    return {
        "saturation": (highest - lowest).sum() / max(highest.sum(), 1.0),
        "redness": chroma.mean(),
        "yellowness": ((red + green) / 2 - blue).mean(),
        "colour_noise": np.median(np.abs(np.diff(chroma, 2, axis=1))) if chroma.shape[1] > 2 else 0.0,
    }


def _flat_share(grey: np.ndarray) -> float:
    """Share of tiles in which nothing happens: surround, blank frame, solid bar."""
    rows, columns = grey.shape[0] // BLOCK, grey.shape[1] // BLOCK
    tiles = grey[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    spread = tiles.max(axis=(1, 3)) - tiles.min(axis=(1, 3))
    return float((spread <= 4).mean())


def _balance(grey: np.ndarray) -> dict[str, float]:
    rows, columns = grey.shape
    left, right = grey[:, : columns // 2].mean(), grey[:, columns // 2 :].mean()
    top, bottom = grey[: rows // 2].mean(), grey[rows // 2 :].mean()
    return {
        "left_right": (right - left) / max(right + left, 8.0),
        "top_bottom": (bottom - top) / max(top + bottom, 8.0),
    }
