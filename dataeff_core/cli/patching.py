"""`patches`: which parts of each frame may become parts of a training image."""

import argparse
from pathlib import Path
from typing import Any

from dataeff_core.cli.selecting import Listing, described, parsed
from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = "Propose patches in every frame of a dataset; goes on where it stopped."


def configure(parser: argparse.ArgumentParser) -> None:
    from dataeff_core.patches import PROPOSERS

    parser.add_argument("dataset", metavar="DATASET", help="id, unique prefix of it, name, or 'latest'")
    names = [one.NAME for one in PROPOSERS]
    parser.add_argument("--proposer", choices=names, default=names[0], help="how patches are found")
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="settings",
        help="a parameter of the proposer, listed below; may be given again",
    )
    parser.add_argument("--checkpoint", metavar="FILE", type=Path, help="SAM's weights, such as sam_vit_b_01ec64.pth")
    parser.add_argument("--device", metavar="D", default="auto", help="auto, cpu, cuda or mps; for SAM")
    parser.add_argument(
        "--workers", metavar="N", type=int, help="processes that read frames, from 0 on; default: one a processor"
    )
    parser.formatter_class = Listing
    parser.epilog = "\n".join(line for one in PROPOSERS for line in described(one))


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.patches import make, proposer_named
    from dataeff_core.patches.proposing import propose

    settings = dict(parsed(args.settings))
    if args.checkpoint is not None:
        if "checkpoint" not in proposer_named(args.proposer).model_fields:
            raise BadInput(f"{args.proposer} needs no weights; leave --checkpoint out, or choose --proposer sam")
        settings["checkpoint"] = str(args.checkpoint)
    found = propose(
        workspace,
        workspace.dataset(args.dataset),
        make(args.proposer, settings),
        device=args.device,
        workers=args.workers,
        reporter=reporter,
    )
    record = found.record
    return {
        "patch_set": found.id,
        "dataset": record.dataset,
        "proposer": record.proposer,
        "params": record.params,
        "weights": record.weights,
        "frames": record.frames,
        "patches": record.patches,
        "frames_without": record.frames_without,
        "unreadable": found.unreadable[["path", "reason"]].to_dict("records"),
        "notes": record.notes,
        "images_per_second": record.images_per_second,
        "seconds": record.seconds,
    }


def text(result: dict[str, Any]) -> str:
    return "\n".join(
        [
            f"{result['patches']} patches of {result['frames']} frames by {result['proposer']}: "
            f"{result['patch_set']} ({result['seconds']:.1f} s, {result['images_per_second']:.0f} frames/s)",
            *result["notes"].values(),
        ]
    )
