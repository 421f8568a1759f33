"""`report`: one file for people who must trust a selection."""

import argparse
from pathlib import Path
from typing import Any

from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = (
    "Write a report on a selection that can be handed to others: one HTML file that needs no network, with the "
    "method in words, examples of what went and what stands for it, what stays of each patient and lesion, what "
    "people decided, the blind audit, stability, the recipe, and what was not checked; and all of it as tables (CSV)."
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("selection", metavar="SELECTION", help="id, unique prefix of it, name, or 'latest'")
    parser.add_argument(
        "--out", metavar="FOLDER", type=Path, help="a new or empty folder; default: a new one in WORKSPACE/reports"
    )
    parser.add_argument("--without-pictures", action="store_true", help="name frames and do not show them")
    parser.add_argument("--without-masks", action="store_true", help="do not look for lesions in the masks")
    parser.add_argument("--force", action="store_true", help="replace an earlier report in FOLDER")


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.report.writing import PAGE, write_report

    done = write_report(
        workspace,
        workspace.selection(args.selection),
        args.out,
        pictures=not args.without_pictures,
        with_masks=not args.without_masks,
        force=args.force,
        reporter=reporter,
    )
    return {
        "out": str(done.out),
        "page": str(done.out / PAGE),
        "selection": done.record.selection,
        "frames": done.record.frames,
        "kept": done.record.kept,
        "lost": done.record.lost,
        "unchecked": done.record.unchecked,
        "bytes": done.bytes,
        "seconds": done.seconds,
    }


def text(result: dict[str, Any]) -> str:
    return (
        f"report on {result['selection']}: {result['page']} ({result['bytes'] / 1e6:.1f} MB, {result['seconds']:.1f} "
        f"s); it names {result['unchecked']} things that were not checked"
    )
