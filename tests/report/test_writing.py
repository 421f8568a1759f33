"""The folder: whole or not at all, nobody's files replaced, tables that say the same and that no spreadsheet runs."""

import hashlib
import json
from pathlib import Path

import pytest

from dataeff_core.cli import main
from dataeff_core.errors import BadInput, Cancelled, Conflict
from dataeff_core.exporting.sums import read_sums
from dataeff_core.report.writing import Report, reports, write_report
from dataeff_core.reporting import Reporter
from dataeff_core.review import pinning, sampling
from dataeff_core.workspace import Dataset, SavedSelection, Workspace
from tests.report.conftest import table_of

FORMULAS = ("=cmd()|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1")


def test_every_file_has_its_fingerprint(written: Report) -> None:
    sums = read_sums((written.out / "SHA256SUMS").read_bytes())
    files = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in written.out.iterdir()}
    del files["SHA256SUMS"]
    assert sums == files
    assert {"report.html", "report.json", "selection.json", "decisions.csv", "coverage.csv"} <= set(files)
    assert written.bytes == sum(file.stat().st_size for file in written.out.iterdir())


def test_the_tables_hold_every_frame_and_every_unit(
    workspace: Workspace, saved: SavedSelection, dataset: Dataset
) -> None:
    assert main(["stability", saved.id, "--seeds", "2", "--workspace", str(workspace.root)]) == 0
    pinning.pin(workspace, saved, [str(saved.decisions["frame_id"].iat[0])], "keep", reviewer="Bob")
    saved = workspace.selection(saved.id)
    record = sampling.draw(dataset, saved, size=5)
    sampling.mark(dataset, record, record.items[0].frame_id, sampling.UNSURE, reviewer="Ada")
    done = write_report(workspace, saved)
    decisions = table_of(done, "decisions.csv")
    assert [one["frame_id"] for one in decisions] == saved.decisions["frame_id"].tolist()
    assert [one["decision"] for one in decisions] == saved.decisions["decision"].tolist()
    assert all(0 <= float(one["stays"]) <= 1 for one in decisions)
    units = table_of(done, "coverage.csv")
    groups = [one for one in units if one["kind"] == "group"]
    assert sum(int(one["frames"]) for one in groups) == 60
    assert sum(int(one["kept"]) for one in groups) == done.record.kept
    assert {one["line"] for one in table_of(done, "blind_audit.csv")} == {"reviewer", "together"}
    assert [one["what_was_other"] for one in table_of(done, "stability.csv")] == [
        "seed",
        "seed",
        "clusters",
        "clusters",
    ]
    assert len(table_of(done, "unreadable.csv")) == 2
    assert len(table_of(done, "trail.csv")) == 1
    recipe = json.loads((done.out / "selection.json").read_text())
    assert recipe["dataset"]["fingerprint"] == saved.record.dataset_fingerprint


def test_single_answers_of_a_blind_audit_are_in_no_table(
    workspace: Workspace, dataset: Dataset, saved: SavedSelection
) -> None:
    record = sampling.draw(dataset, saved, size=5)
    entry = sampling.mark(dataset, record, record.items[0].frame_id, sampling.NEEDED, reviewer="Ada")
    assert not (write_report(workspace, saved).out / "trail.csv").exists()
    pinning.take_back(dataset, entry, reviewer="Ada")
    pinning.pin(workspace, saved, [record.items[1].frame_id], "keep", reviewer="Bob")
    rows = table_of(write_report(workspace, saved), "trail.csv")
    assert [(one["action"], one["reviewer"]) for one in rows] == [("keep", "Bob")]


def test_no_cell_is_a_formula(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    frames = saved.machine.loc[saved.machine["decision"] == "dropped", "frame_id"].tolist()
    for frame, text in zip(frames, FORMULAS, strict=False):
        pinning.pin(workspace, saved, [frame], "keep", reviewer=f"{text.strip()}", why=text)
    record = sampling.draw(dataset, workspace.selection(saved.id), size=3)
    sampling.mark(dataset, record, record.items[0].frame_id, sampling.NEEDED, reviewer="=1+1")
    done = write_report(workspace, saved)
    for file in done.out.glob("*.csv"):
        for line in table_of(done, file.name):
            for cell in line.values():
                if cell.startswith(("=", "+", "-", "@", "\t", "\r")):
                    float(cell)  # a number may begin so


def test_nobodys_files_are_replaced(workspace: Workspace, saved: SavedSelection, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    out.mkdir()
    first = write_report(workspace, saved, out)  # an empty folder may be taken
    with pytest.raises(Conflict, match="already there and not empty"):
        write_report(workspace, saved, out)
    second = write_report(workspace, saved, out, force=True)
    assert first.record.id != second.record.id
    (out / "thesis.txt").write_text("all my work")
    with pytest.raises(Conflict, match=r"also holds 'thesis.txt'"):
        write_report(workspace, saved, out, force=True)
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("all my work")
    with pytest.raises(Conflict, match="is not a report"):
        write_report(workspace, saved, other, force=True)
    with pytest.raises(Conflict, match="is not a report"):
        write_report(workspace, saved, other / "thesis.txt", force=True)
    assert (other / "thesis.txt").read_text() == "all my work"


@pytest.mark.parametrize("inner", ["", "datasets/x", "jobs", "reports", "thumbnails/ab"])
def test_the_workspaces_own_folders_are_refused(workspace: Workspace, saved: SavedSelection, inner: str) -> None:
    with pytest.raises(BadInput, match="workspace's own folder"):
        write_report(workspace, saved, workspace.root / inner)


def test_a_stopped_report_leaves_nothing(workspace: Workspace, saved: SavedSelection, tmp_path: Path) -> None:
    class Stopped(Reporter):
        def stop_asked(self) -> bool:
            return self.phase_name == "writing the report"

    with pytest.raises(Cancelled):
        write_report(workspace, saved, tmp_path / "out", reporter=Stopped())
    assert not (tmp_path / "out").exists()
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".out")]


def test_reports_are_listed_newest_first(workspace: Workspace, saved: SavedSelection) -> None:
    first, second = write_report(workspace, saved), write_report(workspace, saved, pictures=False)
    assert [one.record.id for one in reports(workspace, saved)] == [second.record.id, first.record.id]
    assert [one.out for one in reports(workspace, saved)] == [second.out, first.out]


def test_the_verb(
    workspace: Workspace, saved: SavedSelection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = ["--workspace", str(workspace.root)]
    out = ["--out", str(tmp_path / "r")]
    assert main(["report", "latest", "--json", *out, *root]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["out"], told["page"]) == (str(tmp_path / "r"), str(tmp_path / "r" / "report.html"))
    assert (told["selection"], told["frames"], told["kept"]) == (saved.id, 60, 12)
    assert main(["report", "latest", *out, *root]) == 2
    assert "already there" in capsys.readouterr().err
    assert main(["report", "latest", "--force", "--without-pictures", *out, *root]) == 0
    assert "things that were not checked" in capsys.readouterr().out
    assert main(["report", "nothing", *root]) == 2
