"""`explain`: why one frame was kept or dropped."""

import argparse
import dataclasses
from typing import Any

from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = "Say why one frame was kept or dropped, and which kept frame stands for it."


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("selection", metavar="SELECTION", help="id, unique prefix of it, name, or 'latest'")
    parser.add_argument("frame", metavar="FRAME", help="frame id, unique prefix of it, or path")


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.selection.explaining import explain

    return dataclasses.asdict(explain(workspace, workspace.selection(args.selection), args.frame))


def text(result: dict[str, Any]) -> str:
    numbers = [
        f"{name.replace('_', ' ')} {result[name]:.4f}"
        for name in ("similarity", "distance", "score", "threshold")
        if result[name] is not None
    ]
    standing = f"; stands for it: {result['representative_id']}" if result["representative_id"] else ""
    return f"{result['sentence']}\n{result['frame_id']}: {', '.join([result['reason'], *numbers])}{standing}"
