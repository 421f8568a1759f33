"""`audit`: the trail of what reviewers decided."""

import argparse
from typing import Any

from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = (
    "Print the trail of a dataset: who kept, dropped or took back what, when, why, and what the method had said; and "
    "check that nothing in it was changed."
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help="id, unique prefix of it, name, or 'latest'")
    parser.add_argument(
        "--reviewer", metavar="NAME", help="list this reviewer's own marks in blind audits, too; others' stay hidden"
    )


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.workspace.pins import Pins
    from dataeff_core.workspace.trail import MARK, trail_of

    dataset = workspace.dataset(args.dataset)
    trail = trail_of(dataset.folder)
    entries = trail.entries()
    frames = dataset.frames
    pins = Pins.of(entries)
    placed = pins.on(frames["frame_id"].tolist(), frames["sha256"].tolist())
    shown = [one for one in entries if not one.sample or one.reviewer == args.reviewer]
    return {
        "dataset": dataset.id,
        "entries": [told(one) for one in shown],
        "marks": sum(one.action == MARK for one in entries),
        "pinned": len(pins.standing),
        "gone": [one.frame_id for one in placed.gone],
        "notice": placed.gone_sentence,
        "faults": trail.faults(),
    }


def text(result: dict[str, Any]) -> str:
    from dataeff_core.cli.printing import one_line

    if not result["entries"]:
        return "no reviewer has decided anything yet"
    rows = [
        (
            str(one["entry"]),
            one["at"][:19] + "Z",
            one_line(one["reviewer"]),
            one["action"],
            one_line(one["path"] or one["frame_id"]),
            said(one["machine"]),
            one_line("; ".join(part for part in (one["reason"], one["why"]) if part)),
        )
        for one in result["entries"]
    ]
    head = ("entry", "at", "reviewer", "action", "frame", "method said", "why")
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "\n".join([*(line.rstrip() for line in lines), *([result["notice"]] if result["notice"] else [])])


def failure(result: dict[str, Any]) -> str | None:
    """The sentence for a trail that was changed behind its back."""
    if not result["faults"]:
        return None
    return (
        f"the trail is not as it was written: {len(result['faults'])} things are wrong, first: {result['faults'][0]}"
    )


def told(entry: Any) -> dict[str, Any]:
    """An entry as JSON."""
    return {
        "entry": entry.seq,
        "at": entry.at,
        "reviewer": entry.reviewer,
        "action": entry.action,
        "frame_id": entry.frame_id,
        "sha256": entry.content,
        "path": entry.path,
        "reason": entry.reason,
        "why": entry.why,
        "undoes": entry.undoes,
        "sample": entry.sample or None,
        "verdict": entry.verdict or None,
        "machine": dict(entry.machine),
    }


def said(machine: dict[str, Any]) -> str:
    """What the method had said, in a few words: 'dropped as duplicate, similarity 0.9731'."""
    if not machine.get("decision"):
        return ""
    reason, similarity = machine.get("reason"), machine.get("similarity")
    words = machine["decision"] + (f" as {reason}" if reason and reason != machine["decision"] else "")
    return words + (f", similarity {similarity:.4f}" if similarity is not None else "")
