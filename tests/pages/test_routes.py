"""Pictures over HTTP: only with the token, only by ids, and one sentence otherwise."""

import io
from pathlib import Path

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dataeff_core.ui import routes
from dataeff_core.workspace import Workspace

OUTSIDE = "not for the browser"


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=routes.routes()))


def key_of(filled: Workspace) -> str:
    return str(filled.datasets()[0].frames["sha256"].iat[0])


def is_one_sentence(text: str) -> bool:
    return 10 < len(text) < 300 and "\n" not in text and "Traceback" not in text and "<" not in text


def test_a_thumbnail_is_served_for_ever(client: TestClient, filled: Workspace) -> None:
    answer = client.get(routes.thumbnail_url(key_of(filled)))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/webp"
    assert "immutable" in answer.headers["cache-control"]
    assert "private" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert Image.open(io.BytesIO(answer.content)).size == (224, 192)


@pytest.mark.parametrize("token", ["", "?token=", "?token=wrong", "?token=%F0%9F%94%AC", "?other=1"])
def test_without_the_token_nothing_is_served(client: TestClient, filled: Workspace, token: str) -> None:
    key = key_of(filled)
    frame = filled.datasets()[0].frames["frame_id"].iat[0]
    for path in (f"thumbnail/{key}.webp", f"original/fabricated-000001/{frame}", "thumbnail/absent", "anything"):
        answer = client.get(f"/dataeff/{path}{token}")
        assert answer.status_code == 403
        assert is_one_sentence(answer.text)


@pytest.mark.parametrize(
    "key",
    [
        "0" * 64,
        "abc",
        "0" * 63 + "g",
        "0" * 63 + "A",
        "/etc/passwd",
        "..%2f..%2fworkspace.json",
        "%2e%2e/%2e%2e/workspace.json",
        "....//....//workspace.json",
        "%00",
        "a" * 5000,
        "..%5c..%5cworkspace.json",
        "",
    ],
)
def test_an_id_that_is_not_there_or_is_a_path_is_one_sentence(
    client: TestClient, filled: Workspace, key: str
) -> None:
    answer = client.get(f"/dataeff/thumbnail/{key}.webp?token={routes.TOKEN}")
    assert answer.status_code == 404
    assert is_one_sentence(answer.text)
    assert "schema_version" not in answer.text


def test_a_link_out_of_the_thumbnails_is_no_way_out(client: TestClient, filled: Workspace, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(OUTSIDE)
    answer = client.get(f"/dataeff/thumbnail/{'%2e%2e%2f' * 4}{tmp_path}/secret?token={routes.TOKEN}")
    assert answer.status_code == 404
    assert OUTSIDE not in answer.text


def test_an_original_is_served_at_full_size(client: TestClient, filled: Workspace) -> None:
    dataset = filled.datasets()[0]
    answer = client.get(routes.original_url(dataset.id, str(dataset.frames["frame_id"].iat[0])))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(answer.content)).size == (224, 192)


def test_an_original_is_never_larger_than_the_page_needs(
    client: TestClient, filled: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "LONGEST_SIDE", 100)
    dataset = filled.datasets()[0]
    answer = client.get(routes.original_url(dataset.id, str(dataset.frames["frame_id"].iat[1])))
    assert max(Image.open(io.BytesIO(answer.content)).size) == 100


@pytest.mark.parametrize("dataset", ["absent", "%2e%2e", "fabricated-000001"])
@pytest.mark.parametrize("frame", ["absent", "%2e%2e%2f%2e%2e%2fworkspace.json", "", "%00"])
def test_an_original_that_is_not_there_is_one_sentence(
    client: TestClient, filled: Workspace, dataset: str, frame: str
) -> None:
    answer = client.get(f"/dataeff/original/{dataset}/{frame}?token={routes.TOKEN}")
    assert answer.status_code == 404
    assert is_one_sentence(answer.text)


def test_a_vanished_original_says_so(client: TestClient, filled: Workspace, filled_template: Path) -> None:
    dataset = filled.datasets()[0]
    frame = dataset.frames.iloc[-1]
    dataset.file(frame).rename(dataset.file(frame).with_suffix(".moved"))
    try:
        answer = client.get(routes.original_url(dataset.id, str(frame["frame_id"])))
    finally:
        dataset.file(frame).with_suffix(".moved").rename(dataset.file(frame))
    assert answer.status_code == 404
    assert "not there any more" in answer.text


def test_what_a_network_makes_of_frames_is_served_by_run_and_pass(client: TestClient, filled: Workspace) -> None:
    from tests.fabricated_runs import fabricate_run

    run = fabricate_run(filled, filled.datasets()[0])
    assert run.reconstructions, "the fabricated run has pictures"
    epoch = next(iter(run.reconstructions))
    answer = client.get(routes.reconstruction_url(run.id, epoch))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    for wrong in (routes.reconstruction_url(run.id, 10**6), routes.reconstruction_url("absent", epoch)):
        assert client.get(wrong).status_code == 404
    for wrong in ("..%2f..%2frun.json", "x", "-1"):
        assert client.get(f"/dataeff/reconstruction/{run.id}/{wrong}?token={routes.TOKEN}").status_code == 404


def test_an_address_of_ours_that_nothing_answers_is_404(client: TestClient, filled: Workspace) -> None:
    answer = client.get(f"/dataeff/nothing/here?token={routes.TOKEN}")
    assert answer.status_code == 404
    assert is_one_sentence(answer.text)


def test_tokens_differ_between_processes() -> None:
    assert len(routes.TOKEN) >= 32
    assert routes.TOKEN not in Path(routes.__file__).read_text()
