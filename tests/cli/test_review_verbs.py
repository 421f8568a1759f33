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
