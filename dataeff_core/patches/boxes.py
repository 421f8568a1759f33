"""Boxes made fit for use: clipped, neither too small nor too large, inside the field of view, few that overlap.

A box is top, left, bottom, right, half-open; as shares of the frame's sides here, in whole pixels when stored.
"""

import numpy as np

from dataeff_core import field_of_view
from dataeff_core.patches.base import Candidates, Proposer


def tidied(found: Candidates, image: np.ndarray, rules: Proposer) -> np.ndarray:
    """The candidates of one frame (h, w, 3) uint8 that pass the rules, surest first: (k, 5) float64, box and score.

    Ties go to the upper, then the left box, so that the order does not depend on how they were found.
    """
    boxes = np.clip(np.asarray(found.boxes, np.float64).reshape(-1, 4), 0, 1)
    scores = np.asarray(found.scores, np.float64)
    height, width = np.maximum(boxes[:, 2] - boxes[:, 0], 0), np.maximum(boxes[:, 3] - boxes[:, 1], 0)
    area = height * width
    fits = np.isfinite(boxes).all(axis=1) & np.isfinite(scores) & (area >= rules.min_area) & (area <= rules.max_area)
    if rules.lit > 0 and fits.any():
        fits[fits] = shares_of(lit_mask(image), boxes[fits]) >= rules.lit
    boxes, scores = boxes[fits], scores[fits]
    order = np.lexsort((*boxes.T[::-1], -scores))
    boxes, scores = boxes[order], scores[order]
    kept = suppressed(boxes, rules.overlap)[: rules.most]
    return np.concatenate([boxes[kept], scores[kept, None]], axis=1)


def suppressed(boxes: np.ndarray, overlap: float) -> np.ndarray:
    """Non-maximum suppression of (k, 4) boxes, the surest first -> (m,) int64 rows: each that overlaps with no
    earlier kept one by more than `overlap` (intersection over union)."""
    left = np.arange(len(boxes))
    kept: list[int] = []
    while len(left):
        best, left = int(left[0]), left[1:]
        kept.append(best)
        left = left[intersection_over_union(boxes[best], boxes[left]) <= overlap]
    return np.array(kept, dtype=np.int64)


def intersection_over_union(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(4,), (k, 4) -> (k,) in [0, 1]; the same in pixels and in shares of the sides. 0 where both are empty."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[2:], boxes[:, 2:])
    both = np.prod(np.maximum(high - low, 0), axis=1)
    union = np.prod(box[2:] - box[:2]) + np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) - both
    return np.divide(both, union, out=np.zeros(len(boxes)), where=union > 0)


def lit_mask(image: np.ndarray) -> np.ndarray:
    """Where a frame (h, w, 3) uint8 shows tissue, (r, c) bool on a small copy: the lit field without the surround,
    and without overlays that stand beside it. All False for a frame without light."""
    small = field_of_view.shrink(image, field_of_view.WORKING_SIDE)
    field = field_of_view.find(small)
    mask = np.zeros(small.shape[:2], bool)
    if field.share >= field_of_view.SMALLEST:
        part = np.s_[field.top : field.bottom, field.left : field.right]
        mask[part] = field_of_view.lit_part(small)[part]
    return mask


def shares_of(mask: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(r, c) bool and (k, 4) boxes as shares of its sides -> (k,) float64: how much of each box is True."""
    rows, columns = mask.shape
    total = np.zeros((rows + 1, columns + 1))
    total[1:, 1:] = mask.cumsum(axis=0).cumsum(axis=1)
    top, bottom = np.floor(boxes[:, 0] * rows).astype(int), np.ceil(boxes[:, 2] * rows).astype(int)
    left, right = np.floor(boxes[:, 1] * columns).astype(int), np.ceil(boxes[:, 3] * columns).astype(int)
    inside = total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left]
    return inside / np.maximum((bottom - top) * (right - left), 1)


def in_pixels(boxes: np.ndarray, height: int, width: int, min_side: int) -> tuple[np.ndarray, np.ndarray]:
    """(k, 4) boxes as shares -> (m, 4) int32 pixels of a frame of that size, and the (m,) rows they are of: those
    with both sides of at least `min_side` pixels."""
    scale = np.array([height, width, height, width])
    pixels = np.rint(boxes * scale).astype(np.int32)
    sides = pixels[:, 2:] - pixels[:, :2]
    rows = np.flatnonzero((sides >= max(1, min_side)).all(axis=1))
    return pixels[rows], rows
