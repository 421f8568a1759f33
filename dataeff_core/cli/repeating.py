"""`stability`: a selection made again under other seeds, cluster numbers and encoders."""

import argparse
import math
from typing import TYPE_CHECKING, Any

from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset, Embedding, SavedSelection, Workspace

if TYPE_CHECKING:
    import numpy as np

    from dataeff_core.review.repeating import Repeat

SUMMARY = (
    "Make a selection again with other seeds, numbers of clusters and encoders, and say of each frame how often it "
    "stays, and of the whole how much more agrees than chance alone would make agree. Goes on where it stopped."
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("selection", metavar="SELECTION", help="id, unique prefix of it, name, or 'latest'")
    parser.add_argument("--seeds", metavar="N", type=int, default=5, help="repeats with other seeds, 0 to 100")
    parser.add_argument(
        "--clusters",
        metavar="F,F",
        default="0.5,2",
        help="repeats with so many times the clusters, each in (0, 1000); 'none' for none",
    )
    parser.add_argument(
        "--encoders",
        metavar="NAMES",
        default="all",
        help="repeats with other vectors: 'all' that are there, 'none', or encoders by name with commas between, "
        "which are computed where they are not there yet",
    )


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.review.repeating import check_asked, measure, repeats_of
    from dataeff_core.selection import selector_named
    from dataeff_core.selection.saving import check_same
    from dataeff_core.suppliers import decided

    saved = workspace.selection(args.selection)
    dataset = workspace.dataset(saved.record.dataset)
    check_same(saved.record, dataset)
    factors = numbers(args.clusters)
    check_asked(args.seeds, factors)  # before vectors are computed, which takes long
    others = embeddings(workspace, dataset, saved, args.encoders, reporter)
    by_chance = selector_named(saved.record.method).BY_CHANCE
    repeats = repeats_of(saved, seeds=args.seeds, factors=factors, embeddings=others, by_chance=by_chance)

    def decide(repeat: "Repeat", quiet: Reporter) -> "tuple[np.ndarray, np.ndarray]":
        return decided(
            workspace,
            dataset,
            method=repeat.method,
            params=repeat.params,
            seed=repeat.seed,
            keep=repeat.keep,
            embedding=repeat.embedding,
            reporter=quiet,
        )

    found = measure(dataset, saved, repeats, decide, reporter=reporter)
    record = found.record
    return {
        "stability": found.id,
        "selection": saved.id,
        "frames": record.frames,
        "kept": record.kept,
        "verdict": found.verdict,
        "mostly_luck": bool(found.luck),
        "agreements": [
            {
                "kind": one.kind,
                "repeats": list(one.names),
                "kept_again": finite(one.again),
                "by_chance": finite(one.chance),
                "beyond_chance": finite(one.beyond),
                "sentence": one.sentence,
            }
            for one in found.agreements
        ],
        "seldom_kept": record.seldom_kept,
        "often_removed": record.often_removed,
        "left_out": list(record.left_out),
        "seconds": record.seconds,
    }


def text(result: dict[str, Any]) -> str:
    lines = [result["verdict"], *(one["sentence"] for one in result["agreements"])]
    lines.append(
        f"{result['seldom_kept']} kept frames stay in less than half of the repeats, {result['often_removed']} "
        "removed ones in half or more."
    )
    return "\n".join([*lines, *(f"not made: {one}" for one in result["left_out"])])


def numbers(given: str) -> list[float]:
    """'0.5,2' -> [0.5, 2.0]; 'none' and '' -> []. Raises BadInput."""
    try:
        return [] if given.strip() in ("", "none") else [float(one) for one in given.split(",")]
    except ValueError:
        raise BadInput(f"--clusters {given!r} is not numbers with commas between, such as 0.5,2") from None


def embeddings(
    workspace: Workspace, dataset: Dataset, saved: SavedSelection, wanted: str, reporter: Reporter
) -> list[Embedding]:
    """The vectors to repeat with: of each encoder the newest that fits the frames, or those named, made where they
    are not there. None for a method without vectors."""
    from dataeff_core.encoders import make
    from dataeff_core.encoders.embedding import embed

    if saved.record.embedding is None or wanted.strip() in ("", "none"):
        return []
    fitting = [one for one in workspace.embeddings(dataset) if one.record.dataset_fingerprint == dataset.fingerprint]
    newest = {one.record.encoder: one for one in fitting if one.record.encoder != saved.record.encoder}
    if wanted.strip() == "all":
        return list(newest.values())
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    by_name = {one.record.encoder: one for one in fitting}
    return [
        by_name.get(name) or embed(workspace, dataset, make(name, workspace=workspace), reporter=reporter)
        for name in dict.fromkeys(names)
    ]


def finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
