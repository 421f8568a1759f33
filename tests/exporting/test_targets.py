"""Where an export may be written, and what becomes of what is there."""

from pathlib import Path

import pytest

from dataeff_core.errors import BadInput, Conflict, StorageFailed
from dataeff_core.exporting.exporting import export
from dataeff_core.exporting.verifying import verify
from dataeff_core.workspace import SavedSelection, Workspace


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_an_empty_folder_is_free(workspace: Workspace, half: SavedSelection, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert verify(export(workspace, half, tmp_path / "out").out).ok


def test_folders_on_the_way_are_made(workspace: Workspace, half: SavedSelection, tmp_path: Path) -> None:
    assert verify(export(workspace, half, tmp_path / "a" / "b" / "out").out).ok


@pytest.mark.parametrize("force", [False, True])
def test_other_peoples_files_stay(workspace: Workspace, half: SavedSelection, tmp_path: Path, force: bool) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    with pytest.raises(Conflict, match="choose another place"):
        export(workspace, half, tmp_path / "out", force=force)
    (tmp_path / "file").write_text("a file")
    with pytest.raises(Conflict, match="choose another place"):
        export(workspace, half, tmp_path / "file", force=force)
    (tmp_path / "other.zip").write_text("not even a zip")
    with pytest.raises(Conflict, match="choose another place"):
        export(workspace, half, tmp_path / "other.zip", format="zip", force=force)
    assert everything_in(tmp_path) == ["file", "other.zip", "out", "out/thesis.tex"]


@pytest.mark.parametrize("target", ["out", "out.zip"])
def test_an_earlier_export_is_replaced_on_wish_only(
    target: str, workspace: Workspace, half: SavedSelection, everything: SavedSelection, tmp_path: Path
) -> None:
    out = tmp_path / target
    export(workspace, half, out, format="zip")
    with pytest.raises(Conflict, match="--force"):
        export(workspace, everything, out, format="zip")
    assert verify(out).frames == 18
    export(workspace, everything, out, format="zip", force=True)
    assert verify(out).ok
    assert [path.name for path in tmp_path.iterdir()] == [target]


def test_a_file_added_to_an_earlier_export_stops_its_replacement(
    workspace: Workspace, half: SavedSelection, tmp_path: Path
) -> None:
    out = export(workspace, half, tmp_path / "out", format="copy").out
    (out / "images" / "notes.txt").write_text("mine")
    with pytest.raises(Conflict, match=r"images/notes\.txt"):
        export(workspace, half, out, force=True)
    (out / "images" / "notes.txt").rename(tmp_path / "notes.txt")
    assert verify(export(workspace, half, out, force=True).out).ok


@pytest.mark.parametrize("place", ["datasets", "datasets/new", "jobs/x", "thumbnails", ""])
def test_the_workspace_is_no_target(place: str, workspace: Workspace, half: SavedSelection) -> None:
    with pytest.raises((BadInput, Conflict), match="workspace"):
        export(workspace, half, workspace.root / place)


def test_a_link_to_itself_is_no_target(workspace: Workspace, half: SavedSelection, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(BadInput, match="back to itself"):
        export(workspace, half, tmp_path / "loop")


def test_a_name_for_a_folder_below_a_file(workspace: Workspace, half: SavedSelection, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="Not a directory"):
        export(workspace, half, tmp_path / "file" / "out")


def test_a_place_that_cannot_be_written(workspace: Workspace, half: SavedSelection) -> None:
    with pytest.raises(StorageFailed):
        export(workspace, half, Path("/proc/out"))


def test_an_unknown_format(workspace: Workspace, half: SavedSelection, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="webdataset"):
        export(workspace, half, tmp_path / "out", format="rar")
    assert everything_in(tmp_path) == []
