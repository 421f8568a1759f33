"""`map`: two coordinates for every frame."""

import argparse
from typing import Any

from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = "Lay a dataset's frames out in two dimensions, alike frames near each other."


def configure(parser: argparse.ArgumentParser) -> None:
    from dataeff_core.projection import METHODS

    parser.add_argument("dataset", metavar="DATASET", help="id, unique prefix of it, name, or 'latest'")
    parser.add_argument(
        "--encoder", metavar="NAME", default="latest", help="which embedding to use: its encoder's name or its id"
    )
    parser.add_argument("--method", choices=METHODS, default=METHODS[0], help="pca is the quick one")
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="what is drawn by chance; from 0 on")


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.projection import project

    dataset = workspace.dataset(args.dataset)
    embedding = workspace.embedding(dataset, args.encoder)
    record = project(workspace, dataset, embedding, method=args.method, seed=args.seed, reporter=reporter).record
    return {"map": record.id, "method": record.method, "frames": record.frames, "seconds": record.seconds}


def text(result: dict[str, Any]) -> str:
    return f"map {result['map']}: {result['frames']} frames ({result['seconds']:.1f} s)"
