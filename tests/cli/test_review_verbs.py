"""pin, unpin and audit as a program sees them."""

import json
from pathlib import Path
from typing import Any

import pytest

from dataeff_core.cli import main
from dataeff_core.selection import make
from dataeff_core.selection.saving import select
from dataeff_core.workspace import SavedSelection, Workspace
from dataeff_core.workspace.trail import trail_of
from tests.fabrication import fabricate


@pytest.fixture
def saved(tmp_path: Path) -> SavedSelection:
    workspace, dataset, *_ = fabricate(tmp_path / "w", frames=40, thumbnails=False)
    return select(workspace, dataset, make("random", {}), keep=0.25)


@pytest.fixture
def call(tmp_path: Path, saved: SavedSelection, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*words: str, status: int = 0) -> Any:
        assert main([*words, "--workspace", str(tmp_path / "w"), "--json"]) == status
        return json.loads(capsys.readouterr().out)

    return run


def test_pin_audit_unpin(call: Any, saved: SavedSelection) -> None:
    frame = str(saved.machine.loc[saved.machine["decision"] == "dropped", "frame_id"].iat[0])
    done = call("pin", "latest", frame, "keep", "--reviewer", "Ada", "--why", "rare", "--reason", "finding")
    assert (done["frame_id"], done["decision"], done["reviewer"]) == (frame, "kept", "Ada")
    assert (done["kept"], done["method_said"], done["entry"]) == (11, "dropped", 1)
    assert "11 frames are kept, 1 more than the 10 that a share of 0.25 allows" in done["notice"]
    assert call("explain", "latest", frame)["reason"] == "pinned"
    undone = call("unpin", saved.id, frame, "--reviewer", "Bob")
    assert (undone["frame_id"], undone["decision"], undone["reviewer"]) == (frame, "dropped", "Bob")
    told = call("audit", "latest")
    assert [(one["action"], one["reviewer"], one["why"]) for one in told["entries"]] == [
        ("keep", "Ada", "rare"),
        ("undo", "Bob", ""),
    ]
    assert told["entries"][0]["at"] == done["at"]
    assert told["entries"][0]["machine"]["decision"] == "dropped"
    assert told["faults"] == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["pin", "latest", "nothing", "keep", "--reviewer", "Ada", "--why", "x"], "no frame"),
        (["pin", "latest", "p01/frame_000000.png", "keep", "--reviewer", " ", "--why", "x"], "name is empty"),
        (["pin", "latest", "p01/frame_000000.png", "burn", "--reviewer", "Ada"], "invalid choice: 'burn'"),
        (["pin", "latest", "p01/frame_000000.png", "keep"], "required: --reviewer"),
        (["unpin", "latest", "p01/frame_000000.png", "--reviewer", "Ada"], "is not pinned"),
        (["pin", "other", "x", "keep", "--reviewer", "Ada"], "no selection is called 'other'"),
        (["audit", "other"], "no dataset is called 'other'"),
    ],
)
def test_mistakes(call: Any, words: list[str], sentence: str) -> None:
    assert sentence in call(*words, status=2)["error"]


def test_text_for_people(tmp_path: Path, saved: SavedSelection, capsys: pytest.CaptureFixture[str]) -> None:
    root = ["--workspace", str(tmp_path / "w")]
    assert main(["audit", "latest", *root]) == 0
    assert capsys.readouterr().out == "no reviewer has decided anything yet\n"
    hostile = "\x1b[31mred\n=1+1 <b>"
    assert (
        main(["pin", "latest", "p01/frame_000000.png", "keep", "--reviewer", hostile, "--why", hostile, *root]) == 0
    )
    assert "is kept by \\x1b[31mred" in capsys.readouterr().out
    assert main(["audit", "latest", *root]) == 0
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["entry", "at", "reviewer", "action", "frame", "method", "said", "why"]
    assert "\\x1b[31mred\\n=1+1 <b>" in line
    assert "p01/frame_000000.png" in line


def test_a_changed_trail_is_said(tmp_path: Path, call: Any, saved: SavedSelection) -> None:
    import sqlite3

    call("pin", "latest", "p01/frame_000000.png", "keep", "--reviewer", "Ada")
    base = sqlite3.connect(trail_of(Workspace.open(tmp_path / "w").dataset("latest").folder).file)
    base.execute("DROP TRIGGER no_change")
    base.execute("UPDATE entries SET reviewer = 'Eve'")
    base.commit()
    base.close()
    assert call("audit", "latest", status=2)["faults"] == ["entry 1 is not as it was written"]


def test_coverage_and_its_rule(call: Any) -> None:
    few = call("select", "latest", "--method", "random", "--keep", "0.025", "--name", "few")
    found = call("coverage", "few")
    assert len(found["lost"]) == 2
    assert found["sentence"].startswith("No frame stays of: patient-00")
    assert found["units"][0]["lost"]
    done = call("coverage", "few", "--never-lose", "group", "--reviewer", "Ada")
    assert (done["pinned"], done["lost"]) == (3, [])
    assert done["rule"] == "3 frames pinned, 2 of them brought back."
    assert {one["reviewer"] for one in call("audit", "latest")["entries"]} == {"rule:never lose a group"}
    again = call("select", "latest", "--method", "random", "--keep", "0.025", "--seed", "9")
    assert call("coverage", again["selection"])["lost"] == []
    assert again["kept"] > few["kept"]
    assert call("coverage", "few", "--lift", "group", "--reviewer", "Ada")["lifted"] == 3
    assert len(call("coverage", "few")["lost"]) == 2


def test_the_queue_goes_on_where_it_stopped(call: Any, saved: SavedSelection) -> None:
    found = call("queue", saved.id, "--most", "3")
    assert (found["removed"], found["reviewed"], len(found["items"])) == (30, 0, 3)
    first, second = (one["frame_id"] for one in found["items"][:2])
    call("pin", saved.id, first, "keep", "--reviewer", "Ada")
    call("pin", saved.id, second, "drop", "--reviewer", "Ada")
    now = call("queue", saved.id, "--most", "50")
    assert (now["removed"], now["reviewed"], now["harmful"]) == (30, 2, 1)
    assert len(now["items"]) == 28
    assert {first, second}.isdisjoint(one["frame_id"] for one in now["items"])
    assert not now["enough"]
    assert "2 of 30 removals looked at, 1 of them harmful" in now["sentence"]


def test_a_blind_audit(call: Any, saved: SavedSelection) -> None:
    assert call("blind", "draw", saved.id, "--size", "8", "--seed", "2")["items"] == 12
    shown = call("blind", "show", saved.id, "--reviewer", "Ada")["items"]
    assert {tuple(one) for one in shown} == {("frame_id", "beside", "verdict")}
    for one in shown:
        call("blind", "mark", saved.id, "--frame", one["frame_id"], "--verdict", "not_needed", "--reviewer", "Ada")
    call("blind", "mark", saved.id, "--frame", shown[0]["frame_id"], "--verdict", "needed", "--reviewer", "Bob")
    assert {one["verdict"] for one in call("blind", "show", saved.id, "--reviewer", "Ada")["items"]} == {"not_needed"}
    found = call("blind", "result", saved.id)
    (ada,) = [one for one in found["rates"] if one["reviewer"] == "Ada"]
    assert (ada["wrong"], ada["judged"], ada["rate"], ada["low"]) == (0, 8, 0, 0)
    assert 0.3 < ada["high"] < 0.4
    assert found["kappa"] == [{"reviewers": ["Ada", "Bob"], "kappa": 0.0, "frames": 1}]
    told = call("audit", "latest", "--reviewer", "Ada")
    assert {one["reviewer"] for one in told["entries"]} == {"Ada"}  # and nothing of Bob's
    assert (told["marks"], len(call("audit", "latest")["entries"])) == (13, 0)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["coverage", "latest", "--never-lose", "mood", "--reviewer", "A"], "'mood' is not one of group, video"),
        (["coverage", "latest", "--never-lose", "label:x", "--reviewer", "A"], "has no label 'x'"),
        (["coverage", "latest", "--never-lose", "group"], "name is empty"),
        (["coverage", "latest", "--lift", "group"], "name is empty"),
        (["coverage", "latest", "--lift", "group", "--never-lose", "group"], "given together"),
        (["queue", "latest", "--limit", "0"], "limit 0 is not between 0 and 1"),
        (["blind", "show", "latest", "--reviewer", "A"], "there is no audit yet"),
        (["blind", "draw", "latest", "--size", "0"], "size 0 is below 1"),
        (["blind", "draw", "latest", "--seed", "-1"], "seed -1 is below 0"),
    ],
)
def test_further_mistakes(call: Any, words: list[str], sentence: str) -> None:
    assert sentence in call(*words, status=2)["error"]


def test_every_text_is_readable(tmp_path: Path, saved: SavedSelection, capsys: pytest.CaptureFixture[str]) -> None:
    root = ["--workspace", str(tmp_path / "w")]
    for words in (
        ["coverage", "latest"],
        ["queue", "latest"],
        ["blind", "draw", "latest"],
        ["blind", "result", "latest"],
    ):
        assert main([*words, *root]) == 0
    told = capsys.readouterr().out
    assert "No group has lost all its frames (3 groups)." in told
    assert "None of the 30 removals has been looked at" in told
    assert "no frame has been marked yet" in told


def test_timeline_tells_the_longest_stretch_first(call: Any, saved: SavedSelection) -> None:
    found = call("timeline", "latest")
    assert found["selection"] == saved.id
    assert sum(one["frames"] for one in found["strips"]) == 40
    assert sum(one["kept"] for one in found["strips"]) == 10
    lengths = [one["longest_stretch"]["frames"] for one in found["strips"] if one["kept"]]
    assert lengths == sorted(lengths, reverse=True)
    assert f"{lengths[0]} frames without a kept one" in found["sentence"]
    assert all(one["longest_stretch"]["seconds"] is None for one in found["strips"])  # images have no times


def test_timeline_in_words(tmp_path: Path, saved: SavedSelection, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["timeline", saved.id, "--workspace", str(tmp_path / "w")]) == 0
    told = capsys.readouterr().out
    assert told.startswith("The longest stretch is ")
    assert told.count(" kept, ") == 3
