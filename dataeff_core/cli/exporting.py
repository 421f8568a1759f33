"""`export`: the subset, the decision on every frame, and the recipe."""

import argparse
from pathlib import Path
from typing import Any

from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = "Write the frames that a selection kept, with a manifest of every frame, the recipe, and the hashes of all."


def configure(parser: argparse.ArgumentParser) -> None:
    from dataeff_core.exporting import FORMATS

    parser.add_argument("selection", metavar="SELECTION", help="id, unique prefix of it, name, or 'latest'")
    parser.add_argument(
        "out", metavar="OUT", type=Path, help="a new or empty folder; with format zip also a file NAME.zip"
    )
    parser.add_argument(
        "--format",
        choices=[one.NAME for one in FORMATS],
        help="what to write (default: zip when OUT ends with .zip, else manifest): "
        + "; ".join(f"{one.NAME}: {one.TITLE}" for one in FORMATS),
    )
    parser.add_argument("--force", action="store_true", help="replace an earlier export at OUT; nothing else ever is")


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.exporting import format_for
    from dataeff_core.exporting.exporting import export

    saved = workspace.selection(args.selection)
    chosen = args.format or format_for(args.out)
    result = export(workspace, saved, args.out, format=chosen, force=args.force, reporter=reporter)
    return {
        "out": str(result.out),
        "format": chosen,
        "selection": saved.id,
        "frames": result.frames,
        "bytes": result.bytes,
        "seconds": round(result.seconds, 3),
    }


def text(result: dict[str, Any]) -> str:
    return (
        f"{result['frames']} kept frames of {result['selection']} written to {result['out']} as {result['format']}, "
        f"{result['bytes'] / 1e6:.1f} MB ({result['seconds']:.1f} s)"
    )
