"""`calibrate`: the similarity limit, measured on the dataset's own frames."""

import argparse
from typing import Any

from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = "Measure at which similarity copies of a dataset's own frames are recognised."


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help="id, unique prefix of it, name, or 'latest'")
    parser.add_argument(
        "--encoder", metavar="NAME", default="latest", help="which embedding to use: its encoder's name or its id"
    )
    parser.add_argument(
        "--recall", metavar="R", type=float, default=0.99, help="share of copies to be recognised, (0, 1]"
    )
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="what is drawn by chance; from 0 on")


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.encoders.calibration import calibrate

    dataset = workspace.dataset(args.dataset)
    embedding = workspace.embedding(dataset, args.encoder)
    record = calibrate(workspace, dataset, embedding, recall=args.recall, seed=args.seed, reporter=reporter).record
    return {
        "dataset": dataset.id,
        "embedding": embedding.id,
        "encoder": embedding.record.encoder,
        "eta": record.eta,
        "recall": record.recall,
        "wanted_recall": record.wanted_recall,
        "wrong_removal": record.wrong_removal,
        "copies": record.copies,
        "pairs": record.pairs,
    }


def text(result: dict[str, Any]) -> str:
    line = (
        f"eta {result['eta']:.4f}: {result['recall']:.1%} of {result['copies']} pairs of copies are more similar, "
        f"{result['wrong_removal']:.3%} of {result['pairs']} pairs of strangers"
    )
    if result["recall"] < result["wanted_recall"]:
        line += f"; {result['wanted_recall']:.1%} would remove frames that only look alike"
    return line
