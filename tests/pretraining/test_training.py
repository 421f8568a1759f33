"""The loop: what a run leaves, its arithmetic step by step, and when it stops by itself."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from dataeff_core.backbones import Backbone
from dataeff_core.backbones.checkpoints import read_weights, weights_fingerprint
from dataeff_core.backbones.vit import build
from dataeff_core.errors import BadInput
from dataeff_core.pretraining import make, training
from dataeff_core.pretraining.pretraining import pretrain
from dataeff_core.pretraining.training import optimiser_for
from dataeff_core.workspace.runs import METRICS
from tests.pretraining.making import Made, losses, small, toy


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


def test_the_end_of_a_run_is_no_snapshot(pictures: Made, known_toy: None) -> None:
    workspace, dataset = pictures  # 20 images, 8 a step: two epochs are five steps, and so is one rounded up to them
    run = pretrain(workspace, dataset, toy(batch_size=16), images_seen=21, snapshots=[0.5])
    assert run.record.steps == 2
    assert run.record.snapshots == ()


def test_the_same_run_again_has_the_same_weights_on_several_threads(pictures: Made) -> None:
    """Gradients of picked tokens are summed by all threads, in an order that must not matter."""
    workspace, dataset = pictures
    method = make("mae", {"image_size": 96, "batch_size": 20, "decoder_depth": 1, "decoder_dim": 96}, preset="tiny")
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        runs = [pretrain(workspace, dataset, method, epochs=8, workers=0, device="cpu") for _ in range(3)]
    finally:
        torch.set_num_threads(threads)
    assert len({run.result.weights for run in runs if run.result is not None}) == 1
    assert not torch.are_deterministic_algorithms_enabled(), "as it was before"
