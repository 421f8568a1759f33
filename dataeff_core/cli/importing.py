"""`import`: register a folder of images and videos."""

import argparse
from pathlib import Path
from typing import Any

from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = "register a folder of images and videos, or add what is new in it"
SHOWN = 20  # unreadable files named in the human text


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SRC", help="folder of images and videos, or one file; it is only read")
    parser.add_argument("--name", required=True, help="the dataset's name; an existing one is added to")
    parser.add_argument(
        "--fps",
        type=float,
        metavar="F",
        help="frames a second taken from videos, 0..1000, 0: every frame (default: as last time, at first every one)",
    )
    parser.add_argument(
        "--groups",
        metavar="PATTERN",
        help="patient or video of a frame: a pattern such as '{group}_{order}*' or '{group}/*', a regular expression "
        "with (?P<group>...), or a CSV file with columns path,group[,order] (default: first folder; each video)",
    )
    parser.add_argument("--masks", type=Path, metavar="DIR", help="folder of masks named like their frames")
    parser.add_argument("--labels", type=Path, metavar="CSV", help="table with a column path and columns of labels")
    parser.add_argument(
        "--workers", type=int, metavar="N", help="decoding processes, 1..256 (default: one for each core)"
    )


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataclasses import asdict

    from dataeff_core.datasets.importing import import_frames

    result = import_frames(
        workspace,
        Path(args.source),
        name=args.name,
        fps=args.fps,
        groups=args.groups,
        masks=args.masks,
        labels=args.labels,
        workers=args.workers,
        reporter=reporter,
    )
    return asdict(result)


def text(result: dict[str, Any]) -> str:
    lines = [
        f"{result['dataset']}: {result['frames']} frames in {result['groups']} groups, {result['videos']} videos "
        f"({result['added']} added, {result['unchanged']} unchanged, {result['vanished']} vanished) "
        f"in {result['seconds']:.1f} s"
    ]
    if result["exact_duplicates"]:
        lines.append(f"{result['exact_duplicates']} frames are exact copies of earlier ones")
    for what, count in result["unmatched"].items():
        if count:
            lines.append(f"{count} entries of the {what} fit no frame")
    unreadable = result["unreadable"]
    if unreadable:
        lines.append(f"{len(unreadable)} files could not be read:")
        lines += [f"  {one['path']}: {one['reason']}" for one in unreadable[:SHOWN]]
    if len(unreadable) > SHOWN:
        lines.append(f"  ... and {len(unreadable) - SHOWN} more")
    return "\n".join(lines)
