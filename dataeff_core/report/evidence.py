"""The report's second half: what speaks for trusting the selection, what does not, and how to make it again."""

import json
import math

from dataeff_core.report.examples import example_of
from dataeff_core.report.gathering import Facts
from dataeff_core.report.markup import Markup, foreign, joined, table, tag
from dataeff_core.report.pictures import Pictures
from dataeff_core.report.selecting import about
from dataeff_core.report.words import KINDS, TURNED, count, counted, decimal, share
from dataeff_core.review.coverage import KINDS as UNIT_KINDS

MOST_UNITS = 8  # of each kind
MOST_PICTURED = 6


def is_anything_lost(facts: Facts, shown: Pictures) -> Markup:
    """Of each patient, video, label and lesion, what stays."""
    units = facts.coverage.units
    by_kind = []
    for kind in UNIT_KINDS:
        some = [unit for unit in units if unit.kind == kind]
        if some:
            least = min(unit.kept for unit in some)
            by_kind.append((KINDS[kind], count(len(some)), count(sum(unit.lost for unit in some)), count(least)))
    thinned = [[unit for unit in units if unit.kind == kind and unit.kept < len(unit.rows)] for kind in UNIT_KINDS]
    listed = [unit for some in thinned for unit in some[:MOST_UNITS]]
    rows = [
        (
            tag("b", "none kept") if unit.lost else "",
            foreign(unit.name),
            count(len(unit.rows)),
            count(unit.kept),
            decimal(unit.worst_similarity),
        )
        for unit in listed
    ]
    more = sum(map(len, thinned)) - len(listed)
    return joined(
        [
            tag("p", foreign(facts.coverage.sentence), class_="alarm" if facts.coverage.lost else "good"),
            table(("Of all", "How many", "With no frame kept", "Least that any keeps"), by_kind, numbers=[1, 2, 3]),
            tag("h3", "Those that keep the smallest share"),
            table(("", "Which", "Frames", "Kept", "Worst likeness"), rows, numbers=[2, 3, 4]) if rows else None,
            tag("p", f"{counted(more, 'other')} in coverage.csv.") if more > 0 else None,
            tag(
                "p",
                "Worst likeness: of the removed frames, the lowest likeness to the kept frame that stands for one (1 "
                "is the same picture). Lesions are told apart by their masks alone, so one may be counted twice.",
                class_="small",
            ),
            lost_pictures(facts, shown),
            worst_covered(facts, shown),
        ]
    )


def lost_pictures(facts: Facts, shown: Pictures) -> Markup | None:
    """Of the units that keep nothing, one frame each, beside what stands for it."""
    lost = facts.coverage.lost
    if not lost:
        return None
    pairs = []
    for unit in lost[:MOST_PICTURED]:
        one = example_of(facts, unit.worst if unit.worst >= 0 else int(unit.rows[0]))
        pairs.append(shown.pair(one.row, one.stand_in, [tag("p", tag("b", foreign(unit.name))), about(one)]))
    head = "What keeps no frame" if len(lost) <= MOST_PICTURED else f"The first {MOST_PICTURED} that keep no frame"
    return joined([tag("h3", head), tag("div", pairs, class_="pairs")])


def worst_covered(facts: Facts, shown: Pictures) -> Markup | None:
    """The removed frame that what stands for it resembles least."""
    known = [unit for unit in facts.coverage.units if unit.worst >= 0]
    if not known:
        return None
    one = example_of(facts, min(known, key=lambda unit: unit.worst_similarity).worst)
    return joined(
        [
            tag("h3", "The removed frame that is covered worst"),
            tag("div", shown.pair(one.row, one.stand_in, about(one)), class_="pairs"),
        ]
    )


def chosen_again(facts: Facts, shown: Pictures) -> Markup:
    """How much of the selection comes again when chance or taste is otherwise."""
    found = facts.stability
    if found is None:
        return tag(
            "p",
            "This was not measured. Which of several like frames is kept may be a matter of chance.",
            class_="open",
        )
    record = found.record
    rows = [
        (
            TURNED[one.kind],
            foreign(one.name),
            count(one.kept),
            share(one.again / record.kept if record.kept else math.nan),
            share(one.chance),
        )
        for one in record.runs
    ]
    return joined(
        [
            tag("p", found.verdict, class_="good" if found.steady else "open"),
            tag("ul", [tag("li", one.sentence) for one in found.agreements]),
            table(
                ("What was other", "Which", "Frames kept", "Of the selection’s, kept again", "By chance alone"),
                rows,
                numbers=[2, 3, 4],
            ),
            tag(
                "p",
                f"{counted(record.seldom_kept, 'kept frame')} would stay in less than half of the repeats, and "
                f"{counted(record.often_removed, 'removed frame')} in half or more; decisions.csv says it of each. "
                "People’s decisions are left aside here.",
            ),
            tag("ul", [tag("li", "Not made: ", foreign(one)) for one in record.left_out])
            if record.left_out
            else None,
        ]
    )


def not_checked(facts: Facts, shown: Pictures) -> Markup:
    """What nobody should take this report for."""
    return tag("ul", [tag("li", foreign(one)) for one in unchecked(facts)], class_="unchecked")


def unchecked(facts: Facts) -> list[str]:
    """One sentence for each thing that was not checked."""
    frames, kinds = facts.frames, {unit.kind for unit in facts.coverage.units}
    unseen = facts.enough.removed - facts.enough.reviewed
    found = [
        "Whether a network trained on the kept frames does as well as one trained on all: this report speaks of "
        "frames alone.",
        "Whether frames show names, dates or other data of patients, and whether file names do: look before you pass "
        "this report on.",
    ]
    if unseen:
        found.append(f"{counted(unseen, 'removed frame')} that no person has decided on one by one.")
    if facts.alone:
        found.append(
            f"{counted(facts.alone, 'removed frame')} that nothing kept stands for: what they show may be gone."
        )
    if not facts.audits:
        found.append("The share of wrong removals: no blind audit was made.")
    if facts.stability is None:
        found.append("Whether chance decided which frames stay: the selection was not made again otherwise.")
    if "lesion" not in kinds:
        found.append("Whether lesions are lost: the frames have no usable masks, or masks were left aside.")
    elif frames["mask_bytes"].isna().any():
        count_ = int(frames["mask_bytes"].isna().sum())
        found.append(f"Whether lesions are lost that only show on the {counted(count_, 'frame')} without a mask.")
    if facts.coverage.unusable_masks:
        found.append(f"{counted(facts.coverage.unusable_masks, 'mask')} that cannot be read.")
    if "label" not in kinds:
        found.append("Whether findings are lost: the frames have no labels.")
    if len(facts.dataset.unreadable):
        found.append(
            f"{counted(len(facts.dataset.unreadable), 'file')} that could not be read, so nobody chose among them."
        )
    if facts.reviewers:
        found.append("Who the reviewers are: their names stand as they were given or as the login said them.")
    return found


def the_recipe(facts: Facts, shown: Pictures) -> Markup:
    """All that somebody else needs to make the same selection and to see that it is the same."""
    recipe, record = facts.recipe, facts.saved.record
    hashes = [
        ("Dataset (all frames’ contents, groups and order)", record.dataset_fingerprint),
        ("Weights of the network", record.weights if record.weights not in (None, "none") else "no weights"),
        ("People’s decisions", recipe["pins"]["fingerprint"]),
        ("Last entry of the record of decisions", facts.entries[-1].chain if facts.entries else "no entry"),
    ]
    versions = ", ".join(f"{name} {number}" for name, number in facts.versions.items())
    return joined(
        [
            tag(
                "p", "This command makes the same selection of the same dataset; people’s decisions lie on top of it."
            ),
            tag("pre", foreign(recipe["command"])),
            table(("Fingerprint (SHA-256) of", ""), [(name, tag("code", str(value))) for name, value in hashes]),
            tag(
                "p",
                f"Selection {record.id}, made by DataEff {record.code_version}. Report made with {versions}.",
                class_="small",
            ),
            tag("h3", "The whole recipe"),
            tag("pre", json.dumps(recipe, indent=1)),
        ]
    )


def signatures(facts: Facts, shown: Pictures) -> Markup:
    """Lines to be filled in by hand."""
    lines = [(who, "", "") for who in ("Responsible for the data", "Responsible for the review", "Received by")]
    return tag("div", table(("", "Name, date", "Signature"), lines), class_="signatures")
