"""What the explorer fetches: only with the token, only what is there, and no more than changed."""

from pathlib import Path

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dataeff_core.errors import NotFound
from dataeff_core.ui import routes
from dataeff_core.ui.explore import explorer, explorer_routes
from dataeff_core.ui.explore.explored import Explored, Limits
from tests.ui.test_explorer_payload import unpack

ASSETS = Path(__file__).parents[2] / "assets"


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=routes.routes()))


def test_the_points_are_asked_for_once(client: TestClient, explored: Explored) -> None:
    url = routes.explorer_url(explorer.points_path(explored))
    answer = client.get(url)
    header, arrays = unpack(answer.content)
    assert header["n"] == len(explored.pool) == len(arrays["x"])
    again = client.get(url, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert not again.content


def test_scores_come_whole_then_only_what_changed(client: TestClient, explored: Explored, strict: Limits) -> None:
    first, then = explored.decide(explored.start), explored.decide(strict)
    header, _ = unpack(client.get(routes.explorer_url(f"scores/{first.scores_id}")).content)
    assert (header["kind"], header["id"]) == ("full", first.scores_id)
    changed = routes.explorer_url(f"scores/{then.scores_id}") + f"&since={first.scores_id}"
    header, arrays = unpack(client.get(changed).content)
    assert header["kind"] == "delta"
    alone = routes.explorer_url(f"scores/{then.scores_id}") + "&only=F"
    header, arrays = unpack(client.get(alone).content)
    assert np.array_equal(arrays["F"], then.scores.insertion_similarity, equal_nan=True)


def test_scores_of_other_clusters_are_no_ground_for_a_difference(
    client: TestClient, explored: Explored, strict: Limits, open_way
) -> None:
    other = open_way(k=2).decide(strict)
    then = explored.decide(strict)
    url = routes.explorer_url(f"scores/{then.scores_id}") + f"&since={other.scores_id}"
    assert unpack(client.get(url).content)[0]["kind"] == "full"


@pytest.mark.parametrize("since", ["", "absent", "../..", "a" * 500, "%00"])
def test_unknown_ground_means_everything(client: TestClient, explored: Explored, since: str) -> None:
    decided = explored.decide(explored.start)
    answer = client.get(routes.explorer_url(f"scores/{decided.scores_id}") + f"&since={since}&eta=x&mode=%3Cb%3E")
    assert unpack(answer.content)[0]["kind"] == "full"


@pytest.mark.parametrize(
    "path",
    [
        "scores/absent",
        "points/fabricated-000001/absent/0",
        "points/absent/pca-000001/0",
        "points/fabricated-000001/pca-000001/0000000000000000",
        "points/..%2f../pca-000001/0",
        "thumbnail/fabricated-000001/absent",
        "thumbnail/absent/0",
        "thumbnail/fabricated-000001/%2e%2e",
    ],
)
def test_what_is_not_there_is_one_sentence(client: TestClient, explored: Explored, path: str) -> None:
    answer = client.get(routes.explorer_url(path))
    assert answer.status_code == 404
    assert "\n" not in answer.text
    assert "Traceback" not in answer.text
    assert len(answer.text) < 300


@pytest.mark.parametrize("path", ["scores/{0}", "points/{1}", "thumbnail/fabricated-000001/{2}"])
def test_nothing_without_the_token(client: TestClient, explored: Explored, path: str) -> None:
    decided = explored.decide(explored.start)
    frame = explored.dataset.frames["frame_id"].iat[0]
    whole = path.format(decided.scores_id, explorer.points_path(explored).removeprefix("points/"), frame)
    assert client.get(routes.explorer_url(whole)).status_code == 200
    assert client.get(routes.explorer_url(whole, token=False)).status_code == 403


@pytest.mark.parametrize("name", sorted(explorer_routes.ASSETS))
def test_the_explorers_own_files_are_served(client: TestClient, name: str) -> None:
    answer = client.get(routes.explorer_url(f"assets/{name}", token=False))
    assert answer.status_code == 200
    assert answer.content == (ASSETS / name).read_bytes()
    assert answer.headers["content-type"].startswith(explorer_routes.ASSETS[name])


@pytest.mark.parametrize("name", ["frame.css", "..%2fapp.py", "%2e%2e%2fapp.py", "explorer.js%00", ""])
def test_other_files_are_not(client: TestClient, name: str) -> None:
    assert client.get(routes.explorer_url(f"assets/{name}", token=False)).status_code in (403, 404)


def test_every_module_that_the_explorer_imports_is_served() -> None:
    for name in explorer_routes.ASSETS:
        imported = [
            line.split('"./')[1].split('"')[0]
            for line in (ASSETS / name).read_text().splitlines()
            if 'from "./' in line
        ]
        assert set(imported) <= set(explorer_routes.ASSETS), name


def test_a_row_is_found_by_its_frame(explored: Explored) -> None:
    ids = explored.dataset.frames["frame_id"].tolist()
    assert [explorer_routes.row_of(explored.dataset, one) for one in ids] == list(range(len(ids)))
    with pytest.raises(NotFound):
        explorer_routes.row_of(explored.dataset, ids[0][:8])
