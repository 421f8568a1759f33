"""A run that was stopped goes on as if it had not been, whatever is gone meanwhile."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from dataeff_core.errors import Cancelled, Conflict, MissingWeights, Stale
from dataeff_core.pretraining import training
from dataeff_core.pretraining.pretraining import begun_by, pretrain, resume
from dataeff_core.workspace.storage import exclusive
from tests.pretraining.making import Made, Stopping, fresh, losses, small, stopped, toy


@pytest.mark.parametrize("name", ["mae", "simclr"])
def test_an_interrupted_run_is_the_uninterrupted_one_to_the_bit(pictures: Made, name: str) -> None:
    workspace, dataset = pictures
    whole = pretrain(workspace, dataset, small(name), epochs=3, seed=1)
    run = stopped(pictures, small(name), 3, seed=1)
    assert (run.state, run.problem, run.result) == ("stopped", "", None)
    assert run.metrics["step"].tolist() == [1, 2, 3]
    with pytest.raises(Cancelled):
        resume(workspace, run, reporter=Stopping(5))
    again = resume(workspace, run)
    pd.testing.assert_frame_equal(losses(again), losses(whole), check_exact=True)
    assert again.result is not None and whole.result is not None
    assert again.result.weights == whole.result.weights
    assert again.result.final_loss == whole.result.final_loss
    for epoch, file in whole.reconstructions.items():
        assert file.read_bytes() == again.reconstructions[epoch].read_bytes()


def test_randomness_within_the_network_and_half_a_line_of_metrics_are_resumed(
    pictures: Made, known_toy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "METRICS_LINES", 2)  # of 8 steps: a line every 4
    workspace, dataset = pictures
    method = toy(dropout=0.5)
    whole = pretrain(workspace, dataset, method, epochs=3)
    assert whole.metrics["step"].tolist() == [4, 8]
    again = resume(workspace, stopped(pictures, method, 3))
    pd.testing.assert_frame_equal(losses(again), losses(whole), check_exact=True)


def test_a_dataset_that_changed_or_went_does_not_change_a_run(tmp_path: Path, known_toy: None) -> None:
    workspace, dataset = made = fresh(tmp_path)
    whole = pretrain(workspace, dataset, toy(), epochs=3)
    run = stopped(made, toy(), 3)
    shutil.rmtree(dataset.folder)
    pd.testing.assert_frame_equal(losses(resume(workspace, run)), losses(whole), check_exact=True)


def test_images_that_are_gone_are_missed_in_a_sentence(tmp_path: Path, known_toy: None) -> None:
    workspace, dataset = made = fresh(tmp_path)
    run = stopped(made, toy(), 3)
    shutil.rmtree(workspace.root / "prepared")
    file = dataset.file(dataset.frames.iloc[2])
    content = file.read_bytes()
    file.write_bytes(b"another picture")
    with pytest.raises(Stale, match=r"1 of the 20 images .* cannot be had any more .the file has changed"):
        resume(workspace, run)
    assert "cannot be had" in run.problem
    file.write_bytes(content)
    assert resume(workspace, run).state == "done"
    assert run.problem == ""
    run = stopped(made, toy(), 3)
    shutil.rmtree(workspace.root / "prepared")
    shutil.rmtree(dataset.folder)
    with pytest.raises(Stale, match="the dataset fabricated is gone"):
        resume(workspace, run)


def test_a_run_goes_on_without_the_weights_that_it_began_with(pictures: Made, tmp_path: Path) -> None:
    """Its checkpoint holds all; before the first one it needs the very same file, from whatever folder."""
    workspace, dataset = pictures
    begin = tmp_path / "begin.safetensors"
    shutil.copy(pretrain(workspace, dataset, small("mae"), epochs=1).encoder_file, begin)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(tmp_path)
        method = small("mae", start_from="begin.safetensors")
    assert method.start_from == str(begin)
    run, early = stopped(pictures, method, 3), stopped(pictures, method, 3)
    early.checkpoint_file.unlink()
    begin.unlink()
    assert resume(workspace, run).state == "done"
    run = early
    with pytest.raises(MissingWeights, match="is not there any more"):
        resume(workspace, run)
    begin.write_bytes(b"another file")
    with pytest.raises(Stale, match="is not the file that run"):
        resume(workspace, run)


def test_two_processes_do_not_train_one_run(pictures: Made, known_toy: None) -> None:
    workspace, _ = pictures
    run = stopped(pictures, toy(), 3)
    with exclusive(run.lock_file):
        assert run.state == "running"
        with pytest.raises(Conflict, match="another process"):
            resume(workspace, run)
    assert run.problem == ""
    assert resume(workspace, run).state == "done"


def test_resuming_a_finished_run_gives_it_back(pictures: Made) -> None:
    workspace, dataset = pictures
    run = pretrain(workspace, dataset, toy(), epochs=1)
    before = run.metrics
    assert resume(workspace, run).id == run.id
    pd.testing.assert_frame_equal(run.metrics, before)


def test_a_job_that_is_run_again_goes_on_with_its_run(pictures: Made, known_toy: None) -> None:
    workspace, dataset = pictures
    count = len(workspace.runs())
    with pytest.raises(Cancelled):
        pretrain(workspace, dataset, toy(), epochs=3, reporter=Stopping(3, job="job-1"))
    begun = begun_by(workspace, "job-1")
    assert begun is not None and begun.job == "job-1"
    again = pretrain(workspace, dataset, toy(), epochs=3, reporter=Stopping(99, job="job-1"))
    assert again.id == begun.id and again.state == "done"
    assert pretrain(workspace, dataset, toy(), epochs=3, reporter=Stopping(99, job="job-1")).id == begun.id
    assert len(workspace.runs()) == count + 1
    other = pretrain(workspace, dataset, toy(), epochs=2, reporter=Stopping(99, job="job-1"))
    assert other.id != begun.id
    assert begun_by(workspace, "") is None


def test_progress_is_in_steps_and_tells_the_loss(pictures: Made, known_toy: None) -> None:
    workspace, _ = pictures
    run = stopped(pictures, toy(), 3)
    reporter = Stopping(99)
    resume(workspace, run, reporter=reporter)
    assert (reporter.phase_name, reporter.done, reporter.total, reporter.done_before) == ("pre-training", 8, 8, 3)
    last = json.loads((run.folder / run.METRICS_FILE).read_text().splitlines()[-1])
    assert reporter.note == f"epoch 3.2 of 3, loss {last['loss']:.4f}"
