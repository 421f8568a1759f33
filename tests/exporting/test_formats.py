import csv
import hashlib
import io
import json
import subprocess
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from dataeff_core.datasets.originals import read_original
from dataeff_core.errors import BadInput
from dataeff_core.exporting import FORMATS, find_format, format_for
from dataeff_core.exporting.coco import label_map, regions, run_lengths
from dataeff_core.exporting.csv_list import quoted
from dataeff_core.exporting.exporting import export
from dataeff_core.exporting.manifest import COLUMNS, without_places
from dataeff_core.exporting.verifying import verify
from dataeff_core.workspace import SavedSelection, Workspace
from dataeff_core.workspace.storage import file_sha256
from tests.exporting.conftest import NAMES, VIDEO_FRAMES

ALL = [one.NAME for one in FORMATS]
WITH_PICTURES = [name for name in ALL if name not in ("manifest", "csv")]


def manifest_at(out: Path) -> pd.DataFrame:
    return pd.read_parquet(out / "manifest.parquet")


def state_of(folder: Path) -> dict[str, tuple[str, int]]:
    return {str(path): (file_sha256(path), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ALL)
def test_every_format_holds_what_the_contract_says(
    name: str, workspace: Workspace, half: SavedSelection, imported: tuple[Workspace, Path], tmp_path: Path
) -> None:
    before = state_of(imported[1])
    result = export(workspace, half, tmp_path / "out", format=name)
    manifest = manifest_at(result.out)
    assert set(COLUMNS) <= set(manifest.columns)
    assert len(manifest) == len(NAMES) + VIDEO_FRAMES == half.record.frames
    assert result.frames == (manifest["decision"] == "kept").sum() == half.record.kept
    assert manifest["frame_id"].tolist() == half.decisions["frame_id"].tolist()
    assert result.bytes == sum(path.lstat().st_size for path in result.out.rglob("*") if not path.is_dir())
    checked = subprocess.run(["sha256sum", "-c", "--strict", "--quiet", "SHA256SUMS"], cwd=result.out, check=False)
    assert checked.returncode == 0
    assert verify(result.out).wrong == []
    assert state_of(imported[1]) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert not list(result.out.rglob(".*"))


@pytest.mark.parametrize("name", ALL)
def test_the_recipe_holds_no_place_of_this_machine(
    name: str, workspace: Workspace, half: SavedSelection, tmp_path: Path
) -> None:
    out = export(workspace, half, tmp_path / "out", format=name).out
    for file in ("selection.json", "SHA256SUMS", "manifest.parquet"):
        assert str(tmp_path.parent).encode() not in (out / file).read_bytes()
    recipe = json.loads((out / "selection.json").read_text())
    assert recipe["method"] == "random"
    assert recipe["counts"] == {"frames": 18, "kept": 9, "dropped": {"budget": 9}}
    assert recipe["command"].startswith("python -m dataeff_core select mixed --method random")
    assert recipe["command"].endswith("--keep 0.5 --seed 3")


@pytest.mark.parametrize("name", [*WITH_PICTURES, "single zip"])
def test_equal_subsets_give_equal_exports(
    name: str, workspace: Workspace, half: SavedSelection, tmp_path: Path
) -> None:
    suffix = ".zip" if name == "single zip" else ""
    outs = [tmp_path / f"{number}{suffix}" for number in range(2)]
    for out in outs:
        export(workspace, half, out, format="zip" if suffix else name)
    if suffix:
        assert file_sha256(outs[0]) == file_sha256(outs[1])
    else:
        assert (outs[0] / "SHA256SUMS").read_bytes() == (outs[1] / "SHA256SUMS").read_bytes()


def test_copies_are_the_originals_byte_for_byte(
    workspace: Workspace, everything: SavedSelection, tmp_path: Path
) -> None:
    out = export(workspace, everything, tmp_path / "out", format="copy").out
    dataset = workspace.dataset("mixed")
    manifest = manifest_at(out).set_index("frame_id")
    assert manifest["file"].is_unique
    for _, frame in dataset.frames.iterrows():
        file = out / str(manifest.at[frame["frame_id"], "file"])
        if frame["kind"] == "image":
            assert file.read_bytes() == dataset.file(frame).read_bytes()
        else:
            assert np.array_equal(np.asarray(Image.open(file)), read_original(dataset, frame))
    masks = sorted(
        path.relative_to(out / "masks").as_posix() for path in (out / "masks").rglob("*") if path.is_file()
    )
    assert len(masks) == 2
    assert masks[1] == "v_000003.png"
    assert masks[0].startswith("p1/a-")  # a.png and A.PNG are one file on some systems


def test_links_lead_to_the_originals(workspace: Workspace, everything: SavedSelection, tmp_path: Path) -> None:
    out = export(workspace, everything, tmp_path / "out", format="symlink").out
    links = [path for path in (out / "images").rglob("*") if path.is_symlink()]
    assert len(links) == len(NAMES)
    frames = workspace.dataset("mixed").frames
    assert {hashlib.sha256(link.read_bytes()).hexdigest() for link in links} == set(
        frames.loc[frames["kind"] == "image", "sha256"]
    )


@pytest.mark.parametrize("target", ["out", "out.zip"])
def test_a_zip_holds_all_and_nothing_compressed(
    target: str, workspace: Workspace, everything: SavedSelection, tmp_path: Path
) -> None:
    out = export(workspace, everything, tmp_path / target, format="zip").out
    single = target.endswith(".zip")
    with zipfile.ZipFile(out if single else out / "subset.zip") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
        assert sum(name.startswith("images/") for name in names) == len(NAMES) + VIDEO_FRAMES
        assert sum(name.startswith("masks/") for name in names) == 2
        assert {"manifest.parquet", "selection.json", "SHA256SUMS"} <= set(names) or not single
    assert verify(out).wrong == []
    if single:
        subprocess.run(["python3", "-m", "zipfile", "-e", out, tmp_path / "unpacked"], check=True)
        subprocess.run(
            ["sha256sum", "-c", "--strict", "--quiet", "SHA256SUMS"], cwd=tmp_path / "unpacked", check=True
        )
        assert verify(tmp_path / "unpacked").wrong == []


def test_shards_group_samples_by_key(workspace: Workspace, everything: SavedSelection, tmp_path: Path) -> None:
    out = export(workspace, everything, tmp_path / "out", format="webdataset").out
    with tarfile.open(out / "shard-000000.tar") as tar:
        members = tar.getmembers()
        keys = [member.name.partition(".")[0] for member in members]
        facts = [json.load(tar.extractfile(one)) for one in members if one.name.endswith(".json")]  # type: ignore[arg-type]
    assert all(member.mtime == 0 and member.uid == 0 for member in members)
    runs = [key for key, before in zip(keys, [None, *keys], strict=False) if key != before]
    assert len(runs) == len(set(runs)) == len(NAMES) + VIDEO_FRAMES  # a sample's members follow each other
    assert sum(".mask." in member.name for member in members) == 2
    assert {one["path"] for one in facts} == set(workspace.dataset("mixed").frames["path"])
    assert [one["label_finding"] for one in facts if one["path"] == "p1/a.png"] == ["=polyp"]


def test_the_table_is_no_program(workspace: Workspace, everything: SavedSelection, tmp_path: Path) -> None:
    out = export(workspace, everything, tmp_path / "out", format="csv").out
    rows = list(csv.DictReader(io.StringIO((out / "kept.csv").read_text(), newline="")))
    assert len(rows) == everything.record.kept
    assert [row["label_finding"] for row in rows if row["path"] == "p1/a.png"] == ["'=polyp"]
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "@", "\t", "\r"))]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\t=1", "'\t=1"),
        ("\r", "'\r"),
        ("a=1", "a=1"),
        (-0.5, -0.5),
        (float("nan"), ""),
        (None, ""),
        (pd.NA, ""),
        ("nan", "nan"),
    ],
)
def test_cells(value: object, expected: object) -> None:
    assert quoted(value) == expected


def test_annotations_hold_the_masks_exactly(workspace: Workspace, everything: SavedSelection, tmp_path: Path) -> None:
    out = export(workspace, everything, tmp_path / "out", format="coco").out
    told = json.loads((out / "annotations.json").read_text())
    images = {image["id"]: image for image in told["images"]}
    assert all((out / image["file_name"]).is_file() for image in images.values())
    assert told["categories"] == [{"id": 255, "name": "mask value 255"}]
    by_image: dict[str, list[dict]] = {}
    for one in told["annotations"]:
        by_image.setdefault(images[one["image_id"]]["frame_id"], []).append(one)
    dataset = workspace.dataset("mixed")
    assert sorted(len(found) for found in by_image.values()) == [1, 2]
    for frame_id, found in by_image.items():
        mask_file = dataset.mask_file(dataset.frame(frame_id))
        assert mask_file is not None
        mask = np.asarray(Image.open(mask_file)) > 0
        drawn = [filled(one["segmentation"]) for one in found]
        assert np.array_equal(np.any(drawn, axis=0), mask)
        for one, region in zip(found, drawn, strict=True):
            x, y, width, height = one["bbox"]
            assert one["area"] == region.sum() == region[y : y + height, x : x + width].sum()


def filled(segmentation: dict) -> np.ndarray:
    """A run-length code drawn pixel by pixel, as the COCO format describes it."""
    height, width = segmentation["size"]
    pixels = [number % 2 == 1 for number, run in enumerate(segmentation["counts"]) for _ in range(run)]
    return np.array([[pixels[x * height + y] for x in range(width)] for y in range(height)])


@given(arrays.arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 6))))
def test_run_lengths_can_be_drawn_again(region: np.ndarray) -> None:
    runs = run_lengths(region)
    assert sum(runs) == region.size
    assert np.array_equal(filled({"counts": runs, "size": region.shape}), region)


def test_masks_of_all_kinds() -> None:
    def png(image: Image.Image) -> bytes:
        out = io.BytesIO()
        image.save(out, "PNG")
        return out.getvalue()

    labels = np.array([[0, 1], [2, 2]], np.uint8)
    assert np.array_equal(label_map(png(Image.fromarray(labels))), labels)
    palette = Image.fromarray(labels)
    palette.putpalette([0, 0, 0, 9, 9, 9, 0, 0, 255])
    assert np.array_equal(label_map(png(palette)), labels)
    gradient = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(label_map(png(Image.fromarray(gradient))), gradient > 127)
    assert label_map(b"no picture") is None
    speckle = np.zeros((60, 60), np.int64)
    speckle[::4, ::4] = 5
    assert [(value, crowd) for value, _, crowd in regions(speckle)] == [(5, True)]


def test_absolute_paths_are_cut() -> None:
    notes = {"checkpoint": "/home/me/model.pt", "why": "a/b", "list": ["/x/y", 1], "number": 0.5}
    expected = {"checkpoint": "model.pt", "why": "a/b", "list": ["y", 1], "number": 0.5}
    assert without_places(notes) == expected


def test_formats_are_found_by_name_and_target() -> None:
    assert format_for(Path("a/b.ZIP")) == "zip"
    assert format_for(Path("a/b")) == "manifest"
    with pytest.raises(BadInput, match="choose one of manifest, csv"):
        find_format("exe")
