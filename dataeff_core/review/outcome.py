"""What came out of a blind audit: rates of wrong removals by reviewer and of all, and how far reviewers agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

from dataeff_core.review.agreement import Rate, cohens_kappa, wrong_rate
from dataeff_core.review.sampling import EVERYBODY, NEEDED, NOT_NEEDED, UNSURE, AuditRecord, marks_of
from dataeff_core.workspace import Dataset
from dataeff_core.workspace.pins import Pins
from dataeff_core.workspace.trail import RULE, Entry, trail_of


@dataclass(frozen=True)
class AuditResult:
    """What came out of an audit."""

    rates: dict[str, Rate]  # by reviewer; ALL: the majority of marks on each frame, a draw counting as wrong
    unsure: dict[str, int]  # by reviewer: removed frames on which they could not tell; ALL: on which nobody could
    kept_needed: dict[str, tuple[int, int]]  # by reviewer: kept frames marked needed, and judged
    kappa: dict[tuple[str, str], tuple[float, int]]  # of two reviewers: kappa, and frames that both marked
    worst: Rate | None = None  # of ALL with frames on which nobody could tell counted as wrong; None without any

    ALL: ClassVar[str] = EVERYBODY


def result(dataset: Dataset, record: AuditRecord, entries: Sequence[Entry] | None = None) -> AuditResult:
    """The audit's outcome from all marks so far, or from those among `entries` of the trail."""
    marks = marks_of(trail_of(dataset.folder).entries(machine=False) if entries is None else entries, record)
    together = {one.frame_id: v for one in record.items if (v := majority(marks.values(), one.frame_id)) is not None}
    rates = {name: _rate(record, own) for name, own in marks.items()}
    marked = {frame for own in marks.values() for frame in own}
    told_by_none = {frame: NEEDED for frame in marked if frame not in together}
    unsure = {name: {frame for frame, said in own.items() if said == UNSURE} for name, own in marks.items()}
    unsure[AuditResult.ALL] = set(told_by_none)
    counts = {
        name: sum(one.stratum >= 0 and one.frame_id in some for one in record.items) for name, some in unsure.items()
    }
    return AuditResult(
        rates=rates | {AuditResult.ALL: _rate(record, together)},
        unsure=counts,
        kept_needed={name: _kept_needed(record, own) for name, own in marks.items()},
        kappa={
            (one, other): _kappa(marks[one], marks[other])
            for one, other in combinations(sorted(marks), 2)
            if not marks[one].keys().isdisjoint(marks[other])
        },
        worst=_rate(record, together | told_by_none) if counts[AuditResult.ALL] else None,
    )


def headlined(found: Sequence[tuple[AuditRecord, AuditResult]]) -> tuple[AuditRecord, AuditResult] | None:
    """Of audits, oldest first, the newest in which a removed frame was judged, so that drawing another sample hides
    nothing; the newest where there is none such."""
    judged = [one for one in found if one[1].rates[AuditResult.ALL].judged or one[1].worst is not None]
    some = judged or found
    return some[-1] if some else None


def decided_since(record: AuditRecord, pins: Pins) -> int:
    """Frames of the audit on which people have decided since it was drawn, so that it may speak of them no more."""
    items = {one.frame_id for one in record.items}
    later = (one for one in pins.standing if one.seq > record.pins and not one.reviewer.startswith(RULE))
    return sum(one.frame_id in items for one in later)


def majority(marks: Any, frame_id: str) -> str | None:
    """The verdict of most who could tell; NEEDED for a draw, None where nobody could."""
    said = [own[frame_id] for own in marks if own.get(frame_id, UNSURE) != UNSURE]
    if not said:
        return None
    return NEEDED if 2 * said.count(NEEDED) >= len(said) else NOT_NEEDED


def _rate(record: AuditRecord, own: Mapping[str, str]) -> Rate:
    judged, wrong = [0] * len(record.strata), [0] * len(record.strata)
    for item in record.items:
        verdict = own.get(item.frame_id)
        if item.stratum >= 0 and verdict in (NEEDED, NOT_NEEDED):
            judged[item.stratum] += 1
            wrong[item.stratum] += verdict == NEEDED
    return wrong_rate([one.removed for one in record.strata], judged, wrong)


def _kept_needed(record: AuditRecord, own: Mapping[str, str]) -> tuple[int, int]:
    said = [own[one.frame_id] for one in record.items if one.stratum < 0 and own.get(one.frame_id, UNSURE) != UNSURE]
    return said.count(NEEDED), len(said)


def _kappa(one: Mapping[str, str], other: Mapping[str, str]) -> tuple[float, int]:
    both = sorted(one.keys() & other.keys())
    return cohens_kappa([one[frame] for frame in both], [other[frame] for frame in both]), len(both)
