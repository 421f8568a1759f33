"""`compare`: two selections side by side."""

import argparse
from typing import Any

from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = "Set two selections of the same frames side by side."


def configure(parser: argparse.ArgumentParser) -> None:
    for letter in ("a", "b"):
        parser.add_argument(
            f"selection_{letter}",
            metavar=f"SELECTION_{letter.upper()}",
            help="id, unique prefix of it, name, or 'latest'",
        )


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.selection.comparing import compare

    a, b = workspace.selection(args.selection_a), workspace.selection(args.selection_b)
    found = compare(a, b)
    return {
        "selection_a": a.id,
        "selection_b": b.id,
        "both": found.both,
        "only_a": found.only_a,
        "only_b": found.only_b,
        "neither": found.neither,
        "jaccard": found.jaccard,
    }


def text(result: dict[str, Any]) -> str:
    return (
        f"both keep {result['both']}, only {result['selection_a']} {result['only_a']}, "
        f"only {result['selection_b']} {result['only_b']}, neither {result['neither']}; "
        f"Jaccard index {result['jaccard']:.3f}"
    )
