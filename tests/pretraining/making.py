"""Workspaces and methods for the loop's tests: small enough to train in a second."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from dataeff_core import pretraining
from dataeff_core.errors import Cancelled
from dataeff_core.pretraining.base import PretrainingMethod
from dataeff_core.pretraining.pretraining import pretrain
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset, Run, Workspace
from tests.fabrication import fabricate
from tests.pretraining.toy import Toy

SMALL = {
    "model": "vit_tiny_patch16_224", "depth": 1, "image_size": 32, "patch_size": 16, "batch_size": 8,
    "learning_rate": 1e-3, "precision": "float32",
}  # fmt: skip
Made = tuple[Workspace, Dataset]
OF_METHOD = {"mae": {"decoder_dim": 32, "decoder_depth": 1}, "simclr": {"projection_dim": 16}}


def small(name: str, **changes: object) -> PretrainingMethod:
    return pretraining.make(name, SMALL | OF_METHOD[name] | changes)


def toy(**changes: object) -> Toy:
    values = {"image_size": 16, "batch_size": 8, "learning_rate": 0.01, "precision": "float32"}
    return Toy.model_validate(values | changes)


class Stopping(Reporter):
    """Asks to stop once `after` steps of the training are done."""

    def __init__(self, after: int, job: str = "") -> None:
        super().__init__()
        self.after, self.job = after, job
        self.phases: list[str] = []
        self.logged: list[str] = []

    def show(self) -> None:
        if self.phase_name not in self.phases[-1:]:
            self.phases.append(self.phase_name)

    def log(self, message: str) -> None:
        self.logged.append(message)

    def stop_asked(self) -> bool:
        return self.phase_name == "pre-training" and self.done >= self.after


@pytest.fixture
def known_toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretraining, "METHODS", (*pretraining.METHODS, Toy))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Dataset]:
    """A workspace with a dataset of 20 frames; tests add runs to it and leave the dataset alone."""
    workspace, dataset, _, _ = fabricate(tmp_path_factory.mktemp("pictures") / "w", frames=20)
    return workspace, dataset


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def fresh(root: Path, frames: int = 20) -> tuple[Workspace, Dataset]:
    """A workspace of a test's own."""
    workspace, dataset, _, _ = fabricate(root / "w", frames=frames)
    return workspace, dataset


def losses(run: Run) -> pd.DataFrame:
    return run.metrics[["step", "epoch", "images_seen", "loss", "learning_rate", "gradient_norm"]]


def stopped(made: Made, method: PretrainingMethod, after: int, **options: object) -> Run:
    """A run of 3 epochs that was stopped after so many of its 8 steps."""
    workspace, dataset = made
    before = {run.id for run in workspace.runs()}
    with pytest.raises(Cancelled, match=f"after step {after} of"):
        pretrain(workspace, dataset, method, **({"epochs": 3} | options), reporter=Stopping(after))
    return next(run for run in workspace.runs() if run.id not in before)
