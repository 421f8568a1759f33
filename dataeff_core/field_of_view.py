"""Where in a frame the scope looks: the lit field, without the black surround, overlays and captions.

The surround is the same in every frame of a processor and would make strangers look alike, so both the
descriptor and the quality measures look only inside. The method is our choice: whatever is brighter than
the frame's own margin, its largest connected part, and of that the rows and columns that are well filled.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

WORKING_SIDE = 96  # pixels of the longer side while searching
MARGIN_QUANTILE = 0.2  # this share of the margin's pixels is taken to be surround, where there is one
DARKEST_TISSUE = 12.0  # grey levels above the surround from which a pixel counts as lit
BRIGHTEST_SURROUND = 56.0  # a margin lighter than this is no surround: the field fills the frame
FILLED = 0.5  # a row or column belongs to the field when it is this full, against the best-filled ones
SMALLEST = 0.04  # of the frame's area: a smaller field is not believed


@dataclass(frozen=True)
class Field:
    """The field of view as half-open pixel ranges of the frame it was found in, and how much of the frame it is."""

    top: int
    bottom: int
    left: int
    right: int
    share: float  # lit part of the whole frame, in [0, 1]; 1 when no surround was found

    def crop(self, image: np.ndarray) -> np.ndarray:
        """The part of `image` (h, w, ...) inside the field, as a view."""
        return image[self.top : self.bottom, self.left : self.right]


def find(rgb: np.ndarray) -> Field:
    """The field of view of a frame (h, w, 3) uint8. A frame without surround, or all dark, is field throughout."""
    height, width = rgb.shape[:2]
    small = shrink(rgb, WORKING_SIDE)
    lit = lit_part(small.max(axis=2))
    share = float(lit.mean())
    if share < SMALLEST:
        return Field(0, height, 0, width, 1.0 if not lit.any() else share)
    top, bottom = _filled_range(lit.sum(axis=1))
    left, right = _filled_range(lit.sum(axis=0))
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


def lit_part(value: np.ndarray) -> np.ndarray:
    """(h, w) bool: the largest connected part of `value` (h, w) uint8 that is lighter than its margin, holes filled."""
    margin = np.concatenate([value[0], value[-1], value[:, 0], value[:, -1]])
    surround = float(np.quantile(margin, MARGIN_QUANTILE))
    if surround > BRIGHTEST_SURROUND:
        return np.ones(value.shape, dtype=bool)
    lit = ndimage.uniform_filter(value.astype(np.float32), 3) > surround + DARKEST_TISSUE
    parts, count = ndimage.label(lit)
    if count == 0:
        return lit
    largest = parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])
    return _holes_filled(largest)


def _holes_filled(part: np.ndarray) -> np.ndarray:
    outside, _ = ndimage.label(~part)
    touching = np.unique(np.concatenate([outside[0], outside[-1], outside[:, 0], outside[:, -1]]))
    return ~np.isin(outside, touching[touching > 0])


def _filled_range(filled: np.ndarray) -> tuple[int, int]:
    enough = np.flatnonzero(filled >= FILLED * np.quantile(filled[filled > 0], 0.9))
    return int(enough[0]), int(enough[-1]) + 1
