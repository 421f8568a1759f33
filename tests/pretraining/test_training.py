import json
import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from dataeff_core.backbones import Backbone
from dataeff_core.backbones.checkpoints import read_weights, weights_fingerprint
from dataeff_core.backbones.vit import build
from dataeff_core.errors import BadInput, Cancelled, Conflict, MissingWeights, Stale
from dataeff_core.pretraining import training
from dataeff_core.pretraining.base import PretrainingMethod
from dataeff_core.pretraining.pretraining import begun_by, pretrain, resume
from dataeff_core.pretraining.training import optimiser_for
from dataeff_core.workspace import Dataset, Run, Workspace
from dataeff_core.workspace.runs import METRICS
from dataeff_core.workspace.storage import exclusive
from tests.fabrication import fabricate_selection
from tests.pretraining.making import Stopping, fresh, small, toy

Made = tuple[Workspace, Dataset]


def losses(run: Run) -> pd.DataFrame:
    return run.metrics[["step", "epoch", "images_seen", "loss", "learning_rate", "gradient_norm"]]


def stopped(made: Made, method: PretrainingMethod, after: int, **options: object) -> Run:
    """A run of 3 epochs that was stopped after so many of its 8 steps."""
    workspace, dataset = made
    before = {run.id for run in workspace.runs()}
    with pytest.raises(Cancelled, match=f"after step {after} of"):
        pretrain(workspace, dataset, method, **({"epochs": 3} | options), reporter=Stopping(after))
    return next(run for run in workspace.runs() if run.id not in before)


@pytest.mark.parametrize("name", ["mae", "simclr"])
def test_a_finished_run_says_and_leaves_everything(pictures: Made, name: str) -> None:
    workspace, dataset = pictures
    method = small(name)
    run = pretrain(workspace, dataset, method, epochs=4, seed=3, name="first", snapshots=[0.5, 0.25])
    record, result = run.record, run.result
    assert run.state == "done" and result is not None and run.problem == ""
    assert (record.images, record.retained, record.epochs, record.steps, record.images_seen) == (20, 1.0, 4, 10, 80)
    assert (record.method, record.seed, record.name, record.dataset) == (name, 3, "first", dataset.id)
    assert type(method).model_validate(record.params) == method
    assert (result.steps, result.images_seen, result.epochs, result.device) == (10, 80, 4.0, "cpu")
    assert not run.checkpoint_file.exists()
    table = run.metrics
    assert list(table.columns) == list(METRICS)
    assert table["step"].tolist() == list(range(1, 11))
    assert table["images_seen"].tolist() == list(range(8, 81, 8))
    assert table["epoch"].tolist() == pytest.approx([0.4 * step for step in range(1, 11)])
    assert result.final_loss == pytest.approx(table["loss"][7:].mean())  # 20 images are 3 steps
    assert list(run.snapshots) == [1, 2]
    assert list(run.reconstructions) == ([1, 2, 3, 4] if name == "mae" else [])
    encoder = build(Backbone.model_validate(record.backbone), weights=read_weights(run.encoder_file))
    assert weights_fingerprint(encoder) == result.weights
    early = build(Backbone.model_validate(record.backbone), weights=read_weights(run.snapshots[1]))
    assert weights_fingerprint(early) != result.weights
    for file in run.reconstructions.values():
        with Image.open(file) as picture:
            assert picture.size == (6 * 32 + 5 * 2, 3 * 32 + 2 * 2)
    assert not list(run.folder.rglob("*.tmp"))


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


def test_seeds_differ_and_equal_seeds_do_not(pictures: Made) -> None:
    workspace, dataset = pictures
    torch.manual_seed(1)
    one = pretrain(workspace, dataset, toy(), epochs=2, seed=0)
    state = torch.get_rng_state()
    two = pretrain(workspace, dataset, toy(), epochs=2, seed=0)
    other = pretrain(workspace, dataset, toy(), epochs=2, seed=1)
    assert torch.equal(state, torch.get_rng_state())
    assert one.id != two.id
    assert losses(one)["loss"].tolist() == losses(two)["loss"].tolist()
    assert losses(one)["loss"].tolist() != losses(other)["loss"].tolist()


def test_parts_of_a_step_are_the_step(pictures: Made) -> None:
    workspace, dataset = pictures
    curves = [losses(pretrain(workspace, dataset, small("mae", accumulate=parts), epochs=2)) for parts in (1, 2, 3)]
    for curve in curves[1:]:
        np.testing.assert_allclose(curve["loss"], curves[0]["loss"], rtol=2e-5)
        np.testing.assert_allclose(curve["gradient_norm"], curves[0]["gradient_norm"], rtol=1e-3)


def test_the_curve_of_a_step_by_hand(pictures: Made, known_toy: None) -> None:
    """AdamW with the closed-form rate, no decay on vectors, clipped gradients: against a loop written out."""
    from dataeff_core.pretraining.augmentations import NUMBERS
    from dataeff_core.pretraining.batches import Batches
    from dataeff_core.pretraining.images import Store, side_of
    from dataeff_core.pretraining.schedule import learning_rate

    workspace, dataset = pictures
    method = toy(weight_decay=0.3, clip_norm=0.05, warmup=0.25)
    run = pretrain(workspace, dataset, method, epochs=2, seed=4)
    images = Store(workspace, side_of(method)).images(run.frames["sha256"].tolist())
    assert images is not None
    batches = Batches(images, 8, 4, 1, NUMBERS, 2)
    network = method.network(seed=4)
    m = {name: torch.zeros_like(one) for name, one in network.named_parameters()}
    v = {name: torch.zeros_like(one) for name, one in network.named_parameters()}
    expected = []
    for step in range(5):
        batch = batches.at(step)
        views = method.augment(torch.from_numpy(batch.images), torch.from_numpy(batch.view_numbers))
        loss = network(views, torch.from_numpy(batch.loss_numbers))
        network.zero_grad()
        loss.backward()
        norm = math.sqrt(sum(float(one.grad.square().sum()) for one in network.parameters() if one.grad is not None))
        rate = learning_rate(step, steps=5, peak=0.01, warmup=0.25)
        with torch.no_grad():
            for name, one in network.named_parameters():
                assert one.grad is not None
                g = one.grad * min(1.0, 0.05 / (norm + 1e-6))
                m[name] = 0.9 * m[name] + 0.1 * g
                v[name] = 0.95 * v[name] + 0.05 * g**2
                update = (m[name] / (1 - 0.9 ** (step + 1))) / ((v[name] / (1 - 0.95 ** (step + 1))).sqrt() + 1e-8)
                decay = 0.3 if one.ndim > 1 else 0.0
                one.sub_(rate * (update + decay * one))
        expected.append((loss.item(), norm, rate))
    table = run.metrics[["loss", "gradient_norm", "learning_rate"]].to_numpy()
    np.testing.assert_allclose(table, expected, rtol=1e-4)


@pytest.mark.parametrize("name", ["mae", "simclr"])
def test_matrices_decay_and_nothing_else(name: str) -> None:
    method = small(name)
    network = method.network(seed=0)
    decayed, others = optimiser_for(network, method).param_groups
    names = {id(one): key for key, one in network.named_parameters()}
    kept = {names[id(one)] for one in others["params"]}
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.05, 0.0)
    assert {key for key in kept if not key.endswith(("bias", "norm.weight", "norm1.weight", "norm2.weight"))} <= {
        "encoder.pos_embed", "encoder.cls_token", "decoder.hidden_token",
    }  # fmt: skip
    assert not [names[id(one)] for one in decayed["params"] if one.ndim < 2]
    assert len(kept) + len(decayed["params"]) == sum(one.requires_grad for one in network.parameters())


def test_equal_images_seen_for_a_selection(tmp_path: Path) -> None:
    from tests.fabrication import fabricate

    workspace, dataset, embedding, _ = fabricate(tmp_path / "w", frames=20)
    saved = fabricate_selection(dataset, embedding, keep=0.5, name="half")
    kept = set(saved.decisions.loc[saved.decisions["decision"] == "kept", "frame_id"])
    run = pretrain(workspace, saved, toy(), images_seen=79)
    record = run.record
    assert (record.images, record.retained, record.images_seen, record.epochs) == (10, 0.5, 80, 8)
    assert (record.selection, record.selection_name) == (saved.id, "half")
    assert set(run.frames["frame_id"]) == kept


def test_unreadable_frames_are_left_out_and_named(tmp_path: Path, known_toy: None) -> None:
    workspace, dataset = fresh(tmp_path)
    lost = dataset.frames.iloc[4]
    dataset.file(lost).unlink()
    reporter = Stopping(99)
    run = pretrain(workspace, dataset, toy(image_size=208), epochs=1, reporter=reporter)
    assert (run.record.images, run.record.retained) == (19, 0.95)
    assert lost["frame_id"] not in set(run.frames["frame_id"])
    assert run.record.notes["unreadable"] == 1
    assert f"{lost['path']}: the file is no longer there" in run.record.notes["left_out"]
    assert "20 of 20 frames are smaller than the network's input of 208 x 208" in run.record.notes["scaled_up"]
    assert set(reporter.logged) >= {run.record.notes["left_out"], run.record.notes["scaled_up"]}
    assert "preparing images" in reporter.phases


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


def test_a_selection_of_an_older_dataset_is_refused(tmp_path: Path) -> None:
    from tests.fabrication import fabricate

    workspace, dataset, embedding, _ = fabricate(tmp_path / "w", frames=20)
    saved = fabricate_selection(dataset, embedding)
    dataset.record.model_copy(update={"fingerprint": "other"}).write(dataset.folder)
    with pytest.raises(Stale, match="run `select"):
        pretrain(workspace, saved, toy())


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_checkpoint(
    pictures: Made, known_toy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(training, "CHECKPOINT_SHARE", 1e9)
    workspace, dataset = pictures
    before = {run.id for run in workspace.runs()}
    with pytest.raises(BadInput, match=r"no longer finite at step .* of step .* is kept.*learning_rate below 0.3"):
        pretrain(workspace, dataset, toy(sinks=True, learning_rate=0.3, clip_norm=0, warmup=0), epochs=20)
    run = next(run for run in workspace.runs() if run.id not in before)
    assert run.state == "stopped"
    assert "no longer finite" in run.problem
    state = torch.load(run.checkpoint_file, weights_only=True)
    assert all(torch.isfinite(one).all() for one in state["network"].values())
    assert state["progress"]["step"] == len(run.metrics) > 0


def test_memory_that_does_not_suffice_says_what_to_lower(pictures: Made, known_toy: None) -> None:
    workspace, dataset = pictures
    with pytest.raises(BadInput, match=r"does not hold 8 images of 16 pixels .* raise accumulate \(now 1\)"):
        pretrain(workspace, dataset, toy(fits=4), epochs=1)
    assert pretrain(workspace, dataset, toy(fits=4, accumulate=2), epochs=1).state == "done"
    with pytest.raises(BadInput, match=r"once; lower batch_size \(now 8\) or image_size"):
        pretrain(workspace, dataset, toy(fits=0, accumulate=8), epochs=1)


@pytest.mark.parametrize(
    ("changes", "options", "sentence"),
    [
        ({"batch_size": 32}, {}, "20 images do not fill a batch of 32; lower batch_size to 20"),
        ({"accumulate": 9}, {}, "accumulate 9 is more than the 8 images of a step"),
        ({}, {"epochs": 0}, "epochs 0 is below 1"),
        ({}, {"epochs": 1, "images_seen": 1}, "give one of them"),
        ({}, {"seed": -1}, "seed -1 is below 0"),
        ({}, {"snapshots": [1.5]}, "snapshot 1.5 is not between 0 and 1"),
        ({}, {"device": "tpu"}, "device 'tpu' is not one of"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_written(
    pictures: Made, changes: dict[str, object], options: dict[str, object], sentence: str
) -> None:
    workspace, dataset = pictures
    before = len(workspace.runs())
    with pytest.raises(BadInput, match=sentence):
        pretrain(workspace, dataset, toy(**changes), **options)
    assert len(workspace.runs()) == before


def test_nothing_to_train_on(tmp_path: Path) -> None:
    from tests.fabrication import fabricate

    workspace, dataset, embedding, _ = fabricate(tmp_path / "w", frames=20)
    saved = fabricate_selection(dataset, embedding)
    decisions = saved.decisions.assign(decision="dropped")
    decisions.to_parquet(saved.folder / saved.DECISIONS)
    with pytest.raises(BadInput, match="no images"):
        pretrain(workspace, workspace.selection(saved.id), toy())


def test_starting_from_weights(pictures: Made, tmp_path: Path) -> None:
    workspace, dataset = pictures
    first = pretrain(workspace, dataset, small("mae"), epochs=1)
    method = small("mae", start_from=str(first.encoder_file), learning_rate=1e-9)
    second = pretrain(workspace, dataset, method, epochs=1)
    assert len(second.record.notes["start_from_sha256"]) == 64
    old, new = read_weights(first.encoder_file), read_weights(second.encoder_file)
    assert all(torch.allclose(old[name], new[name], atol=1e-6) for name in old)
    with pytest.raises(MissingWeights, match=r"start_from .* is not there"):
        pretrain(workspace, dataset, small("mae", start_from=str(tmp_path / "none.pt")), epochs=1)
    with pytest.raises(BadInput, match="does not fit"):
        pretrain(workspace, dataset, small("mae", start_from=str(first.encoder_file), depth=2), epochs=1)


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


def test_a_method_that_compares_images_takes_no_parts(pictures: Made) -> None:
    workspace, dataset = pictures
    with pytest.raises(BadInput, match="accumulate 2 would change what simclr learns"):
        pretrain(workspace, dataset, small("simclr", accumulate=2), epochs=1)


def test_a_selection_without_its_overrules(tmp_path: Path, known_toy: None) -> None:
    from dataeff_core.review.pinning import pin
    from tests.fabrication import fabricate

    workspace, dataset, embedding, _ = fabricate(tmp_path / "w", frames=20)
    saved = fabricate_selection(dataset, embedding)
    kept = saved.machine.loc[saved.machine["decision"] == "kept", "frame_id"].tolist()
    pin(workspace, saved, [kept[0]], "drop", reviewer="A", reason="other", why="test")
    again = workspace.selection(saved.id)
    assert pretrain(workspace, again, toy(batch_size=2), epochs=1).record.images == len(kept) - 1
    made = pretrain(workspace, again, toy(batch_size=2), epochs=1, overruled=False)
    assert made.frames["frame_id"].tolist() == kept


def test_the_end_of_a_run_is_no_snapshot(pictures: Made, known_toy: None) -> None:
    workspace, dataset = pictures  # 20 images, 8 a step: two epochs are five steps, and so is one rounded up to them
    run = pretrain(workspace, dataset, toy(batch_size=16), images_seen=21, snapshots=[0.5])
    assert run.record.steps == 2
    assert run.record.snapshots == ()


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
