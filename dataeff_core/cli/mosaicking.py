"""`mosaics`: training images put together from hard patches."""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataeff_core.cli.selecting import parsed
from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

if TYPE_CHECKING:
    from dataeff_core.hardness.choosing import PatchRules
    from dataeff_core.hardness.stored import Hardness
    from dataeff_core.mosaics.exporting import Planned
    from dataeff_core.mosaics.layout import MosaicRules
    from dataeff_core.workspace import Dataset

SUMMARY = (
    "Choose patches by hardness and lay them out as training images; --name keeps them to pre-train on, --out writes "
    "them as images; without either only say what would be."
)
COUNTED = ("too_easy", "useful", "suspicious", "allowed", "frames", "unusable", "pinned")


def configure(parser: argparse.ArgumentParser) -> None:
    from dataeff_core.hardness.choosing import PatchRules
    from dataeff_core.mosaics.layout import MosaicRules

    parser.add_argument("dataset", metavar="DATASET", help="id, unique prefix of it, name, or 'latest'")
    parser.add_argument("--hardness", metavar="ID", help="which scoring of its patches; default: latest")
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
        "--saved",
        metavar="MOSAICS",
        default="",
        help="those kept earlier, in the place of rules; for --out",
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
    parser.add_argument("--seed", metavar="S", type=int, help="what is drawn by chance; from 0 on; default: 0")
    parser.add_argument(
        "--workers", metavar="N", type=int, help="processes that read frames, from 0 on; default: one a processor"
    )


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.hardness.choosing import Ranked
    from dataeff_core.mosaics.exporting import export_mosaics
    from dataeff_core.mosaics.saving import keep

    if args.as_dataset and args.out is None:
        raise BadInput("--import registers the folder that is written; name it with --out")
    dataset = workspace.dataset(args.dataset)
    asked = _saved(args, workspace, dataset) if args.saved else _planned(args, dataset, reporter)
    scored, planned, choice, rules = asked.scored, asked.planned, asked.choice, asked.rules
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
        "mosaic_set": asked.mosaic_set,
        "out": None,
        "dataset": None,
    }
    if args.name:
        about = {"count": asked.count, "seed": asked.seed, "name": args.name, "seconds": asked.seconds}
        told["mosaic_set"] = keep(dataset, scored, planned, choice, rules, **about).id
    if args.out is None:
        return told
    written = export_mosaics(
        dataset,
        scored,
        planned,
        args.out,
        choice=choice,
        rules=rules,
        count=asked.count,
        seed=asked.seed,
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


@dataclass(frozen=True)
class _Asked:
    scored: "Hardness"
    choice: "PatchRules"
    rules: "MosaicRules"
    count: int | None
    seed: int
    planned: "Planned"
    seconds: float = 0.0  # that planning took
    mosaic_set: str | None = None


def _planned(args: argparse.Namespace, dataset: "Dataset", reporter: Reporter) -> _Asked:
    """What the rules come to."""
    from dataeff_core.declarations import made
    from dataeff_core.hardness.choosing import PatchRules
    from dataeff_core.hardness.stored import hardness_of
    from dataeff_core.mosaics.exporting import plan
    from dataeff_core.mosaics.layout import MosaicRules

    settings = parsed(args.settings)
    of_mosaics = {key: value for key, value in settings.items() if key in MosaicRules.model_fields}
    choice = made(PatchRules, {key: settings[key] for key in settings if key not in of_mosaics}, name="patches")
    rules = made(MosaicRules, of_mosaics, name="mosaics")
    scored = hardness_of(dataset, args.hardness or "latest")
    seed = args.seed or 0
    began = time.monotonic()
    planned = plan(dataset, scored, choice, rules, count=args.count, seed=seed, reporter=reporter)
    return _Asked(scored, choice, rules, args.count, seed, planned, time.monotonic() - began)


def _saved(args: argparse.Namespace, workspace: Workspace, dataset: "Dataset") -> _Asked:
    """A set that was saved, as it was planned. Raises BadInput when other rules are given besides."""
    from dataeff_core.hardness.choosing import PatchRules
    from dataeff_core.hardness.stored import hardness_of
    from dataeff_core.mosaics.layout import MosaicRules
    from dataeff_core.mosaics.saving import reopened

    besides = {"--set": args.settings, "--count": args.count, "--hardness": args.hardness, "--name": args.name}
    besides["--seed"] = args.seed is not None
    given = [option for option, value in besides.items() if value]
    if given:
        raise BadInput(f"--saved {args.saved} has rules of its own; leave {given[0]} out")
    mosaics = workspace.mosaic_set(args.saved, dataset)
    record = mosaics.record
    scored = hardness_of(dataset, record.hardness)
    choice, rules = PatchRules.model_validate(record.patches), MosaicRules.model_validate(record.mosaic)
    planned = reopened(dataset, scored, mosaics)
    return _Asked(scored, choice, rules, record.count, record.seed, planned, mosaic_set=mosaics.id)


def _imported(workspace: Workspace, out: Path, name: str, reporter: Reporter) -> str:
    """The id of the dataset that the mosaics become."""
    from dataeff_core.datasets.importing import import_frames
    from dataeff_core.mosaics.exporting import IMAGES

    import_frames(workspace, out / IMAGES, name=name, reporter=reporter)
    return workspace.dataset(name).id
