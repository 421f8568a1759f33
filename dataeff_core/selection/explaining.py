"""Why one frame was kept or dropped: the numbers, and one sentence that a clinician reads."""

import math
from dataclasses import dataclass, replace

import pandas as pd

from dataeff_core.errors import NotFound, Stale
from dataeff_core.selection.base import BUDGET, DUPLICATE, INVALID, KEPT, OUTLIER, QUANTILE, TOO_EASY, TOO_HARD
from dataeff_core.suppliers import Suppliers
from dataeff_core.workspace import Dataset, SavedSelection, SelectionRecord, Workspace
from dataeff_core.workspace.trail import KEEP, RULE, Entry

SUPPLIERS = Suppliers()
LIMITS = {
    KEPT: "eta",
    DUPLICATE: "eta",
    OUTLIER: "epsilon",
    INVALID: "invalid",
    TOO_EASY: "lower",
    TOO_HARD: "upper",
}
"""Reason -> the parameter that the frame's score was compared with."""


@dataclass(frozen=True)
class Rank:
    """Where a frame stands among those that a method ranks by hardness, as shares of the usable frames."""

    easier: float | None  # None: it has no part that could be judged
    lower: float  # the margins, of the easiest ...
    upper: float


@dataclass(frozen=True)
class Explanation:
    """One decision. Numbers are None where the method has none."""

    frame_id: str
    decision: str  # 'kept' or 'dropped'
    reason: str
    representative_id: str | None  # the kept frame that stands for a dropped one
    similarity: float | None  # cosine to it
    distance: float | None  # cosine distance to the centre of the frame's cluster
    score: float | None  # what was compared ...
    threshold: float | None  # ... with this
    sentence: str
    override: str | None = None  # 'kept' or 'dropped' where a reviewer (or a rule) has decided ...
    reviewer: str | None = None  # ... who ...
    reviewed_at: str | None = None  # ... and when, UTC, ISO 8601


def explain(
    workspace: Workspace, saved: SavedSelection, frame_id: str, *, suppliers: Suppliers = SUPPLIERS
) -> Explanation:
    """Explain one frame of a saved selection, by its id, a unique prefix of it, or its path.

    Raises NotFound when there is no such frame, Stale when it came to the dataset after the selection.
    """
    dataset = workspace.dataset(saved.record.dataset)
    frame = dataset.frame(frame_id)
    decisions = saved.decisions
    found = decisions[decisions["frame_id"] == frame["frame_id"]]
    if found.empty:
        raise Stale(f"selection {saved.id} was made before frame {frame['frame_id']} came; run `select` again")
    row = found.iloc[0]
    if pd.notna(row["override"]):
        return _overruled(workspace, saved, int(found.index[0]), suppliers)
    return _by_method(saved, dataset, frame, row, suppliers)


def rank_of(saved: SavedSelection, row: int) -> Rank | None:
    """Where the frame in this row of the decisions stands; None where the method ranks nothing by hardness."""
    scores, params = saved.scores, saved.record.params
    if scores is None or QUANTILE not in scores:
        return None
    return Rank(number(scores[QUANTILE].iloc[row]), float(params["lower"]), float(params["upper"]))


def _overruled(workspace: Workspace, saved: SavedSelection, at: int, suppliers: Suppliers) -> Explanation:
    """What the reviewer said, and what the method had said."""
    dataset = workspace.dataset(saved.record.dataset)
    row, machine = saved.decisions.iloc[at], saved.machine.iloc[at]
    method = _by_method(saved, dataset, dataset.frame(row["frame_id"]), machine, suppliers)
    pin = saved.placed.rows[at]
    return replace(
        method,
        decision=str(row["decision"]),
        reason=str(row["reason"]),
        representative_id=None if pd.isna(row["representative_id"]) else str(row["representative_id"]),
        similarity=number(row["similarity"]),
        sentence=overruled_sentence(method.sentence, pin, agrees=bool(row["decision"] == machine["decision"])),
        override=str(row["override"]),
        reviewer=pin.reviewer,
        reviewed_at=pin.at,
    )


def overruled_sentence(method: str, pin: Entry, *, agrees: bool) -> str:
    """Why, in plain words, where a person or a rule has decided; `method` is the sentence without it."""
    who = f"the rule {pin.reviewer[len(RULE) :]}" if pin.reviewer.startswith(RULE) else pin.reviewer
    because = f" ({pin.why.rstrip('.')})" if pin.why else ""
    if agrees:
        return f"{method} So decided {who}, too{because}."
    verb = "Kept" if pin.action == KEEP else "Removed"
    return f"{verb} by decision of {who}{because}. The method had said: {method}"


def _by_method(
    saved: SavedSelection, dataset: Dataset, frame: pd.Series, row: pd.Series, suppliers: Suppliers
) -> Explanation:
    """`row` of the method's decisions, named by its place in them."""
    threshold = threshold_of(saved.record, row["reason"])
    standing_id = None if pd.isna(row["representative_id"]) else str(row["representative_id"])
    try:
        standing = None if standing_id is None else dataset.frame(standing_id)
    except NotFound:  # its file has vanished since
        standing = None
    measure = frame.get("invalid_measure")
    return Explanation(
        frame_id=str(frame["frame_id"]),
        decision=str(row["decision"]),
        reason=str(row["reason"]),
        representative_id=standing_id,
        similarity=number(row["similarity"]),
        distance=number(row["distance"]),
        score=number(row["score"]),
        threshold=threshold,
        sentence=sentence(
            str(row["reason"]),
            frame,
            standing=standing,
            similarity=number(row["similarity"]),
            threshold=threshold,
            fault=suppliers.fault("" if pd.isna(measure) else str(measure)),
            rank=rank_of(saved, int(str(row.name))),
        ),
    )


def threshold_of(record: SelectionRecord, reason: str) -> float | None:
    """The limit that decided on a frame with this reason; None where there was none, as when a share was kept."""
    if record.keep is not None and reason == KEPT:
        return None
    return number(record.params.get(LIMITS.get(reason, "")))


def sentence(
    reason: str,
    frame: pd.Series,
    *,
    standing: pd.Series | None = None,
    similarity: float | None = None,
    threshold: float | None = None,
    fault: str = "",
    rank: Rank | None = None,
) -> str:
    """Why, in plain words. `frame` and `standing` (its kept representative) are rows of the frames table;
    `fault` says what makes a frame unusable, such as 'much blurrier than the rest', `rank` where it stands for a
    method that ranks by hardness."""
    if rank is not None and (by_hardness := _by_hardness(reason, rank)):
        return by_hardness
    other = None if standing is None else name_of(standing, seen_from=frame)
    alike = similarity is not None and (threshold is None or similarity > threshold)
    said = {
        KEPT: "Kept: no kept frame is more similar than the limit."
        if threshold is not None
        else "Kept: it is one of the frames chosen.",
        DUPLICATE: _duplicate(other, alike),
        OUTLIER: "Removed as unusual: it is unlike all frames of its kind.",
        INVALID: f"Removed as unusable: {fault or 'its picture quality stands out from the rest'}.",
        TOO_EASY: "Removed as too easy: nothing in it is hard to draw for a network that has seen frames like it.",
        TOO_HARD: "Removed as suspicious: it is so hard to draw that it is more likely noise, glare or lettering.",
        BUDGET: "Removed for the number of frames asked for: "
        + (f"of those kept, {other} is most like it." if other else "others were chosen."),
    }
    return said.get(reason, f"Decided otherwise: {reason}.")


def _by_hardness(reason: str, rank: Rank) -> str:
    """The sentence for what follows from a frame's place; '' for other reasons."""
    if rank.easier is None:
        return "Removed as too easy: no part of it stands out enough to be judged." if reason == TOO_EASY else ""
    easier = f"{_percent(rank.easier)} of the usable frames are easier to draw for the network"
    chosen = "Kept: it is one of the frames chosen;"
    if rank.lower <= rank.easier <= rank.upper:
        chosen = f"Kept between {_percent(rank.lower)} and {_percent(rank.upper)}:"
    said = {
        KEPT: f"{chosen} {easier}.",
        TOO_EASY: f"Removed as too easy: only {easier}, and those up to {_percent(rank.lower)} are left out.",
        TOO_HARD: f"Removed as suspicious: {easier}, and beyond {_percent(rank.upper)} what is hard is more likely "
        "noise, glare or lettering.",
        BUDGET: f"Removed for the number of frames asked for: {easier}, and enough harder ones were chosen.",
    }
    return said.get(reason, "")


def _percent(share: float) -> str:
    """0.985 -> '98.5 %'."""
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def _duplicate(other: str | None, alike: bool) -> str:
    if other is None:
        return "Removed: nearly the same as another frame."
    if alike:
        return f"Removed: nearly the same as {other}, which is kept."
    return f"Removed: nearly the same as a frame that was removed itself; of those kept, {other} is most like it."


def name_of(frame: pd.Series, *, seen_from: pd.Series) -> str:
    """How one frame is called beside another: 'the frame at 01:22.4 of this video', 'the frame p01/a.png'."""
    if frame["kind"] != "video":
        return f"the frame {frame['path']}"
    same = (frame["source"], frame["path"]) == (seen_from["source"], seen_from["path"])
    time = number(frame["time_s"])
    at = f"the frame at {clock(time)}" if time is not None else f"frame {int(frame['frame_index'])}"
    return f"{at} of {'this video' if same else frame['path']}"


def clock(seconds: float) -> str:
    """82.44 -> '01:22.4'; hours are shown where there are any."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(abs(tenths), 600)
    hours, minutes = divmod(minutes, 60)
    text = f"{minutes:02d}:{rest // 10:02d}.{rest % 10}"
    return ("-" if tenths < 0 else "") + (f"{hours}:{text}" if hours else text)


def number(value: object) -> float | None:
    """A finite float, or None."""
    if value is None or value is pd.NA or not math.isfinite(float(value)):  # type: ignore[arg-type]
        return None
    return float(value)  # type: ignore[arg-type]
