"""The README's commands run, and its tables say what the registries say."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from dataeff_core.selection import SELECTORS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
COMMANDS = [line for line in README.splitlines() if line.startswith("python -m dataeff_core ")]


def test_the_readmes_commands_run_in_order(tmp_path: Path) -> None:
    assert len(COMMANDS) >= 8
    environment = os.environ | {"DATAEFF_WORKSPACE": str(tmp_path / "workspace"), "PYTHONPATH": str(ROOT)}
    for command in COMMANDS:
        arguments = shlex.split(command, comments=True)[1:]
        done = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def test_the_table_of_methods_is_the_registry() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", README, re.MULTILINE)
    assert rows == [(method.NAME, method.TITLE, method.SOURCE) for method in SELECTORS]


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#:]+)\)", README))
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).exists()
