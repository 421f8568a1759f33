"""SimCLR: NT-Xent against lightly's and a slow loop, gradients, and several processes as one."""

import math
from pathlib import Path

import pytest
import torch
from lightly.loss import NTXentLoss

from dataeff_core.backbones.vit import build, pooled
from dataeff_core.pretraining import make
from dataeff_core.pretraining.simclr_network import nt_xent
from tests.pretraining.halves import NOTHING, SMALL, batch, network_of, train_halves


def projections(n: int = 6, dim: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, dim, generator=generator), torch.randn(n, dim, generator=generator)


def slow_nt_xent(first: torch.Tensor, second: torch.Tensor, temperature: float) -> float:
    """Algorithm 1 of the paper, one pair at a time."""
    rows = [row.double() / row.double().norm() for row in (*first, *second)]
    n = len(first)
    total = 0.0
    for i, row in enumerate(rows):
        j = i + n if i < n else i - n
        others = sum(math.exp(float(row @ rows[k]) / temperature) for k in range(2 * n) if k != i)
        total -= math.log(math.exp(float(row @ rows[j]) / temperature) / others)
    return total / (2 * n)


@pytest.mark.parametrize("temperature", [0.07, 0.5, 2.0])
def test_the_loss_is_lightlys_and_the_slow_loops(temperature: float) -> None:
    first, second = projections()
    loss = nt_xent(first, second, temperature=temperature)
    torch.testing.assert_close(loss, NTXentLoss(temperature=temperature)(first, second))
    assert loss.item() == pytest.approx(slow_nt_xent(first, second, temperature), rel=1e-5)


def test_the_gradient_is_lightlys() -> None:
    ours, theirs = ([one.clone().requires_grad_() for one in projections()] for _ in range(2))
    nt_xent(*ours, temperature=0.3).backward()
    NTXentLoss(temperature=0.3)(*theirs).backward()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_known_values() -> None:
    assert nt_xent(*projections(1), temperature=0.3).item() == 0  # one image: nothing to be told from
    same = torch.ones(5, 3)
    assert nt_xent(same, same, temperature=0.3).item() == pytest.approx(math.log(9))  # 9 others, all alike
    apart = torch.eye(4)
    assert nt_xent(apart, apart, temperature=0.1).item() == pytest.approx(math.log(1 + 6 * math.exp(-10)), rel=1e-3)


def test_length_and_order_do_not_matter() -> None:
    first, second = projections()
    loss = nt_xent(first, second, temperature=0.3)
    order = torch.tensor([5, 1, 0, 3, 2, 4])
    torch.testing.assert_close(nt_xent(first[order], second[order], temperature=0.3), loss)
    torch.testing.assert_close(nt_xent(second, first, temperature=0.3), loss)
    torch.testing.assert_close(nt_xent(first * 7, second * 0.1, temperature=0.3), loss)


def test_the_network_projects_the_pooled_tokens() -> None:
    network, views = network_of(), batch()
    first, second = (network.head(pooled(network.encoder, views[:, view])) for view in range(2))
    torch.testing.assert_close(network(views, NOTHING), NTXentLoss(temperature=0.3)(first, second))


def test_every_parameter_that_the_loss_sees_learns() -> None:
    network = network_of()
    network(batch(), NOTHING).backward()
    still = [name for name, one in network.named_parameters() if one.grad is None or not one.grad.abs().sum() > 0]
    assert still == []


def test_it_learns_to_tell_frames_apart() -> None:
    network, views = network_of(), batch()
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    before = network(views, NOTHING).item()
    for _ in range(25):
        optimiser.zero_grad()
        network(views, NOTHING).backward()
        optimiser.step()
    assert network(views, NOTHING).item() < 0.5 * before


def test_the_loss_is_computed_in_full_precision_under_autocast() -> None:
    network, views = network_of(), batch()
    with torch.autocast("cpu", torch.bfloat16):
        low = network(views, NOTHING)
    assert low.dtype == torch.float32
    torch.testing.assert_close(low, network(views, NOTHING), rtol=0.05, atol=0)


def test_weights_go_into_a_timm_vit_and_back() -> None:
    method = make("simclr", SMALL)
    network = method.network(seed=1)
    vit = build(method.backbone(), seed=9, weights=network.encoder.state_dict())
    again = method.network(seed=2, weights=vit.state_dict())
    for name, value in network.encoder.state_dict().items():
        assert torch.equal(again.encoder.state_dict()[name], value), name  # type: ignore[union-attr,operator]


def test_it_needs_no_numbers_and_leaves_the_random_state() -> None:
    state = torch.get_rng_state()
    one, same, other = (network_of(seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["head.0.weight"], other["head.0.weight"])
    assert make("simclr", SMALL).numbers() == 0


# ---- several processes


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    """The mean of two processes' losses and gradients is the loss and gradient of one process with all images."""
    parts = train_halves(tmp_path)
    network = network_of()
    loss = network(batch(), NOTHING)
    loss.backward()
    torch.testing.assert_close(torch.stack([part["loss"] for part in parts]).mean(), loss.detach())
    assert parts[0]["loss"] != parts[1]["loss"]
    for name, parameter in network.named_parameters():
        together = torch.stack([part[name] for part in parts]).mean(dim=0)
        torch.testing.assert_close(together, parameter.grad, atol=1e-6, rtol=1e-4, msg=name)
