"""The workspace: one folder that holds everything the product makes. Originals stay where they are."""

import os
from collections.abc import Mapping
from pathlib import Path

from dataeff_core.errors import BadInput
from dataeff_core.workspace.benchmarks import Benchmark
from dataeff_core.workspace.datasets import Dataset, DatasetRecord
from dataeff_core.workspace.embeddings import Embedding
from dataeff_core.workspace.evaluations import Evaluation
from dataeff_core.workspace.maps import FrameMap
from dataeff_core.workspace.mosaics import MosaicSet, mosaics_folder
from dataeff_core.workspace.records import find
from dataeff_core.workspace.runs import Run
from dataeff_core.workspace.selections import SavedSelection
from dataeff_core.workspace.storage import storage_errors, write_atomically

VARIABLE = "DATAEFF_WORKSPACE"


class Workspace:
    """A folder laid out as `datasets/<id>/...`, `runs/<id>/`, `evaluations/<id>/`, `benchmarks/<id>/`, `thumbnails/`,
    `jobs/<id>/`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def open(
        cls, root: str | Path | None = None, environment: Mapping[str, str] | None = None, *, create: bool = True
    ) -> "Workspace":
        """The workspace at `root`, else at $DATAEFF_WORKSPACE, else at ./workspace; made if it is not there, unless
        `create` is false: then it is simply empty, so that a mistyped folder leaves nothing behind.

        Raises StorageFailed when it cannot be written, BadInput when the path is a file.
        """
        variables = os.environ if environment is None else environment
        path = Path(root or variables.get(VARIABLE) or "workspace").expanduser().absolute()
        if path.exists() and not path.is_dir():
            raise BadInput(f"the workspace {path} is a file; name a folder")
        if not create:
            return cls(path)
        with storage_errors("making the workspace", path):
            for name in ("datasets", "thumbnails", "jobs"):
                (path / name).mkdir(parents=True, exist_ok=True)
        marker = path / "workspace.json"
        if not marker.exists():
            write_atomically(marker, lambda stream: stream.write(b'{"schema_version": 1}\n'))
        return cls(path)

    @property
    def datasets_folder(self) -> Path:
        return self.root / "datasets"

    @property
    def jobs_folder(self) -> Path:
        return self.root / "jobs"

    def thumbnail(self, key: str) -> Path:
        """Where the thumbnail of the frame with content key `key` (its sha256, hex) lies.

        Raises BadInput when `key` is not 64 hex digits, so that no path can be smuggled in.
        """
        if len(key) != 64 or set(key) - set("0123456789abcdef"):
            raise BadInput(f"{key[:80]!r} is not a frame's sha256 (64 hex digits)")
        return self.root / "thumbnails" / key[:2] / f"{key}.webp"

    def datasets(self) -> list[Dataset]:
        """All datasets, oldest first."""
        return [self.dataset(record.id) for record in DatasetRecord.read_all(self.datasets_folder)]

    def dataset(self, wanted: str) -> Dataset:
        """The dataset with this id, unique prefix of it, or name, or `latest`. Raises NotFound, BadInput."""
        folder = self.datasets_folder / wanted
        if wanted and "/" not in wanted and not wanted.startswith(".") and (folder / DatasetRecord.FILE).is_file():
            return Dataset(folder, DatasetRecord.read(folder))
        record = find(DatasetRecord.read_all(self.datasets_folder), wanted, kind="dataset")
        return Dataset(self.datasets_folder / record.id, record)

    def embeddings(self, dataset: Dataset) -> list[Embedding]:
        """All complete embeddings of `dataset`, oldest first."""
        return Embedding.all_in(dataset.folder / "embeddings")

    def embedding(self, dataset: Dataset, wanted: str = "latest") -> Embedding:
        """An embedding of `dataset` by id, prefix, encoder name (the newest made with it), or `latest`."""
        none = f"{dataset.record.name} has no embedding yet; run `embed {dataset.id}` first"
        return Embedding.one_in(dataset.folder / "embeddings", wanted, none=none, by=["encoder"])

    def maps(self, dataset: Dataset) -> list[FrameMap]:
        """All maps of `dataset`, oldest first."""
        return FrameMap.all_in(dataset.folder / "maps")

    def selections(self, dataset: Dataset | None = None) -> list[SavedSelection]:
        """The selections of `dataset`, or of all datasets, oldest first."""
        datasets = [dataset] if dataset is not None else self.datasets()
        found = [saved for one in datasets for saved in SavedSelection.all_in(one.folder / "selections")]
        return sorted(found, key=lambda selection: (selection.record.created, selection.record.id))

    def selection(self, wanted: str, dataset: Dataset | None = None) -> SavedSelection:
        """A selection by id, unique prefix, name, or `latest`, in `dataset` or anywhere."""
        selections = self.selections(dataset)
        record = find([one.record for one in selections], wanted, kind="selection")
        return next(one for one in selections if one.record.id == record.id)

    def mosaic_sets(self, dataset: Dataset | None = None) -> list[MosaicSet]:
        """The saved mosaics of `dataset`, or of all datasets, oldest first."""
        datasets = [dataset] if dataset is not None else self.datasets()
        found = [mosaics for one in datasets for mosaics in MosaicSet.all_in(mosaics_folder(one))]
        return sorted(found, key=lambda mosaics: (mosaics.record.created, mosaics.record.id))

    def mosaic_set(self, wanted: str, dataset: Dataset | None = None) -> MosaicSet:
        """A set of mosaics by id, unique prefix, name, or `latest`, in `dataset` or anywhere. Raises NotFound,
        BadInput."""
        sets = self.mosaic_sets(dataset)
        record = find([one.record for one in sets], wanted, kind="set of mosaics")
        return next(one for one in sets if one.record.id == record.id)

    @property
    def runs_folder(self) -> Path:
        return self.root / "runs"

    @property
    def evaluations_folder(self) -> Path:
        return self.root / "evaluations"

    @property
    def benchmarks_folder(self) -> Path:
        return self.root / "benchmarks"

    def runs(self) -> list[Run]:
        """All pre-training runs, finished or not, oldest first."""
        return Run.all_in(self.runs_folder)

    def run(self, wanted: str) -> Run:
        """A run by id, unique prefix, name, or `latest`. Raises NotFound, BadInput."""
        return Run.one_in(self.runs_folder, wanted)

    def evaluations(self) -> list[Evaluation]:
        """All evaluations, oldest first."""
        return Evaluation.all_in(self.evaluations_folder)

    def evaluation(self, wanted: str) -> Evaluation:
        """An evaluation by id, unique prefix, name, or `latest`. Raises NotFound, BadInput."""
        return Evaluation.one_in(self.evaluations_folder, wanted)

    def benchmarks(self) -> list[Benchmark]:
        """All benchmarks, finished or not, oldest first."""
        return Benchmark.all_in(self.benchmarks_folder)

    def benchmark(self, wanted: str) -> Benchmark:
        """A benchmark by id, unique prefix, name, or `latest`. Raises NotFound, BadInput."""
        return Benchmark.one_in(self.benchmarks_folder, wanted)
