import subprocess
import sys
from pathlib import Path

import pytest

from dataeff_core.errors import BadInput
from dataeff_core.pretraining import make
from dataeff_core.pretraining.costs import estimate, kind_of, operations
from dataeff_core.pretraining.pretraining import pretrain
from dataeff_core.workspace import Workspace
from tests.pretraining.making import fresh, small


@pytest.mark.parametrize(
    ("method", "preset", "counted"),
    [
        ("mae", "tiny", 0.553), ("mae", "small", 5.542), ("mae", "paper", 58.36),
        ("simclr", "tiny", 3.574), ("simclr", "small", 27.29), ("simclr", "paper", 211.7),
    ],
)  # fmt: skip
def test_operations_are_what_pytorch_counts(method: str, preset: str, counted: float) -> None:
    """Against torch.utils.flop_counter over a forward and backward pass, in thousand millions an image."""
    made = make(method, {"image_size": 96, "patch_size": 8, "depth": 4} if preset == "tiny" else {}, preset=preset)
    assert operations(made) == pytest.approx(counted * 1e9, rel=0.06)


def test_operations_are_what_pytorch_counts_now() -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    for name in ("mae", "simclr"):
        method = small(name, image_size=64, depth=3)
        network = method.network(seed=0)
        views, numbers = torch.rand(2, method.VIEWS, 3, 64, 64), torch.rand(2, method.numbers())
        with FlopCounterMode(display=False) as counter:
            network(views, numbers).backward()
        assert operations(method) == pytest.approx(counter.get_total_flops() / 2, rel=0.15)


def test_an_earlier_run_says_how_long_the_next_will_take(tmp_path: Path) -> None:
    workspace, dataset = fresh(tmp_path)
    method = small("mae")
    before = estimate(workspace, method, images=20, epochs=4, device="cpu")
    assert before.seconds is not None and "rough guess" in before.basis
    result = pretrain(workspace, dataset, method, epochs=2, device="cpu").result
    assert result is not None
    after = estimate(workspace, small("mae", learning_rate=0.1), images=20, images_seen=400, device="cpu")
    assert (after.images_seen, after.steps, after.epochs) == (400, 50, 20)
    assert after.seconds == pytest.approx(400 * result.seconds / result.images_seen)
    assert after.basis.startswith("From an earlier run of this method and network on this processor")
    assert "rough guess" in estimate(workspace, small("mae", depth=2), images=20, device="cpu").basis
    assert "GPU" in estimate(workspace, method, images=20, device="cuda").basis


def test_what_cannot_be_known_is_not_guessed(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path)
    cost = estimate(workspace, small("mae", model="vit_so150m_patch16_reg4_gap_256"), images=20, epochs=1)
    assert cost.seconds is None and "not known" in cost.basis
    with pytest.raises(BadInput, match="lower batch_size to 3"):
        estimate(workspace, small("mae"), images=3)


def test_disk_holds_two_checkpoints_and_the_images(tmp_path: Path) -> None:
    method = make("mae", {}, preset="paper")
    cost = estimate(Workspace.open(tmp_path), method, images=1000, epochs=1)
    assert cost.disk_bytes == pytest.approx(2 * 12 * 111.8e6 + 1000 * 280 * 280 * 3, rel=0.02)


def test_a_device_by_name_and_by_guess() -> None:
    assert kind_of("cuda:1") == "cuda"
    assert kind_of("auto") in ("cpu", "cuda", "mps")


def test_it_needs_no_torch() -> None:
    code = (
        "import sys; from pathlib import Path; from dataeff_core.pretraining import costs, make\n"
        "from dataeff_core.workspace import Workspace\n"
        "costs.estimate(Workspace(Path('nowhere')), make('mae', {}), images=100)\n"
        "assert not {'torch', 'timm', 'streamlit'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
