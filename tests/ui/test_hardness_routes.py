"""What the Hardness page fetches: only with the token, only what is there, and never of scores that have changed."""

import io
import os
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dataeff_core.datasets.originals import read_original
from dataeff_core.frame_reading.cutting import fitted
from dataeff_core.hardness.choosing import PatchRules
from dataeff_core.ui import routes
from dataeff_core.ui.hardness import hardness_routes, opening, pictures
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


def test_the_chosen_patches_are_those_that_the_rules_leave(
    client: TestClient, dataset: Dataset, opened: Opened
) -> None:
    rules = PatchRules(lower=0.1, upper=None, per_frame=1, budget=9)
    url = hardness_routes.url(dataset, opened, "chosen") + f"&rules={quote(rules.model_dump_json())}"
    wanted = opened.choice(rules).rows.tolist()
    assert [one["row"] for one in client.get(url + "&skip=0&most=6").json()] == wanted[:6]
    assert [one["row"] for one in client.get(url + "&skip=6&most=6").json()] == wanted[6:]


@pytest.mark.parametrize("rules", ["", "x", "{}x", '{"lower": 2}', '{"usable": false}', '{"budget": 40000}'])
def test_rules_that_choose_nothing_are_one_sentence(
    client: TestClient, dataset: Dataset, opened: Opened, rules: str
) -> None:
    answer = client.get(hardness_routes.url(dataset, opened, "chosen") + f"&rules={quote(rules)}&most=6")
    assert answer.status_code == 404
    assert 0 < len(answer.text) < 300


def test_a_cell_is_the_patch_as_it_will_be_trained_on(client: TestClient, dataset: Dataset, opened: Opened) -> None:
    patch = opened.scored.table.iloc[5]
    original = read_original(dataset, dataset.frame(str(patch["frame_id"])))
    top, left, bottom, right = pictures.box_of(patch)
    wanted = fitted(np.ascontiguousarray(original[top:bottom, left:right]), 40, 56, "pad")
    frame = dataset.frame(str(patch["frame_id"]))
    assert np.array_equal(
        pictures.cell(Workspace.open(), dataset, frame, (top, left, bottom, right), 40, 56, "pad"), wanted
    )
    url = hardness_routes.url(dataset, opened, "cell").replace("{row}", "5")
    answer = client.get(url + "&height=40&width=56&aspect=pad")
    assert Image.open(io.BytesIO(answer.content)).size == (56, 40)


@pytest.mark.parametrize(
    "asked", ["", "&height=40&width=56", "&height=0&width=9&aspect=pad", "&height=99999&width=9&aspect=pad"]
)
def test_a_cell_that_cannot_be_is_one_sentence(
    client: TestClient, dataset: Dataset, opened: Opened, asked: str
) -> None:
    answer = client.get(hardness_routes.url(dataset, opened, "cell").replace("{row}", "5") + asked)
    assert answer.status_code == 404
    assert 0 < len(answer.text) < 300


def test_an_example_tells_where_its_patch_lies(client: TestClient, dataset: Dataset, opened: Opened) -> None:
    one = client.get(hardness_routes.url(dataset, opened, "examples") + "&places=3").json()[0]
    patch = opened.scored.table.iloc[one["row"]]
    frame = dataset.frame(str(patch["frame_id"]))
    down, across = frame["height"], frame["width"]
    wanted = [patch["top"] / down, patch["left"] / across, patch["bottom"] / down, patch["right"] / across]
    assert one["box"] == pytest.approx(wanted)
    assert client.get(one["thumbnail"]).status_code == 200
    assert one["original"] == routes.original_url(dataset.id, str(frame["frame_id"]))


@pytest.mark.parametrize("what", ["margins", "examples", "patch", "cell"])
def test_nothing_without_the_token(client: TestClient, dataset: Dataset, opened: Opened, what: str) -> None:
    whole = hardness_routes.url(dataset, opened, what).replace("{row}", "0") + "&height=9&width=9&aspect=crop"
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
