"""Reconstruction errors made comparable between patches of different size.

A small box is enlarged to the network's input and is smooth there, so its error is low whatever it shows; a large
one is shrunk and full of detail. The paper says nothing of it. Ours: the error is divided by what is usual for
patches that were enlarged as much, the median of those nearest in scale, so that hardness compares a patch with its
like; it keeps the unit of the error, and its overall median.
"""

import numpy as np

SMALLEST_BIN = 64  # patches that a median is taken of; with fewer than two bins nothing is corrected
MOST_BINS = 24
TINY = 1e-12  # an error of 0 has no logarithm


def enlargement(boxes: np.ndarray, side: int) -> np.ndarray:
    """(m, 4) boxes in pixels -> (m,) float64: pixels of the network's input for each of the original, by length."""
    height, width = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    return side / np.sqrt(np.maximum(height, 1) * np.maximum(width, 1.0))


def usual_error(error: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(m,) errors and enlargements -> (m,) float64: the median error at each patch's enlargement, interpolated
    between the medians of bins with about equally many patches; the median of all where there are too few to tell."""
    logs, places = np.log(np.maximum(error, TINY)), np.log(scale)
    bins = min(MOST_BINS, len(error) // SMALLEST_BIN)
    if bins < 2:
        return np.full(len(error), float(np.exp(np.median(logs))) if len(error) else 1.0)
    edges = np.unique(np.quantile(places, np.arange(1, bins) / bins))
    which = np.searchsorted(edges, places, side="left")  # equal sizes share a bin, whatever the order of patches
    parts = [np.flatnonzero(which == one) for one in np.unique(which)]
    centres = [float(np.median(places[part])) for part in parts]
    medians = [float(np.median(logs[part])) for part in parts]
    return np.exp(np.interp(places, centres, medians))


def corrected(error: np.ndarray, scale: np.ndarray, constant: np.ndarray) -> np.ndarray:
    """(m,) errors, enlargements and whether a patch has one colour -> (m,) float64 hardness >= 0.

    A constant patch has nothing to draw and gets 0; it does not count for what is usual.
    """
    hardness = np.zeros(len(error))
    told = ~constant
    if told.any():
        usual = usual_error(error[told], scale[told])
        hardness[told] = error[told] / usual * np.exp(np.median(np.log(np.maximum(error[told], TINY))))
    return hardness
