"""`unpin`: let the method decide on a frame again."""

import argparse
from typing import Any

from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = "Take the pin on a frame back, so that the method's decision holds again; the trail keeps both entries."


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("selection", metavar="SELECTION", help="id, unique prefix of it, name, or 'latest'")
    parser.add_argument("frame", metavar="FRAME", help="frame id, unique prefix of it, or path")
    parser.add_argument("--reviewer", metavar="NAME", required=True, help="who decides")
    parser.add_argument("--why", metavar="TEXT", default="", help="the reason in words")


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.review.pinning import unpin

    saved = workspace.selection(args.selection)
    entry = unpin(workspace, saved, args.frame, reviewer=args.reviewer, why=args.why)
    decisions = workspace.selection(saved.id).decisions
    found = decisions.loc[decisions["frame_id"] == entry.frame_id, "decision"]
    return {
        "frame_id": entry.frame_id,
        "decision": str(found.iat[0]) if len(found) else None,
        "reviewer": entry.reviewer,
        "at": entry.at,
        "entry": entry.seq,
        "selection": saved.id,
    }


def text(result: dict[str, Any]) -> str:
    holds = (
        f"the method's decision holds again: {result['decision']}" if result["decision"] else "it is not there now"
    )
    return f"{result['frame_id']} is not pinned any more; {holds}"
