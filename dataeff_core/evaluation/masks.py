"""Masks from files: what is foreground, whether it fits its frame, and how it is held in memory."""

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset
from dataeff_core.workspace.storage import file_sha256, fingerprint

FORMATS = ("PNG", "JPEG", "BMP", "DIB", "TIFF", "WEBP", "GIF")
LOSSY = ("JPEG", "MPO", "WEBP")
MOST_PIXELS = 178_956_970  # as for frames
HALF = 127  # of 255: brighter is foreground, which compression around 0 and 255 does not touch
ASPECT = 0.02  # a mask whose width / height differs from its frame's by more than this share does not fit it
READERS = 4  # threads; decoding leaves Python free
DAMAGE = (OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError, OverflowError)


class Unusable(Exception):
    """A mask that cannot be used; the message is the reason, in plain words."""


@dataclass(frozen=True)
class Masks:
    """n masks, each of its own size, a bit a pixel."""

    packed: tuple[np.ndarray, ...]  # uint8, from np.packbits
    shapes: tuple[tuple[int, int], ...]  # (h, w) in pixels
    shares: np.ndarray  # (n,) float64: foreground's share of each mask's area

    @classmethod
    def of(cls, masks: Sequence[np.ndarray]) -> "Masks":
        """From (h, w) bool arrays."""
        shares = np.array([mask.mean() for mask in masks], np.float64)
        return cls(tuple(np.packbits(mask) for mask in masks), tuple(mask.shape for mask in masks), shares)

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, wanted: np.ndarray) -> "Masks":
        """Those in rows `wanted`: (n,) bool or (m,) int64."""
        rows = np.arange(len(self))[wanted]
        return Masks(tuple(self.packed[i] for i in rows), tuple(self.shapes[i] for i in rows), self.shares[rows])

    def mask(self, row: int) -> np.ndarray:
        """(h, w) bool, True = foreground."""
        height, width = self.shapes[row]
        return np.unpackbits(self.packed[row], count=height * width).reshape(height, width).astype(bool)

    def coverage(self, side: int) -> np.ndarray:
        """(n, side, side) float32: of each cell of a grid laid over each mask, the share that is foreground."""
        cells = np.empty((len(self), side, side), np.float32)
        for row in range(len(self)):
            grey = Image.fromarray(self.mask(row).astype(np.float32), mode="F")
            cells[row] = np.asarray(grey.resize((side, side), Image.Resampling.BOX))
        return cells.clip(0, 1)


def masks_fingerprint(dataset: Dataset) -> str:
    """sha256 over the content of every frame's mask file. Raises BadInput when the dataset has no masks."""
    files = [dataset.mask_file(frame) for _, frame in _with_masks(dataset).iterrows()]
    return fingerprint([None if file is None or not file.is_file() else file_sha256(file) for file in files])


def read_masks(dataset: Dataset, reporter: Reporter) -> tuple[pd.DataFrame, Masks, dict[str, str], dict[str, str]]:
    """The frames that have a mask that fits (index 0..m-1), those masks, why each other frame is left out
    (frame_id -> reason), and notes. Raises BadInput when no mask can be used, or none has any foreground."""
    frames = dataset.frames
    named = _with_masks(dataset)
    left_out = {str(one): "it has no mask" for one in frames["frame_id"][~frames["frame_id"].isin(named["frame_id"])]}
    masks: list[np.ndarray] = []
    used: list[int] = []
    resized = 0
    with ThreadPoolExecutor(READERS) as threads:
        found = threads.map(lambda row: _tried(dataset, row), (row for _, row in named.iterrows()))
        for at, mask in enumerate(reporter.over(found, "reading masks", len(named))):
            if isinstance(mask, str):
                left_out[str(named["frame_id"].iat[at])] = mask
                continue
            used.append(at)
            resized += mask.shape != (named["height"].iat[at], named["width"].iat[at])
            masks.append(mask)
    _check(dataset, masks, left_out)
    notes = {}
    if resized:
        notes["mask_sizes"] = f"{resized} masks are of another size than their frames: scored on the masks' pixels"
    return named.iloc[used].reset_index(drop=True), Masks.of(masks), left_out, notes


def foreground(path: Path) -> np.ndarray:
    """The mask in the file `path` as (h, w) bool. Raises Unusable.

    A picture is foreground where its brightest channel is above 127 of 255 (so a JPEG's ringing changes nothing), or
    1 where it has no value above 1 and is no JPEG; a palette's colours count relative to the brightest in use; a
    transparent picture of one colour is foreground where it is opaque.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures and broken EXIF; the check below is ours
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise Unusable(f"its mask has more than {MOST_PIXELS // 1_000_000} megapixels")
                image.load()
                lossless = image.format not in LOSSY
                return _foreground(ImageOps.exif_transpose(image), lossless)
    except FileNotFoundError as error:
        raise Unusable("its mask file is gone") from error
    except Image.DecompressionBombError as error:
        raise Unusable(f"its mask has more than {MOST_PIXELS // 1_000_000} megapixels") from error
    except DAMAGE as error:
        raise Unusable(f"its mask cannot be read ({str(error)[:120] or type(error).__name__})") from error


def _foreground(image: Image.Image, lossless: bool) -> np.ndarray:
    if image.mode == "1":
        return np.asarray(image)
    if image.mode == "P":
        brightest = _brightest(np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB")))
        return (brightest > 0) & (brightest > brightest.max() / 2)
    values = np.asarray(image)
    if image.mode in ("LA", "RGBA", "La", "RGBa"):
        opaque = values[..., -1] > HALF
        one_colour = (values[..., :-1] == values[0, 0, :-1]).all()
        if one_colour and not opaque.all():
            return opaque
    return _cut(_brightest(values) if values.ndim == 3 else values, lossless)


def _brightest(values: np.ndarray) -> np.ndarray:
    """(h, w, c) -> (h, w): the brightest colour channel, 0 where the pixel is transparent."""
    channels = values.shape[-1]
    brightest = values[..., : channels - (channels in (2, 4))].max(axis=-1)
    return brightest * (values[..., -1] > HALF) if channels in (2, 4) else brightest


def _cut(values: np.ndarray, lossless: bool) -> np.ndarray:
    highest = values.max()
    if lossless and highest <= 1:
        return values > 0.5
    if lossless and highest <= HALF:
        raise Unusable(f"its mask's values go up to {highest:g}, so it is neither 0 and 255 nor 0 and 1")
    return values > (HALF if highest <= 255 else 32767)


def _tried(dataset: Dataset, frame: pd.Series) -> np.ndarray | str:
    """The mask of `frame`, or why it cannot be used."""
    try:
        file = dataset.mask_file(frame)
        if file is None:
            return "it has no mask"
        mask = foreground(file)
    except (Unusable, BadInput) as error:
        return str(error)
    height, width = mask.shape
    if abs(width * frame["height"] / (height * frame["width"]) - 1) > ASPECT:
        size = f"{frame['width']} x {frame['height']}"
        return f"its mask is {width} x {height} pixels and it is {size}: other proportions"
    return mask


def _with_masks(dataset: Dataset) -> pd.DataFrame:
    frames = dataset.frames
    named = frames[frames["mask_bytes"].notna()]
    if named.empty:
        raise BadInput(
            f"{dataset.record.name} has no masks, which segmentation needs; import it again with --masks FOLDER, "
            "where each mask is called like its frame"
        )
    return named


def _check(dataset: Dataset, masks: list[np.ndarray], left_out: dict[str, str]) -> None:
    if not masks:
        reason = next(iter(left_out.values()))
        raise BadInput(f"none of {dataset.record.name}'s masks can be used (the first: {reason}); give others")
    if not any(mask.any() for mask in masks):
        raise BadInput(
            f"all {len(masks)} masks of {dataset.record.name} are empty, so there is no foreground to learn; check "
            "that foreground is bright (above 127 of 255, or 1 of 0 and 1) in them"
        )
