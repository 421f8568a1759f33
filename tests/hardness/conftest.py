from collections.abc import Iterator

import pytest

from dataeff_core.hardness.scoring import Scorer, score
from dataeff_core.hardness.stored import Hardness
from dataeff_core.patches.stored import PatchSet
from dataeff_core.workspace import Dataset, Run, Workspace
from tests.hardness.making import scored_workspace


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Dataset, PatchSet, Run]:
    """Tests add to it and change nothing in it."""
    return scored_workspace(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="session")
def scored(planted: tuple[Workspace, Dataset, PatchSet, Run]) -> Hardness:
    workspace, dataset, patches, _ = planted
    return score(workspace, dataset, patches, Scorer(), device="cpu", workers=0)
