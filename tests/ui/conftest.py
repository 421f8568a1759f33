"""One fabricated dataset, explored; nothing may write to it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dataeff_core.ui.explore import explored as family
from dataeff_core.ui.explore.explored import Explored, Limits, Way
from dataeff_core.workspace import Workspace
from tests.fabrication import fabricate


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of 240 frames in four kinds of view."""
    root = tmp_path_factory.mktemp("explored") / "workspace"
    fabricate(root, frames=240, groups=4, dim=16)
    return root


@pytest.fixture
def workspace(root: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("DATAEFF_WORKSPACE", str(root))
    return Workspace.open(root)


@pytest.fixture
def open_way(workspace: Workspace) -> Callable[..., Explored]:
    """`open_way(k=4)` is the dataset explored in that way."""

    def opened(**way: object) -> Explored:
        dataset = workspace.datasets()[0]
        embedding = workspace.embedding(dataset)
        return family.open_explored(workspace, dataset, embedding, workspace.maps(dataset)[0], Way(**way))  # type: ignore[arg-type]

    return opened


@pytest.fixture
def explored(open_way: Callable[..., Explored]) -> Explored:
    return open_way(k=4)


@pytest.fixture
def strict(explored: Explored) -> Limits:
    """Limits under which every reason but the budget occurs."""
    distances, invalid = explored.base.distances, explored.base.invalid_score
    assert invalid is not None
    return Limits(
        eta=float(np.quantile(explored.base.insertion_similarity[explored.base.insertion_similarity > -1], 0.4)),
        epsilon=float(np.quantile(distances, 0.9)),
        invalid=float(np.quantile(invalid, 0.93)),
    )
