"""`map`: two coordinates for every frame."""

import argparse
from typing import Any

from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = "Lay the frames of a dataset out in two dimensions, like ones near each other."


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help="id, unique prefix of it, name, or 'latest'")
    parser.add_argument(
        "--encoder", metavar="NAME", default="latest", help="which embedding to lay out: its encoder's name or its id"
    )
    parser.add_argument(
        "--method",
        metavar="NAME",
        default="umap",
        help="umap (neighbours stay neighbours) or pca (the two directions of most variation; quick)",
    )
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="what is drawn by chance; from 0 on")


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.projection import project

    dataset = workspace.dataset(args.dataset)
    embedding = workspace.embedding(dataset, args.encoder)
    record = project(workspace, dataset, embedding, method=args.method, seed=args.seed, reporter=reporter).record
    return {
        "map": record.id,
        "dataset": record.dataset,
        "embedding": record.embedding,
        "method": record.method,
        "frames": record.frames,
        "seconds": record.seconds,
    }


def text(result: dict[str, Any]) -> str:
    made = f"map {result['map']} ({result['seconds']:.1f} s)"
    return f"{result['frames']} frames laid out by {result['method']}: {made}"
