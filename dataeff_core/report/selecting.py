"""The report's first half: what was chosen from, how, and what went."""

import inspect
import math
import re

from dataeff_core.declarations import limits_of
from dataeff_core.report.examples import Example, examples, kept_examples
from dataeff_core.report.gathering import Facts
from dataeff_core.report.markup import Markup, foreign, joined, table, tag
from dataeff_core.report.pictures import Pictures
from dataeff_core.report.words import (
    compared_by,
    count,
    counted,
    decimal,
    meaning,
    moment,
    reason,
    section,
    share,
)
from dataeff_core.review import timeline
from dataeff_core.review.outcome import AuditResult, decided_since, headlined
from dataeff_core.selection import selector_named
from dataeff_core.selection.base import DUPLICATE
from dataeff_core.workspace.pins import overruling_sentence

MOST_LISTED = 12
SYMBOLS = ("eta", "epsilon")  # names of settings that only researchers know


def in_short(facts: Facts, shown: Pictures) -> Markup:
    """The answers to the questions that people ask first."""
    kept, n = int(facts.kept.sum()), len(facts.kept)
    people = overruling_sentence(facts.saved.machine, facts.decisions, facts.saved.record.keep)
    rows = [
        (
            "How much is kept?",
            f"{count(kept)} of {counted(n, 'frame')} ({share(kept / n if n else math.nan)}).",
            "removed",
        ),
        ("Is anything lost?", facts.coverage.sentence, "lost"),
        ("Did people look at the removals?", looked_at(facts), "people"),
        ("Did people overrule it?", f"{people}." if people else "No decision of the method was overruled.", "people"),
        ("How many removals are wrong?", audited(facts), "blind"),
        (
            "Would the same frames be chosen again?",
            facts.stability.verdict if facts.stability else "Not measured.",
            "again",
        ),
    ]
    return joined(
        [
            [tag("p", one, class_="alarm") for one in alarms(facts)],
            table(
                ("Question", "Answer", "More"),
                [
                    (tag("b", ask), foreign(answer), tag("a", section(key), href=f"#{key}"))
                    for ask, answer, key in rows
                ],
            ),
        ]
    )


def alarms(facts: Facts) -> list[str]:
    """What needs attention before the selection is used."""
    lost = f"Some patient, video, label or lesion keeps no frame at all: see {section('lost')}."
    broken = f"The record of people's decisions is not as it was written: see {section('people')}."
    return [*([lost] if facts.coverage.lost else []), *([broken] if facts.faults else [])]


def looked_at(facts: Facts) -> str:
    """How many removals a person has looked at one by one, and what follows."""
    enough = facts.enough
    if not enough.reviewed:
        return "No removal has been decided on by a person, one by one."
    return enough.sentence


def audited(facts: Facts) -> str:
    """The newest blind audit in which something was judged, in a few sentences."""
    newest = headlined(facts.audits)
    if newest is None:
        return "Not known: no blind audit was made."
    record, found = newest
    rate, unsure = found.rates[AuditResult.ALL], found.unsure[AuditResult.ALL]
    drawn = len(facts.audits)
    others = f" {count(drawn)} blind audits were drawn; {section('blind')} tells of each." if drawn > 1 else ""
    if not rate.judged:
        said = f"nobody could tell of {counted(unsure, 'removal')}" if unsure else "nothing was judged in it yet"
        return f"Not known: a blind audit was drawn, but {said}.{others}"
    since = decided_since(record, facts.saved.pins)
    later = f" Since it was drawn, people decided on {count(since)} of its frames." if since else ""
    return (
        f"About {share(rate.rate)} (95 % interval {share(rate.low)} to {share(rate.high)}): {rate.wrong} of "
        f"{counted(rate.judged, 'removal')} judged without knowing the decision.{at_worst(found)}{later}{others}"
    )


def at_worst(found: AuditResult) -> str:
    """Of how many removals nobody could tell, and the rate with these counted as wrong; '' where there is none."""
    worst, unsure = found.worst, found.unsure[AuditResult.ALL]
    if worst is None:
        return ""
    return (
        f" Of {count(unsure)} more nobody could tell; with these counted as wrong it is about {share(worst.rate)} "
        f"(95 % interval {share(worst.low)} to {share(worst.high)})."
    )


def the_frames(facts: Facts, shown: Pictures) -> Markup:
    """What there was to choose from."""
    frames, unreadable = facts.frames, facts.dataset.unreadable
    videos = frames.loc[frames["kind"] == "video", ["source", "path"]].drop_duplicates()
    labels = [name.removeprefix("label_") for name in frames.columns if name.startswith("label_")]
    masks = int(frames["mask_bytes"].notna().sum())
    copies = int(frames["sha256"].duplicated().sum())
    vanished = len(facts.dataset.all_frames) - len(frames)
    rows = [
        ("Frames", count(len(frames))),
        ("Patients, videos or other groups", count(frames["group"].nunique())),
        ("Video files", count(len(videos))),
        ("Frames that are exact copies of another", count(copies)),
        ("Frames with a mask of findings", count(masks)),
        ("Labels", joined([foreign(", ".join(labels))]) if labels else "none"),
        ("Files that could not be read", count(len(unreadable))),
        ("Frames seen in an earlier import, whose file is gone", count(vanished)),
        ("Last imported", moment(facts.dataset.record.updated)),
    ]
    listed = [
        (foreign(str(path)), foreign(str(why)))
        for path, why in zip(unreadable["path"][:MOST_LISTED], unreadable["reason"][:MOST_LISTED], strict=True)
    ]
    return joined(
        [
            tag("p", "Originals were read and never changed or deleted: “removed” means not used for training."),
            table(("What", "How many"), rows, numbers=[1]),
            [tag("h3", "Files that could not be read"), table(("File", "Why"), listed)] if listed else None,
            tag("p", f"All {count(len(unreadable))} are in unreadable.csv.")
            if len(unreadable) > MOST_LISTED
            else None,
        ]
    )


def the_method(facts: Facts, shown: Pictures) -> Markup:
    """The method in words, with every setting."""
    record = facts.saved.record
    method = selector_named(record.method)
    told = inspect.cleandoc(method.__doc__ or method.TITLE).split("\n\n")[0].replace("\n", " ")
    rows = []
    for name, field in method.model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        unit = ", ".join(one for one in (str(extra.get("unit", "")), limits_of(method, name)) if one)
        rows.append((field.title or name, tag("b", setting(record.params.get(name))), unit, field.description))
    compared = (
        [
            "Frames were compared by ",
            compared_by(record.encoder) or foreign(record.encoder),
            "." if record.weights in (None, "none") else f", with the weights named in {section('recipe')}.",
        ]
        if record.encoder
        else f"Frames were judged by {method.JUDGES_BY}."
        if method.JUDGES_BY
        else "The method does not look at the pictures."
    )
    chance = (
        f"Chance entered by the starting number {record.seed}." if method.BY_CHANCE else "Nothing was left to chance."
    )
    keep = (
        f"It was asked to keep {share(record.keep)} of the frames."
        if record.keep is not None
        else "How many stay follows from the limits below."
    )
    return joined(
        [
            tag("p", f"{method.TITLE}. {told}"),
            tag("p", compared, " ", keep),
            tag("ul", [tag("li", foreign(one)) for one in notes(facts)]) if notes(facts) else None,
            table(("Setting", "Value", "Unit, bounds", "What it does"), rows) if rows else None,
            tag("p", f"Source: {method.SOURCE}. {chance}", class_="small"),
        ]
    )


def notes(facts: Facts) -> list[str]:
    """What the method noted of how it came to its numbers, with its settings called as in the table."""
    titles = selector_named(facts.saved.record.method).model_fields
    found = [str(one) for topic, one in facts.saved.record.notes.items() if not topic.startswith("pins")]
    for name in SYMBOLS:
        if name in titles:
            found = [re.sub(rf"\b{name}\b", f"the limit “{titles[name].title}”", one) for one in found]
    return [f"{one[:1].upper()}{one[1:]}." for one in found]


def setting(value: object) -> str:
    """A parameter's value for people."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def what_was_removed(facts: Facts, shown: Pictures) -> Markup:
    """Counts by reason, and examples beside what stands for them."""
    n, kept = len(facts.kept), int(facts.kept.sum())
    rows = [("Kept", "Goes on to training.", count(kept), share(kept / n if n else math.nan))]
    rows += [(reason(name), meaning(name), count(m), share(m / n)) for name, m in facts.reasons.items()]
    found = examples(facts)
    worst = timeline.sentence(facts.strips)
    return joined(
        [
            table(("Decision", "What it means", "Frames", "Share"), rows, numbers=[2, 3]),
            tag(
                "p",
                f"For {count(n - kept - facts.alone)} removed frames a kept one stands; ",
                f"{count(facts.alone)} removed frames have none, as when nothing kept looks like them.",
            ),
            tag("p", not_so_alike(facts), class_="open") if facts.unlike else None,
            tag("p", foreign(worst)) if worst else None,
            tag("h3", "Some kept frames, drawn by chance"),
            tag("div", [shown.figure(row, "kept", kept=True) for row in kept_examples(facts)], class_="row"),
            [
                [tag("h3", f"{reason(name)}: {counted(facts.reasons[name], 'frame')}"), pairs(shown, some)]
                for name, some in found.items()
            ],
        ]
    )


def not_so_alike(facts: Facts) -> str:
    """What is to be said of frames removed for their likeness to frames that were removed themselves."""
    return (
        f"Of the {counted(facts.reasons[DUPLICATE], 'frame')} removed as nearly the same, "
        f"{count(facts.unlike or 0)} were so only to frames that were removed themselves: the kept frame that stands "
        "for them is less like them than the limit. More frames kept, or no fixed number, would avoid this."
    )


def pairs(shown: Pictures, some: list[Example]) -> Markup:
    """Removals beside what stands for them."""
    return tag("div", [shown.pair(one.row, one.stand_in, about(one)) for one in some], class_="pairs")


def about(one: Example) -> Markup:
    """What is said of one removal."""
    numbers = []
    if one.similarity is not None:
        numbers.append(f"Likeness to the kept frame {decimal(one.similarity)}")
    if one.similarity is not None and one.limit is not None:
        numbers.append(f"limit {decimal(one.limit)}")
    small = " ".join(part for part in (one.why_shown, f"{', '.join(numbers)}." if numbers else "") if part)
    return joined([tag("p", foreign(one.sentence)), tag("p", small, class_="small") if small else None])
