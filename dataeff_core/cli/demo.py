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
    folder = workspace.root / "demo" / f"{args.frames}-frames-seed-{args.seed}"
    with exclusive(workspace.root / "demo" / ".lock", reporter):
        dataset = _dataset(workspace, name, folder)
        if dataset is None:
            _draw(folder, args.frames, args.seed, reporter)
            dataset = _import(workspace, name, folder, reporter)
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


def _dataset(workspace: Workspace, name: str, folder: Path) -> Dataset | None:
    """The demo dataset of that name, None when there is none yet. Raises BadInput when the name is another's."""
    called_so = [one for one in workspace.datasets() if one.record.name == name]
    if not called_so:
        return None
    if [Path(one.root).resolve() for one in called_so[-1].record.sources] != [(folder / "videos").resolve()]:
        raise BadInput(f"there is another dataset called {name!r}; give this one another name with --name")
    return called_so[-1]


def _draw(folder: Path, frames: int, seed: int, reporter: Reporter) -> None:
    """Videos and masks in `folder`, which appears only when complete and then stays."""
    from dataeff_core.datasets.demo import generate

    if not folder.is_dir():
        reporter.phase("drawing the demo videos", frames)
        generate(folder, frames=frames, seed=seed, progress=lambda done: reporter.advance(done - reporter.done))


def _import(workspace: Workspace, name: str, folder: Path, reporter: Reporter) -> Dataset:
    from dataeff_core.datasets.importing import import_frames

    result = import_frames(workspace, folder / "videos", name=name, masks=folder / "masks", reporter=reporter)
    return workspace.dataset(result.dataset)


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
