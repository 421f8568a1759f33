"""Pictures of the best, median and worst test images: truth as an outline, prediction as a tint.

Yellow and blue (Okabe and Ito 2008) are told apart with any colour vision, and stand out from tissue.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

LONGEST = 512  # pixels of the longer side
EACH = 4  # pictures of each kind
TRUTH = (240, 228, 66)  # yellow outline, with a black one around it
PREDICTION = (0, 114, 178)  # blue
TINT = 0.45  # of the prediction's colour
QUALITY = 88  # WEBP


Picture = Callable[[pd.Series], np.ndarray]
"""A frame -> (h, w, 3) uint8, as it is to be drawn on."""


def write(
    folder: Path,
    frames: pd.DataFrame,
    iou: np.ndarray,
    masks: Callable[[int], tuple[np.ndarray, np.ndarray]],
    picture: Picture,
) -> None:
    """Write `<kind>-<rank>-<frame_id>.webp` for the chosen rows of `frames`, whose IoU (n,) is given; `masks` gives
    of a row truth and prediction, bool and of one size."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, rows in chosen(iou).items():
        for rank, row in enumerate(rows, start=1):
            frame = frames.iloc[row]
            rgb = picture(frame)
            size = (rgb.shape[1], rgb.shape[0])
            truth, predicted = (np.asarray(Image.fromarray(mask).resize(size)) for mask in masks(row))
            drawn = Image.fromarray(overlay(rgb, truth, predicted))
            drawn.save(folder / f"{kind}-{rank}-{frame['frame_id']}.webp", "WEBP", quality=QUALITY)


def chosen(iou: np.ndarray, *, each: int = EACH) -> dict[str, list[int]]:
    """'best', 'median', 'worst' -> rows of (n,) iou, best first; none twice, ties to the first."""
    order = np.argsort(-iou, kind="stable").tolist()
    each = max(1, min(each, len(order) // 3)) if len(order) >= 3 else 0
    if not each:
        return {"best": order[:1], "median": [], "worst": order[1:]}
    middle = (len(order) - each) // 2
    return {"best": order[:each], "median": order[middle : middle + each], "worst": order[-each:][::-1]}


def overlay(rgb: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """An image (h, w, 3) uint8 with the prediction (h, w) bool as a blue tint and the truth's outline in yellow."""
    from scipy import ndimage

    out = rgb.astype(np.float32)
    out[predicted] = (1 - TINT) * out[predicted] + TINT * np.array(PREDICTION, np.float32)
    inside = ndimage.binary_erosion(truth, iterations=2, border_value=0)
    around = ndimage.binary_dilation(truth)
    out[around & ~inside] = 0
    out[truth & ~inside] = TRUTH
    return out.round().clip(0, 255).astype(np.uint8)
