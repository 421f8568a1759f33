"""Who may import whom, proved in fresh interpreters and on the source."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "dataeff_core"
COMPOSING = tuple(f"dataeff_core.{name}." for name in ("benchmarking", "report", "cli", "ui"))
FAMILIES = ("datasets", "encoders", "selection", "exporting", "pretraining", "evaluation", "review")


def modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {line.split(".")[0] for line in done.stdout.splitlines()}


@pytest.mark.parametrize(
    "module",
    [
        "selection",
        "selection.meddel",
        "jobs",
        "cli",
        "datasets.importing",
        "encoders",
        "exporting",
        "review.pinning",
        "workspace",
        "backbones",
        "pretraining",
        "pretraining.base",
        "evaluation",
        "benchmarking",
        "review.repeating",
        "report.writing",
        "patches.proposing",
        "hardness.choosing",
        "hardness.scoring",
        "mosaics.exporting",
        "theory.perceptron",
    ],
)
def test_core_imports_no_heavy_library(module: str) -> None:
    heavy = {"streamlit", "torch", "timm", "torchmetrics", "umap", "numba", "sklearn", "skimage"}
    assert not modules_after(f"import dataeff_core.{module}") & heavy


def test_the_command_line_starts_with_the_standard_library_alone() -> None:
    assert not modules_after("import dataeff_core.cli") & {"numpy", "pandas", "pydantic", "PIL"}


def test_the_dashboards_modules_import_neither_torch_nor_umap() -> None:
    paths = [path.relative_to(PACKAGE.parent).with_suffix("") for path in (PACKAGE / "ui").rglob("*.py")]
    names = [".".join(path.parts) for path in paths if path.name != "__init__"]
    loaded = modules_after("\n".join(f"import {name}" for name in names))
    assert "streamlit" in loaded
    assert not loaded & {"torch", "timm", "torchmetrics", "umap", "numba", "sklearn"}


@pytest.mark.parametrize("family", FAMILIES)
def test_no_family_knows_what_composes_them(family: str) -> None:
    above = {
        (path.name, name)
        for path in (PACKAGE / family).rglob("*.py")
        for name in imports(path)
        if f"{name}.".startswith(COMPOSING)
    }
    assert above == set()


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_streamlit_stays_in_the_ui() -> None:
    outside = [path for path in PACKAGE.rglob("*.py") if "ui" not in path.relative_to(PACKAGE).parts]
    assert [str(path) for path in outside if any(name.startswith("streamlit") for name in imports(path))] == []


@pytest.mark.parametrize("family", FAMILIES)
def test_families_import_each_other_only_by_base_types(family: str) -> None:
    others = [other for other in FAMILIES if other != family]
    crossing = {
        (path.name, name)
        for path in (PACKAGE / family).rglob("*.py")
        for name in imports(path)
        for other in others
        if name.startswith(f"dataeff_core.{other}") and not name.startswith(f"dataeff_core.{other}.base")
    }
    assert crossing == set()
