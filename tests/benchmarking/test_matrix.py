"""A whole tiny matrix through the command line, in real processes, with one cell killed in the middle; and one cell's
parts in this process."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dataeff_core import jobs
from dataeff_core.benchmarking import coordinating, tables
from dataeff_core.benchmarking.cells import run_cell
from dataeff_core.benchmarking.planning import plan
from dataeff_core.cli import main
from dataeff_core.errors import Cancelled, Conflict, Stale
from dataeff_core.evaluation.normdel import normdel
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Benchmark, Cell, Dataset, Workspace
from dataeff_core.workspace.datasets import save_frames
from dataeff_core.workspace.storage import exclusive
from tests.benchmarking.conftest import with_masks
from tests.fabrication import fabricate
from tests.jobs.conftest import process_of, wait_for

NETWORK = {"model": "vit_tiny_patch16_224", "depth": 1, "image_size": 32, "patch_size": 16, "batch_size": 4}
PATIENCE = 600  # a busy machine; it takes less than a minute on two free processors
TINY = NETWORK | {"decoder_dim": 32, "decoder_depth": 1}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[tuple[Workspace, Dataset, Dataset]]:
    """24 frames to pre-train on, and the same with masks; jobs that a failed test left behind are stopped."""
    workspace, dataset, _, _ = fabricate(tmp_path / "w", frames=24, groups=6)
    _, on, _, _ = fabricate(tmp_path / "w", frames=24, groups=6, name="downstream")
    yield workspace, dataset, with_masks(workspace, on)
    for job in jobs.jobs(workspace):
        job.cancel(grace=0.2)


def tell(workspace: Workspace, capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*words, "--json", "--workspace", str(workspace.root)]) == status
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_a_matrix_with_a_killed_cell(
    small: tuple[Workspace, Dataset, Dataset],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    workspace, dataset, on = small
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")  # two cells at a time
    settings = [f"--set={key}={value}" for key, value in TINY.items()]
    command = ["benchmark", dataset.id, "--on", on.id, "--methods", "meddel,random,full", "--keep", "0.5", "--seeds"]
    command += ["1", "--images-seen", "120", "--snapshots", "0.5", "--evaluation-set", "epochs=2", "--device", "cpu"]
    coordinator = jobs.start(workspace, [*command, *settings])
    wait_for(lambda: any(run.record.name.endswith("meddel-0.5-0") for run in workspace.runs()), PATIENCE)
    (benchmark,) = workspace.benchmarks()
    cell = Cell(method="meddel", keep=0.5, seed=0)
    victim = jobs.job(workspace, str(benchmark.job_of(cell)))
    assert victim.argv == ["benchmark", "--resume", benchmark.id, "--cell", "meddel-0.5-0"]
    os.kill(process_of(victim).pid, signal.SIGKILL)
    wait_for(lambda: coordinator.status.state in jobs.ENDED, PATIENCE)
    told = coordinator.status
    assert told.state == "failed", (told, coordinator.log_tail())  # the others were done nevertheless
    assert f"1 cell is not done; `benchmark --resume {benchmark.id}` tries again; meddel-0.5-0: its process" in str(
        told.error
    )
    assert set(benchmark.done) == {"full-1-0", "random-0.5-0"}
    begun = next(run.id for run in workspace.runs() if run.record.name.endswith("meddel-0.5-0"))

    told_again = tell(workspace, capsys, *command, *settings, "--csv", str(tmp_path / "cells.csv"))
    assert told_again["benchmark"] == benchmark.id
    assert (victim.attempt, victim.status.state) == (2, "done")
    assert len(jobs.jobs(workspace)) == 4, "the coordinator and a job a cell"
    assert benchmark.done["meddel-0.5-0"].run == begun, "the run that was begun went on"
    assert len(workspace.runs()) == 3
    check(workspace, benchmark, told_again)
    assert len((tmp_path / "cells.csv").read_text().splitlines()) == 4
    one = tell(workspace, capsys, "benchmark", "--resume", "latest", "--cell", "full-1-0")
    assert (one["cell"], one["miou"]) == ("full-1-0", benchmark.done["full-1-0"].miou)
    assert main(["benchmark", "--resume", "latest", "--workspace", str(workspace.root)]) == 0
    assert "3 cells are done" in capsys.readouterr().out


def check(workspace: Workspace, benchmark: Benchmark, told: dict[str, Any]) -> None:
    """What all cells have in common, and what the JSON says of them."""
    assert [cell["method"] for cell in told["cells"]] == ["full", "meddel", "random"]
    assert {"method", "keep", "seed", "retained", "miou", "normdel"} <= set(told["cells"][0])
    assert [(row["method"], row["n"]) for row in told["table"]] == [("full", 1), ("meddel", 1), ("random", 1)]
    for cell in told["cells"]:
        assert cell["normdel"] == pytest.approx(normdel(cell["miou"], cell["retained"]))
        assert (cell["images"], cell["retained"]) == ((24, 1) if cell["method"] == "full" else (12, 0.5))
    results = benchmark.done.values()
    assert {one.images_seen for one in results} == {120}
    assert {one.epochs for one in results} == {5.0, 10.0}
    scored = [workspace.evaluation(one.evaluation) for one in results]
    assert len({one.splits.to_csv() for one in scored}) == 1, "one seed, one split"
    assert [len(one.snapshot_evaluations) for one in results] == [1, 1, 1]
    curves = tables.epochs(workspace, benchmark)
    assert len(curves) == 6
    assert len(tables.last_epochs(workspace, benchmark)) >= 3
    names = {one.record.name for one in workspace.selections()}
    assert names == {"meddel 50 %, seed 0", "random 50 %, seed 0"}


class StopIn(Reporter):
    """Asks to stop once a phase has gone so many steps."""

    def __init__(self, phase: str, steps: int) -> None:
        super().__init__()
        self.wanted, self.steps = phase, steps

    def stop_asked(self) -> bool:
        return self.phase_name == self.wanted and self.done >= self.steps


def planned(small: tuple[Workspace, Dataset, Dataset]) -> Benchmark:
    workspace, dataset, on = small
    return plan(
        *(workspace, dataset, on),
        methods=["random", "full"],
        keeps=[0.5],
        seeds=[3],
        params=TINY,
        images_seen=96,
        evaluation_params={"epochs": 2},
        device="cpu",
    )


def test_what_a_cell_has_done_is_not_done_again(small: tuple[Workspace, Dataset, Dataset]) -> None:
    workspace, _, _ = small
    benchmark = planned(small)
    cell = Cell(method="random", keep=0.5, seed=3)
    with pytest.raises(Cancelled):
        run_cell(workspace, benchmark, cell, device="cpu", reporter=StopIn("pre-training", 3))
    (stopped,) = workspace.runs()
    assert stopped.state == "stopped"
    assert benchmark.done == {}
    result = run_cell(workspace, benchmark, cell, device="cpu")
    assert result.run == stopped.id
    assert len(workspace.selections(workspace.dataset("fabricated"))) == 1
    assert run_cell(workspace, benchmark, cell, device="cpu") == result
    benchmark.cell_file(cell).unlink()
    again = run_cell(workspace, benchmark, cell, device="cpu")
    assert (again.run, again.evaluation, again.selection) == (result.run, result.evaluation, result.selection)
    assert again.miou == workspace.evaluation(again.evaluation).record.score
    assert workspace.run(again.run).record.seed == workspace.evaluation(again.evaluation).record.seed == 3


def test_a_dataset_that_has_changed_is_said(small: tuple[Workspace, Dataset, Dataset]) -> None:
    workspace, dataset, _ = small
    benchmark = planned(small)
    save_frames(dataset.folder, dataset.record, dataset.all_frames.iloc[1:], dataset.unreadable)
    with pytest.raises(Stale, match="fabricated has changed since benchmark"):
        run_cell(workspace, benchmark, Cell(method="full", keep=1.0, seed=3))


def test_masks_or_a_version_that_have_changed_are_said(
    small: tuple[Workspace, Dataset, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, _, on = small
    benchmark = planned(small)
    cell = Cell(method="full", keep=1.0, seed=3)
    with monkeypatch.context() as patched:
        patched.setattr("dataeff_core.benchmarking.cells.__version__", "9.9")
        with pytest.raises(Stale, match=r"planned by version .* and this is 9.9"):
            run_cell(workspace, benchmark, cell)
    mask = on.mask_file(on.frames.iloc[0])
    assert mask is not None
    Image.fromarray(np.zeros((192, 224), np.uint8)).save(mask)
    with pytest.raises(Stale, match="the masks or labels of downstream have changed"):
        run_cell(workspace, benchmark, cell)


def test_a_cell_that_was_being_stopped_when_it_was_taken_over_is_done_all_the_same(
    small: tuple[Workspace, Dataset, Dataset],
) -> None:
    workspace, _, _ = small
    benchmark = planned(small)
    cell = benchmark.record.cells[0]
    job = jobs.start(workspace, coordinating.cell_command(benchmark, cell), cwd=workspace.root)
    benchmark.note_job(cell, job.id)
    wait_for(lambda: job.status.state == "running", PATIENCE)
    job.cancel(grace=PATIENCE)
    found = coordinating.run(workspace, benchmark)
    assert found.failed == {}
    assert cell.id in found.done


def test_one_coordinator_at_a_time_and_a_stop_stops_the_cells(small: tuple[Workspace, Dataset, Dataset]) -> None:
    workspace, _, _ = small
    benchmark = planned(small)
    with exclusive(benchmark.folder / ".lock"), pytest.raises(Conflict, match="another process is working on"):
        coordinating.run(workspace, benchmark)
    coordinator = jobs.start(workspace, ["benchmark", "--resume", benchmark.id])
    wait_for(lambda: len(jobs.jobs(workspace)) == 2, PATIENCE)
    cell = next(job for job in jobs.jobs(workspace) if job != coordinator)
    wait_for(lambda: cell.status.state == "running", PATIENCE)
    assert coordinator.status.state == "running", "it holds no slot, where there is one"
    coordinator.cancel()
    wait_for(lambda: coordinator.status.state == "cancelled", PATIENCE)
    wait_for(lambda: cell.status.state == "cancelled", PATIENCE)
    assert len(jobs.jobs(workspace)) == 2, "no further cell was begun"
    begun = coordinating.begun_by(workspace, coordinator.id)
    assert begun is not None and begun.id == benchmark.id, "so that the job, resumed, goes on with it"
