"""`coverage`: is anything lost, and the rule that keeps one of each."""

import argparse
import math
from typing import Any

from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset, SavedSelection, Workspace

SUMMARY = (
    "Say how many frames of each patient, video, label value and (with masks) lesion a selection keeps, which "
    "removed one is covered worst, and what is lost; on wish pin one frame of each, so that none is ever lost."
)
SHOWN = 12  # units in the human text
RULES = ("group", "video", "label", "lesion")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("selection", metavar="SELECTION", help="id, unique prefix of it, name, or 'latest'")
    parser.add_argument(
        "--never-lose",
        metavar="KIND",
        help=f"pin one frame of every one of these ({', '.join(RULES[:2])}, {RULES[3]} or label:NAME), for this and "
        "every later selection",
    )
    parser.add_argument(
        "--lift", metavar="KIND", help="take back what --never-lose pinned for these; frames pinned otherwise stay"
    )
    parser.add_argument("--reviewer", metavar="NAME", default="", help="who sets or lifts the rule")
    parser.add_argument("--without-masks", action="store_true", help="do not look for lesions in the masks")


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.review import rules

    saved = workspace.selection(args.selection)
    dataset = workspace.dataset(saved.record.dataset)
    done: dict[str, Any] = {"rule": None, "pinned": 0, "lifted": 0}
    if args.never_lose and args.lift:
        raise BadInput("--never-lose and --lift are given together; give one of them")
    found = coverage_of(dataset, saved, reporter, with_masks=not args.without_masks)
    if args.never_lose:
        kind, of = parsed(args.never_lose, dataset)
        applied = rules.never_lose(dataset, saved, found, kind=kind, of=of, by=args.reviewer)
        done |= {"rule": applied.sentence, "pinned": len(applied.entries)}
    elif args.lift:
        kind, of = parsed(args.lift, dataset)
        lifted = rules.lift(dataset, kind=kind, of=of, by=args.reviewer)
        done |= {"rule": f"{len(lifted)} pins taken back.", "lifted": len(lifted)}
    if args.never_lose or args.lift:
        saved = workspace.selection(saved.id)
        found = coverage_of(dataset, saved, reporter, with_masks=not args.without_masks)
    ids = dataset.frames["frame_id"].tolist()
    units = [
        {
            "kind": unit.kind,
            "of": unit.of or None,
            "value": unit.value,
            "name": unit.name,
            "frames": len(unit.rows),
            "kept": unit.kept,
            "lost": unit.lost,
            "worst_frame_id": ids[unit.worst] if unit.worst >= 0 else None,
            "worst_similarity": None if math.isnan(unit.worst_similarity) else unit.worst_similarity,
            "without_stand_in": len(unit.alone),
        }
        for unit in found.units
    ]
    return {
        "selection": saved.id,
        "lost": [unit.name for unit in found.lost],
        "sentence": found.sentence,
        "unusable_masks": found.unusable_masks,
        **done,
        "units": units,
    }


def text(result: dict[str, Any]) -> str:
    lines = [result["rule"]] if result["rule"] else []
    lines.append(result["sentence"])
    if result["unusable_masks"]:
        lines.append(f"{result['unusable_masks']} masks cannot be read, so their lesions are not known.")
    for unit in result["units"][:SHOWN]:
        worst = (
            f", worst covered {unit['worst_frame_id']} ({unit['worst_similarity']:.4f})"
            if unit["worst_frame_id"]
            else ""
        )
        lines.append(
            f"{'LOST ' if unit['lost'] else ''}{unit['name']}: {unit['kept']} of {unit['frames']} kept{worst}"
        )
    more = len(result["units"]) - SHOWN
    return "\n".join([*lines, *([f"and {more} more, of which more is kept"] if more > 0 else [])])


def coverage_of(dataset: Dataset, saved: SavedSelection, reporter: Reporter, *, with_masks: bool) -> Any:
    """What the selection keeps of each unit. Raises Stale when it is older than the frames."""
    from dataeff_core.review.coverage import coverage
    from dataeff_core.review.lesions import lesions_of
    from dataeff_core.selection.saving import check_same
    from dataeff_core.suppliers import foreground

    check_same(saved.record, dataset)
    lesions = lesions_of(dataset, foreground, reporter=reporter) if with_masks else None
    return coverage(dataset.frames, saved.decisions, lesions)


def parsed(wanted: str, dataset: Dataset) -> tuple[str, str]:
    """'label:finding' -> ('label', 'finding'). Raises BadInput for what there is none of."""
    kind, _, of = wanted.partition(":")
    labels = [name.removeprefix("label_") for name in dataset.frames.columns if name.startswith("label_")]
    if kind not in RULES or (of and kind != "label"):
        raise BadInput(f"{wanted!r} is not one of group, video, lesion or label:NAME")
    if kind == "label" and of not in labels:
        there = ", ".join(f"label:{name}" for name in labels) or "none"
        raise BadInput(f"{dataset.record.name} has no label {of!r}; there are: {there}")
    return kind, of
