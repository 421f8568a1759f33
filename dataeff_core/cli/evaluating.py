"""`evaluate`: what an encoder is worth on a downstream dataset."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataeff_core.cli.selecting import Listing, described, parsed
from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

if TYPE_CHECKING:
    from dataeff_core.workspace import Evaluation

SUMMARY = "Score an encoder on a downstream dataset: outline what its masks show, or recognise what its labels say."


def configure(parser: argparse.ArgumentParser) -> None:
    from dataeff_core.evaluation import TASKS

    parser.add_argument(
        "run", metavar="RUN", nargs="?", help="a pre-training run: id, unique prefix of it, name, or 'latest'"
    )
    parser.add_argument(
        "--encoder",
        metavar="NAME",
        help="instead of RUN: 'run:<id>', 'untrained:<run id>' (its network with random weights) or 'timm:<ViT>'",
    )
    parser.add_argument("--on", metavar="DATASET", required=True, help="the downstream dataset")
    names = [one.NAME for one in TASKS]
    parser.add_argument("--task", choices=names, default=names[0], help="what to score it by")
    parser.add_argument("--label", metavar="COLUMN", help="which label to recognise, where there are several")
    parser.add_argument("--epoch", metavar="N", type=int, help="score the run's snapshot of this epoch, not its end")
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="settings",
        help="a setting of the task, listed below; may be given again",
    )
    parser.add_argument(
        "--checkpoint",
        metavar="FILE",
        type=Path,
        help="a timm model's weights (.safetensors or PyTorch)",
    )
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="draws splits and the head; from 0 on")
    parser.add_argument("--device", metavar="D", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--name", metavar="NAME", default="", help="what to call the evaluation")
    parser.formatter_class = Listing
    parser.epilog = "\n".join(line for one in TASKS for line in described(one))


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.evaluation import make_task
    from dataeff_core.evaluation.evaluating import evaluate

    settings = parsed(args.settings)
    if args.label is not None:
        if args.task != "classification":
            raise BadInput(f"--label {args.label} makes no sense for {args.task}; add --task classification")
        if "label" in settings:
            raise BadInput(f"the label is given twice ({args.label} and {settings['label']}); give it once")
        settings["label"] = args.label
    return summary(
        evaluate(
            workspace,
            encoder_of(args),
            workspace.dataset(args.on),
            make_task(args.task, settings),
            epoch=args.epoch,
            checkpoint=args.checkpoint,
            seed=args.seed,
            device=args.device,
            name=args.name,
            reporter=reporter,
        )
    )


def encoder_of(args: argparse.Namespace) -> str:
    """What is to be scored. Raises BadInput unless just one is named."""
    if (args.run is None) == (args.encoder is None):
        raise BadInput("name one encoder: a RUN, or --encoder untrained:<run id> or timm:<ViT>")
    return str(args.encoder or f"run:{args.run}")


def summary(evaluation: "Evaluation") -> dict[str, Any]:
    """An evaluation as the JSON object of the verb."""
    from dataeff_core.evaluation.normdel import normdel, weighs

    record = evaluation.record
    segmentation = record.task == "segmentation"
    columns = ["frame_id", "iou"] if segmentation else ["frame_id", "truth", "predicted"]
    return {
        "evaluation": evaluation.id,
        "encoder": record.encoder,
        "task": record.task,
        "headline": record.headline,
        "miou" if segmentation else "auc": record.score,
        "metrics": record.metrics,
        "intervals": record.intervals,
        "retained": record.retained,
        "normdel": normdel(record.score, record.retained or 0.0) if weighs(record.retained) else None,
        "per_image": evaluation.per_image[columns].to_dict("records"),
        "counts": record.counts,
        "leaks": record.leaks,
        "notes": record.notes,
        "seconds": record.seconds,
    }


def text(result: dict[str, Any]) -> str:
    interval = result["intervals"].get(result["headline"])
    told = "95 % interval {:.4f} to {:.4f}".format(*interval) if interval else "no interval: one test group alone"
    score = result["metrics"][result["headline"]]
    counts = result["counts"]
    known = result["normdel"] is not None
    normdel = f", NormDEL {result['normdel']:.4f} at R = {result['retained']:.3f}" if known else ""
    lines = [
        f"evaluation {result['evaluation']}: {result['headline']} {score:.4f} ({told})"
        f"{normdel} ({result['seconds']:.1f} s)",
        f"{counts['train']} images to train on, {counts['validation']} to validate, {counts['test']} to test, "
        f"{counts['left_out']} left out",
        *(f"{name} {value:.4f}" for name, value in result["metrics"].items() if name != result["headline"]),
        *result["notes"].values(),
    ]
    return "\n".join(map(str, lines))
