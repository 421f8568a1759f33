"""The health of a dataset before any embedding: what cannot be read, what is copied, what looks unusable.

Thresholds are our choice: relative to the dataset (median and robust spread of its own frames), because cameras
differ, held by absolute guards, so that a uniformly fine dataset shows nothing and a black frame always shows.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dataeff_core.workspace.datasets import Dataset

SPREADS = 3.5  # robust standard deviations from the median (Iglewicz and Hoaglin 1993 for outliers)
BLANK_SHARE = 0.97  # of the frame in which nothing happens
DARKEST, DARK = 20.0, 45.0  # mean grey level: below the first always too dark, above the second never
BRIGHTEST, BRIGHT = 235.0, 170.0
BLURRIEST, BLURRED = 0.25, 0.55  # sharpness share: below the first always blurred, above the second never
USUAL_SIZE_SHARE = 0.05  # a size that this share of the frames has is usual
SIZE_FACTOR, ASPECT_FACTOR = 1.5, 1.25  # how far from all usual sizes, in its longer side or shape, a size is odd


@dataclass(frozen=True)
class Problem:
    """One kind of problem, its frames, and the threshold by which they were found."""

    name: str
    title: str
    sentence: str  # what it means, in plain words, with the threshold
    measure: str | None  # the column it was judged by
    threshold: float | None
    frame_ids: tuple[str, ...]  # worst first

    @property
    def count(self) -> int:
        return len(self.frame_ids)


@dataclass(frozen=True)
class CopyGroup:
    """Frames whose content is exactly the same, in the dataset's order."""

    sha256: str
    frame_ids: tuple[str, ...]


@dataclass(frozen=True)
class HealthReport:
    """All that is known of a dataset's health; counts are of frames that are present."""

    dataset: str
    frames: int
    vanished: int
    unreadable: tuple[tuple[str, str], ...]  # (path, reason)
    copies: tuple[CopyGroup, ...]
    problems: tuple[Problem, ...]  # too dark, too bright, blurred, blank, odd size: in this order

    @property
    def exact_duplicates(self) -> int:
        """Frames that equal an earlier one."""
        return sum(len(group.frame_ids) - 1 for group in self.copies)

    def problem(self, name: str) -> Problem:
        """The problem called `name`."""
        return next(problem for problem in self.problems if problem.name == name)


def health_report(dataset: Dataset) -> HealthReport:
    """The health of `dataset`, from its tables alone; no file is opened."""
    frames = dataset.frames
    blank = _blank(frames)
    rest = frames[~frames["frame_id"].isin(blank.frame_ids)]  # a black frame is blank, not also dark and blurred
    unreadable = dataset.unreadable
    return HealthReport(
        dataset=dataset.id,
        frames=len(frames),
        vanished=len(dataset.all_frames) - len(frames),
        unreadable=tuple((str(a), str(b)) for a, b in zip(unreadable["path"], unreadable["reason"], strict=True)),
        copies=copy_groups(frames),
        problems=(_dark(rest), _bright(rest), _blurred(rest), blank, _odd_size(frames)),
    )


def copy_groups(frames: pd.DataFrame) -> tuple[CopyGroup, ...]:
    """Groups of two and more frames with equal sha256, largest first."""
    copied = frames[frames["sha256"].duplicated(keep=False)]
    groups = [CopyGroup(str(key), tuple(ids)) for key, ids in copied.groupby("sha256", sort=False)["frame_id"]]
    return tuple(sorted(groups, key=lambda group: -len(group.frame_ids)))


def lower_limit(values: np.ndarray, *, always: float, never: float) -> float:
    """The threshold below which a value is unusually low: SPREADS robust deviations below the median, but at least
    `always` and at most `never`."""
    return float(np.clip(_centre(values) - SPREADS * _spread(values), always, never))


def upper_limit(values: np.ndarray, *, always: float, never: float) -> float:
    """The same at the other end: at most `always` and at least `never`."""
    return float(np.clip(_centre(values) + SPREADS * _spread(values), never, always))


def _centre(values: np.ndarray) -> float:
    return float(np.nanmedian(values)) if len(values) else 0.0


def _spread(values: np.ndarray) -> float:
    return 1.4826 * float(np.nanmedian(np.abs(values - np.nanmedian(values)))) if len(values) else 0.0


def _dark(frames: pd.DataFrame) -> Problem:
    values = frames["q_brightness"].to_numpy(np.float64)
    limit = lower_limit(values, always=DARKEST, never=DARK)
    sentence = f"Mean brightness inside the field of view under {limit:.0f} of 255."
    return Problem("dark", "Too dark", sentence, "q_brightness", limit, _below(frames, values, limit))


def _bright(frames: pd.DataFrame) -> Problem:
    values = frames["q_brightness"].to_numpy(np.float64)
    limit = upper_limit(values, always=BRIGHTEST, never=BRIGHT)
    sentence = f"Mean brightness inside the field of view over {limit:.0f} of 255."
    return Problem("bright", "Too bright", sentence, "q_brightness", limit, _below(frames, -values, -limit))


def _blurred(frames: pd.DataFrame) -> Problem:
    values = frames["q_sharpness"].to_numpy(np.float64)
    limit = lower_limit(values, always=BLURRIEST, never=BLURRED)
    sentence = f"A further blur would take less than {limit:.0%} of the frame's edges: it is blurred already."
    return Problem("blurred", "Blurred", sentence, "q_sharpness", limit, _below(frames, values, limit))


def _blank(frames: pd.DataFrame) -> Problem:
    values = frames["q_flat"].to_numpy(np.float64)
    sentence = f"Nothing happens in {BLANK_SHARE:.0%} of the frame or more: black, white or one colour."
    return Problem("blank", "Blank", sentence, "q_flat", BLANK_SHARE, _below(frames, -values, -BLANK_SHARE))


def _odd_size(frames: pd.DataFrame) -> Problem:
    """Frames much larger, smaller or of another shape than every usual size (where none is usual: the median)."""
    longer = frames[["width", "height"]].max(axis=1).to_numpy(np.float64)
    aspect = frames["width"].to_numpy(np.float64) / np.maximum(frames["height"].to_numpy(np.float64), 1)
    sizes = frames["width"].astype("int64") * 1_000_000 + frames["height"].astype("int64")
    usual = sizes.map(sizes.value_counts(normalize=True)).to_numpy(np.float64) >= USUAL_SIZE_SHARE
    references = set(zip(longer[usual], aspect[usual], strict=True)) or {(_centre(longer), _centre(aspect))}
    odd = np.ones(len(frames), bool)
    for reference_longer, reference_aspect in references:
        near = _within(longer, reference_longer, SIZE_FACTOR) & _within(aspect, reference_aspect, ASPECT_FACTOR)
        odd &= ~near
    sentence = (
        f"More than {SIZE_FACTOR} times larger or smaller, or more than {ASPECT_FACTOR} times wider or narrower in "
        "shape, than any size that is usual here."
    )
    return Problem("size", "Odd size", sentence, None, SIZE_FACTOR, tuple(frames["frame_id"][odd]))


def _within(values: np.ndarray, reference: float, factor: float) -> np.ndarray:
    return (values <= reference * factor) & (values * factor >= reference)


def _below(frames: pd.DataFrame, values: np.ndarray, limit: float) -> tuple[str, ...]:
    """Ids of the frames whose value is at or below `limit`, lowest first."""
    rows = np.flatnonzero(values <= limit)
    return tuple(frames["frame_id"].to_numpy(object)[rows[np.argsort(values[rows], kind="stable")]])
