"""The timeline: each video or ordered group as a strip of what stays, what goes, and the longest stretch without.

A strip is one video, or the images of one group in their order. Where every frame has a time, places on the strip
are seconds, else frames counted from 0: then a stretch has a length in frames only. The longest stretch is our
choice of what to warn of: the papers say nothing of when frames were taken. A hole in time, where the file cannot be
decoded or frames have vanished, is such a stretch as well, though no frame was removed in it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from dataeff_core.selection.base import INVALID, REASONS
from dataeff_core.workspace.pins import PINNED
from dataeff_core.workspace.trail import RULE

CODES = {**{reason: code for code, reason in enumerate(REASONS)}, PINNED: len(REASONS)}
LONG, LONG_SHARE = 10.0, 0.1  # seconds; share of a strip: our choice
LEAST_SECONDS, LEAST_FRAMES = 3.0, 5  # below these no share of a short strip is much
HOLE = 3.0  # usual steps from one frame to the next; what is longer is a hole in time: our choice
NOBODY, PERSON, BY_RULE = 0, 1, 2
OTHER = CODES["duplicate"]  # a method's own reason is drawn like the most common one


@dataclass(frozen=True)
class Gap:
    """A stretch in which every frame is removed, or in which there is none."""

    first: int  # place in the strip of its first frame; where it has none, of the kept one after it ...
    last: int  # ... and of its last; where it has none, first - 1
    start: float  # where it begins: at the kept frame before it, else at its first frame
    end: float  # where it ends, likewise
    whole: bool  # nothing else is in the strip: no frame stays
    timed: bool
    share: float  # of the strip's length, or of its frames where times are not known

    @property
    def frames(self) -> int:
        """Removed frames in it."""
        return self.last - self.first + 1

    @property
    def length(self) -> float:
        """Seconds, or frames where times are not known."""
        return self.end - self.start if self.timed else float(self.frames)

    @property
    def long(self) -> bool:
        """Whether it is to catch the eye: LONG seconds, LONG_SHARE of a strip and not too few, or all."""
        least = LEAST_SECONDS if self.timed else LEAST_FRAMES
        return (
            self.whole or (self.timed and self.length >= LONG) or (self.share >= LONG_SHARE and self.length >= least)
        )

    @property
    def sentence(self) -> str:
        """'18 s without a kept frame'; of a hole in time also that nothing is there to choose from."""
        return self.told()

    def told(self, where: str = "") -> str:
        """The sentence, with words on where it is."""
        if self.whole and self.frames == 1:
            return f"its only frame is removed{where}"
        long = lasting(self.length) if self.timed else _frames(self.frames)
        if self.whole:
            return f"no frame stays in {long}{where}"
        hole = "" if self.frames else "; there are no frames to choose from in it"
        return f"{long} without a kept {'frame' if self.timed else 'one'}{where}{hole}"


@dataclass(frozen=True, eq=False)
class Strip:
    """Frames of one video, or one group's images, in their order."""

    group: str
    video: str  # the video's path, '' for images
    name: str  # the group, and the video where the group has more than that one
    rows: np.ndarray  # (m,) int64 rows of the frames table, in the strip's order; m >= 1
    at: np.ndarray  # (m,) float64, ascending: seconds where `timed`, else 0, 1, ..., m - 1
    timed: bool
    codes: np.ndarray  # (m,) uint8, CODES of the reasons
    kept: np.ndarray  # (m,) bool, True = kept
    decider: np.ndarray  # (m,) uint8: PERSON or BY_RULE where a pin holds, if only by agreeing, else NOBODY

    @property
    def start(self) -> float:
        return float(self.at[0])

    @property
    def end(self) -> float:
        return float(self.at[-1])

    @property
    def opens(self) -> float:
        """Where what is shown begins: a video at 0 s, even where its first frames are not there."""
        return min(0.0, self.start) if self.timed and self.video else self.start

    @property
    def reach(self) -> tuple[float, float]:
        """What a drawing spans: half a mean step more on both sides, so that the frames at the ends have room."""
        half = (self.end - self.start) / (len(self.at) - 1) / 2 if len(self.at) > 1 else 0.5
        return min(self.start - half, self.opens), self.end + half

    @cached_property
    def gap(self) -> Gap | None:
        """The longest stretch without a kept frame, the earliest of equal ones; None where every frame stays and
        none is far from the next. How long a video lasts after its last frame is not known here."""
        stays = np.flatnonzero(self.kept)
        before, after = np.append(-1, stays), np.append(stays, len(self.kept))
        places = np.r_[self.opens, self.at, self.end]  # by place + 1
        if len(stays) == 0:
            places[0] = self.start  # what is told then is how long the frames last
        start, end, frames = places[before + 1], places[after + 1], after - before - 1
        holes = np.flatnonzero((frames > 0) | (end - start > self._much))
        if not len(holes):
            return None
        length = (end - start if self.timed else frames)[holes]
        one = holes[np.lexsort((-holes, frames[holes], length))[-1]]
        of = self.end - self.opens if self.timed else len(self.at)
        return Gap(
            first=int(before[one]) + 1,
            last=int(after[one]) - 1,
            start=float(start[one]),
            end=float(end[one]),
            whole=not len(stays),
            timed=self.timed,
            share=float(length.max() / (of or 1)),
        )

    @property
    def _much(self) -> float:
        """Steps longer than this are holes: clearly longer than the usual one, where there is a usual one."""
        steps = np.diff(np.unique(self.at))
        return HOLE * float(np.median(steps)) if self.timed and len(steps) > 1 else np.inf

    def density(self, bins: int) -> np.ndarray:
        """(5, b) uint32, b <= bins: how many frames in each of b equal parts of `reach` are kept, removed, removed
        as unusable (not counted among the removed again), and of all these decided by a reviewer and by a rule."""
        bins = max(1, min(bins, len(self.at)))
        low, high = self.reach
        where = (self.at - low) * (bins / (high - low)) if high > low else np.zeros(len(self.at))
        part = np.clip(where.astype(np.int64), 0, bins - 1)
        kind = np.where(self.kept, 0, np.where(self.codes == CODES[INVALID], 2, 1))
        counts = np.bincount(kind * bins + part, minlength=3 * bins).reshape(3, bins)
        pinned = [np.bincount(part[self.decider == who], minlength=bins) for who in (PERSON, BY_RULE)]
        return np.vstack([counts, *pinned]).astype(np.uint32)


def strips(frames: pd.DataFrame, decisions: pd.DataFrame) -> tuple[Strip, ...]:
    """The strips of a selection, by group and within it by first frame; together they hold every frame once.

    `frames` is the frames table (frame_id, source, path, kind, group, time_s, ...), `decisions` has
    DECISION_COLUMNS, with pins OVERRIDE_COLUMNS as well, and is row for row the same frames.
    """
    kept = (decisions["decision"] == "kept").to_numpy(bool)
    codes = decisions["reason"].map(CODES).fillna(OTHER).to_numpy(np.uint8)
    decider = _deciders(decisions)
    time = frames["time_s"].to_numpy(np.float64)
    made = []
    for group, video, rows in _parts(frames):
        order, seconds = _positions(time[rows], bool(video))
        at = np.arange(len(rows), dtype=np.float64) if seconds is None else seconds
        there = rows[order]
        timed = seconds is not None
        made.append(Strip(group, video, group, there, at, timed, codes[there], kept[there], decider[there]))
    return tuple(_named(made))


def sentence(found: Sequence[Strip]) -> str:
    """What to say of all strips together: how many keep nothing, and the longest stretch without a kept frame."""
    bare = sum(one.gap is not None and one.gap.whole for one in found)
    told = f"No frame stays of {bare} of {len(found)} groups and videos. " if bare else ""
    worst = longest([one for one in found if one.gap is not None and not one.gap.whole])
    if worst is None or worst.gap is None:
        return f"{told}Every {'other ' if bare else ''}frame stays."
    return f"{told}The longest stretch is {worst.gap.told(f', in {worst.name}')}."


def longest(found: Sequence[Strip]) -> Strip | None:
    """The strip with the longest stretch; times go before frame counts. None where no strip has one."""
    with_gap = [one for one in found if one.gap is not None]
    return max(with_gap, key=order_of, default=None)


def order_of(strip: Strip) -> tuple[bool, bool, float]:
    """What strips are sorted by, greatest first, to see the longest stretch first: nothing kept, time known, length.

    A strip without such a stretch comes last."""
    gap = strip.gap
    return (False, False, -1.0) if gap is None else (gap.whole, gap.timed, gap.length)


def lasting(seconds: float) -> str:
    """A length of time, never coarser than a second: '4.2 s', '18 s', '2 min 5 s', '1 h 2 min 3 s'."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{count} {unit}" for count, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if count]
    return " ".join(parts)


def _frames(count: int) -> str:
    return f"{count} frame{'' if count == 1 else 's'}"


def _deciders(decisions: pd.DataFrame) -> np.ndarray:
    """(n,) uint8: whose pin holds."""
    if "reviewer" not in decisions:
        return np.zeros(len(decisions), np.uint8)
    who = decisions["reviewer"]
    by_rule = who.str.startswith(RULE).fillna(False).to_numpy(bool)
    return np.where(who.isna(), NOBODY, np.where(by_rule, BY_RULE, PERSON)).astype(np.uint8)


def _parts(frames: pd.DataFrame) -> list[tuple[str, str, np.ndarray]]:
    """(group, video, rows) of every strip; rows ascend, as the table is in each group's order."""
    group = frames["group"].astype(str).to_numpy(object)
    path = frames["path"].astype(str).where(frames["kind"] == "video", "").to_numpy(object)
    source = frames["source"].where(frames["kind"] == "video", -1).to_numpy()
    keys = pd.MultiIndex.from_arrays([group, source, path])
    number, found = keys.factorize()
    by_number = np.argsort(number, kind="stable").astype(np.int64)
    cuts = np.searchsorted(number[by_number], np.arange(1, len(found)))
    split = np.split(by_number, cuts)[: len(found)]  # of no frames there is one empty part
    parts = [(str(one), str(video), rows) for (one, _, video), rows in zip(found, split, strict=True)]
    return sorted(parts, key=lambda part: (part[0], int(part[2][0])))


def _positions(time: np.ndarray, video: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """The order of a strip's frames and, in it, their seconds where these are known of all and tell them apart."""
    if not np.isfinite(time).all() or not (video or time.max() > time.min()):
        return np.arange(len(time)), None
    order = np.argsort(time, kind="stable")
    return order, time[order]


def _named(made: Sequence[Strip]) -> list[Strip]:
    """Each strip by its group's name; where a group has several, by the video's too."""
    count = Counter(one.group for one in made)
    return [
        replace(one, name=f"{one.group} · {one.video or 'images'}")
        if count[one.group] > 1 and one.video != one.group
        else one
        for one in made
    ]
