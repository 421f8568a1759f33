"""An export carries the pins and the trail, and still proves itself."""

import csv
import io
import json
from pathlib import Path

import pandas as pd
import pytest

from dataeff_core.cli.verifying import select_again
from dataeff_core.exporting.exporting import export
from dataeff_core.exporting.sums import read_sums, write_sums
from dataeff_core.exporting.verifying import verify
from dataeff_core.reporting import Reporter
from dataeff_core.review.pinning import pin
from dataeff_core.selection import make
from dataeff_core.selection.saving import select
from dataeff_core.workspace import SavedSelection, Workspace
from dataeff_core.workspace.storage import file_sha256
from tests.fabrication import fabricate

HOSTILE = '=HYPERLINK("http://x") <script>alert(1)</script>\n\'; --'


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return fabricate(tmp_path / "w", frames=40, distinct=6)[0]


@pytest.fixture
def saved(workspace: Workspace) -> SavedSelection:
    return select(workspace, workspace.dataset("latest"), make("meddel", {"k": "3", "eta": "0.9"}), keep=0.3)


@pytest.fixture
def pinned(workspace: Workspace, saved: SavedSelection) -> tuple[str, str]:
    """One frame kept and one stand-in dropped against the method."""
    kept = str(saved.machine.loc[saved.machine["decision"] == "dropped", "frame_id"].iat[0])
    dropped = str(saved.machine["representative_id"].dropna().iat[-1])
    pin(workspace, saved, [kept], "keep", reviewer=HOSTILE, why=HOSTILE)
    pin(workspace, saved, [dropped], "drop", reviewer="Bob")
    return kept, dropped


def sign(out: Path) -> None:
    names = [path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()]
    hashes = {name: file_sha256(out / name) for name in names if name != "SHA256SUMS"}
    (out / "SHA256SUMS").write_bytes(write_sums(hashes))


def rerun(workspace: Workspace, out: Path) -> list[str]:
    return verify(out, rerun=lambda recipe: select_again(workspace, recipe, Reporter())).wrong


@pytest.mark.parametrize("name", ["manifest", "copy", "out.zip"])
def test_pins_and_trail_go_along_and_it_can_be_made_again(
    workspace: Workspace, saved: SavedSelection, pinned: tuple[str, str], tmp_path: Path, name: str
) -> None:
    form = "zip" if name.endswith(".zip") else name
    out = export(workspace, workspace.selection(saved.id), tmp_path / name, format=form).out
    assert rerun(workspace, out) == []
    if form == "zip":
        return
    kept, dropped = pinned
    manifest = pd.read_parquet(out / "manifest.parquet").set_index("frame_id")
    assert manifest.loc[kept, ["decision", "reason", "override", "reviewer"]].tolist() == [
        "kept",
        "pinned",
        "kept",
        HOSTILE.strip(),
    ]
    assert manifest.loc[dropped, ["decision", "reason", "override"]].tolist() == ["dropped", "pinned", "dropped"]
    assert manifest.loc[kept, "reviewed_at"].endswith("+00:00")
    recipe = json.loads((out / "selection.json").read_text())
    assert recipe["counts"]["kept"] == (manifest["decision"] == "kept").sum()
    assert (recipe["pins"]["entries"], recipe["pins"]["frames"]) == (2, 2)
    assert "audit.csv" in read_sums((out / "SHA256SUMS").read_bytes())
    lines = list(csv.DictReader(io.StringIO((out / "audit.csv").read_bytes().decode(), newline="")))
    assert [line["frame_id"] for line in lines] == [kept, dropped]
    assert lines[0]["why"] == f"'{HOSTILE}"
    assert lines[0]["reviewer"] == f"'{HOSTILE.strip()}"
    assert json.loads(lines[0]["machine"])["decision"] == "dropped"
    if form == "copy":
        assert pd.notna(manifest.loc[kept, "file"])
        assert pd.isna(manifest.loc[dropped, "file"])


def test_without_a_trail_there_is_none_in_the_export(
    workspace: Workspace, saved: SavedSelection, tmp_path: Path
) -> None:
    out = export(workspace, saved, tmp_path / "out").out
    assert not (out / "audit.csv").exists()
    assert rerun(workspace, out) == []


def test_later_pins_do_not_touch_an_export(
    workspace: Workspace, saved: SavedSelection, pinned: tuple[str, str], tmp_path: Path
) -> None:
    opened = workspace.selection(saved.id)
    assert opened.decisions["override"].notna().sum() == 2
    pin(workspace, saved, [pinned[0]], "drop", reviewer="Eve")
    out = export(workspace, opened, tmp_path / "out").out  # what was looked at is what is written
    assert b"Eve" not in (out / "audit.csv").read_bytes()
    assert rerun(workspace, out) == []


def change(out: Path, what: str) -> None:
    manifest = pd.read_parquet(out / "manifest.parquet")
    first = manifest.index[manifest["override"].notna()][0]
    if what == "reviewer":
        manifest.loc[first, "reviewer"] = "Eve"
    elif what == "unpinned":
        manifest.loc[first, ["override", "reviewer", "reviewed_at"]] = None
    elif what == "decision":
        manifest.loc[first, "decision"] = "dropped" if manifest.loc[first, "decision"] == "kept" else "kept"
    elif what == "audit":
        lines = (out / "audit.csv").read_bytes().replace(b"Bob", b"Eve")
        (out / "audit.csv").write_bytes(lines)
    elif what == "nonsense":
        (out / "audit.csv").write_bytes(b"\xff\xfe nonsense")
    else:
        (out / "audit.csv").unlink()
    manifest.to_parquet(out / "manifest.parquet", index=False)
    sign(out)


@pytest.mark.usefixtures("pinned")
@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("reviewer", "manifest.parquet has other overrides than selection.json says"),
        ("unpinned", "manifest.parquet has other overrides than selection.json says"),
        ("decision", "is not as the reviewer decided"),
        ("audit", "is not in audit.csv"),
        ("nonsense", "audit.csv cannot be read"),
        ("gone", "is not in audit.csv"),
    ],
)
def test_a_changed_override_is_found(
    workspace: Workspace, saved: SavedSelection, tmp_path: Path, what: str, sentence: str
) -> None:
    out = export(workspace, workspace.selection(saved.id), tmp_path / "out").out
    change(out, what)
    assert any(sentence in one for one in verify(out).wrong)
