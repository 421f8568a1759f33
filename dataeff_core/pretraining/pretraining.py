"""From frames or mosaics in the workspace to a finished run, and from a stopped run to the same finished one."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataeff_core import __version__
from dataeff_core.backbones.devices import resolve_device, use_all_processors
from dataeff_core.errors import BadInput, Cancelled, DataEffError, MissingWeights, Stale, StorageFailed
from dataeff_core.pretraining import make
from dataeff_core.pretraining.base import PretrainingMethod
from dataeff_core.pretraining.budgets import Budget, budget
from dataeff_core.pretraining.sources import Filled, Source, images_of, source_of
from dataeff_core.reporting import Reporter
from dataeff_core.selection.base import check_seed
from dataeff_core.workspace import Dataset, MosaicSet, Run, RunRecord, SavedSelection, Workspace
from dataeff_core.workspace.records import fresh_id
from dataeff_core.workspace.storage import (
    exclusive,
    file_sha256,
    new_folder,
    storage_errors,
    write_json,
)

if TYPE_CHECKING:
    from torch import nn

    from dataeff_core.pretraining.distributed import Processes


def pretrain(
    workspace: Workspace,
    source: Dataset | SavedSelection | MosaicSet,
    method: PretrainingMethod,
    *,
    epochs: int | None = None,
    images_seen: int | None = None,
    seed: int = 0,
    device: str = "auto",
    name: str = "",
    preset: str = "",
    snapshots: Sequence[float] = (),
    overruled: bool = True,
    workers: int | None = None,
    reporter: Reporter | None = None,
) -> Run:
    """Train `method`'s network on the frames of a dataset, on those that a selection keeps, or on mosaics of their
    patches, which are put together as they are needed; the finished run.

    Its length is `epochs` passes or at least `images_seen` images; with neither budgets.DEFAULT_EPOCHS. After each
    share in `snapshots` (of its epochs, in (0, 1)) the encoder is kept too. Frames that cannot be read are left out
    and named in the record's notes. Without `overruled` a selection is taken as its method made it, reviewers' pins
    left aside. `workers` processes read frames that no run has read before (default: one a
    processor). An equal run that the same job (`reporter.job`) has begun is gone on with; else it is a new run.

    Raises BadInput (no images, fewer than a batch, a value that cannot be used, a loss that is no longer finite,
    too little memory), Stale, MissingWeights, StorageFailed, Cancelled; the last checkpoint then stays.
    """
    request = _Request(method, epochs, images_seen, check_seed(seed), name, preset, tuple(snapshots))
    chosen = source_of(workspace, source, overruled=overruled)
    chosen.check_fits(method)
    request.length(len(chosen))
    with _processes(device, reporter) as (processes, told):
        begun = _begun(workspace, request, chosen, told.job) if processes.writes else None
        if begun is not None and begun.result is not None:
            return begun
        network = _network(method, seed, processes)  # first: what cannot be built must not wait for the images
        if processes.writes and begun is None:
            begun = _begin(workspace, request, chosen, workers, told)
        run = _opened(workspace, processes.from_first(begun.id if begun else ""))
        return _trained(workspace, run, method, network, processes=processes, reporter=told)


def resume(workspace: Workspace, run: Run, *, device: str = "auto", reporter: Reporter | None = None) -> Run:
    """Go on with a run that stopped, from its last checkpoint; the finished run, at once if it has finished.

    It trains on just the images it began with, known by their content: what has changed in the dataset since does
    not matter while they can be had. Raises Stale where they cannot, Conflict while another process trains it,
    BadInput for a damaged checkpoint, and what `pretrain` raises.
    """
    if run.result is not None:
        return run
    with _processes(device, reporter) as (processes, told):
        method = make(run.record.method, run.record.params)
        if run.checkpoint_file.is_file():  # it holds all weights: what they began as is not needed any more
            method = method.model_copy(update={"start_from": None})
        elif method.start_from is not None:
            _check_start(method.start_from, run)
        network = _network(method, run.record.seed, processes)
        return _trained(workspace, run, method, network, processes=processes, reporter=told)


def begun_by(workspace: Workspace, job: str) -> Run | None:
    """The newest run that this job trains or has trained, None where there is none."""
    return next((run for run in reversed(workspace.runs()) if job and run.job == job), None)


# ---- what is asked -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Request:
    method: PretrainingMethod
    epochs: int | None
    images_seen: int | None
    seed: int
    name: str
    preset: str
    snapshots: tuple[float, ...]

    def length(self, images: int) -> Budget:
        """Raises BadInput."""
        return budget(images, self.method.batch_size, epochs=self.epochs, images_seen=self.images_seen)

    def length_of(self, filled: Filled) -> Budget:
        """Raises BadInput, with what was left out."""
        try:
            return self.length(filled.images)
        except BadInput as error:
            told = [note for note in (filled.notes.get("removed_since"), filled.notes.get("left_out")) if note]
            raise BadInput(f"{error} ({'; '.join(told)})" if told else str(error)) from error

    def snapshot_epochs(self, epochs: int) -> tuple[int, ...]:
        """The epochs after which the encoder is kept. Raises BadInput for a share outside (0, 1)."""
        for share in self.snapshots:
            if not 0 < share < 1:
                raise BadInput(f"snapshot {share} is not between 0 and 1; give shares of the run such as 0.25")
        return tuple(sorted({max(1, round(share * epochs)) for share in self.snapshots} - {epochs}))


def _begun(workspace: Workspace, request: _Request, source: Source, job: str) -> Run | None:
    """The run that this job has begun with an equal request."""
    run = begun_by(workspace, job)
    if run is None:
        return None
    record, told = run.record, source.told()
    asked = (source.dataset.id, request.method.NAME, _params(request.method), request.seed, request.name)
    same = asked == (record.dataset, record.method, record.params, record.seed, record.name)
    same = same and (told.get("selection"), told.get("mosaics")) == (record.selection, record.mosaics)
    return run if same and request.length(record.images).steps == record.steps else None


def _params(method: PretrainingMethod) -> dict[str, Any]:
    return method.model_dump(mode="json")


# ---- beginning ---------------------------------------------------------------------------------------------------


def _begin(workspace: Workspace, request: _Request, source: Source, workers: int | None, reporter: Reporter) -> Run:
    """Prepare the images and write the run's folder, all but its training."""
    method, dataset = request.method, source.dataset
    filled = source.fill(workspace, method, workers=workers, reporter=reporter)
    length = request.length_of(filled)
    record = RunRecord(
        id=fresh_id(method.NAME),
        name=request.name,
        dataset=dataset.id,
        dataset_name=dataset.record.name,
        dataset_fingerprint=dataset.fingerprint,
        **source.told(),
        retained=filled.images / len(dataset.frames),
        images=filled.images,
        images_fingerprint=filled.fingerprint,
        method=method.NAME,
        preset=request.preset,
        params=_params(method),
        backbone=method.backbone().model_dump(mode="json"),
        seed=request.seed,
        epochs=length.epochs,
        steps=length.steps,
        images_seen=length.images_seen,
        snapshots=tuple(
            epoch for epoch in request.snapshot_epochs(length.epochs) if length.step_after(epoch) < length.steps
        ),
        notes=filled.notes | _start_noted(method),
        code_version=__version__,
    )
    for sentence in (one for one in record.notes.values() if isinstance(one, str)):
        reporter.log(sentence)
    run = Run(workspace.runs_folder / record.id, record)
    with new_folder(run.folder) as making:
        filled.write(making)
        Run(making, record).note_job(reporter.job)
        record.write(making)
    return run


def _start_noted(method: PretrainingMethod) -> dict[str, str]:
    return {} if method.start_from is None else {"start_from_sha256": file_sha256(Path(method.start_from))}


def _opened(workspace: Workspace, run_id: str) -> Run:
    folder = workspace.runs_folder / run_id
    return Run(folder, RunRecord.read(folder))


# ---- training ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _processes(device: str, reporter: Reporter | None) -> Iterator[tuple["Processes", Reporter]]:
    """This process among those of the run, and who hears of its progress: of the first process alone."""
    from dataeff_core.pretraining.distributed import joined

    with joined(resolve_device(device)) as processes:
        use_all_processors(processes.count if processes.device.type == "cpu" else 1)
        yield processes, reporter if reporter is not None and processes.writes else Reporter()


def _network(method: PretrainingMethod, seed: int, processes: "Processes") -> "nn.Module":
    """The method's network as the run begins. Raises BadInput, NotFound, MissingWeights."""
    from dataeff_core.backbones.checkpoints import read_weights

    if method.batch_size % processes.count:
        raise BadInput(
            f"batch_size {method.batch_size} cannot be shared by {processes.count} processes; use a multiple of "
            f"{processes.count}"
        )
    if method.accumulate > 1 and not method.DIVIDES:
        raise BadInput(
            f"accumulate {method.accumulate} would change what {method.NAME} learns, which compares all images of a "
            "step with each other; set accumulate to 1, and lower batch_size when memory runs out"
        )
    if method.accumulate > method.batch_size // processes.count:
        raise BadInput(
            f"accumulate {method.accumulate} is more than the {method.batch_size // processes.count} images of a "
            "step; lower it"
        )
    weights = None
    if method.start_from is not None:
        path = Path(method.start_from)
        if not path.is_file():
            raise MissingWeights(f"start_from {path} is not there; give an existing file, or leave it out")
        weights = read_weights(path)
    return method.network(seed=seed, weights=weights)


def _check_start(start_from: str, run: Run) -> None:
    """Raise MissingWeights or Stale unless the file is there and still the one the run began with."""
    path = Path(start_from)
    if not path.is_file():
        raise MissingWeights(f"start_from {path} is not there any more; bring it back, or start a new run")
    if file_sha256(path) != run.record.notes.get("start_from_sha256"):
        raise Stale(f"start_from {path} is not the file that run {run.id} began with; start a new run")


def _trained(
    workspace: Workspace,
    run: Run,
    method: PretrainingMethod,
    network: "nn.Module",
    *,
    processes: "Processes",
    reporter: Reporter,
) -> Run:
    """Train `run` to its end while holding its lock, and note why if it does not get there."""
    from dataeff_core.pretraining.training import train

    with exclusive(run.lock_file, wait=False) if processes.writes else contextlib.nullcontext():
        if run.result is not None:
            return run
        if processes.writes:
            _tidy(run)
            run.note_job(reporter.job)
        try:
            images = images_of(workspace, run, method, reporter)
            train(run, method, network, images, processes=processes, reporter=reporter)
        except DataEffError as error:
            if processes.writes and not isinstance(error, Cancelled):
                with contextlib.suppress(StorageFailed):  # the disk may be full
                    write_json(run.folder / run.PROBLEM, {"sentence": str(error)})
            raise
    return run


def _tidy(run: Run) -> None:
    """Remove why an earlier attempt stopped, and what it left half-written when it was killed."""
    with storage_errors("writing", run.folder):
        (run.folder / run.PROBLEM).unlink(missing_ok=True)
        for half_written in run.folder.rglob(".*.tmp"):
            half_written.unlink(missing_ok=True)
