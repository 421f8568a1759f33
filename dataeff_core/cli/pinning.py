"""`pin`: overrule a selection on one frame."""

import argparse
from typing import Any

from dataeff_core.reporting import Reporter
from dataeff_core.workspace import SavedSelection, Workspace

SUMMARY = (
    "Keep or drop a frame whatever the method says. The pin holds for this and every other selection of the dataset, "
    "after new thresholds, embeddings or another import of the same picture, too; the trail tells who, when and why."
)


def configure(parser: argparse.ArgumentParser) -> None:
    from dataeff_core.review.pinning import REASONS

    parser.add_argument("selection", metavar="SELECTION", help="id, unique prefix of it, name, or 'latest'")
    parser.add_argument("frame", metavar="FRAME", help="frame id, unique prefix of it, or path")
    parser.add_argument("decision", choices=("keep", "drop"), help="what to do with the frame")
    parser.add_argument("--reviewer", metavar="NAME", required=True, help="who decides")
    parser.add_argument("--why", metavar="TEXT", default="", help="the reason in words")
    told = "; ".join(f"{code}: {words}" for code, words in REASONS.items())
    parser.add_argument("--reason", choices=tuple(REASONS), help=f"the reason from a short list ({told})")


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.review.pinning import pin

    saved = workspace.selection(args.selection)
    (entry,) = pin(
        workspace,
        saved,
        [args.frame],
        args.decision,
        reviewer=args.reviewer,
        reason=args.reason or "",
        why=args.why,
    )
    return {
        "frame_id": entry.frame_id,
        "decision": "kept" if args.decision == "keep" else "dropped",
        "reviewer": entry.reviewer,
        "at": entry.at,
        "entry": entry.seq,
        **now_of(workspace.selection(saved.id), entry.frame_id),
    }


def text(result: dict[str, Any]) -> str:
    said = result["method_said"]
    lines = [f"{result['frame_id']} is {result['decision']} by {result['reviewer']}; the method had said {said}"]
    return "\n".join([*lines, *([result["notice"] + "."] if result["notice"] else [])])


def now_of(saved: SavedSelection, frame_id: str) -> dict[str, Any]:
    """What holds in a selection with the pins as they are now."""
    from dataeff_core.workspace.pins import overruling_sentence

    machine = saved.machine
    at = int((machine["frame_id"] == frame_id).to_numpy().argmax())
    return {
        "selection": saved.id,
        "method_said": str(machine["decision"].iat[at]),
        "frames": len(machine),
        "kept": int((saved.decisions["decision"] == "kept").sum()),
        "notice": overruling_sentence(machine, saved.decisions, saved.record.keep),
    }
