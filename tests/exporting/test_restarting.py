"""Exports that are broken off, and originals that are not what they were."""

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dataeff_core.datasets.importing import import_frames
from dataeff_core.errors import Cancelled, Conflict, Stale, StorageFailed
from dataeff_core.exporting import FORMATS
from dataeff_core.exporting import zipped as zipping
from dataeff_core.exporting.exporting import export
from dataeff_core.exporting.verifying import verify
from dataeff_core.exporting.zipped import Archive
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import SavedSelection, Workspace
from dataeff_core.workspace.storage import exclusive

Fresh = Callable[[], tuple[Workspace, SavedSelection, Path]]
WITH_PICTURES = [one.NAME for one in FORMATS if one.NEEDS_ORIGINALS]


class StopAfter(Reporter):
    """Asks to stop after so many steps in all."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.left = steps

    def show(self) -> None:
        self.left -= 1

    def stop_asked(self) -> bool:
        return self.left < 0


def partial_beside(out: Path) -> Path:
    (found,) = out.parent.glob(f".{out.name}.partial-*")
    return found


@pytest.mark.parametrize("name", WITH_PICTURES)
@pytest.mark.parametrize("steps", [2, 9, 16])
def test_a_stopped_export_leaves_nothing_and_goes_on(
    name: str, steps: int, workspace: Workspace, everything: SavedSelection, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(Cancelled):
        export(workspace, everything, out, format=name, reporter=StopAfter(steps))
    assert not out.exists()
    before = {path: path.lstat().st_ino for path in partial_beside(out).rglob("*.png")}
    export(workspace, everything, out, format=name)
    assert verify(out).ok
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    if name == "copy":
        after = {path.lstat().st_ino for path in out.rglob("*.png")}
        assert set(before.values()) <= after  # what was there was not written again


def test_a_single_zip_goes_on_too(workspace: Workspace, everything: SavedSelection, tmp_path: Path) -> None:
    out = tmp_path / "out.zip"
    with pytest.raises(Cancelled):
        export(workspace, everything, out, format="zip", reporter=StopAfter(9))
    journal = partial_beside(out) / zipping.JOURNAL
    written = len(journal.read_text().splitlines())
    assert 0 < written < 18
    export(workspace, everything, out, format="zip")
    assert verify(out).ok
    export(workspace, everything, tmp_path / "anew.zip", format="zip")
    assert (tmp_path / "anew.zip").read_bytes() == out.read_bytes()


@pytest.mark.parametrize("torn", [0, 1, 37, 1000])
def test_an_archive_goes_on_after_the_last_safe_member(torn: int, tmp_path: Path) -> None:
    """As after a power cut: members that the journal promised, half a member, half a line of the journal."""
    contents = {f"{number}.bin": bytes([number]) * (1000 + number) for number in range(6)}
    with pytest.raises(KeyboardInterrupt), Archive(tmp_path) as archive:
        for name in list(contents)[:4]:
            archive.add(name, contents[name])
        raise KeyboardInterrupt
    path, journal = tmp_path / zipping.FILE, tmp_path / zipping.JOURNAL
    os.truncate(path, path.stat().st_size - torn)
    os.truncate(journal, journal.stat().st_size - torn % 100)
    with Archive(tmp_path) as archive:
        there = list(archive.members)
        for name, content in contents.items():
            if name not in there:
                archive.add(name, content)
    assert len(there) == (4 if torn == 0 else 3)
    with zipfile.ZipFile(path) as found:
        assert found.testzip() is None
        assert {name: found.read(name) for name in found.namelist()} == contents


def test_a_damaged_copy_of_an_earlier_attempt_is_written_again(
    workspace: Workspace, everything: SavedSelection, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(Cancelled):
        export(workspace, everything, out, format="copy", reporter=StopAfter(6))
    written = sorted(partial_beside(out).rglob("*.png"))[0]
    written.write_bytes(bytes(written.stat().st_size))
    export(workspace, everything, out, format="copy")
    assert verify(out).ok


def test_two_exports_to_one_place_do_not_mix(
    workspace: Workspace, everything: SavedSelection, half: SavedSelection, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(Cancelled):
        export(workspace, everything, out, format="copy", reporter=StopAfter(9))
    with exclusive(partial_beside(out) / ".lock"), pytest.raises(Conflict, match="another process"):
        export(workspace, everything, out, format="copy")
    export(workspace, half, out, format="copy")
    assert verify(out).ok
    assert [path.name for path in tmp_path.iterdir()] == ["out"]  # the abandoned attempt is gone


def test_a_full_disk_leaves_nothing_under_the_final_name(
    workspace: Workspace, everything: SavedSelection, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(Cancelled):
        export(workspace, everything, out, format="copy", reporter=StopAfter(6))
    writing = partial_beside(out) / ".writing"
    writing.symlink_to("/dev/full")
    with pytest.raises(StorageFailed, match="the disk is full"):
        export(workspace, everything, out, format="copy")
    assert not out.exists()
    writing.unlink()
    export(workspace, everything, out, format="copy")
    assert verify(out).ok


@pytest.mark.parametrize("name", WITH_PICTURES)
def test_originals_that_are_gone_are_named_before_anything_is_written(
    name: str, fresh: Fresh, tmp_path: Path
) -> None:
    workspace, saved, source = fresh()
    (source / "p1" / "a.png").rename(tmp_path / "elsewhere.png")
    with (source / "p2" / "con.png").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(Stale, match=r"p1/a\.png is gone; p2/con\.png has changed") as failed:
        export(workspace, saved, tmp_path / "out", format=name)
    assert "\n" not in str(failed.value)
    assert not list(tmp_path.glob("*out*"))


def test_formats_without_pictures_need_no_originals(fresh: Fresh, tmp_path: Path) -> None:
    workspace, saved, source = fresh()
    source.rename(tmp_path / "moved")
    for name in ("manifest", "csv"):
        assert verify(export(workspace, saved, tmp_path / name, format=name).out).ok


@pytest.mark.parametrize("name", WITH_PICTURES)
def test_a_change_that_only_the_hash_shows_is_found(name: str, fresh: Fresh, tmp_path: Path) -> None:
    workspace, saved, source = fresh()
    harmed = source / "p1" / "a.png"
    whole = harmed.read_bytes()
    harmed.write_bytes(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:])
    out = tmp_path / "out"
    with pytest.raises(Stale, match=r"^p1/a\.png has changed since it was imported: "):
        export(workspace, saved, out, format=name)
    assert not out.exists()
    harmed.write_bytes(whole)
    export(workspace, saved, out, format=name)
    assert verify(out).ok


def test_a_video_that_changed_is_found(fresh: Fresh, tmp_path: Path) -> None:
    from tests.exporting.conftest import write_video

    workspace, saved, source = fresh()
    write_video(source / "v.mp4", frames=5)
    with pytest.raises(Stale, match=r"v\.mp4"):
        export(workspace, saved, tmp_path / "out", format="copy")
    assert not (tmp_path / "out").exists()


def test_a_mask_that_is_gone_is_named(fresh: Fresh, tmp_path: Path) -> None:
    workspace, saved, source = fresh()
    (source.parent / "masks" / "p1" / "a.png").unlink()
    for name in WITH_PICTURES:
        with pytest.raises(Stale, match=r"the mask of p1/a\.png is gone"):
            export(workspace, saved, tmp_path / f"out-{name}", format=name)


def test_a_dataset_that_grew_still_gives_the_former_export(fresh: Fresh, tmp_path: Path) -> None:
    workspace, saved, source = fresh()
    before = export(workspace, saved, tmp_path / "before", format="copy").out
    (source / "p3").mkdir()
    (source / "p3" / "new.png").write_bytes((source / "p1" / "a.png").read_bytes())
    import_frames(workspace, source, name="mixed", masks=source.parent / "masks", workers=1)
    assert workspace.dataset("mixed").fingerprint != saved.record.dataset_fingerprint
    after = export(workspace, saved, tmp_path / "after", format="copy").out
    assert (before / "SHA256SUMS").read_bytes() == (after / "SHA256SUMS").read_bytes()
    assert json.loads((after / "selection.json").read_text())["dataset"]["fingerprint"] == (
        saved.record.dataset_fingerprint
    )
