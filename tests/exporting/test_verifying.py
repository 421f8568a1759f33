"""What is done to an export is found, and named."""

import io
import json
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dataeff_core.cli.verifying import select_again
from dataeff_core.errors import NotFound
from dataeff_core.exporting.exporting import export
from dataeff_core.exporting.manifest import counts
from dataeff_core.exporting.rerunning import differences
from dataeff_core.exporting.sums import read_sums, write_sums
from dataeff_core.exporting.verifying import VerifyResult, verify
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import SavedSelection, Workspace
from dataeff_core.workspace.storage import file_sha256

Exported = Callable[[str], Path]


@pytest.fixture(scope="module")
def made(workspace: Workspace, half: SavedSelection, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("made")
    formats = ("manifest", "copy", "zip", "webdataset")
    return {name: export(workspace, half, root / name, format=name).out for name in formats}


@pytest.fixture
def exported(made: dict[str, Path], tmp_path: Path) -> Exported:
    """A fresh copy of an export in the format named."""
    return lambda name: Path(shutil.copytree(made[name], tmp_path / name))


def again(workspace: Workspace, out: Path) -> VerifyResult:
    return verify(out, rerun=lambda recipe: select_again(workspace, recipe, Reporter()))


def sign(out: Path) -> None:
    """Make SHA256SUMS fit what is there, as somebody would who wants to hide a change."""
    names = [path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()]
    hashes = {name: file_sha256(out / name) for name in names if name != "SHA256SUMS"}
    (out / "SHA256SUMS").write_bytes(write_sums(hashes))


def edit_manifest(out: Path, change: Callable[[pd.DataFrame], Any]) -> None:
    manifest = pd.read_parquet(out / "manifest.parquet")
    change(manifest)
    manifest.to_parquet(out / "manifest.parquet", index=False)


def edit_recipe(out: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    recipe = json.loads((out / "selection.json").read_text())
    change(recipe)
    (out / "selection.json").write_text(json.dumps(recipe))


def some_image(out: Path) -> Path:
    return sorted(path for path in (out / "images").rglob("*") if path.is_file() and "v_" not in path.name)[0]


def test_an_untouched_export_is_ok_also_when_made_again(workspace: Workspace, made: dict[str, Path]) -> None:
    for out in made.values():
        result = again(workspace, out)
        assert result.wrong == []
        assert result.frames == 18
    assert verify(made["copy"]).checked == len(read_sums((made["copy"] / "SHA256SUMS").read_bytes()))


def test_a_flipped_bit(exported: Exported) -> None:
    out = exported("copy")
    path = some_image(out)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    name = path.relative_to(out).as_posix()
    assert verify(out).wrong == [f"{name} has changed", f"{name} is not the image that manifest.parquet names"]
    sign(out)
    assert verify(out).wrong == [f"{name} is not the image that manifest.parquet names"]


def test_a_changed_video_frame_with_fitting_hashes(exported: Exported) -> None:
    out = exported("copy")
    frames = sorted((out / "images").rglob("v_*.png"))
    shutil.copy(frames[0], frames[1])
    sign(out)
    assert verify(out).wrong == [f"images/{frames[1].name} is not the video frame that manifest.parquet names"]
    frames[1].write_bytes(b"no picture")
    sign(out)
    assert verify(out).wrong == [f"images/{frames[1].name} is not the video frame that manifest.parquet names"]


def test_a_removed_and_an_added_file(exported: Exported) -> None:
    out = exported("copy")
    path = some_image(out)
    path.unlink()
    (out / "images" / "extra.png").write_bytes(b"")
    name = path.relative_to(out).as_posix()
    assert set(verify(out).wrong) == {f"{name} is missing", "images/extra.png is not listed in SHA256SUMS"}


def test_a_file_that_is_a_pipe_does_not_hold_us_up(exported: Exported) -> None:
    out = exported("copy")
    path = some_image(out)
    path.unlink()
    os.mkfifo(path)
    assert f"{path.relative_to(out).as_posix()} is no regular file" in verify(out).wrong


def test_a_hash_list_that_leads_out(exported: Exported, tmp_path: Path) -> None:
    out = exported("manifest")
    (tmp_path / "secret").write_text("x")
    with (out / "SHA256SUMS").open("ab") as stream:
        stream.write(write_sums({"../secret": file_sha256(tmp_path / "secret"), "/etc/passwd": "0" * 64}))
    assert verify(out).wrong == ["../secret is missing", "/etc/passwd is missing"]


@pytest.mark.parametrize("file", ["manifest.parquet", "selection.json", "SHA256SUMS"])
def test_each_of_the_files_is_needed_and_read_with_care(exported: Exported, file: str) -> None:
    out = exported("copy")
    (out / file).write_bytes(b"\x00nonsense")
    assert any(sentence.startswith(file) for sentence in verify(out).wrong)
    (out / file).unlink()
    assert any("missing" in sentence and file in sentence for sentence in verify(out).wrong)
    (out / file).write_bytes(b"")
    assert not verify(out).ok


def test_a_decision_turned_round(workspace: Workspace, exported: Exported) -> None:
    out = exported("manifest")

    def turn(manifest: pd.DataFrame) -> None:
        first = manifest.index[manifest["decision"] == "dropped"][0]
        manifest.loc[first, ["decision", "reason"]] = ["kept", "kept"]

    edit_manifest(out, turn)
    sign(out)
    assert any("selection.json says" in sentence for sentence in verify(out).wrong)
    manifest = pd.read_parquet(out / "manifest.parquet")
    edit_recipe(out, lambda recipe: recipe.update(counts=counts(manifest)))
    sign(out)
    assert verify(out).ok  # consistent in itself: only making it again can tell
    wrong = again(workspace, out).wrong
    assert any("decision is kept, made again it is dropped" in sentence for sentence in wrong)


@pytest.mark.parametrize("column", ["group", "sha256", "path", "order"])
def test_facts_changed_behind_fitting_hashes(workspace: Workspace, exported: Exported, column: str) -> None:
    out = exported("manifest")

    def swap(manifest: pd.DataFrame) -> None:
        manifest.loc[manifest.index[0], column] = manifest[column].iloc[-1]

    edit_manifest(out, swap)
    sign(out)
    assert any(f": {column} is" in sentence for sentence in again(workspace, out).wrong)


def test_a_recipe_that_was_edited(workspace: Workspace, exported: Exported) -> None:
    out = exported("manifest")
    edit_recipe(out, lambda recipe: recipe.update(seed=recipe["seed"] + 1))
    assert verify(out).wrong == ["selection.json has changed"]
    sign(out)
    assert verify(out).ok
    assert not again(workspace, out).ok


def test_a_frame_left_out_or_named_twice(workspace: Workspace, exported: Exported) -> None:
    out = exported("manifest")
    manifest = pd.read_parquet(out / "manifest.parquet")
    for changed in (manifest.iloc[1:], pd.concat([manifest, manifest.iloc[:1]])):
        changed.to_parquet(out / "manifest.parquet", index=False)
        sign(out)
        assert not verify(out).ok
        assert not again(workspace, out).ok


def test_a_representative_that_is_not_kept(exported: Exported) -> None:
    out = exported("manifest")

    def point_astray(manifest: pd.DataFrame) -> None:
        dropped = manifest.index[manifest["decision"] == "dropped"]
        manifest.loc[dropped[0], "representative_id"] = manifest.loc[dropped[1], "frame_id"]

    edit_manifest(out, point_astray)
    sign(out)
    assert len(verify(out).wrong) == 1
    assert "which is not kept" in verify(out).wrong[0]


def test_a_kept_frame_without_its_file(exported: Exported) -> None:
    out = exported("copy")
    edit_manifest(out, lambda manifest: manifest.__setitem__("file", None))
    sign(out)
    assert len(verify(out).wrong) == 9


def test_an_archive_put_together_anew(exported: Exported) -> None:
    out = exported("zip")
    path = out / "subset.zip"
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    first, second = list(contents)[:2]
    contents[first] = contents[second]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    sign(out)
    assert verify(out).wrong == [f"subset.zip/{first} is not the image that manifest.parquet names"]
    path.write_bytes(b"PK\x03\x04 nothing")
    sign(out)
    assert any(sentence.startswith("subset.zip is no whole zip file") for sentence in verify(out).wrong)


def test_a_shard_put_together_anew(exported: Exported) -> None:
    out = exported("webdataset")
    (shard,) = out.glob("*.tar")
    with tarfile.open(shard) as tar:
        names = [name for name in tar.getnames() if ".json" not in name and ".mask" not in name]
    with tarfile.open(shard, "w") as tar:
        for name in names[1:]:
            info = tarfile.TarInfo(name)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
    sign(out)
    wrong = verify(out).wrong
    assert f"{shard.name}/{names[0]} is missing" in wrong
    assert len(wrong) == len(names)
    shard.write_bytes(b"nothing")
    sign(out)
    assert any("is no whole tar file" in sentence for sentence in verify(out).wrong)


def test_a_single_zip_that_was_harmed(workspace: Workspace, half: SavedSelection, tmp_path: Path) -> None:
    out = export(workspace, half, tmp_path / "out.zip", format="zip").out
    content = bytearray(out.read_bytes())
    content[200] ^= 1
    out.write_bytes(content)
    assert not verify(out).ok
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("extra", b"")
    assert "extra is not listed in SHA256SUMS" in verify(out).wrong
    out.write_bytes(content[:1000])
    with pytest.raises(NotFound, match="no whole zip file"):
        verify(out)


def test_no_export_at_all(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no export"):
        verify(tmp_path / "nothing")


def test_another_workspace_cannot_make_it_again(made: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="holds just the frames"):
        again(Workspace.open(tmp_path / "other"), made["manifest"])


def test_numbers_may_differ_by_rounding_and_overruled_frames_by_decision() -> None:
    mine = pd.DataFrame(
        {
            "frame_id": ["a", "b", "c"],
            "decision": ["kept", "dropped", "kept"],
            "similarity": [float("nan"), 0.5, float("nan")],
            "override": [None, None, "kept"],
        }
    )
    anew = mine.drop(columns="override").assign(
        similarity=[float("nan"), 0.50001, 0.75], decision=["kept", "dropped", "dropped"]
    )
    assert differences(mine, anew.iloc[::-1]) == []
    assert differences(mine.assign(override=None), anew) == [
        "frame c: decision is kept, made again it is dropped",
        "frame c: similarity is nan, made again it is 0.75",
    ]
    assert differences(mine.assign(decision=["kept", "dropped", "dropped"]), anew) == [
        "frame c: decision is dropped, made again it is kept"
    ]
