"""`demo`: a dataset to look at, without any data of one's own."""

import argparse
import time
from pathlib import Path
from typing import Any

from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset, Embedding, FrameMap, SavedSelection, Workspace
from dataeff_core.workspace.storage import exclusive

SUMMARY = (
    "Make a demo dataset (synthetic endoscopy videos with masks and planted faults) and import, embed, calibrate, "
    "map and select it. Run again with the same options it reuses what is there."
)
FRAMES, SEED, ENCODER, METHOD = 600, 0, "descriptor", "meddel"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--frames", type=int, default=FRAMES, metavar="N", help="frames in all, from 1 on")
    parser.add_argument("--seed", type=int, default=SEED, metavar="S", help="what is drawn; from 0 on")
    parser.add_argument(
        "--name", metavar="NAME", help="the dataset's name; by default 'demo', and the options if given"
    )


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    started = time.monotonic()
    name = args.name or ("demo" if (args.frames, args.seed) == (FRAMES, SEED) else f"demo-{args.frames}-{args.seed}")
    with exclusive(workspace.root / "demo" / ".lock", reporter):
        videos = _videos(workspace, args.frames, args.seed, reporter)
        dataset = _dataset(workspace, videos, name, reporter)
        embedding = _embedding(workspace, dataset, reporter)
        _calibrate(workspace, dataset, embedding, reporter)
        frame_map = _map(workspace, dataset, embedding, reporter)
        selection = _selection(workspace, dataset, embedding, reporter)
    return {
        "dataset": dataset.id,
        "embedding": embedding.id,
        "map": frame_map.record.id,
        "selection": selection.id,
        "frames": len(dataset.frames),
        "kept": selection.record.kept,
        "seconds": round(time.monotonic() - started, 3),
    }


def text(result: dict[str, Any]) -> str:
    return (
        f"dataset {result['dataset']}: {result['frames']} frames, {result['kept']} kept by selection "
        f"{result['selection']} ({result['seconds']:.1f} s)"
    )


def _videos(workspace: Workspace, frames: int, seed: int, reporter: Reporter) -> Path:
    """The folder of the generated videos and masks, drawn unless it is there; it appears only when complete."""
    from dataeff_core.datasets.demo import generate

    folder = workspace.root / "demo" / f"{frames}-frames-seed-{seed}"
    if not folder.is_dir():
        reporter.phase("drawing the demo videos", frames)
        generate(folder, frames=frames, seed=seed, progress=lambda done: reporter.advance(done - reporter.done))
    return folder


def _dataset(workspace: Workspace, folder: Path, name: str, reporter: Reporter) -> Dataset:
    from dataeff_core.datasets.importing import import_frames

    called_so = [one for one in workspace.datasets() if one.record.name == name]
    if not called_so:
        import_frames(workspace, folder / "videos", name=name, masks=folder / "masks", reporter=reporter)
        return next(one for one in workspace.datasets() if one.record.name == name)
    there = called_so[-1]
    if [Path(one.root).resolve() for one in there.record.sources] != [(folder / "videos").resolve()]:
        raise BadInput(f"there is another dataset called {name!r}; give this one another name with --name")
    return there


def _embedding(workspace: Workspace, dataset: Dataset, reporter: Reporter) -> Embedding:
    from dataeff_core.encoders import make
    from dataeff_core.encoders.embedding import embed

    for embedding in reversed(workspace.embeddings(dataset)):
        if (embedding.record.encoder, embedding.record.dataset_fingerprint) == (ENCODER, dataset.fingerprint):
            return embedding
    return embed(workspace, dataset, make(ENCODER), reporter=reporter)


def _calibrate(workspace: Workspace, dataset: Dataset, embedding: Embedding, reporter: Reporter) -> None:
    from dataeff_core.encoders.calibration import calibrate
    from dataeff_core.workspace.calibrations import calibrations

    if not calibrations(embedding):
        calibrate(workspace, dataset, embedding, reporter=reporter)


def _map(workspace: Workspace, dataset: Dataset, embedding: Embedding, reporter: Reporter) -> FrameMap:
    from dataeff_core.projection import project

    for frame_map in reversed(workspace.maps(dataset)):
        if frame_map.record.embedding == embedding.id:
            return frame_map
    return project(workspace, dataset, embedding, reporter=reporter)


def _selection(workspace: Workspace, dataset: Dataset, embedding: Embedding, reporter: Reporter) -> SavedSelection:
    from dataeff_core.selection import SELECTORS
    from dataeff_core.selection.saving import select

    for saved in workspace.selections(dataset):
        if (saved.record.name, saved.record.embedding) == (dataset.record.name, embedding.id):
            return saved
    selector = next(one for one in SELECTORS if one.NAME == METHOD)()
    return select(workspace, dataset, selector, encoder=embedding.id, name=dataset.record.name, reporter=reporter)
