"""Quality measures: a few numbers a frame from which blur, darkness, noise, bars and captions can be told.

Each is blind or misled on some fault (noise looks sharp, a caption looks rich in contrast); together they
tell (`dataeff_core.datasets.invalid`). They are measured inside the field of view unless said otherwise, on a
copy of fixed size, so that two resolutions of one scene measure alike.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from dataeff_core import field_of_view

WORKING_SIDE = 192  # pixels of the longer side while measuring
TILE = 8  # pixels: side of the tiles for flatness
REBLUR = 13  # pixels: the further blur against which sharpness is measured
EDGES = 4  # of two bars: a frame that was shifted has up to three, where its black margin ends
RIM = 5  # pixels at the field's border, where it may end along a straight line
SPAN = 0.6  # share of the field that such an edge must run across
LARGEST_STEP = 60  # grey levels: beyond, a step says no more of an edge
COLOUR_SIDE = 48  # pixels of the longer side while colours are averaged


@dataclass(frozen=True)
class Measure:
    """One quality measure: its key, and how people call it and its two ends."""

    name: str
    title: str
    unit: str
    low: str  # what a frame is called that is far below the rest, e.g. 'much blurrier' (than the rest)
    high: str
    bad: Literal["low", "high", "both"]  # the end at which a frame may be unusable
    least_spread: float  # differences of this size are usual in any dataset (of the logarithm, where there is a skew)
    skew: float | None = None  # for one that is seldom far from 0: what is added before its logarithm is compared

    def words(self, end: str) -> str:
        """The plain words for the end 'low' or 'high'."""
        return self.low if end == "low" else self.high


_ALL = (
    Measure("sharpness", "Sharpness", "share", "much blurrier", "much sharper", "low", 0.03),
    Measure("detail", "Fine detail", "log10 levels", "much smoother", "much busier", "both", 0.08),
    Measure("brightness", "Brightness", "grey levels", "much darker", "much brighter", "both", 8),
    Measure("contrast", "Contrast", "grey levels", "much flatter in contrast", "much harsher in contrast", "both", 5),
    Measure(
        "clipped", "Clipped share", "share", "less clipped", "far more clipped to black or white", "high", 0.2, 0.05
    ),
    Measure("dark", "Dark share", "share", "less dark", "dark over far more of the field", "high", 0.2, 0.05),
    Measure(
        "glare", "Glare share", "share", "less glaring", "glaring over far more of the field", "high", 0.15, 0.25
    ),
    Measure("entropy", "Entropy", "bits", "much emptier", "much richer in tones", "low", 0.2),
    Measure(
        "border", "Border share", "share", "with less border", "with far more border or blank area", "both", 0.04
    ),
    Measure("off_centre", "Off centre", "share", "nearer the centre", "lit far off the centre", "high", 0.15, 0.05),
    Measure("flat", "Flat share", "share", "with fewer flat areas", "flat over far more of the frame", "high", 0.05),
    Measure("noise", "Noise", "grey levels", "less noisy", "much noisier", "high", 0.2, 1.0),
    Measure("bars", "Bars", "grey levels", "less striped", "far more striped with straight bars", "high", 2),
    Measure(
        "lettering", "Lettering", "grey levels", "with less lettering", "with far more lettering", "high", 0.2, 1.0
    ),
    Measure(
        "saturation", "Colour saturation", "share", "much paler in colour", "much stronger in colour", "both", 0.05
    ),
    Measure("redness", "Red against green", "grey levels", "much greener", "much redder", "both", 8),
    Measure("yellowness", "Yellow against blue", "grey levels", "much bluer", "much yellower", "both", 8),
    Measure(
        "colour_noise", "Colour speckle", "grey levels", "less speckled", "speckled with colour", "high", 0.15, 1.0
    ),
)
MEASURES: tuple[str, ...] = tuple(one.name for one in _ALL)
"""The keys of `measure`, in order; columns of the frames table carry them as q_<key>."""

DESCRIBED: dict[str, Measure] = {one.name: one for one in _ALL}
"""What each measure is called, by key."""


def words(standing_out: str) -> str:
    """Plain words for what `invalid.score` names, e.g. 'sharpness:low' -> 'much blurrier than the rest'."""
    name, _, end = standing_out.partition(":")
    return f"{DESCRIBED[name].words(end)} than the rest"


def measure(rgb: np.ndarray) -> dict[str, float]:
    """All MEASURES of one RGB frame (h, w, 3) uint8 of any size. A function of the pixels alone."""
    image = _at_working_size(rgb)
    field = field_of_view.find(np.asarray(image))
    inside = image.crop((field.left, field.top, field.right, field.bottom))
    grey = np.asarray(inside.convert("L"))
    values = {
        **_tones(grey),
        **_structure(grey.astype(np.float32)),
        **_colours(inside),
        "bars": _straight_edges(_without_rim(np.asarray(inside))),
        "border": 1.0 - field.share,
        "off_centre": np.hypot(
            (field.left + field.right) / image.width - 1, (field.top + field.bottom) / image.height - 1
        ),
        "flat": _flat_share(np.asarray(image.convert("L"))),
    }
    return {name: float(values[name]) for name in MEASURES}


def _at_working_size(rgb: np.ndarray) -> Image.Image:
    image = Image.fromarray(rgb)
    scale = WORKING_SIDE / max(image.size)
    size = (max(TILE, round(image.width * scale)), max(TILE, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR)


def _tones(grey: np.ndarray) -> dict[str, float]:
    counts = np.bincount(grey.ravel(), minlength=256)
    seen = counts[counts > 0] / grey.size
    return {
        "brightness": grey.mean(),
        "contrast": grey.std(),
        "clipped": (counts[:5].sum() + counts[251:].sum()) / grey.size,
        "dark": counts[:20].sum() / grey.size,
        "glare": counts[245:].sum() / grey.size,
        "entropy": -(seen * np.log2(seen)).sum(),
    }


def _structure(grey: np.ndarray) -> dict[str, float]:
    from scipy import ndimage

    calm = ndimage.gaussian_filter(grey, 0.7, truncate=2)  # noise would look sharp
    steps = [np.abs(np.diff(grey, axis=axis)) for axis in (0, 1)]
    strong = steps[0][:, :-1] + steps[1][:-1]
    return {
        "sharpness": min(_lost_by_blurring(calm, axis) for axis in (0, 1)),
        "detail": np.log10(0.1 + steps[0].mean() + steps[1].mean()),
        "noise": _noise(grey),
        "lettering": np.maximum(strong - 60, 0).mean(),
    }


def _lost_by_blurring(grey: np.ndarray, axis: int) -> float:
    """Share of the steps along an axis that a further blur takes away (Crete et al. 2007): little where the frame is
    blurred already."""
    from scipy import ndimage

    before = np.abs(np.diff(grey, axis=axis))
    after = np.abs(np.diff(ndimage.uniform_filter1d(grey, REBLUR, axis=axis), axis=axis))
    return float(np.maximum(before - after, 0).sum() / max(before.sum(), 1e-6))


def _noise(grey: np.ndarray) -> float:
    """Standard deviation of noise in grey levels (Immerkaer 1996), by the median, so that edges do not count."""
    if min(grey.shape) < 3:
        return 0.0
    fine = np.abs(np.diff(np.diff(grey, 2, axis=0), 2, axis=1))[::2, ::2]
    return float(np.median(fine) / 0.6745 / 6)


def _without_rim(inside: np.ndarray) -> np.ndarray:
    """The field less its rim: a round field that the sensor cuts off straight ends in edges that are no bars."""
    return inside[RIM:-RIM, RIM:-RIM] if min(inside.shape[:2]) > 4 * RIM else inside


def _straight_edges(rgb: np.ndarray) -> float:
    """How strong EDGES edges are at least that run straight across the field, along rows or columns."""
    channels = rgb.transpose(2, 0, 1).astype(np.int16)
    both_ways = (channels[:, :, ::4], channels[:, ::4].swapaxes(1, 2))
    strengths = [_edge_strength(lines) for lines in both_ways if lines.shape[1] > EDGES]
    return max((float(np.sort(strength)[-EDGES]) for strength in strengths), default=0.0)


def _edge_strength(lines: np.ndarray) -> np.ndarray:
    """(n - 1,) the step that at least SPAN of the pixels of a line (3, n, m) take to the next, all in one direction,
    in the channel where it is largest: an overlay's edge, which does not span the field, counts for little."""
    steps = np.ascontiguousarray(np.diff(lines, axis=1))
    low, high = round((1 - SPAN) * (steps.shape[2] - 1)), round(SPAN * (steps.shape[2] - 1))
    steps.partition((low, high), axis=2)
    return np.maximum(steps[..., low], -steps[..., high]).max(axis=0).clip(0, LARGEST_STEP)


def _colours(inside: Image.Image) -> dict[str, float]:
    small = inside.copy()
    small.thumbnail((COLOUR_SIDE, COLOUR_SIDE), Image.Resampling.BOX)
    values = np.asarray(small, dtype=np.float32)
    red, green, blue = (values[..., channel].mean() for channel in range(3))
    highest, lowest = values.max(axis=2), values.min(axis=2)
    chroma = np.asarray(inside.convert("YCbCr"))[::2, :, 1:].astype(np.int16)
    return {
        "saturation": (highest - lowest).sum() / max(highest.sum(), 1.0),
        "redness": red - green,
        "yellowness": (red + green) / 2 - blue,
        "colour_noise": np.abs(np.diff(chroma, 2, axis=1)).clip(0, 40).mean() if chroma.shape[1] > 2 else 0.0,
    }


def _flat_share(grey: np.ndarray) -> float:
    """Share of tiles in which nothing happens: surround, blank frame, solid bar."""
    rows, columns = grey.shape[0] // TILE, grey.shape[1] // TILE
    tiles = grey[: rows * TILE, : columns * TILE].reshape(rows, TILE, columns, TILE)
    spread = tiles.max(axis=(1, 3)) - tiles.min(axis=(1, 3))
    return float((spread <= 4).mean())
