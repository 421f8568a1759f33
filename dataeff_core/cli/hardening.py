"""`hardness`: how hard each patch is for a masked autoencoder."""

import argparse
from pathlib import Path
from typing import Any

from dataeff_core.cli.selecting import parsed
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = "Score a dataset's patches by how badly a masked autoencoder draws them; goes on where it stopped."


def configure(parser: argparse.ArgumentParser) -> None:
    from dataeff_core.hardness.scoring import Scorer
    from dataeff_core.selection import limits_of

    parser.add_argument("dataset", metavar="DATASET", help="id, unique prefix of it, name, or 'latest'")
    parser.add_argument("--patches", metavar="ID", default="latest", help="which patches: id, or proposer's name")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--run", metavar="RUN", default="latest", help="the MAE of this finished pre-training run")
    source.add_argument("--checkpoint", metavar="FILE", type=Path, help="MAE's full checkpoint, with its decoder")
    parser.add_argument(
        "--raw-pixels",
        action="store_true",
        help="the checkpoint's MAE was trained to draw pixels as they are (without norm_pix_loss)",
    )
    told = "; ".join(f"{key}: {limits_of(Scorer, key) or one.annotation}" for key, one in Scorer.model_fields.items())
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="settings",
        help=f"a parameter of the scoring ({told.replace('%', '%%')}); may be given again",
    )
    parser.add_argument("--device", metavar="D", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--batch", metavar="N", type=int, help="patches at once, 1..65536; default: by device")
    parser.add_argument(
        "--workers", metavar="N", type=int, help="processes that read frames, from 0 on; default: one a processor"
    )


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.declarations import made
    from dataeff_core.hardness.scoring import Scorer, score
    from dataeff_core.patches.stored import patch_set

    dataset = workspace.dataset(args.dataset)
    found = score(
        workspace,
        dataset,
        patch_set(dataset, args.patches),
        made(Scorer, parsed(args.settings), name="hardness"),
        run=args.run,
        checkpoint=args.checkpoint,
        evened=not args.raw_pixels,
        device=args.device,
        batch=args.batch,
        workers=args.workers,
        reporter=reporter,
    )
    record = found.record
    return {
        "hardness": found.id,
        "dataset": record.dataset,
        "patch_set": record.patch_set,
        "scorer": record.scorer,
        "params": record.params,
        "values": record.values,
        "patches": record.patches,
        "frames": record.frames,
        "unreadable": record.unreadable,
        "nothing": record.nothing,
        "given": record.given,
        "information": record.nothing - record.given,
        "dimension": record.dimension,
        "notes": record.notes,
        "patches_per_second": record.patches_per_second,
        "seconds": record.seconds,
    }


def text(result: dict[str, Any]) -> str:
    return "\n".join(
        [
            f"{result['patches']} patches of {result['frames']} frames scored by {result['scorer']}: "
            f"{result['hardness']} ({result['seconds']:.1f} s, {result['patches_per_second']:.0f} patches/s)",
            f"V-information of all: {result['nothing']:.3f} - {result['given']:.3f} = {result['information']:.3f} "
            "nats a value (with nothing known, less with the visible parts given)",
            *result["notes"].values(),
        ]
    )
