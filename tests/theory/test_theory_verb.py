import json
from pathlib import Path

import pytest

from dataeff_core.cli import main


def test_the_verb_prints_its_curves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--alphas", "10", "--shares", "0.1,1", "--repeats", "2", "--dimension", "10"]
    assert main(["theory", *arguments, "--workspace", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["share"] for row in found["curves"]] == [0.1, 1.0]
    assert {"alpha", "examples", "hard", "easy", "random"} <= set(found["curves"][0])
    assert main(["theory", *arguments, "--workspace", str(tmp_path)]) == 0
    assert "harder" in (said := capsys.readouterr().out) or "hardest" in said


@pytest.mark.parametrize("arguments", [["--alphas", "x"], ["--alphas", ""], ["--shares", "0"], ["--seed", "-1"]])
def test_bad_values_exit_with_2(tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["theory", *arguments, "--workspace", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
