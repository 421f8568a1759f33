"""`embed`: a vector for every frame."""

import argparse
from pathlib import Path
from typing import Any

from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = "Compute a vector for every frame of a dataset; goes on where it stopped."


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help="id, unique prefix of it, name, or 'latest'")
    parser.add_argument(
        "--encoder",
        metavar="NAME",
        default="descriptor",
        help="'descriptor' (no weights needed), 'timm' (a ViT-B/16), 'timm:<model>' (any timm model), 'run:<id>' (a "
        "finished pre-training run) or 'run' (the newest)",
    )
    parser.add_argument(
        "--checkpoint",
        metavar="FILE",
        type=Path,
        help="take a timm model's weights from this .safetensors or PyTorch file; default: the published ones",
    )
    parser.add_argument("--device", metavar="D", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument(
        "--workers", metavar="N", type=int, help="processes that read frames, from 0 on; default: one a processor"
    )


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.encoders import make
    from dataeff_core.encoders.embedding import embed

    embedding = embed(
        workspace,
        workspace.dataset(args.dataset),
        make(args.encoder, checkpoint=args.checkpoint, workspace=workspace),
        device=args.device,
        workers=args.workers,
        reporter=reporter,
    )
    record = embedding.record
    return {
        "embedding": embedding.id,
        "dataset": record.dataset,
        "encoder": record.encoder,
        "weights": record.weights,
        "dim": record.dim,
        "frames": record.frames,
        "images_per_second": record.images_per_second,
        "seconds": record.seconds,
        "notes": record.notes,
    }


def text(result: dict[str, Any]) -> str:
    return (
        f"{result['frames']} frames as vectors of {result['dim']} numbers by {result['encoder']}: embedding "
        f"{result['embedding']} ({result['seconds']:.1f} s, {result['images_per_second']:.0f} images/s)"
    )
