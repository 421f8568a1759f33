"""From nothing to a verified export, by the command line alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from dataeff_core.cli import main
from dataeff_core.exporting.sums import write_sums
from dataeff_core.workspace.storage import file_sha256

OPTIONS = ["demo", "--frames", "6"]


def test_the_demo_can_be_explored_exported_and_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = tmp_path / "workspace"

    def tell(*words: str, status: int = 0) -> dict[str, Any]:
        assert main([*words, "--json", "--workspace", str(workspace)]) == status
        told: dict[str, Any] = json.loads(capsys.readouterr().out)
        return told

    first = tell(*OPTIONS)
    assert {"dataset", "embedding", "selection", "frames", "seconds"} <= set(first)
    assert first["frames"] == 6
    again = tell(*OPTIONS)
    assert {key: again[key] for key in again if key != "seconds"} == {
        key: first[key] for key in first if key != "seconds"
    }
    for what in ("datasets", "embeddings", "selections"):
        assert len(tell("list", what)["items"]) == 1

    refused = tell(*OPTIONS, "--seed", "1", "--name", "demo-6-0", status=2)
    assert "give this one another name" in refused["error"]

    out = tmp_path / "out"
    assert tell("export", first["selection"], str(out), "--format", "copy")["frames"] == first["kept"]
    assert tell("verify", str(out), "--rerun") | {"checked": 0} == {
        "ok": True, "checked": 0, "frames": 6, "rerun": True, "wrong": [],
    }  # fmt: skip
    recipe = json.loads((out / "selection.json").read_text())
    recipe["params"]["eta"] = -1.0
    (out / "selection.json").write_text(json.dumps(recipe))
    files = [path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()]
    (out / "SHA256SUMS").write_bytes(
        write_sums({name: file_sha256(out / name) for name in files if name != "SHA256SUMS"})
    )
    assert tell("verify", str(out))["ok"]
    assert not tell("verify", str(out), "--rerun", status=2)["ok"]
