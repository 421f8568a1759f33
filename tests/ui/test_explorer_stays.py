"""How often frames stay, as the map gets it: only where it was measured, of these frames, and with the token."""

from pathlib import Path

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dataeff_core.cli import main
from dataeff_core.review.stability import stability_of
from dataeff_core.ui import routes
from dataeff_core.ui.explore import explorer, stays
from dataeff_core.ui.explore.explored import Explored
from dataeff_core.workspace import Dataset, Workspace
from tests.fabrication import fabricate
from tests.ui.test_explorer_payload import unpack


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace that may be written to."""
    fabricate(tmp_path / "workspace", frames=60, groups=4, dim=16, thumbnails=False)
    return tmp_path / "workspace"


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=routes.routes()))


def measured(explored: Explored) -> None:
    root = ["--workspace", str(Workspace.open().root)]
    assert (
        main(["select", explored.dataset.id, "--method", "random", "--keep", "0.3", "--name", "<b>few</b>", *root])
        == 0
    )
    assert main(["stability", "latest", "--seeds", "4", *root]) == 0


def test_nothing_is_offered_before_it_was_measured(explored: Explored) -> None:
    assert stays.stays_of_dataset(explored.dataset) is None
    view = explorer.view_of(explored)
    data = explorer.component_data(explored, view, explored.decide(view.limits), "", "key")
    assert data["stays"] is None


def test_the_map_gets_what_was_measured(client: TestClient, explored: Explored) -> None:
    measured(explored)
    offered = stays.stays_of_dataset(explored.dataset)
    assert offered is not None
    assert offered["label"] == "how often it stays (<b>few</b>)"
    header, arrays = unpack(client.get(offered["url"]).content)
    saved = Workspace.open().selection("latest")
    found = stability_of(saved)
    assert found is not None
    assert header["n"] == len(explored.pool)
    assert np.array_equal(arrays["stays"], found.stays)
    assert found.table["frame_id"].tolist() == explored.dataset.frames["frame_id"].tolist()
    assert client.get(offered["url"].split("?", maxsplit=1)[0]).status_code == 403
    other = client.get(offered["url"].replace(found.id, "stability-0000000000"))
    assert other.status_code == 404
    assert "reload the page" in other.text


def test_what_was_measured_of_other_frames_is_not_offered(explored: Explored) -> None:
    measured(explored)
    grown = Dataset(explored.dataset.folder, explored.dataset.record.model_copy(update={"fingerprint": "f" * 64}))
    assert stays.stays_of_dataset(grown) is None
