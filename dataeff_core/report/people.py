"""What people decided and judged: overrules, whether the record of them is whole, and the blind audits."""

import math

from dataeff_core.report.examples import place_of
from dataeff_core.report.gathering import Facts
from dataeff_core.report.markup import Child, Markup, foreign, joined, table, tag
from dataeff_core.report.pictures import Pictures
from dataeff_core.report.selecting import at_worst, looked_at
from dataeff_core.report.words import count, counted, moment, reason, share
from dataeff_core.review.outcome import AuditResult, decided_since
from dataeff_core.review.pinning import REASONS as WHY
from dataeff_core.review.sampling import NEEDED, VERDICTS, AuditRecord
from dataeff_core.workspace.trail import KEEP, MARK, RULE, Entry

MOST_OVERRULES = 40
MOST_PICTURED = 6


def what_people_decided(facts: Facts, shown: Pictures) -> Markup:
    """Overrules, with what the method had said, and whether the record of them is whole."""
    people = [one for one in facts.overrules if not one[1].reviewer.startswith(RULE)]
    against = [one for one in people if one[2]]
    rows = [overrule(facts, *one) for one in [*against, *(one for one in people if not one[2])][:MOST_OVERRULES]]
    taken_back = facts.taken_back
    return joined(
        [
            tag("p", foreign(looked_at(facts))),
            tag(
                "p",
                f"People decided on {counted(len(people), 'frame')}, on {count(len(against))} of them against the "
                "method.",
                f" {counted(taken_back, 'earlier decision')} were replaced or taken back." if taken_back else None,
            ),
            tag("p", "On the record: ", foreign(", ".join(facts.reviewers)), ".") if facts.reviewers else None,
            tag("ul", [tag("li", foreign(one)) for one in rules_set(facts)]) if rules_set(facts) else None,
            record_whole(facts),
            tag("p", foreign(facts.saved.placed.gone_sentence), class_="alarm") if facts.saved.placed.gone else None,
            table(("Frame", "Decided", "Who, when", "Why", "The method had said"), rows) if rows else None,
            tag("p", f"The first {count(len(rows))} of {count(len(people))}.") if len(people) > len(rows) else None,
            tag(
                "p",
                "All decisions, in their order, are in trail.csv; single answers of blind audits are left out there.",
                class_="small",
            )
            if any(one.action != MARK for one in facts.entries)
            else None,
            overruled_pictures(shown, against),
        ]
    )


def rules_set(facts: Facts) -> list[str]:
    """What each rule that people set keeps, in a sentence."""
    by_rule: dict[str, list[bool]] = {}
    for _, pin, against in facts.overrules:
        if pin.reviewer.startswith(RULE):
            by_rule.setdefault(pin.reviewer.removeprefix(RULE), []).append(against)
    return [
        f"The rule “{name}” keeps {counted(len(found), 'frame')}, {count(sum(found))} of them against the method."
        for name, found in by_rule.items()
    ]


def record_whole(facts: Facts) -> Markup | None:
    """Whether the record of decisions is as it was written."""
    if facts.faults:
        return tag(
            "p", "The record of decisions is not whole: ", foreign("; ".join(facts.faults)), ".", class_="alarm"
        )
    if not facts.entries:
        return None
    entries = counted(len(facts.entries), "entry", "entries")
    return tag("p", f"The record of decisions ({entries}) was checked: nothing in it is missing or was changed.")


def overruled_pictures(shown: Pictures, against: list[tuple[int, Entry, bool]]) -> Markup | None:
    """The first frames on which people decided against the method."""
    if not against:
        return None
    figures = [
        shown.figure(row, "kept by people" if pin.action == KEEP else "removed by people", kept=pin.action == KEEP)
        for row, pin, _ in against[:MOST_PICTURED]
    ]
    return joined([tag("h3", "Frames on which people overruled the method"), tag("div", figures, class_="row")])


def overrule(facts: Facts, row: int, pin: Entry, against: bool) -> tuple[Child, ...]:
    """One line of the table of decisions."""
    why = "; ".join(one for one in (WHY.get(pin.reason, pin.reason), pin.why) if one)
    said = str(facts.saved.machine["reason"].iat[row])
    return (
        foreign(place_of(facts, row)),
        tag("b" if against else "span", "kept" if pin.action == KEEP else "removed"),
        (foreign(pin.reviewer), tag("br"), tag("span", moment(pin.at), class_="small")),
        foreign(why),
        "kept" if said == "kept" else f"removed: {reason(said).lower()}",
    )


def the_blind_audit(facts: Facts, shown: Pictures) -> Markup:
    """What reviewers judged who did not know the decision."""
    if not facts.audits:
        return tag(
            "p",
            "No blind audit of this selection was made. How many of its removals are wrong is therefore not known "
            "from a random sample.",
            class_="open",
        )
    return joined([_audit(facts, record, found) for record, found in reversed(facts.audits)])


def _audit(facts: Facts, record: AuditRecord, found: AuditResult) -> Markup:
    drawn = sum(one.stratum >= 0 for one in record.items)
    names = [AuditResult.ALL, *(name for name in found.rates if name != AuditResult.ALL)]
    rows = [
        (
            foreign(name),
            f"{count(rate.wrong)} of {count(rate.judged)}",
            share(rate.rate),
            f"{share(rate.low)} to {share(rate.high)}" if rate.judged else "–",
            count(found.unsure[name]) if name in found.unsure else "",
            "{} of {}".format(*found.kept_needed[name]) if name in found.kept_needed else "",
        )
        for name in names
        for rate in [found.rates[name]]
    ]
    agreement = [
        (
            foreign(" and ".join(pair)),
            count(frames),
            "–" if math.isnan(kappa) else f"{kappa:.2f}".replace("-", "\u2212"),
        )
        for pair, (kappa, frames) in found.kappa.items()
    ]
    unjudged = found.rates[AuditResult.ALL].unjudged
    later = decided_since(record, facts.saved.pins)
    since = f"Since it was drawn, people decided on {count(later)} of its frames."
    unsure = at_worst(found).strip()
    return joined(
        [
            tag("h3", f"Drawn {moment(record.created)}"),
            tag(
                "p",
                f"{counted(drawn, 'removed frame')} drawn by chance from each reason and group in proportion, mixed "
                f"with {counted(len(record.items) - drawn, 'kept frame')}, each shown beside a kept one without the "
                f"decision. A removal counts as wrong when its frame {VERDICTS[NEEDED]}. Rates weigh each reason and "
                "group by how many frames it lost.",
            ),
            table(
                ("Reviewer", "Wrong removals", "Rate", "95 % interval", "Could not tell", "Kept frames found needed"),
                rows,
                numbers=[1, 2, 3, 4, 5],
            ),
            tag("p", unsure) if unsure else None,
            tag("p", since) if later else None,
            tag(
                "p",
                f"The rate does not speak of {counted(unjudged, 'removed frame')} of whose kind nothing was judged.",
            )
            if unjudged
            else None,
            table(
                ("Agreement of", "Frames both judged", "Kappa (1: always, 0: as by chance)"),
                agreement,
                numbers=[1, 2],
            )
            if agreement
            else None,
        ]
    )
