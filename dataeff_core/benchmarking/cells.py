"""One cell of the matrix: a selection, a pre-training and an evaluation, or what is left of them to do."""

from collections.abc import Collection

import numpy as np

from dataeff_core import __version__
from dataeff_core.benchmarking.subsets import subset_of
from dataeff_core.errors import NotFound, Stale
from dataeff_core.evaluation import make_task
from dataeff_core.evaluation.normdel import normdel
from dataeff_core.pretraining import make as make_pretraining
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import (
    Benchmark,
    BenchmarkRecord,
    Cell,
    CellRecord,
    Dataset,
    Evaluation,
    MosaicSet,
    Run,
    SavedSelection,
    Workspace,
)
from dataeff_core.workspace.storage import exclusive


def cell_named(benchmark: Benchmark, wanted: str) -> Cell:
    """The cell with this id. Raises NotFound, listing some."""
    cells = {cell.id: cell for cell in benchmark.record.cells}
    if wanted not in cells:
        listed = ", ".join(list(cells)[:8]) + (", ..." if len(cells) > 8 else "")
        raise NotFound(f"benchmark {benchmark.id} has no cell {wanted!r}; it has: {listed}")
    return cells[wanted]


def run_cell(
    workspace: Workspace, benchmark: Benchmark, cell: Cell, *, device: str = "auto", reporter: Reporter | None = None
) -> CellRecord:
    """Do what is still missing of `cell`, and note that it is done.

    A selection with the same recipe, a run and an evaluation that are there already are used; a run that was stopped
    goes on from its checkpoint. One process at a time: another one waits. Raises what selecting, pre-training and
    evaluating raise, and Stale when a dataset, its masks or labels, or this program have changed since the benchmark
    was planned. Reviewers' pins are left aside: what is compared is what the methods choose.
    """
    reporter = reporter or Reporter()
    with exclusive(benchmark.folder / "cells" / f".{cell.id}.lock", reporter):
        known = benchmark.done.get(cell.id)
        if known is not None:
            return known
        record = benchmark.record
        check_version(benchmark)
        dataset = unchanged(workspace.dataset(record.dataset), record.dataset_fingerprint, benchmark)
        on = unchanged(workspace.dataset(record.on), record.on_fingerprint, benchmark)
        check_truth(on, benchmark)
        subset = subset_of(workspace, record, cell, dataset, reporter)
        run = run_of(workspace, benchmark, cell, subset, device=device, reporter=reporter)
        early = {
            epoch: score(workspace, record, cell, run, on, epoch=epoch, device=device, reporter=reporter).id
            for epoch in (run.snapshots if record.snapshots else ())
        }
        scored = score(workspace, record, cell, run, on, device=device, reporter=reporter)
        result = result_of(cell, dataset=dataset, subset=subset, run=run, scored=scored, early=early)
        benchmark.save(result)
    return result


def unchanged(dataset: Dataset, fingerprint: str, benchmark: Benchmark) -> Dataset:
    """`dataset`. Raises Stale unless it holds just the frames that it held when the benchmark was planned."""
    if dataset.fingerprint != fingerprint:
        raise Stale(
            f"{dataset.record.name} has changed since benchmark {benchmark.id} was planned, and cells on different "
            "frames cannot be compared; start the benchmark anew"
        )
    return dataset


def check_version(benchmark: Benchmark) -> None:
    """Raise Stale when another version of this program planned the benchmark."""
    planned = benchmark.record.code_version
    if planned != __version__:
        raise Stale(
            f"benchmark {benchmark.id} was planned by version {planned} and this is {__version__}, so its cells "
            "cannot be compared; start the benchmark anew"
        )


def check_truth(on: Dataset, benchmark: Benchmark) -> None:
    """Raise Stale when the masks or labels of `on` are no longer those that the benchmark was planned with."""
    record = benchmark.record
    if make_task(record.task, record.evaluation_params).truth_fingerprint(on) != record.truth:
        raise Stale(
            f"the masks or labels of {on.record.name} have changed since benchmark {benchmark.id} was planned, and "
            "scores against different ones cannot be compared; start the benchmark anew"
        )


def run_of(
    workspace: Workspace,
    benchmark: Benchmark,
    cell: Cell,
    source: Dataset | SavedSelection | MosaicSet,
    *,
    device: str,
    reporter: Reporter,
) -> Run:
    """The cell's finished run: done before, gone on with, or made now."""
    from dataeff_core.pretraining.pretraining import pretrain, resume

    record = benchmark.record
    name = f"{benchmark.id} {cell.id}"
    subset = None if isinstance(source, Dataset) else source.id
    runs = [run for run in workspace.runs() if run.record.name == name]
    mine = [run for run in runs if (run.record.selection or run.record.mosaics) == subset]
    if mine:
        run = mine[-1]
        return run if run.state == "done" else resume(workspace, run, device=device, reporter=reporter)
    return pretrain(
        workspace,
        source,
        make_pretraining(record.pretraining, record.params, preset=record.preset),
        epochs=record.epochs,
        images_seen=record.images_seen,
        seed=cell.seed,
        device=device,
        name=name,
        preset=record.preset,
        snapshots=record.snapshots,
        overruled=False,
        reporter=reporter,
    )


def score(
    workspace: Workspace,
    record: BenchmarkRecord,
    cell: Cell,
    run: Run,
    on: Dataset,
    *,
    epoch: int | None = None,
    device: str,
    reporter: Reporter,
) -> Evaluation:
    """The evaluation of the cell's encoder, at its end or after `epoch`; one that is there already is used."""
    from dataeff_core.evaluation.evaluating import evaluate

    task = make_task(record.task, record.evaluation_params)
    return evaluate(
        workspace, f"run:{run.id}", on, task, epoch=epoch, seed=cell.seed, device=device, reporter=reporter
    )


def result_of(
    cell: Cell,
    *,
    dataset: Dataset,
    subset: Dataset | SavedSelection | MosaicSet,
    run: Run,
    scored: Evaluation,
    early: dict[int, str],
) -> CellRecord:
    """What came out of a cell whose parts are all done."""
    left = run.result
    assert left is not None  # noqa: S101  (pretrain and resume return finished runs)
    retained, miou = run.record.retained, scored.record.score
    return CellRecord(
        cell=cell,
        selection=run.record.selection,
        mosaics=run.record.mosaics,
        run=run.id,
        evaluation=scored.id,
        snapshot_evaluations=early,
        images=run.record.images,
        retained=retained,
        epochs=left.epochs,
        images_seen=left.images_seen,
        miou=miou,
        normdel=normdel(miou, retained),
        leaked=scored.record.leaks["frames"] if scored.record.leaks.get("checked") else None,
        bytes=bytes_of(dataset, run.frames["frame_id"]),
        seconds={
            "selection": 0.0 if isinstance(subset, Dataset) else subset.record.seconds,
            "pretraining": left.seconds,
            "evaluation": scored.record.seconds,
        },
    )


def bytes_of(dataset: Dataset, frame_ids: Collection[str]) -> int:
    """Bytes of the files of these frames; a video's are shared out among its frames."""
    frames = dataset.frames
    in_file = frames.groupby(["source", "path_bytes"])["frame_id"].transform("size").to_numpy(np.float64)
    wanted = frames["frame_id"].isin(list(frame_ids)).to_numpy(bool)
    return round(float((frames["file_bytes"].to_numpy(np.float64) / in_file)[wanted].sum()))
