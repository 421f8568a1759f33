"""Tables against numbers worked out by hand on cells made up for it."""

import io
import math

import numpy as np
import pandas as pd
import pytest

from dataeff_core.benchmarking import tables
from dataeff_core.benchmarking.estimating import Running, seconds_left
from dataeff_core.errors import BadInput
from dataeff_core.workspace import Benchmark, Cell, CellRecord, Dataset, Workspace
from tests.fabricated_runs import fabricate_benchmark

Made = tuple[Workspace, Dataset, Dataset]
SCORES = {
    ("full", 1.0): [0.60, 0.62, 0.64],
    ("meddel", 0.2): [0.59, 0.62, 0.62],
    ("random", 0.2): [0.50, 0.56, 0.53],
    ("meddel", 0.05): [0.55, 0.57],
}
T_2, T_1 = 4.302652729911275, 12.706204736432095  # Student's t at 97.5 % with 2 and 1 degrees of freedom


@pytest.fixture
def benchmark(made: Made) -> Benchmark:
    """Cells with the scores above; the third seed of meddel at 5 % and all of random at 5 % are not done."""
    workspace, dataset, on = made
    found = fabricate_benchmark(workspace, dataset, on, keeps=(0.05, 0.2), done=0, name="by hand")
    for (method, keep), scores in SCORES.items():
        for seed, miou in enumerate(scores):
            found.save(record(method, keep, seed, miou))
    yield found
    for cell in found.record.cells:
        found.cell_file(cell).unlink(missing_ok=True)
    (found.folder / "benchmark.json").unlink()
    for child in sorted(found.folder.rglob("*"), reverse=True):
        child.unlink() if child.is_file() else child.rmdir()
    found.folder.rmdir()


def record(method: str, keep: float, seed: int, miou: float) -> CellRecord:
    return CellRecord(
        cell=Cell(method=method, keep=keep, seed=seed),
        selection=None,
        run="r",
        evaluation="e",
        images=round(keep * 100),
        retained=keep,
        epochs=10 / keep,
        images_seen=1000,
        miou=miou,
        normdel=0.5,
        bytes=round(keep * 1e6),
        seconds={"selection": 1.0 if keep < 1 else 0.0, "pretraining": 100.0, "evaluation": 49.0},
    )


def test_a_row_a_cell(benchmark: Benchmark) -> None:
    found = tables.table(benchmark, alpha=2.0)
    assert tuple(found.columns) == tables.CELL_COLUMNS
    assert len(found) == 11
    assert found["cell"].tolist()[:4] == ["full-1-0", "meddel-0.05-0", "meddel-0.2-0", "random-0.2-0"]
    row = found.set_index("cell").loc["meddel-0.2-2"]
    assert row["del"] == pytest.approx(0.62 * math.exp(-0.4))
    assert row["normdel"] == pytest.approx(1 / (1 + math.exp(-0.62 * math.exp(-0.4))))
    assert row["seconds"] == 150
    again = pd.read_csv(io.StringIO(found.to_csv(index=False)), keep_default_na=False)
    assert again["miou"].tolist() == found["miou"].tolist()


def test_means_spreads_and_intervals(benchmark: Benchmark) -> None:
    found = tables.summary(benchmark).set_index(["method", "keep"])
    assert list(found.index) == [("full", 1.0), ("meddel", 0.2), ("random", 0.2), ("meddel", 0.05)]
    full = found.loc[("full", 1.0)]
    assert (full["n"], full["miou_mean"], full["miou_sd"]) == (3, pytest.approx(0.62), pytest.approx(0.02))
    assert full["miou_high"] - 0.62 == pytest.approx(T_2 * 0.02 / math.sqrt(3))
    assert math.isnan(full["miou_minus_full_mean"])
    two = found.loc[("meddel", 0.05)]
    assert 0.56 - two["miou_low"] == pytest.approx(T_1 * 0.01)  # sd / sqrt(n) of 0.55 and 0.57


def test_differences_are_paired_by_seed(benchmark: Benchmark) -> None:
    found = tables.summary(benchmark).set_index(["method", "keep"])
    row = found.loc[("meddel", 0.2)]
    against_full = np.array([-0.01, 0.0, -0.02])
    assert row["miou_minus_full_mean"] == pytest.approx(against_full.mean())
    half = T_2 * against_full.std(ddof=1) / math.sqrt(3)
    assert row["miou_minus_full_high"] == pytest.approx(against_full.mean() + half)
    assert (row["miou_minus_random_mean"], row["miou_minus_random_n"]) == (pytest.approx((0.09 + 0.06 + 0.09) / 3), 3)
    few = found.loc[("meddel", 0.05)]
    assert (few["miou_minus_full_n"], few["miou_minus_full_mean"]) == (2, pytest.approx(-0.05))
    assert few["miou_minus_random_n"] == 0
    assert math.isnan(few["miou_minus_random_mean"])


def test_the_cheapest_subset(benchmark: Benchmark) -> None:
    def named(within: float) -> tuple[str, float]:
        found = tables.cheapest(benchmark, within)
        assert found is not None
        return found.method, found.keep

    assert named(0.0) == ("full", 1.0)
    assert named(0.02) == ("meddel", 0.2)  # 0.61 of 0.62 is 1.6 % less
    assert named(0.10) == ("meddel", 0.05)  # 9.7 % less
    found = tables.cheapest(benchmark, 0.02)
    assert found is not None
    assert found.loss == pytest.approx(1 - 0.61 / 0.62)
    for wrong in (-0.1, 1.0, 2.0, float("nan")):
        with pytest.raises(BadInput, match="within"):
            tables.cheapest(benchmark, wrong)
    for seed in range(3):
        benchmark.cell_file(Cell(method="full", keep=1.0, seed=seed)).unlink()
    assert tables.cheapest(benchmark, 0.02) is None


def test_what_is_saved(benchmark: Benchmark) -> None:
    found = tables.saved(benchmark).set_index(["method", "keep"])
    assert tuple(found.reset_index().columns) == tables.SAVED_COLUMNS
    row = found.loc[("meddel", 0.2)]
    assert (row["bytes"], row["bytes_saved"]) == (200_000, 800_000)
    assert row["hours_saved"] == pytest.approx(-1 / 3600)  # selecting took a second


def test_nothing_done_yet(made: Made) -> None:
    workspace, dataset, on = made
    empty = fabricate_benchmark(workspace, dataset, on, done=0, name="empty")
    assert tuple(tables.summary(empty).columns) == tables.SUMMARY_COLUMNS
    assert (len(tables.table(empty)), len(tables.summary(empty)), len(tables.saved(empty))) == (0, 0, 0)
    assert (len(tables.epochs(workspace, empty)), len(tables.last_epochs(workspace, empty))) == (0, 0)
    assert tables.cheapest(empty, 0.05) is None


def test_epochs_and_last_epochs(made: Made) -> None:
    workspace, dataset, on = made
    found = fabricate_benchmark(
        workspace, dataset, on, keeps=(0.5,), seeds=(0, 1), snapshots=(0.25, 0.5), name="epochs"
    )
    curves = tables.epochs(workspace, found)
    assert len(curves) == 3 * 2 * 3
    one = curves[curves["cell"] == "meddel-0.5-1"]
    assert one["epochs"].is_monotonic_increasing
    assert one["final"].tolist() == [False, False, True]
    assert one["miou"].iloc[-1] == found.done["meddel-0.5-1"].miou
    assert one["images_seen"].tolist()[0] == one["epochs"].iloc[0] * found.done["meddel-0.5-1"].images
    boxes = tables.last_epochs(workspace, found)
    assert tuple(boxes.columns) == tables.LAST_COLUMNS
    assert boxes.groupby("cell").size().tolist() == [10] * 6
    for file in workspace.evaluations_folder.glob(f"{found.done['full-1-0'].evaluation}/*.json"):
        file.unlink()
    assert "full-1-0" not in set(tables.last_epochs(workspace, found)["cell"])


def test_time_left(benchmark: Benchmark) -> None:
    """9 cells were done at 100 s a thousand images and 49 or 50 s besides; the plan has 1600 images seen a cell."""
    done = {"full-1-0": record("full", 1.0, 0, 0.6)}
    assert benchmark.record.images_seen == 40 * 60
    whole = 49 + 0.1 * 2400
    waiting = [Cell(method="random", keep=0.05, seed=seed) for seed in range(3)]
    mine = Cell(method="meddel", keep=0.05, seed=2)
    assert seconds_left(benchmark, done, {}, waiting, slots=1) == pytest.approx(3 * whole)
    assert seconds_left(benchmark, done, {mine: Running(40.0, None)}, waiting, slots=1) == pytest.approx(
        4 * whole - 40
    )
    assert seconds_left(benchmark, done, {mine: Running(1e6, 7.0)}, [], slots=1) == 7
    assert seconds_left(benchmark, done, {mine: Running(0.0, 5e3)}, waiting, slots=4) == 5e3
    assert seconds_left(benchmark, {}, {mine: Running(30.0, 10.0)}, waiting, slots=1) == pytest.approx(130)
    assert seconds_left(benchmark, {}, {mine: Running(3.0, None)}, waiting, slots=1) is None
    assert seconds_left(benchmark, done, {}, [], slots=1) == 0
