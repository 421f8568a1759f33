"""`list`: what there is."""

import argparse
from typing import TYPE_CHECKING, Any

from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

if TYPE_CHECKING:
    from dataeff_core.workspace import Run

SUMMARY = "List what the workspace holds, such as datasets or selections, or the methods and encoders there are."


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=tuple(LISTS), help="what to list")


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    return {"what": args.what, "items": LISTS[args.what](workspace)}


def text(result: dict[str, Any]) -> str:
    items = result["items"]
    if not items:
        return f"no {result['what']} yet"
    width = max(len(_label(item)) for item in items)
    return "\n".join(f"{_label(item):<{width}}  {_rest(item)}".rstrip() for item in items)


def _label(item: dict[str, Any]) -> str:
    return str(item.get("id") or item["name"])


def _rest(item: dict[str, Any]) -> str:
    shown = {key: value for key, value in item.items() if value not in ("", None, _label(item))}
    return "  ".join(f"{key} {value}" for key, value in shown.items())


def _datasets(workspace: Workspace) -> list[dict[str, Any]]:
    return [
        {
            "id": dataset.id,
            "name": dataset.record.name,
            "frames": len(dataset.frames),
            "groups": int(dataset.frames["group"].nunique()),
            "unreadable": len(dataset.unreadable),
            "created": dataset.record.created,
            "updated": dataset.record.updated,
        }
        for dataset in workspace.datasets()
    ]


def _embeddings(workspace: Workspace) -> list[dict[str, Any]]:
    return [
        {
            "id": embedding.id,
            "dataset": dataset.record.name,
            "encoder": embedding.record.encoder,
            "weights": embedding.record.weights,
            "dim": embedding.record.dim,
            "frames": embedding.record.frames,
            "current": embedding.record.dataset_fingerprint == dataset.fingerprint,
            "created": embedding.record.created,
        }
        for dataset in workspace.datasets()
        for embedding in workspace.embeddings(dataset)
    ]


def _selections(workspace: Workspace) -> list[dict[str, Any]]:
    records = [selection.record for selection in workspace.selections()]
    return [
        {
            "id": record.id,
            "name": record.name,
            "dataset": record.dataset_name,
            "method": record.method,
            "frames": record.frames,
            "kept": record.kept,
            "retained": record.retained,
            "created": record.created,
        }
        for record in records
    ]


def _methods(workspace: Workspace) -> list[dict[str, Any]]:
    from dataeff_core.selection import SELECTORS

    return [{"name": one.NAME, "title": one.TITLE, "source": one.SOURCE} for one in SELECTORS]


def _encoders(workspace: Workspace) -> list[dict[str, Any]]:
    from dataeff_core.encoders import ENCODERS

    return [{"name": name, "title": title} for one in ENCODERS for name, title in one.offered(workspace)]


def _runs(workspace: Workspace) -> list[dict[str, Any]]:
    return [_about_run(run) for run in workspace.runs()]


def _about_run(run: "Run") -> dict[str, Any]:
    record, result = run.record, run.result
    return {
        "id": run.id,
        "name": record.name,
        "method": record.method,
        "dataset": record.dataset_name,
        "selection": record.selection or "",
        "mosaics": record.mosaics or "",
        "images": record.images,
        "retained": record.retained,
        "epochs": record.epochs,
        "images_seen": record.images_seen,
        "seed": record.seed,
        "state": run.state,
        "final_loss": result.final_loss if result else None,
        "problem": "" if result else run.problem,
        "created": record.created,
    }


def _evaluations(workspace: Workspace) -> list[dict[str, Any]]:
    records = [one.record for one in workspace.evaluations()]
    return [
        {
            "id": record.id,
            "name": record.name,
            "encoder": record.encoder,
            "epoch": record.epoch,
            "on": record.dataset_name,
            "task": record.task,
            "metric": record.headline,
            "score": record.score,
            "retained": record.retained,
            "seed": record.seed,
            "created": record.created,
        }
        for record in records
    ]


def _benchmarks(workspace: Workspace) -> list[dict[str, Any]]:
    return [
        {
            "id": one.id,
            "name": one.record.name,
            "dataset": one.record.dataset_name,
            "on": one.record.on_name,
            "cells": len(one.record.cells),
            "done": len(one.done),
            "created": one.record.created,
        }
        for one in workspace.benchmarks()
    ]


def _patches(workspace: Workspace) -> list[dict[str, Any]]:
    from dataeff_core.patches.stored import patch_sets

    return [
        {
            "id": one.id,
            "dataset": dataset.record.name,
            "proposer": one.record.proposer,
            "patches": one.record.patches,
            "frames": one.record.frames,
            "current": one.record.dataset_fingerprint == dataset.fingerprint,
            "created": one.record.created,
        }
        for dataset in workspace.datasets()
        for one in patch_sets(dataset)
    ]


def _hardness(workspace: Workspace) -> list[dict[str, Any]]:
    from dataeff_core.hardness.stored import all_hardness

    return [
        {
            "id": one.id,
            "dataset": dataset.record.name,
            "patch_set": one.record.patch_set,
            "scorer": one.record.scorer,
            "patches": one.record.patches,
            "nothing": one.record.nothing,
            "given": one.record.given,
            "current": one.record.dataset_fingerprint == dataset.fingerprint,
            "created": one.record.created,
        }
        for dataset in workspace.datasets()
        for one in all_hardness(dataset)
    ]


def _mosaics(workspace: Workspace) -> list[dict[str, Any]]:
    records = [one.record for one in workspace.mosaic_sets()]
    return [
        {
            "id": record.id,
            "name": record.name,
            "dataset": record.dataset_name,
            "hardness": record.hardness,
            "mosaics": record.mosaics,
            "patches": record.patches_used,
            "retained": record.retained,
            "created": record.created,
        }
        for record in records
    ]


def _proposers(workspace: Workspace) -> list[dict[str, Any]]:
    from dataeff_core.patches import PROPOSERS

    return [{"name": one.NAME, "title": one.TITLE, "source": one.SOURCE} for one in PROPOSERS]


LISTS = {
    "datasets": _datasets,
    "embeddings": _embeddings,
    "selections": _selections,
    "runs": _runs,
    "evaluations": _evaluations,
    "benchmarks": _benchmarks,
    "methods": _methods,
    "encoders": _encoders,
    "patches": _patches,
    "hardness": _hardness,
    "mosaics": _mosaics,
    "proposers": _proposers,
}
