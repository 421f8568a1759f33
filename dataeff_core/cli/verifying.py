"""`verify`: is an export whole, and can it be made again?"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataeff_core.errors import BadInput, NotFound
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset, Embedding, SavedSelection, SelectionRecord, Workspace

if TYPE_CHECKING:
    import pandas as pd

SUMMARY = "Check an export against its hashes; with --rerun also make its selection again and compare every decision."
SHOWN = 20  # faults named in the human text


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", metavar="OUT", type=Path, help="an export's folder or zip file")
    parser.add_argument(
        "--rerun",
        action="store_true",
        help="make the selection again from its recipe; the workspace must hold the same dataset and embedding",
    )


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.exporting.verifying import verify

    again = (lambda recipe: select_again(workspace, recipe, reporter)) if args.rerun else None
    result = verify(args.out, rerun=again, reporter=reporter)
    return {
        "ok": result.ok,
        "checked": result.checked,
        "frames": result.frames,
        "rerun": result.rerun,
        "wrong": result.wrong,
    }


def text(result: dict[str, Any]) -> str:
    also = " and every decision was made again alike" if result["rerun"] else ""
    if result["ok"]:
        return f"ok: {result['checked']} files are as they were written{also}"
    more = [f"and {len(result['wrong']) - SHOWN} more"] if len(result["wrong"]) > SHOWN else []
    return "\n".join([*result["wrong"][:SHOWN], *more])


def failure(result: dict[str, Any]) -> str | None:
    """The sentence for an export that is not as it was written."""
    if result["ok"]:
        return None
    return (
        f"the export is not as it was written: {len(result['wrong'])} things are wrong, first: {result['wrong'][0]}"
    )


def select_again(workspace: Workspace, recipe: dict[str, Any], reporter: Reporter) -> "pd.DataFrame":
    """The decisions made anew from an export's selection.json, with what the dataset says of each frame.

    Raises NotFound when the workspace lacks the dataset or the embedding, BadInput when the recipe is damaged.
    """
    from dataeff_core.selection import saving

    dataset = dataset_of(workspace, recipe)
    embedding = embedding_of(workspace, dataset, recipe)
    try:
        record = SelectionRecord(
            id=str(recipe["selection"]),
            dataset=dataset.id,
            dataset_name=dataset.record.name,
            dataset_fingerprint=dataset.fingerprint,
            embedding=None if embedding is None else embedding.id,
            method=recipe["method"],
            params=recipe["params"],
            keep=recipe["keep"],
            seed=recipe["seed"],
            frames=len(dataset.frames),
            kept=0,
            dropped={},
            code_version="",
            seconds=0,
        )
    except (KeyError, ValueError) as error:
        raise BadInput(f"selection.json is damaged ({error}); export again") from error
    decisions = saving.select_again(workspace, SavedSelection(workspace.root, record), reporter=reporter)
    facts = dataset.frames[["frame_id", "path", "sha256", "group", "order", "kind", "frame_index"]]
    return decisions.merge(facts, on="frame_id", how="left")


def dataset_of(workspace: Workspace, recipe: dict[str, Any]) -> Dataset:
    """The dataset with just the frames that the recipe was made on."""
    wanted = recipe.get("dataset", {})
    same = [one for one in workspace.datasets() if one.fingerprint == wanted.get("fingerprint")]
    if not same:
        raise NotFound(
            f"no dataset in {workspace.root} holds just the frames that the export was made from "
            f"({wanted.get('name')!r}); import them again, or name the workspace with --workspace"
        )
    return next((one for one in same if one.record.name == wanted.get("name")), same[-1])


def embedding_of(workspace: Workspace, dataset: Dataset, recipe: dict[str, Any]) -> Embedding | None:
    """The embedding by the same encoder with the same weights; None for a selection without vectors."""
    wanted = recipe.get("encoder")
    if wanted is None:
        return None
    for one in reversed(workspace.embeddings(dataset)):
        record = one.record
        same = (record.encoder, record.weights) == (wanted.get("name"), wanted.get("weights"))
        if same and record.dataset_fingerprint == dataset.fingerprint:
            return one
    raise NotFound(
        f"{dataset.record.name} has no embedding by {wanted.get('name')!r} with weights {wanted.get('weights')!r}; "
        f"run `embed {dataset.id} --encoder {wanted.get('name')}` first"
    )
