"""What the Hardness page fetches: only with the token, only what is there, and never of scores that have changed."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dataeff_core.ui import routes
from dataeff_core.ui.hardness import hardness_routes, opening
from dataeff_core.ui.hardness.opening import Opened
from dataeff_core.workspace import Dataset, Workspace
from tests.fabricated_scores import fabricate_patches, fabricate_scores
from tests.fabrication import fabricate
from tests.ui.test_explorer_payload import unpack


@pytest.fixture(scope="module")
def scored_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scored") / "workspace"
    _, dataset, _, _ = fabricate(root, frames=12, hostile_names=True)
    fabricate_scores(dataset, fabricate_patches(dataset))
    return root


@pytest.fixture
def dataset(scored_root: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    monkeypatch.setenv("DATAEFF_WORKSPACE", str(scored_root))
    return Workspace.open(scored_root).datasets()[0]


@pytest.fixture
def opened(dataset: Dataset) -> Opened:
    return opening.opened(opening.fitting(dataset)[0], dataset)


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=routes.routes()))


def test_the_numbers_at_every_margin_are_served(client: TestClient, dataset: Dataset, opened: Opened) -> None:
    answer = client.get(hardness_routes.url(dataset, opened, "margins"))
    header, _ = unpack(answer.content)
    assert header["patches"] == 48
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_patches_are_found_by_their_place(client: TestClient, dataset: Dataset, opened: Opened) -> None:
    found = client.get(
        hardness_routes.url(dataset, opened, "examples") + "&places=0,47,48,-1,x,1.5,99999999999999"
    ).json()
    assert [one["place"] for one in found] == [0, 47]
    assert found[0]["row"] == int(opened.ranked.order[0])
    assert found[1]["hardness"] == opened.ranked.hardness[47]


def test_no_more_places_than_a_strip_has(client: TestClient, dataset: Dataset, opened: Opened) -> None:
    asked = ",".join(["0"] * 500)
    found = client.get(hardness_routes.url(dataset, opened, "examples") + f"&places={asked}").json()
    assert len(found) == hardness_routes.MOST_EXAMPLES


def test_a_patch_is_drawn_outlined(client: TestClient, dataset: Dataset, opened: Opened) -> None:
    answer = client.get(hardness_routes.url(dataset, opened, "patch").replace("{row}", "5"))
    assert answer.headers["content-type"] == "image/jpeg"
    assert np.asarray(Image.open(io.BytesIO(answer.content))).shape[2] == 3


@pytest.mark.parametrize("row", ["48", "99999999999999999999", "x", "-1", "%2e%2e"])
def test_a_patch_that_is_not_there_is_one_sentence(
    client: TestClient, dataset: Dataset, opened: Opened, row: str
) -> None:
    answer = client.get(hardness_routes.url(dataset, opened, "patch").replace("{row}", row))
    assert answer.status_code == 404
    assert 0 < len(answer.text) < 300


@pytest.mark.parametrize("what", ["margins", "examples", "patch"])
def test_nothing_without_the_token(client: TestClient, dataset: Dataset, opened: Opened, what: str) -> None:
    whole = hardness_routes.url(dataset, opened, what).replace("{row}", "0")
    assert client.get(whole).status_code == 200
    assert client.get(whole.partition("?")[0]).status_code == 403
    assert client.get(whole.partition("?")[0] + "?token=x").status_code == 403


def test_an_order_that_has_changed_is_not_served_under_the_old_address(
    client: TestClient, dataset: Dataset, opened: Opened
) -> None:
    whole = hardness_routes.url(dataset, opened, "examples")
    answer = client.get(whole.replace(hardness_routes.version(opened), "0" * 16))
    assert answer.status_code == 404
    assert "reload" in answer.text


def test_with_unusable_frames_it_is_another_address(dataset: Dataset, opened: Opened) -> None:
    every = opening.opened(opened.scored, dataset, usable=False)
    assert hardness_routes.url(dataset, every, "margins") != hardness_routes.url(dataset, opened, "margins")


@pytest.mark.parametrize("hardness", ["absent", "..", "%2e%2e%2f", os.pathsep])
def test_other_scores_are_not_there(client: TestClient, dataset: Dataset, opened: Opened, hardness: str) -> None:
    url = hardness_routes.url(dataset, opened, "margins").replace(opened.scored.id, hardness)
    assert client.get(url).status_code == 404
