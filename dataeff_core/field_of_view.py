"""Where in a frame the scope looks: the lit field, without the black surround, overlays and captions.

The surround is the same in every frame of a processor and would make strangers look alike, so both the
descriptor and the quality measures look only inside. The method is our choice: whatever is brighter than
the frame's own margin, its largest connected part, and of that the rows and columns that are well filled.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

WORKING_SIDE = 96  # pixels of the longer side while searching
MARGIN_QUANTILE = 0.2  # this share of the margin's pixels is taken to be surround, where there is one
ABOVE_SURROUND = 12.0  # levels above the surround from which a pixel counts as lit,
DARKEST_TISSUE = 30.0  # but never below this
COLOUR_WEIGHT = 1.5  # levels of light that one level of colour (highest minus lowest channel) counts for
BRIGHTEST_SURROUND = 56.0  # a margin lighter than this is no surround: the field fills the frame
NECK = 0.06  # of the shorter side: what touches the field by less than this is no part of it
FILLED = 0.6  # a row or column belongs to the field when it is this full, against the best-filled ones
SMALLEST = 0.04  # of the frame's area: a smaller field is not believed


@dataclass(frozen=True)
class Field:
    """The field of view as half-open pixel ranges of the frame it was found in, and how much of the frame it is."""

    top: int
    bottom: int
    left: int
    right: int
    share: float  # lit part of the whole frame, in [0, 1]: 1 without a surround, 0 without light

    def crop(self, image: np.ndarray) -> np.ndarray:
        """The part of `image` (h, w, ...) inside the field, as a view."""
        return image[self.top : self.bottom, self.left : self.right]


def find(rgb: np.ndarray) -> Field:
    """The field of view of a frame (h, w, 3) uint8. A frame without surround, or all dark, is field throughout."""
    height, width = rgb.shape[:2]
    small = shrink(rgb, WORKING_SIDE)
    lit = lit_part(small)
    share = float(lit.mean())
    if share < SMALLEST:
        return Field(0, height, 0, width, share)
    # columns first, then rows within them: an overlay beside the field then no longer widens any row
    left, right = _filled_range(lit.sum(axis=0))
    top, bottom = _filled_range(lit[:, left:right].sum(axis=1))
    left, right = _filled_range(lit[top:bottom].sum(axis=0))
    rows, columns = lit.shape
    return Field(
        top=int(np.floor(top * height / rows)),
        bottom=max(int(np.ceil(bottom * height / rows)), 1),
        left=int(np.floor(left * width / columns)),
        right=max(int(np.ceil(right * width / columns)), 1),
        share=share,
    )


def shrink(rgb: np.ndarray, side: int) -> np.ndarray:
    """The frame (h, w, 3) uint8 with its longer side at most `side` pixels, averaged down."""
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX))


def lit_part(rgb: np.ndarray) -> np.ndarray:
    """(h, w) bool: the largest connected part of a small frame (h, w, 3) uint8 that is lit, dents and holes filled.

    Colour counts as light, because a dark lumen is still red where a surround, even a grey one, is neutral.
    """
    from scipy import ndimage

    red, green, blue = (rgb[..., channel] for channel in range(3))  # several times faster than along the last axis
    highest = np.maximum(np.maximum(red, green), blue).astype(np.float32)
    lowest = np.minimum(np.minimum(red, green), blue)
    light = ndimage.uniform_filter(highest + COLOUR_WEIGHT * (highest - lowest), 3)
    margin = np.sort(np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]]))
    surround = float(margin[int(MARGIN_QUANTILE * (len(margin) - 1))])
    if surround > BRIGHTEST_SURROUND:
        return np.ones(light.shape, dtype=bool)
    lit = light > max(surround + ABOVE_SURROUND, DARKEST_TISSUE)
    parts, count = ndimage.label(_opened(lit, max(3, round(NECK * min(lit.shape)) | 1)))
    if count == 0:
        return np.zeros(light.shape, dtype=bool)
    return _dents_filled(parts == 1 + np.argmax(np.bincount(parts.ravel())[1:]))


def _opened(part: np.ndarray, size: int) -> np.ndarray:
    """Without whatever is thinner than `size` pixels: letters, and the necks by which overlays touch the field."""
    from scipy import ndimage

    return ndimage.maximum_filter(ndimage.minimum_filter(part, size, mode="nearest"), size, mode="nearest")


def _dents_filled(part: np.ndarray) -> np.ndarray:
    """With every pixel that has some of the part to its left and right, and some above and below it."""
    either = np.ones(part.shape, dtype=bool)
    for axis in (0, 1):
        before = np.maximum.accumulate(part, axis=axis)
        after = np.flip(np.maximum.accumulate(np.flip(part, axis), axis=axis), axis)
        either &= before & after
    return either


def _filled_range(filled: np.ndarray) -> tuple[int, int]:
    enough = np.flatnonzero(filled >= FILLED * np.median(filled[filled > 0]))
    return int(enough[0]), int(enough[-1]) + 1
