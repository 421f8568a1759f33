"""Nothing lost: of each patient, video, label and lesion, how many frames stay, and what the worst-covered one is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dataeff_core.review.lesions import Lesions

GROUP, VIDEO, LABEL, LESION = "group", "video", "label", "lesion"
KINDS = (GROUP, VIDEO, LABEL, LESION)


@dataclass(frozen=True)
class Unit:
    """Frames that belong together, of which not all may be lost."""

    kind: str  # one of KINDS
    of: str  # the label's name; '' for the other kinds
    value: str  # the group, the video's path, the label's value, the lesion's number
    rows: np.ndarray  # (m,) int64, ascending rows of the frames table
    kept: int
    worst: int  # row of the removed frame that is least similar to what stands for it; -1 for none
    worst_similarity: float  # cosine; NaN for none
    alone: np.ndarray  # (l,) int64 rows of the removed frames that nothing stands for

    @property
    def lost(self) -> bool:
        """The alarm: no frame stays."""
        return self.kept == 0

    @property
    def name(self) -> str:
        """What people call it: 'patient-003', 'finding = polyp', 'lesion 12'."""
        return {LABEL: f"{self.of} = {self.value}", LESION: f"lesion {self.value}"}.get(self.kind, self.value)


@dataclass(frozen=True)
class Coverage:
    """All units of a selection, those that are lost first, then by the kept share."""

    units: tuple[Unit, ...]
    unusable_masks: int = 0

    @property
    def lost(self) -> tuple[Unit, ...]:
        """The units of which no frame stays."""
        return tuple(unit for unit in self.units if unit.lost)

    @property
    def sentence(self) -> str:
        """The statement: what is lost, or that nothing is."""
        lost, kinds = self.lost, [kind for kind in KINDS if any(unit.kind == kind for unit in self.units)]
        if not lost:
            looked_at = ", ".join(self._counted(kind) for kind in kinds)
            return f"No {' or '.join(kinds)} has lost all its frames ({looked_at})."
        named = ", ".join(unit.name for unit in lost[:5]) + (f" and {len(lost) - 5} more" if len(lost) > 5 else "")
        of = ", ".join(
            f"{missing} of {self._counted(kind)}"
            for kind in kinds
            for missing in [sum(unit.kind == kind for unit in lost)]
            if missing
        )
        return f"No frame stays of: {named} ({of})."

    def _counted(self, kind: str) -> str:
        count = sum(unit.kind == kind for unit in self.units)
        return f"{count} {kind}{'' if count == 1 else 's'}"


def coverage(frames: pd.DataFrame, decisions: pd.DataFrame, lesions: Lesions | None = None) -> Coverage:
    """What a selection keeps of each unit of a dataset.

    `frames` is the frames table (frame_id, group, kind, source, path, label_*), `decisions` has DECISION_COLUMNS and
    is row for row the same frames. Frames without a label's value belong to none of its values.
    """
    kept = (decisions["decision"] == "kept").to_numpy(bool)
    similarity = decisions["similarity"].to_numpy(np.float64)
    alone = ~kept & decisions["representative_id"].isna().to_numpy(bool)
    units = [
        Unit(kind, of, value, rows, int(kept[rows].sum()), *_worst(rows[~kept[rows]], similarity), rows[alone[rows]])
        for kind, of, value, rows in _parts(frames, lesions)
    ]
    units.sort(key=_order)
    return Coverage(tuple(units), lesions.unusable if lesions is not None else 0)


def _order(unit: Unit) -> tuple[bool, float, int, int, str]:
    """Lost ones first, then by the kept share, the kind, and the name; lesions by their number."""
    number = int(unit.value) if unit.kind == LESION else 0
    return not unit.lost, unit.kept / len(unit.rows), KINDS.index(unit.kind), number, unit.name


def lost_among(frames: pd.DataFrame, lesions: Lesions | None = None) -> Callable[[np.ndarray], list[tuple[str, str]]]:
    """A function of kept (n,) bool that names the units (kind, name) of which nothing stays: for a page whose limits
    move, where units are found once."""
    parts = list(_parts(frames, lesions))

    def lost(kept: np.ndarray) -> list[tuple[str, str]]:
        return [(kind, f"{of} = {value}" if of else value) for kind, of, value, rows in parts if not kept[rows].any()]

    return lost


def _parts(frames: pd.DataFrame, lesions: Lesions | None) -> Iterator[tuple[str, str, str, np.ndarray]]:
    """(kind, of, value, rows) of every unit."""
    group = frames["group"].astype(str)
    yield from _by(GROUP, "", group)
    videos = frames["kind"] == "video"
    place = (frames["source"].astype(str) + "\n" + frames["path"].astype(str)).where(videos)
    pairs = pd.DataFrame({"group": group, "place": place})[videos].drop_duplicates()
    if len(pairs) and not (pairs["group"].is_unique and pairs["place"].is_unique):
        for kind, of, value, rows in _by(VIDEO, "", place):
            yield kind, of, value.split("\n", 1)[1], rows
    for name in (one for one in frames.columns if one.startswith("label_")):
        yield from _by(LABEL, name.removeprefix("label_"), frames[name])
    if lesions is not None:
        at = pd.Index(frames["frame_id"]).get_indexer(pd.Index(lesions.frame_ids))
        for number in range(lesions.count):
            rows = np.sort(at[(lesions.lesions == number) & (at >= 0)])
            if len(rows):
                yield LESION, "", str(number + 1), rows


def _by(kind: str, of: str, values: pd.Series) -> Iterator[tuple[str, str, str, np.ndarray]]:
    positions = pd.Series(np.arange(len(values)), index=values.to_numpy(object))
    known = positions[values.notna().to_numpy(bool)]
    for value, rows in known.groupby(level=0, sort=True):
        yield kind, of, str(value), rows.to_numpy(np.int64)


def _worst(removed: np.ndarray, similarity: np.ndarray) -> tuple[int, float]:
    """Of these rows the one with the lowest similarity, and that; (-1, NaN) where none has any."""
    known = removed[np.isfinite(similarity[removed])]
    if not len(known):
        return -1, float("nan")
    worst = int(known[similarity[known].argmin()])
    return worst, float(similarity[worst])
