"""`pretrain`: one pre-training run."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dataeff_core.cli.selecting import Listing, described, parsed
from dataeff_core.errors import BadInput, NotFound
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

if TYPE_CHECKING:
    from dataeff_core.workspace import Dataset, MosaicSet, Run, SavedSelection

SUMMARY = (
    "Pre-train a network on a dataset, on what a selection keeps of it, or on mosaics; goes on where it stopped."
)


def configure(parser: argparse.ArgumentParser) -> None:
    from dataeff_core.pretraining import METHODS, PRESETS
    from dataeff_core.pretraining.budgets import DEFAULT_EPOCHS

    parser.add_argument(
        "source",
        metavar="DATASET|SELECTION|MOSAICS",
        nargs="?",
        help="id, unique prefix of it, or name; 'latest' is the newest dataset. Not with --resume",
    )
    names = [one.NAME for one in METHODS]
    parser.add_argument("--method", choices=names, default=names[0], help="what the network learns by")
    parser.add_argument(
        "--preset",
        metavar="NAME",
        default="",
        help=f"values to begin with: {', '.join(one.name for one in PRESETS)}; default: each parameter's own",
    )
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="settings",
        help="a parameter of the method, listed below; may be given again",
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--epochs", metavar="N", type=int, help=f"passes over the images; default: {DEFAULT_EPOCHS}")
    length.add_argument(
        "--images-seen", metavar="N", type=int, help="train until so many images were seen, however few there are"
    )
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="what is drawn by chance; from 0 on")
    parser.add_argument("--device", metavar="D", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--name", metavar="NAME", default="", help="what to call the run")
    parser.add_argument(
        "--snapshots",
        metavar="SHARES",
        default="",
        help="keep the encoder after these shares of the epochs too, such as 0.25,0.5",
    )
    parser.add_argument(
        "--resume", metavar="RUN", help="go on with this run: its id, a unique prefix of it, its name"
    )
    parser.formatter_class = Listing
    parser.epilog = "\n".join(line for one in METHODS for line in described(one))


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.pretraining import make
    from dataeff_core.pretraining.pretraining import begun_by, pretrain, resume

    begun = workspace.run(args.resume) if args.resume else begun_by(workspace, reporter.job)
    if begun is not None:
        if args.resume and args.source is not None:
            raise BadInput(f"--resume {args.resume} goes on with its own images; leave {args.source!r} out")
        return _told(resume(workspace, begun, device=args.device, reporter=reporter))
    if args.source is None:
        raise BadInput(
            "pretrain needs a dataset or a selection, or --resume RUN; `list datasets` lists what there is"
        )
    trained = pretrain(
        workspace,
        _source(workspace, args.source),
        make(args.method, parsed(args.settings), preset=args.preset),
        epochs=args.epochs,
        images_seen=args.images_seen,
        seed=args.seed,
        device=args.device,
        name=args.name,
        preset=args.preset,
        snapshots=_shares(args.snapshots),
        reporter=reporter,
    )
    return _told(trained)


def text(result: dict[str, Any]) -> str:
    return (
        f"run {result['run']}: {result['method']} on {result['images']} images for {result['epochs']:.4g} epochs "
        f"({result['images_seen']} images seen), loss {result['final_loss']:.4f} ({result['seconds']:.1f} s, "
        f"{result['images_per_second']:.0f} images/s); its encoder is {result['checkpoint']}"
    )


def _told(trained: "Run") -> dict[str, Any]:
    record, result = trained.record, trained.result
    if result is None:
        raise NotFound(f"run {trained.id} was deleted while it trained; run it again")
    return {
        "run": trained.id,
        "method": record.method,
        "params": record.params,
        "dataset": record.dataset,
        "selection": record.selection,
        "mosaics": record.mosaics,
        "retained": record.retained,
        "images": record.images,
        "epochs": result.epochs,
        "steps": result.steps,
        "images_seen": result.images_seen,
        "final_loss": result.final_loss,
        "checkpoint": str(trained.encoder_file),
        "snapshots": {epoch: str(file) for epoch, file in trained.snapshots.items()},
        "device": result.device,
        "precision": result.precision,
        "images_per_second": result.images_per_second,
        "seconds": result.seconds,
        "notes": record.notes,
    }


def _source(workspace: Workspace, wanted: str) -> "Dataset | SavedSelection | MosaicSet":
    """The dataset, selection or mosaics of that id or name; where none has it, of the prefix of an id, in this order.
    Raises NotFound, and BadInput when two kinds have the name."""
    kinds: dict[str, Sequence[Dataset | SavedSelection | MosaicSet]] = {
        "dataset": workspace.datasets(),
        "selection": workspace.selections(),
        "set of mosaics": workspace.mosaic_sets(),
    }
    exact: dict[str, Dataset | SavedSelection | MosaicSet] = {}
    for kind, listed in kinds.items():
        fitting = [one for one in listed if wanted in {one.id, one.record.name}]
        exact |= {kind: fitting[-1]} if fitting else {}
    if len(exact) > 1:
        told = " and ".join(f"a {kind} ({one.id})" for kind, one in exact.items())
        raise BadInput(f"{wanted!r} is the name of {told}; give the id of what is meant")
    if exact:
        return next(iter(exact.values()))
    said: list[str] = []
    for find in (workspace.dataset, workspace.selection, workspace.mosaic_set):
        try:
            return find(wanted)
        except NotFound as error:
            said.append(str(error))
    raise NotFound("; and ".join(said))


def _shares(typed: str) -> list[float]:
    """'0.25,0.5' -> [0.25, 0.5]. Raises BadInput."""
    try:
        return [float(one) for one in typed.split(",") if one.strip()]
    except ValueError as error:
        raise BadInput(f"--snapshots {typed!r} is not a list of shares; write for instance 0.25,0.5") from error
