"""`embed`: a vector for every frame."""

import argparse
from pathlib import Path
from typing import Any

from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = "Compute a vector for every frame of a dataset; goes on where an earlier run stopped."


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help="id, unique prefix of it, name, or 'latest'")
    parser.add_argument(
        "--encoder",
        metavar="NAME",
        default="descriptor",
        help="'descriptor' (needs no weights), 'timm' (ViT-B/16), or 'timm:<model>'",
    )
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="the model's weights: .safetensors or .pth")
    parser.add_argument("--device", metavar="D", default="auto", help="auto, cpu, cuda, cuda:<n> or mps")
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes that read frames, from 0 on (default: one for each core)"
    )


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.encoders import make
    from dataeff_core.encoders.embedding import embed

    dataset = workspace.dataset(args.dataset)
    encoder = make(args.encoder, checkpoint=args.checkpoint)
    record = embed(workspace, dataset, encoder, device=args.device, workers=args.workers, reporter=reporter).record
    return {
        "embedding": record.id,
        "encoder": record.encoder,
        "weights": record.weights,
        "dim": record.dim,
        "frames": record.frames,
        "images_per_second": record.images_per_second,
        "seconds": record.seconds,
    }


def text(result: dict[str, Any]) -> str:
    return (
        f"embedding {result['embedding']}: {result['frames']} frames, {result['dim']} dimensions "
        f"({result['seconds']:.1f} s, {result['images_per_second']:.0f} images/s)"
    )
