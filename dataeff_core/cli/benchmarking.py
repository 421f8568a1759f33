"""`benchmark`: the whole matrix, and one cell of it."""

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataeff_core.cli.selecting import Listing, parsed
from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

if TYPE_CHECKING:
    from dataeff_core.workspace import Benchmark

SUMMARY = (
    "Compare encoders made from subsets with those made from everything: methods x kept fractions x seeds, each cell "
    "a job; the same command again, or --resume, does what is missing."
)
SHOWN = (
    "method",
    "keep",
    "n",
    "images",
    "miou_mean",
    "miou_low",
    "miou_high",
    "normdel_mean",
    "miou_minus_full_mean",
)


def configure(parser: argparse.ArgumentParser) -> None:
    from dataeff_core.pretraining.budgets import DEFAULT_EPOCHS

    add = parser.add_argument
    add("dataset", metavar="DATASET", nargs="?", help="what to pre-train on: id, prefix, name or 'latest'")
    add("--on", metavar="DATASET", help="what to evaluate on; needs masks (or labels)")
    add(
        "--methods",
        metavar="A,B",
        default="meddel,random,full",
        help="selection methods, optidel (mosaics), full",
    )
    add("--keep", metavar="F1,F2", default="0.05,0.2,0.5", help="kept fractions, each in (0, 1)")
    add("--seeds", metavar="N", type=int, default=3, help="how often each is done anew: seeds 0 to N - 1")
    add(
        "--images-seen",
        metavar="N",
        type=int,
        help="how many images every cell sees; default: full data's epochs of it",
    )
    add("--epochs", metavar="N", type=int, help=f"passes that full data gets; default: {DEFAULT_EPOCHS}")
    add(
        "--budget",
        choices=("images_seen", "epochs"),
        default="images_seen",
        help="what is equal in all cells: images seen (the paper's) or passes over the cell's own images",
    )
    add("--pretraining", metavar="NAME", default="mae", help="the pre-training method; `list methods` has them")
    add("--preset", metavar="NAME", default="", help="values for pre-training to begin with, such as tiny")
    setting: dict[str, Any] = {"metavar": "KEY=VALUE", "action": "append", "default": []}
    add("--set", dest="settings", help="a parameter of pre-training; may be given again", **setting)
    add("--task", metavar="NAME", default="segmentation", help="segmentation or classification")
    add("--evaluation-set", help="a setting of the evaluation; may be given again", **setting)
    add(
        "--select-set",
        help="a parameter of a selection method, such as meddel.eta=0.8, or of optidel, as `mosaics` has them, and "
        "optidel.hardness=ID; may be given again",
        **setting,
    )
    add("--encoder", metavar="NAME", default="latest", help="the embedding that selections are made with")
    add(
        "--snapshots",
        metavar="S1,S2",
        default="",
        help="score encoders after these shares of a run too, e.g. 0.25,0.5",
    )
    add("--device", metavar="D", default="auto", help="auto, cpu, cuda or mps")
    add("--name", metavar="NAME", default="", help="what to call the benchmark")
    add("--resume", metavar="BENCH", help="go on with this benchmark; all that plans it is then left out")
    add("--cell", metavar="CELL", help="with --resume: do this one cell here and now")
    add("--alpha", metavar="A", type=float, default=1.0, help="NormDEL's weight of the kept share, from 0 on")
    add("--csv", metavar="FILE", type=Path, help="write the table of cells there too")
    parser.formatter_class = Listing
    parser.epilog = (
        "Cells of one seed share the network's first weights, the downstream split and all else that is drawn, so "
        "they are compared in pairs. A cell that fails keeps no other from going on; the same command tries it again."
    )


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.evaluation.normdel import normdel

    normdel(0.0, 0.0, args.alpha)  # an alpha that cannot be used is refused before the long part
    if args.resume and args.dataset is not None:
        raise BadInput(f"--resume {args.resume} goes on with its own plan; leave {args.dataset!r} out")
    from dataeff_core.benchmarking import coordinating

    if args.resume:
        benchmark = workspace.benchmark(args.resume)
    else:  # a job that is resumed goes on with what it began, whatever is 'latest' by now
        benchmark = coordinating.begun_by(workspace, reporter.job) or planned(args, workspace)
    if args.cell:
        return done_cell(args, workspace, benchmark, reporter)
    reporter.log(f"benchmark {benchmark.id}: {len(benchmark.record.cells)} cells, {len(benchmark.done)} of them done")
    outcome = coordinating.run(workspace, benchmark, reporter=reporter)
    if args.csv is not None:
        write_csv(args.csv, benchmark, args.alpha)
    return told(benchmark, args.alpha) | {"failed": outcome.failed}


def text(result: dict[str, Any]) -> str:
    if "cell" in result:
        scores = f"{result['miou']:.4f}, NormDEL {result['normdel']:.4f}"
        return f"cell {result['cell']}: {scores}, from {result['images']} images"
    head = f"benchmark {result['benchmark']}: {len(result['cells'])} cells are done"
    return "\n".join([head, *grid(result["table"]), *(f"{cell}: {why}" for cell, why in result["failed"].items())])


def failure(result: dict[str, Any]) -> str | None:
    """The sentence for a benchmark with cells that are not done."""
    failed = result.get("failed")
    if not failed:
        return None
    first, why = next(iter(failed.items()))
    many = f"{len(failed)} cells are" if len(failed) > 1 else "1 cell is"
    return f"{many} not done; `benchmark --resume {result['benchmark']}` tries again; {first}: {why}"


def planned(args: argparse.Namespace, workspace: Workspace) -> "Benchmark":
    """The benchmark that the arguments ask for, new or begun before. Raises BadInput, NotFound, Stale."""
    from dataeff_core.benchmarking.planning import plan

    if args.cell:
        raise BadInput(f"--cell {args.cell} needs --resume BENCH, the benchmark that it is a cell of")
    if args.dataset is None or args.on is None:
        raise BadInput(
            "a benchmark needs a dataset and --on, the one to evaluate on, or --resume BENCH to go on with one"
        )
    if args.seeds < 1:
        raise BadInput(f"seeds {args.seeds} is below 1; 3 or more give an interval worth looking at")
    return plan(
        workspace,
        workspace.dataset(args.dataset),
        workspace.dataset(args.on),
        methods=words(args.methods),
        keeps=fractions("--keep", args.keep),
        seeds=range(args.seeds),
        encoder=args.encoder,
        selection_params=by_method(args.select_set),
        pretraining=args.pretraining,
        preset=args.preset,
        params=parsed(args.settings),
        budget=args.budget,
        images_seen=args.images_seen,
        epochs=args.epochs,
        snapshots=fractions("--snapshots", args.snapshots),
        task=args.task,
        evaluation_params=parsed(args.evaluation_set),
        device=args.device,
        name=args.name,
    )


def done_cell(
    args: argparse.Namespace, workspace: Workspace, benchmark: "Benchmark", reporter: Reporter
) -> dict[str, Any]:
    """Do one cell here."""
    from dataeff_core.benchmarking.cells import cell_named, run_cell

    cell = cell_named(benchmark, args.cell)
    result = run_cell(workspace, benchmark, cell, device=benchmark.record.device, reporter=reporter)
    return {"benchmark": benchmark.id, **result.model_dump(mode="json"), **cell.model_dump(), "cell": cell.id}


def told(benchmark: "Benchmark", alpha: float) -> dict[str, Any]:
    """The verb's JSON object."""
    from dataeff_core.benchmarking.tables import summary, table

    return {
        "benchmark": benchmark.id,
        "cells": table(benchmark, alpha).to_dict("records"),
        "table": summary(benchmark, alpha).to_dict("records"),
        "alpha": alpha,
        "planned": len(benchmark.record.cells),
    }


def write_csv(path: Path, benchmark: "Benchmark", alpha: float) -> None:
    """The table of cells as CSV. Raises StorageFailed."""
    from dataeff_core.benchmarking.tables import table
    from dataeff_core.workspace.storage import write_atomically

    content = table(benchmark, alpha).to_csv(index=False).encode()
    write_atomically(path.expanduser().absolute(), lambda stream: stream.write(content))


def words(typed: str) -> list[str]:
    """'meddel, full' -> ['meddel', 'full']."""
    return [word.strip() for word in typed.split(",") if word.strip()]


def fractions(option: str, typed: str) -> list[float]:
    """'0.05,0.2' -> [0.05, 0.2]. Raises BadInput for what is no number."""
    try:
        return [float(word) for word in words(typed)]
    except ValueError as error:
        raise BadInput(
            f"{option} {typed!r} is not a list of fractions; write for instance {option} 0.05,0.2"
        ) from error


def by_method(settings: list[str]) -> dict[str, dict[str, str]]:
    """['meddel.eta=0.8'] -> {'meddel': {'eta': '0.8'}}. Raises BadInput."""
    found: dict[str, dict[str, str]] = {}
    for key, value in parsed(settings).items():
        method, dot, name = key.partition(".")
        if not dot:
            raise BadInput(
                f"--select-set {key} names no method; write for instance --select-set meddel.{key}={value}"
            )
        found.setdefault(method, {})[name] = value
    return found


def grid(rows: list[dict[str, Any]]) -> list[str]:
    """Rows of numbers in columns, SHOWN of them."""
    cells = [list(SHOWN), *([_short(row[name]) for name in SHOWN] for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(SHOWN))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _short(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return "-" if math.isnan(value) else f"{value:.4g}"
