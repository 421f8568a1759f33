"""Whether two frames show the same view: one laid over the other, shifted until they fit best.

Normalised cross-correlation (Lewis 1995) of the middle of one picture with all of the other, over all shifts that a
margin allows, in one FFT a pair. Shading is taken out first, so that light falling alike is no likeness. Rolls of a
few degrees and zooms of a few per cent move the middle's rim by about a pixel, which the smoothing forgives. The
measure is known, its use on candidate pairs of near-duplicates is our choice.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image
from scipy import fft, ndimage

from dataeff_core import field_of_view

SIDE = 64  # pixels of the square pictures
MARGIN = 1 / 8  # of the side: the largest shift, and what the middle leaves out all around
FINE, COARSE = 1 / 64, 1 / 6  # of the side: between these Gaussians lies what is compared
SAME = 0.77  # correlation from which two pictures show the same view
BAND = 0.3  # cycles a pixel: the highest frequency compared
FLAT = 1.0  # grey levels: a picture that varies less than this has no structure to compare
BLOCK = 512  # pairs at once
REMEMBERED = 8192  # pictures that a Confirmer keeps, 14 kB each


@dataclass(frozen=True)
class Prepared:
    """What is needed of each picture, computed once. Spectra hold only the frequencies up to BAND, f each way."""

    spectra: np.ndarray  # (n, 2 f + 1, f + 1) complex64: of the whole picture
    middles: np.ndarray  # (n, 2 f + 1, f + 1) complex64: of its middle, zero mean and unit length, zeros around it
    lengths: np.ndarray  # (n, k, k) float32: length of the zero-mean window at each shift
    window: int  # pixels: the middle's side
    down: np.ndarray  # (k, 2 f + 1) complex64: inverse Fourier transform to the k shifts along columns
    across: np.ndarray  # (f + 1, k) complex64: and along rows

    def room(self, count: int) -> "Prepared":
        """Room for `count` pictures of the same size, still empty."""

        def empty(like: np.ndarray) -> np.ndarray:
            return np.empty((count, *like.shape[1:]), like.dtype)

        return replace(self, spectra=empty(self.spectra), middles=empty(self.middles), lengths=empty(self.lengths))

    def put(self, begin: int, fresh: "Prepared") -> None:
        """Put the pictures of `fresh` at `begin` and on."""
        place = slice(begin, begin + len(fresh.spectra))
        self.spectra[place], self.middles[place], self.lengths[place] = fresh.spectra, fresh.middles, fresh.lengths


def picture(rgb: np.ndarray, side: int = SIDE) -> np.ndarray:
    """The field of view of an RGB frame (h, w, 3) uint8 as (side, side) uint8 grey levels."""
    field = field_of_view.find(rgb)
    box = (field.left, field.top, field.right, field.bottom)
    return np.asarray(Image.fromarray(rgb).convert("L").resize((side, side), Image.Resampling.BOX, box=box))


def same_view(
    grey: np.ndarray, left: np.ndarray, right: np.ndarray, *, limit: float = SAME
) -> tuple[np.ndarray, np.ndarray]:
    """Whether pairs of pictures show the same view.

    Takes pictures (n, s, s) uint8 or float32, as `picture` makes them, and rows left and right (m,) of the pairs.
    Returns (m,) bool, True = the same view, and (m,) float32, the correlation in [-1, 1]; both symmetric.
    """
    scores = correlation(grey, left, right)
    return scores >= np.float32(limit), scores


def correlation(grey: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(m,) float32: the best correlation of each pair over all shifts, the mean of both ways round."""
    used, positions = np.unique(np.concatenate([left, right]), return_inverse=True)
    if not len(used):
        return np.zeros(0, np.float32)
    prepared = prepare(np.asarray(grey[used]))
    first, second = positions[: len(left)], positions[len(left) :]
    blocks = [slice(start, start + BLOCK) for start in range(0, len(left), BLOCK)]
    return np.concatenate([_fits(prepared, first[part], second[part]) for part in blocks])


class Confirmer:
    """A selection.base.Confirm: asks for the picture (s, s) of a row when it first needs it, and remembers the last
    REMEMBERED pictures as they are compared."""

    def __init__(self, load_grey: Callable[[int], np.ndarray], *, limit: float = SAME) -> None:
        self.load_grey = load_grey
        self.limit = np.float32(limit)
        self.slots: dict[int, int] = {}  # row -> where its picture is remembered
        self.prepared: Prepared | None = None

    def __call__(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """(m,) and (m,) rows -> (m,) bool, True = the same view. Raises what loading a picture raises."""
        same = np.zeros(len(left), dtype=bool)
        for start in range(0, len(left), BLOCK):
            part = slice(start, start + BLOCK)
            first, second = np.asarray(left[part]).tolist(), np.asarray(right[part]).tolist()
            prepared = self._remember({*first, *second})
            slots = [np.array([self.slots[row] for row in rows]) for rows in (first, second)]
            same[part] = _fits(prepared, *slots) >= self.limit
        return same

    def _remember(self, rows: set[int]) -> Prepared:
        """What is remembered, with `rows` among it: at most 2 BLOCK rows."""
        if len(self.slots.keys() | rows) > REMEMBERED:
            self.slots.clear()
        missing = sorted(rows - self.slots.keys())
        if missing:
            fresh = prepare(np.stack([self.load_grey(row) for row in missing]))
            if self.prepared is None:
                self.prepared = fresh.room(REMEMBERED)
            begin = len(self.slots)
            self.prepared.put(begin, fresh)
            self.slots.update({row: begin + at for at, row in enumerate(missing)})
        if self.prepared is None:
            raise ValueError("there are no rows to compare")
        return self.prepared


def confirmer(load_grey: Callable[[int], np.ndarray], *, limit: float = SAME) -> Confirmer:
    """A Confirm over rows whose pictures (s, s), as `picture` makes them, `load_grey` gives."""
    return Confirmer(load_grey, limit=limit)


def prepare(grey: np.ndarray) -> Prepared:
    """Spectra and window lengths of pictures (n, s, s)."""
    side = grey.shape[1]
    margin = max(1, round(MARGIN * side))
    band = max(1, round(BAND * side))
    frequencies = np.concatenate([np.arange(band + 1), np.arange(-band, 0)])
    values = grey.astype(np.float32)
    fine, coarse = (ndimage.gaussian_filter(values, (0, part * side, part * side)) for part in (FINE, COARSE))
    full = fft.rfft2(fine - coarse)
    spectra = full[:, frequencies, : band + 1].astype(np.complex64)
    limited = np.zeros_like(full)
    limited[:, frequencies, : band + 1] = spectra
    values = fft.irfft2(limited, s=(side, side))
    inner = np.s_[:, margin : side - margin, margin : side - margin]
    middle = np.zeros_like(values)
    middle[inner] = values[inner] - values[inner].mean(axis=(1, 2), keepdims=True)
    middle /= np.maximum(np.linalg.norm(middle, axis=(1, 2), keepdims=True), 1e-3)
    shifts = np.arange(-margin, margin + 1)
    turns = 2j * np.pi / side
    both_signs = np.where(np.arange(band + 1) == 0, 1, 2)  # of a real picture only half the frequencies are stored
    return Prepared(
        spectra=spectra,
        middles=fft.rfft2(middle)[:, frequencies, : band + 1].astype(np.complex64),
        lengths=_window_lengths(values, side - 2 * margin),
        window=side - 2 * margin,
        down=(np.exp(turns * np.outer(shifts, frequencies)) / side**2).astype(np.complex64),
        across=(both_signs[:, None] * np.exp(turns * np.outer(np.arange(band + 1), shifts))).astype(np.complex64),
    )


def _window_lengths(values: np.ndarray, window: int) -> np.ndarray:
    """(n, k, k): the length of every (window, window) part of values (n, s, s) after its mean is taken out."""
    sums = [_window_sums(part, window) for part in (values, values**2)]
    return np.sqrt(np.maximum(sums[1] - sums[0] ** 2 / window**2, 0)).astype(np.float32)


def _window_sums(values: np.ndarray, window: int) -> np.ndarray:
    total = np.pad(values.astype(np.float64), ((0, 0), (1, 0), (1, 0))).cumsum(axis=1).cumsum(axis=2)
    rows = total[:, window:] - total[:, :-window]
    return rows[:, :, window:] - rows[:, :, :-window]


def _fits(prepared: Prepared, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(m,) float32 in [-1, 1]: the best correlation of each pair, the mean of both ways round; 1 where neither
    picture has any structure, for then nothing tells them apart."""
    fits = ((_best(prepared, left, right) + _best(prepared, right, left)) / 2).clip(-1, 1)
    unshifted = prepared.lengths.shape[1] // 2
    flat = [prepared.lengths[rows, unshifted, unshifted] < FLAT * prepared.window for rows in (left, right)]
    return np.where(flat[0] & flat[1], np.float32(1), fits)


def _best(prepared: Prepared, whole: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """(m,) the middle of one picture laid over another whole one where it fits best."""
    products = prepared.spectra[whole] * prepared.middles[middle].conj()
    overlap = (prepared.down @ (products @ prepared.across)).real
    return (overlap / np.maximum(prepared.lengths[whole], 1e-3)).max(axis=(1, 2))
