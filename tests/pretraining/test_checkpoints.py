import io
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import psutil
import pytest
import torch

from dataeff_core.errors import BadInput, Cancelled, Stale, StorageFailed
from dataeff_core.pretraining import interrupts, metrics, training
from dataeff_core.pretraining.pretraining import pretrain, resume
from dataeff_core.workspace import Dataset, Run, Workspace
from tests.pretraining.making import Stopping, fresh, losses, small, stopped, toy
from tests.pretraining.test_images import full_disk

Made = tuple[Workspace, Dataset]


class Runs:
    """A pickle that would run a command."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch was-run",)


def saved(value: object) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


def test_a_checkpoint_that_cannot_be_used_is_a_sentence_and_stays(
    pictures: Made, known_toy: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    workspace, _ = pictures
    run, other = stopped(pictures, toy(), 3), stopped(pictures, toy(), 3, seed=5)
    good = run.checkpoint_file.read_bytes()
    state = torch.load(run.checkpoint_file, weights_only=True)
    misfit = state | {"network": state["network"] | {"encoder.weight": torch.zeros(7, 3)}}
    alien = state | {"optimiser": {**state["optimiser"], "state": {0: {"exp_avg": torch.zeros(9)}}}}
    for content, error, sentence in (
        (b"", BadInput, "cannot be read|damaged"),
        (b"no checkpoint", BadInput, "is damaged or holds more"),
        (good[: len(good) // 2], BadInput, "cannot be read|damaged"),
        (saved(Runs()), BadInput, "is not loaded"),
        (pickle.dumps(Runs()), BadInput, "is not loaded"),
        (saved([1, 2]), BadInput, "does not fit"),
        (saved({}), BadInput, "does not fit"),
        (saved(misfit), BadInput, "does not fit its network"),
        (saved(alien), BadInput, "does not fit its network"),
        (other.checkpoint_file.read_bytes(), Stale, "is of another run"),
    ):
        run.checkpoint_file.write_bytes(content)
        with pytest.raises(error, match=sentence) as caught:
            resume(workspace, run)
        assert f"delete {run.checkpoint_file}" in str(caught.value)
        assert run.checkpoint_file.read_bytes() == content
        assert run.problem == str(caught.value)
    assert not (tmp_path / "was-run").exists()
    run.checkpoint_file.unlink()
    assert resume(workspace, run).metrics["step"].tolist() == list(range(1, 9))


def test_a_full_disk_at_a_checkpoint_keeps_the_old_one(
    tmp_path: Path, known_toy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, dataset = made = fresh(tmp_path)
    whole = pretrain(workspace, dataset, toy(), epochs=3)
    run = stopped(made, toy(), 3)
    before = run.checkpoint_file.read_bytes()
    with full_disk(5), pytest.raises(StorageFailed, match=r"the disk is full while writing .*checkpoint.pt"):
        resume(workspace, run, reporter=Stopping(5))
    assert run.checkpoint_file.read_bytes() == before
    assert "disk is full" in run.problem
    assert run.metrics["step"].tolist() == [1, 2, 3, 4, 5]
    assert not list(run.folder.glob(".*tmp"))
    pd.testing.assert_frame_equal(losses(resume(workspace, run)), losses(whole), check_exact=True)


def test_lines_after_the_checkpoint_are_cut_off(pictures: Made, known_toy: None) -> None:
    workspace, _ = pictures
    run = stopped(pictures, toy(), 3)
    for step in (4, 5):
        metrics.add(run, dict.fromkeys(("epoch", "images_seen", "loss"), 7.0) | {"step": step})
    with (run.folder / run.METRICS_FILE).open("ab") as stream:
        stream.write(b'{"step": 6, "lo')
    assert run.metrics["step"].tolist() == [1, 2, 3, 4, 5]
    again = resume(workspace, run)
    assert again.metrics["step"].tolist() == list(range(1, 9))
    assert (again.metrics["loss"] < 7).all()


def test_checkpoints_are_made_while_it_trains(
    pictures: Made, known_toy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, dataset = pictures
    monkeypatch.setattr(training, "EPOCH_SECONDS", 0.0)
    monkeypatch.setattr(training, "CHECKPOINT_SHARE", 1e9)
    made: list[int] = []

    class Looking(Stopping):
        def show(self) -> None:
            found = [run for run in workspace.runs() if run.state == "running" and run.checkpoint_file.exists()]
            made.extend(torch.load(run.checkpoint_file, weights_only=True)["progress"]["step"] for run in found)

    pretrain(workspace, dataset, toy(), epochs=3, reporter=Looking(99))
    assert sorted(set(made)) == [3, 5]  # 20 images end within the third batch of 8, 40 with the fifth


KILLED = """
import sys
import torch
from dataeff_core.pretraining import training
from dataeff_core.pretraining.pretraining import pretrain
from dataeff_core.workspace import Workspace
from tests.pretraining.making import small
training.CHECKPOINT_SECONDS = training.EPOCH_SECONDS = 0.0
training.CHECKPOINT_SHARE = 1e9
torch.set_num_threads(1)  # as the test that goes on with it: sums depend on how they are divided
workspace = Workspace.open(sys.argv[1])
pretrain(workspace, workspace.dataset("latest"), small("mae"), epochs=400)
"""


def killed_while_writing(process: psutil.Popen, runs: Path) -> Path:
    """Kill the process at a moment when a checkpoint after the first is half-written; that file."""
    try:
        while not (checkpoints := list(runs.glob("*/checkpoint.pt"))):
            assert process.is_running()
            time.sleep(0.05)
        folder = checkpoints[0].parent
        while True:
            assert process.is_running()
            time.sleep(0.001)
            for path in folder.glob(".checkpoint*"):
                process.suspend()
                if path.exists():
                    return path
                process.resume()
    finally:
        process.kill()
        process.wait()


def test_kill_9_while_a_checkpoint_is_written_loses_no_more_than_that_step(tmp_path: Path) -> None:
    workspace, _ = fresh(tmp_path)
    process = psutil.Popen([sys.executable, "-c", KILLED, str(workspace.root)])
    writing = killed_while_writing(process, workspace.runs_folder)
    run = workspace.runs()[0]
    assert run.state == "stopped"
    assert writing.exists()
    step = torch.load(run.checkpoint_file, weights_only=True)["progress"]["step"]
    assert len(run.metrics) - step in (0, 1)
    with pytest.raises(Cancelled):
        resume(workspace, run, reporter=Stopping(step + 4))
    assert run.metrics["step"].tolist() == list(range(1, step + 5))
    assert not writing.exists()
    with pytest.raises(Cancelled):
        pretrain(workspace, workspace.dataset("latest"), small("mae"), epochs=400, reporter=Stopping(step + 4))
    other = workspace.runs()[1]
    pd.testing.assert_frame_equal(losses(other), losses(run), check_exact=True)


def test_a_signal_is_noted_and_the_second_interrupts() -> None:
    with interrupts.noted() as came:
        assert not came()
        signal.raise_signal(signal.SIGINT)
        assert came()
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_ctrl_c_saves_the_step_it_comes_in(pictures: Made, known_toy: None) -> None:
    workspace, dataset = pictures
    whole = pretrain(workspace, dataset, toy(), epochs=3)

    class Pressed(Stopping):
        def show(self) -> None:
            if self.phase_name == "pre-training" and self.done == 2:
                signal.raise_signal(signal.SIGINT)

    before = {run.id for run in workspace.runs()}
    with pytest.raises(Cancelled, match="after step 2 of 8"):
        pretrain(workspace, dataset, toy(), epochs=3, reporter=Pressed(99))
    run: Run = next(run for run in workspace.runs() if run.id not in before)
    assert torch.load(run.checkpoint_file, weights_only=True)["progress"]["step"] == 2
    pd.testing.assert_frame_equal(losses(resume(workspace, run)), losses(whole), check_exact=True)
