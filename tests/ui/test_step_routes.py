"""What the reviewer fetches: only with the token, only what is there."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dataeff_core.review.pinning import pin
from dataeff_core.ui import routes
from dataeff_core.ui.explore.explorer_routes import ASSETS
from dataeff_core.ui.review.step_queue import CHUNK
from dataeff_core.workspace import Dataset, SavedSelection, Workspace
from tests.fabrication import fabricate, fabricate_selection

FOLDER = Path(__file__).parents[2] / "assets"


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=routes.routes()))


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    workspace, dataset, embedding, _ = fabricate(tmp_path / "w", frames=60, hostile_names=True, thumbnails=False)
    fabricate_selection(dataset, embedding, keep=0.2)
    monkeypatch.setenv("DATAEFF_WORKSPACE", str(workspace.root))
    return workspace


@pytest.fixture
def dataset(space: Workspace) -> Dataset:
    return space.dataset("latest")


@pytest.fixture
def saved(space: Workspace) -> SavedSelection:
    return space.selection("latest")


def test_frames_come_a_chunk_at_a_time_and_hostile_names_as_data(
    client: TestClient, dataset: Dataset, saved: SavedSelection
) -> None:
    url = routes.review_url(f"{dataset.id}/{saved.id}/frames")
    told = [client.get(f"{url}&first={first}&count={CHUNK}") for first in (0, CHUNK)]
    assert [one.status_code for one in told] == [200, 200]
    assert told[0].headers["content-type"] == "application/json"
    assert [one["at"] for answer in told for one in answer.json()] == list(range(2 * CHUNK))
    assert len(client.get(f"{url}&first=0&count=999999").json()) == CHUNK
    assert client.get(f"{url}&first=999999").json() == []


def test_marks_come_whole_then_only_what_changed(
    client: TestClient, space: Workspace, dataset: Dataset, saved: SavedSelection
) -> None:
    url = routes.review_url(f"{dataset.id}/{saved.id}/marks")
    assert client.get(url).json() == {"last": 0, "whole": True, "marks": {}}
    removed = saved.machine.loc[saved.machine["decision"] == "dropped", "frame_id"].tolist()
    for frame in removed[:2]:
        pin(space, saved, [frame], "keep", reviewer="<b>Dr</b>", why="<script>alert(1)</script>")
    told = client.get(url)
    assert set(told.json()["marks"]) == set(removed[:2])
    assert told.json()["marks"][removed[0]]["because"] == "<script>alert(1)</script>"
    assert told.headers["x-content-type-options"] == "nosniff"
    assert set(client.get(f"{url}&after=1").json()["marks"]) == {removed[1]}


@pytest.mark.parametrize("what", ["frames", "marks"])
def test_nothing_without_the_token(client: TestClient, dataset: Dataset, saved: SavedSelection, what: str) -> None:
    url = routes.review_url(f"{dataset.id}/{saved.id}/{what}").split("?")[0]
    assert client.get(url).status_code == 403
    assert client.get(f"{url}?token=wrong").status_code == 403


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("{dataset}/absent/frames", "absent"),
        ("absent/{selection}/frames", "absent"),
        ("{dataset}/{selection}/frames?first=-1", "whole number"),
        ("{dataset}/{selection}/frames?first=%00", "whole number"),
        ("{dataset}/{selection}/frames?count=1e9", "whole number"),
        ("{dataset}/{selection}/marks?after=٣", "whole number"),
        ("{dataset}/{selection}/other", "nothing at this address"),
        ("../../{dataset}/{selection}/frames", ""),
    ],
)
def test_refusals_are_one_sentence(
    client: TestClient, dataset: Dataset, saved: SavedSelection, path: str, sentence: str
) -> None:
    path, _, query = path.format(dataset=dataset.id, selection=saved.id).partition("?")
    answer = client.get(routes.review_url(path) + (f"&{query}" if query else ""))
    assert answer.status_code == 404
    assert sentence in answer.text


def test_the_reviewers_files_are_served(client: TestClient) -> None:
    names = {path.name for path in FOLDER.glob("reviewer*")}
    assert names == {name for name in ASSETS if name.startswith("reviewer")}
    for name in names:
        assert client.get(routes.module_url(name)).content == (FOLDER / name).read_bytes()
