"""`mosaics`: training images put together from hard patches."""

import argparse
from pathlib import Path
from typing import Any

from dataeff_core.cli.selecting import parsed
from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = (
    "Choose patches by hardness and lay them out as training images; --name keeps them to pre-train on, --out writes "
    "them as images; without either only say what would be."
)
COUNTED = ("too_easy", "useful", "suspicious", "allowed", "frames", "unusable", "pinned")


def configure(parser: argparse.ArgumentParser) -> None:
    from dataeff_core.hardness.choosing import PatchRules
    from dataeff_core.mosaics.layout import MosaicRules

    parser.add_argument("dataset", metavar="DATASET", help="id, unique prefix of it, name, or 'latest'")
    parser.add_argument("--hardness", metavar="ID", default="latest", help="which scoring of its patches")
    parser.add_argument("--count", metavar="N", type=int, help="how many mosaics; default: as many as patches allow")
    fields = {**PatchRules.model_fields, **MosaicRules.model_fields}
    told = "; ".join(f"{key} ({one.default}): {one.description}" for key, one in fields.items())
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="settings",
        help=f"a rule for patches or mosaics, may be given again: {told.replace('%', '%%')}",
    )
    parser.add_argument(
        "--name", metavar="NAME", default="", help="keep them under this name, to pre-train on: `pretrain NAME`"
    )
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="write images, manifest and recipe into this new folder"
    )
    parser.add_argument(
        "--import",
        metavar="NAME",
        default="",
        dest="as_dataset",
        help="then register them as a dataset to pre-train on",
    )
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="what is drawn by chance; from 0 on")
    parser.add_argument(
        "--workers", metavar="N", type=int, help="processes that read frames, from 0 on; default: one a processor"
    )


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.declarations import made
    from dataeff_core.hardness.choosing import PatchRules, Ranked
    from dataeff_core.hardness.stored import hardness_of
    from dataeff_core.mosaics.exporting import export_mosaics, plan
    from dataeff_core.mosaics.layout import MosaicRules
    from dataeff_core.mosaics.saving import save_mosaics

    if args.as_dataset and args.out is None:
        raise BadInput("--import registers the folder that is written; name it with --out")
    settings = parsed(args.settings)
    of_mosaics = {key: value for key, value in settings.items() if key in MosaicRules.model_fields}
    choice = made(PatchRules, {key: settings[key] for key in settings if key not in of_mosaics}, name="patches")
    rules = made(MosaicRules, of_mosaics, name="mosaics")
    dataset = workspace.dataset(args.dataset)
    scored = hardness_of(dataset, args.hardness)
    planned = plan(dataset, scored, choice, rules, count=args.count, seed=args.seed, reporter=reporter)
    counts = Ranked.of(scored, dataset, usable=choice.usable).counts(choice)
    told: dict[str, Any] = {
        "hardness": scored.id,
        "mosaics": len(planned.layout),
        "patches": int(planned.layout.rows.size),
        "height": planned.layout.height,
        "width": planned.layout.width,
        "counts": {name: getattr(counts, name) for name in COUNTED},
        "margins": [counts.lower, counts.upper],
        "nothing": planned.terms.nothing,
        "given": planned.terms.given,
        "information": planned.terms.information,
        "warning": planned.warning,
        "notes": planned.notes,
        "mosaic_set": None,
        "out": None,
        "dataset": None,
    }
    if args.name:
        kept = save_mosaics(
            dataset, scored, choice, rules, count=args.count, seed=args.seed, name=args.name, reporter=reporter
        )
        told["mosaic_set"] = kept.id
    if args.out is None:
        return told
    written = export_mosaics(
        dataset,
        scored,
        planned,
        args.out,
        choice=choice,
        rules=rules,
        seed=args.seed,
        workers=args.workers,
        reporter=reporter,
    )
    told |= {
        "mosaics": written.mosaics,
        "left_out": written.left_out,
        "out": str(written.out),
        "bytes": written.bytes,
    }
    if args.as_dataset:
        told["dataset"] = _imported(workspace, written.out, args.as_dataset, reporter)
    return told


def text(result: dict[str, Any]) -> str:
    counts = result["counts"]
    made = "would be made; keep them with --name, or write them into a folder with --out"
    made = f"kept as {result['mosaic_set']}" if result["mosaic_set"] else made
    made = f"written to {result['out']}" if result["out"] else made
    lines = [
        f"{counts['too_easy']} patches too easy, {counts['useful']} useful, {counts['suspicious']} suspicious",
        f"{result['mosaics']} mosaics of {result['width']} x {result['height']} pixels from {result['patches']} "
        f"patches {made}",
        f"V-information of their patches: {result['nothing']:.3f} - {result['given']:.3f} = "
        f"{result['information']:.3f} nats a value",
        *([result["warning"]] if result["warning"] else []),
        *result["notes"].values(),
        *([f"kept as {result['mosaic_set']}"] if result["mosaic_set"] and result["out"] else []),
        *([f"registered as dataset {result['dataset']}"] if result["dataset"] else []),
    ]
    return "\n".join(lines)


def _imported(workspace: Workspace, out: Path, name: str, reporter: Reporter) -> str:
    """The id of the dataset that the mosaics become."""
    from dataeff_core.datasets.importing import import_frames
    from dataeff_core.mosaics.exporting import IMAGES

    import_frames(workspace, out / IMAGES, name=name, reporter=reporter)
    return workspace.dataset(name).id
