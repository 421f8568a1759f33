"""`normdel`: the metric alone."""

import argparse
from typing import Any

from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = (
    "Weigh a downstream score with the share R of the data kept for it: DEL = mIoU / exp(alpha R), NormDEL = its "
    "sigmoid, a number from 0.5 to 0.7311."
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--miou", metavar="M", type=float, required=True, help="the score, a fraction in [0, 1]")
    parser.add_argument("--retained", metavar="R", type=float, required=True, help="the kept share, in [0, 1]")
    parser.add_argument(
        "--alpha",
        metavar="A",
        type=float,
        default=1.0,
        help="how much a smaller share is worth, from 0 (nothing) on; 1 gives the paper's table",
    )


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.evaluation.normdel import delta, normdel

    return {
        "miou": args.miou,
        "retained": args.retained,
        "alpha": args.alpha,
        "del": delta(args.miou, args.retained, args.alpha),
        "normdel": normdel(args.miou, args.retained, args.alpha),
    }


def text(result: dict[str, Any]) -> str:
    return (
        f"NormDEL {result['normdel']:.4f}, DEL {result['del']:.4f} "
        f"(mIoU {result['miou']:g}, kept share {result['retained']:g}, alpha {result['alpha']:g})"
    )
