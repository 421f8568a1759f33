"""A benchmark matrix on disk: the plan, and a file for each cell that is done.

benchmark.json     BenchmarkRecord: the plan, written first
cells/<id>.json    CellRecord: there when that cell is done
cells/<id>.job     the id of the job that works, or last worked, on it
coordinator        the id of the job that starts the cells, or last did
"""

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from dataeff_core.workspace.records import Record
from dataeff_core.workspace.results import Result
from dataeff_core.workspace.storage import is_held, read_json, write_atomically, write_json

FULL = "full"  # the method that keeps everything; its only kept fraction is 1
OPTIDEL = "optidel"  # the method that puts hard patches together; its kept fraction is mosaics for each frame


class Cell(BaseModel):
    """One cell of the matrix."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    method: str  # a selection method's name, OPTIDEL or FULL
    keep: float  # asked share in (0, 1]
    seed: int  # of the selection, the pre-training and the evaluation

    @property
    def id(self) -> str:
        return f"{self.method}-{self.keep:g}-{self.seed}".replace("_", "-")


class CellRecord(BaseModel):
    """What came out of one cell."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cell: Cell
    selection: str | None  # None for FULL and OPTIDEL
    mosaics: str | None = None  # the set that OPTIDEL trained on
    run: str
    evaluation: str
    snapshot_evaluations: dict[int, str] = {}  # epoch -> evaluation of the encoder after it
    images: int
    retained: float  # exactly, the paper's R
    epochs: float
    images_seen: int
    miou: float  # the evaluation's headline score, a fraction (an AUC where the task is classification)
    normdel: float  # at alpha 1
    leaked: int | None = None  # test images with a (near-)duplicate among what it trained on; None: not checked
    bytes: int  # of the files it trained on
    seconds: dict[str, float]  # 'selection', 'pretraining', 'evaluation'


class BenchmarkRecord(Record):
    """The plan: methods x kept fractions x seeds, and everything that is the same in all cells."""

    FILE: ClassVar[str] = "benchmark.json"
    KIND: ClassVar[str] = "benchmark"

    name: str = ""
    dataset: str
    dataset_name: str
    dataset_fingerprint: str
    on: str
    on_name: str
    on_fingerprint: str
    truth: str = ""  # fingerprint of the masks or labels it scores against
    methods: tuple[str, ...]
    keeps: tuple[float, ...]
    seeds: tuple[int, ...]
    encoder: str  # the embedding that selections are made with
    selection_params: dict[str, dict[str, Any]] = {}  # method -> what differs from its defaults; of OPTIDEL fields of
    # PatchRules and MosaicRules, and 'hardness', the id of the scored patches
    pretraining: str  # method
    preset: str = ""
    params: dict[str, Any] = {}  # what differs from the preset
    budget: Literal["images_seen", "epochs"] = "images_seen"  # what is equal in all cells
    images_seen: int | None = None
    epochs: int | None = None
    snapshots: tuple[float, ...] = ()  # shares of a run after which its encoder is scored too (Table 4)
    task: Literal["segmentation", "classification"] = "segmentation"
    evaluation_params: dict[str, Any] = {}
    device: str = "auto"
    code_version: str

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All cells, seed by seed, so that after the first round there is one whole curve to look at."""
        wanted = [(FULL, 1.0)] if FULL in self.methods else []
        wanted += [(method, keep) for keep in self.keeps for method in self.methods if method != FULL]
        return tuple(Cell(method=method, keep=keep, seed=seed) for seed in self.seeds for method, keep in wanted)


class Benchmark(Result[BenchmarkRecord]):
    """One benchmark by its folder; every property reads what is on disk now."""

    RECORD = BenchmarkRecord
    COORDINATOR = "coordinator"

    @property
    def done(self) -> dict[str, CellRecord]:
        """Cell id -> what came out, of the cells that are done, in the plan's order."""
        found = {cell.id: self.cell_file(cell) for cell in self.record.cells}
        return {id_: CellRecord.model_validate(read_json(file)) for id_, file in found.items() if file.is_file()}

    @property
    def lock_file(self) -> Path:
        """Held by the process that coordinates the cells."""
        return self.folder / ".lock"

    @property
    def coordinated(self) -> bool:
        """Whether some process, a job or a shell, sees to its cells now."""
        return is_held(self.lock_file)

    def cell_file(self, cell: Cell) -> Path:
        return self.folder / "cells" / f"{cell.id}.json"

    def save(self, result: CellRecord) -> None:
        """Note that a cell is done."""
        write_json(self.cell_file(result.cell), result.model_dump(mode="json"))

    def note_job(self, cell: Cell, job: str) -> None:
        """Note the id of the job that works on `cell`."""
        file = self.folder / "cells" / f"{cell.id}.job"
        write_atomically(file, lambda stream: stream.write(job.encode()))

    def job_of(self, cell: Cell) -> str | None:
        """The id of the job that works, or last worked, on `cell`."""
        file = self.folder / "cells" / f"{cell.id}.job"
        return file.read_text().strip() if file.is_file() else None

    @property
    def coordinator(self) -> str:
        """The id of the job that starts its cells, or last did; '' where none did."""
        file = self.folder / self.COORDINATOR
        return file.read_text().strip() if file.is_file() else ""

    def note_coordinator(self, job: str) -> None:
        """Note whose work it is to start its cells: a job's id (`reporter.job`), '' for none."""
        write_atomically(self.folder / self.COORDINATOR, lambda stream: stream.write(job.encode()))
