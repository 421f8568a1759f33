"""A dataset of 60 frames in 3 groups with a selection made for real."""

from pathlib import Path

import pytest

from dataeff_core.selection import make
from dataeff_core.selection.saving import select
from dataeff_core.workspace import Dataset, SavedSelection, Workspace
from tests.fabrication import fabricate


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return fabricate(tmp_path / "w", frames=60, thumbnails=False)[0]


@pytest.fixture
def dataset(workspace: Workspace) -> Dataset:
    return workspace.dataset("latest")


@pytest.fixture
def saved(workspace: Workspace, dataset: Dataset) -> SavedSelection:
    return select(workspace, dataset, make("meddel", {"k": "3", "eta": "0.9"}), keep=0.2)
