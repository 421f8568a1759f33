"""What the timeline fetches: the numbers are those of the strips, the sentences those of `explain`."""

from pathlib import Path

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dataeff_core.review.pinning import pin, put
from dataeff_core.review.timeline import order_of, strips
from dataeff_core.selection.explaining import explain
from dataeff_core.ui import routes
from dataeff_core.ui.review.telling import told
from dataeff_core.ui.review.timeline_routes import CHUNK
from dataeff_core.workspace import SavedSelection, Workspace
from dataeff_core.workspace.trail import Decision
from tests.fabrication import fabricate, fabricate_selection
from tests.ui.test_explorer_payload import unpack

FRAMES = 90


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("DATAEFF_WORKSPACE", str(tmp_path / "w"))
    workspace, dataset, embedding, _ = fabricate(tmp_path / "w", FRAMES, 2, 8, hostile_names=True, thumbnails=False)
    fabricate_selection(dataset, embedding, keep=0.2)
    return workspace


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=routes.routes()))


def saved_in(workspace: Workspace) -> SavedSelection:
    return workspace.selection("latest", workspace.dataset("latest"))


def url(workspace: Workspace, rest: str = "") -> str:
    saved = saved_in(workspace)
    return routes.timeline_url(f"{saved.record.dataset}/{saved.id}{rest}")


def test_all_strips_with_their_densities(client: TestClient, workspace: Workspace) -> None:
    header, arrays = unpack(client.get(url(workspace)).content)
    found = strips(workspace.dataset("latest").frames, saved_in(workspace).decisions)
    assert [one["name"] for one in header["strips"]] == [one.name for one in found]
    assert sum(one["frames"] for one in header["strips"]) == FRAMES
    for told_, strip in zip(header["strips"], found, strict=True):
        part = slice(told_["from"], told_["to"])
        there = [arrays[name][part] for name in ("kept", "removed", "faults", "reviewed", "ruled")]
        assert np.array_equal(np.array(there), strip.density(1200))
        assert told_["gap"]["text"] == strip.gap.sentence
    ranked = sorted(header["strips"], key=lambda one: one["rank"])
    assert [one["name"] for one in ranked] == [one.name for one in sorted(found, key=order_of, reverse=True)]


def test_one_strip_frame_by_frame(client: TestClient, workspace: Workspace) -> None:
    _, arrays = unpack(client.get(url(workspace, "/1")).content)
    strip = strips(workspace.dataset("latest").frames, saved_in(workspace).decisions)[1]
    assert np.array_equal(arrays["at"], strip.at)
    assert np.array_equal(arrays["kept"], strip.kept)
    assert np.array_equal(arrays["codes"], strip.codes)


def test_frames_are_told_a_chunk_at_a_time(client: TestClient, workspace: Workspace) -> None:
    answers = [client.get(url(workspace, f"/0/{chunk}")).json() for chunk in range(3)]
    assert [len(one) for one in answers] == [CHUNK, FRAMES // 2 - CHUNK, 0]
    ids = [one["id"] for answer in answers for one in answer]
    strip = strips(workspace.dataset("latest").frames, saved_in(workspace).decisions)[0]
    assert ids == workspace.dataset("latest").frames["frame_id"].iloc[strip.rows].tolist()


def test_every_sentence_is_that_of_explain_with_pins_and_without(workspace: Workspace) -> None:
    dataset, before = workspace.dataset("latest"), saved_in(workspace)
    ids = dataset.frames["frame_id"].tolist()
    removed = [one for one, kept in zip(ids, before.machine["decision"] == "kept", strict=True) if not kept]
    kept = sorted(set(ids) - set(removed))
    pin(workspace, before, removed[:2], "keep", reviewer="Åse", reason="rare", why="*look* <b>here</b>")
    pin(workspace, before, [kept[0], removed[5]], "drop", reviewer="Bo")
    saved = saved_in(workspace)
    for row, one in enumerate(ids):
        explained = explain(workspace, saved, one)
        here = told(dataset, saved, row)
        assert here["sentence"] == explained.sentence
        assert here["reason"] == explained.reason
        assert here["kept"] == (explained.decision == "kept")
        assert (here["partner"] or {}).get("id") == explained.representative_id


def test_new_pins_are_seen_at_once(client: TestClient, workspace: Workspace) -> None:
    before, _ = unpack(client.get(url(workspace)).content)
    saved = saved_in(workspace)
    one = str(saved.machine["frame_id"][(saved.machine["decision"] != "kept").to_numpy()].iloc[0])
    pin(workspace, saved, [one], "keep", reviewer="Åse")
    after, arrays = unpack(client.get(url(workspace)).content)
    assert sum(one["kept"] for one in after["strips"]) == sum(one["kept"] for one in before["strips"]) + 1
    assert arrays["reviewed"].sum() == 1


def test_agreements_and_what_a_rule_holds_are_shown(client: TestClient, workspace: Workspace) -> None:
    saved, dataset = saved_in(workspace), workspace.dataset("latest")
    ids = saved.machine["frame_id"].tolist()
    removed = np.flatnonzero((saved.machine["decision"] != "kept").to_numpy(bool)).tolist()
    pin(workspace, saved, [ids[removed[0]]], "drop", reviewer="Åse")
    content = str(dataset.frames["sha256"].iat[removed[1]])
    put(dataset, [Decision("rule:never lose a group", "keep", content, ids[removed[1]])])
    _, arrays = unpack(client.get(url(workspace)).content)
    assert (arrays["reviewed"].sum(), arrays["ruled"].sum()) == (1, 1)
    now = saved_in(workspace)
    assert [told(dataset, now, row)["by"] for row in removed[:3]] == ["person", "rule", ""]
    assert told(dataset, now, removed[1])["reason"] == "pinned"


def test_only_the_methods_removals_are_to_be_decided_on(workspace: Workspace) -> None:
    saved, dataset = saved_in(workspace), workspace.dataset("latest")
    ids = saved.machine["frame_id"].tolist()
    stays = (saved.machine["decision"] == "kept").to_numpy(bool)
    kept, removed = (np.flatnonzero(one).tolist() for one in (stays, ~stays))
    entry = pin(workspace, saved, [ids[kept[0]]], "drop", reviewer="Bo")[0]
    pin(workspace, saved, [ids[removed[0]]], "drop", reviewer="Bo")
    pin(workspace, saved, [ids[removed[1]]], "keep", reviewer="Bo")
    now = saved_in(workspace)
    said = {row: told(dataset, now, row) for row in (*kept[:2], *removed[:3])}
    assert [(one["decidable"], one["removal"]) for one in said.values()] == [
        (False, entry.seq),  # the method keeps it, Bo removed it
        (False, None),
        (True, None),
        (False, None),  # Bo brought it back
        (True, None),
    ]
    assert "Removed by decision of Bo" in said[kept[0]]["sentence"]


def test_a_methods_own_reason_is_called_by_its_name(workspace: Workspace) -> None:
    saved, dataset = saved_in(workspace), workspace.dataset("latest")
    row = int((saved.machine["decision"] != "kept").to_numpy(bool).argmax())
    saved.machine.loc[row, "reason"] = "too_easy"
    said = told(dataset, saved, row)
    assert (said["reason"], said["label"]) == ("too_easy", "Too easy")
    assert said["sentence"].startswith("Removed as too easy")


@pytest.mark.parametrize("rest", ["/2", "/99999999999999999999", "/0/x", "/-1", "/0/0/0"])
def test_what_is_not_there_is_a_404(client: TestClient, workspace: Workspace, rest: str) -> None:
    answer = client.get(url(workspace, rest))
    assert answer.status_code == 404
    assert len(answer.text) < 200


def test_nothing_without_the_token(client: TestClient, workspace: Workspace) -> None:
    for rest in ("", "/0", "/0/0"):
        assert client.get(url(workspace, rest).split("?")[0]).status_code == 403


def test_a_selection_older_than_the_frames_is_a_sentence(client: TestClient, workspace: Workspace) -> None:
    address, record = url(workspace), saved_in(workspace).folder / "selection.json"
    record.write_text(record.read_text().replace(workspace.dataset("latest").fingerprint, "0" * 64))
    answer = client.get(address)
    assert answer.status_code == 404
    assert "was made before" in answer.text
