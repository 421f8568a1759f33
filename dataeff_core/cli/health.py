"""`health`: what cannot be read, is copied, or looks unusable in a dataset."""

import argparse
from typing import Any

from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = "what cannot be read, is copied, or looks unusable in a dataset"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help="id, unique prefix or name of a dataset, or 'latest'")


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.datasets.health import health_report

    report = health_report(workspace.dataset(args.dataset))
    return {
        "dataset": report.dataset,
        "frames": report.frames,
        "vanished": report.vanished,
        "unreadable": [{"path": path, "reason": reason} for path, reason in report.unreadable],
        "exact_duplicates": report.exact_duplicates,
        "copies": [list(group.frame_ids) for group in report.copies],
        "problems": [
            {
                "name": problem.name,
                "title": problem.title,
                "sentence": problem.sentence,
                "threshold": problem.threshold,
                "count": problem.count,
                "frame_ids": list(problem.frame_ids),
            }
            for problem in report.problems
        ],
    }


def text(result: dict[str, Any]) -> str:
    lines = [f"{result['dataset']}: {result['frames']} frames, {result['vanished']} vanished"]
    lines.append(f"  exact copies of an earlier frame: {result['exact_duplicates']}")
    lines += [f"  {one['title'].lower()}: {one['count']} ({one['sentence']})" for one in result["problems"]]
    lines.append(f"  unreadable: {len(result['unreadable'])}")
    lines += [f"    {one['path']}: {one['reason']}" for one in result["unreadable"]]
    return "\n".join(lines)
