"""Import, and import again: what comes in, what is counted, what changes and what stays."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataeff_core.datasets.importing import ImportResult, import_frames
from dataeff_core.datasets.originals import read_original
from dataeff_core.errors import BadInput, NotFound
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset, Workspace
from dataeff_core.workspace.storage import file_sha256
from dataeff_core.workspace.thumbnails import read_grey, read_thumbnail
from tests.datasets.making import clip, cut, encoded, number_of, picture, png_bomb, png_with_bad_checksum, save
from tests.datasets.test_walking import AWKWARD

Bring = Callable[..., tuple[ImportResult, Dataset]]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "ws")


@pytest.fixture
def bring(workspace: Workspace) -> Bring:
    def run(source: Path, name: str = "set", **options: object) -> tuple[ImportResult, Dataset]:
        result = import_frames(workspace, source, name=name, workers=1, **options)  # type: ignore[arg-type]
        return result, workspace.dataset(result.dataset)

    return run


def reasons(result: ImportResult) -> dict[str, str]:
    return {one["path"]: one["reason"] for one in result.unreadable}


def test_images_become_frames_with_their_facts(tmp_path: Path, workspace: Workspace, bring: Bring) -> None:
    large = picture(3, 600, 400)
    save(tmp_path / "s" / "p1" / "f2.png", picture(1))
    save(tmp_path / "s" / "p1" / "f10.png", large)
    save(tmp_path / "s" / "p2" / "a.jpg", picture(2))
    save(tmp_path / "s" / "copy.png", picture(1))
    (tmp_path / "s" / "notes.txt").write_text("x")
    result, dataset = bring(tmp_path / "s")
    frames = dataset.frames
    assert (result.frames, result.added, result.groups, result.exact_duplicates, result.ignored) == (4, 4, 3, 1, 1)
    assert list(frames["path"]) == ["p1/f2.png", "p1/f10.png", "p2/a.jpg", "copy.png"]
    assert list(frames["group"]) == ["p1", "p1", "p2", "s"]
    assert list(frames["order"]) == [0, 1, 0, 0]
    row = frames.iloc[1]
    file = tmp_path / "s" / "p1" / "f10.png"
    assert (row["width"], row["height"], row["file_bytes"]) == (600, 400, file.stat().st_size)
    assert row["sha256"] == file_sha256(file)
    assert np.isnan(row["time_s"]) and row["kind"] == "image"
    small = read_thumbnail(workspace, row["sha256"])
    assert small.shape == (171, 256, 3)
    reference = np.asarray(Image.fromarray(large).resize((256, 171), Image.Resampling.BOX)).astype(int)
    assert np.abs(small - reference).mean() < 4
    assert read_grey(workspace, row["sha256"], 32).shape == (32, 32)
    assert read_thumbnail(workspace, frames["sha256"].iloc[0]).shape == (48, 64, 3)
    assert frames.filter(like="q_").notna().all(axis=None)
    assert np.array_equal(read_original(dataset, row), large)


def test_each_bad_file_is_named_and_the_rest_comes_in(tmp_path: Path, bring: Bring) -> None:
    source = tmp_path / "s"
    save(source / "good.png")
    jpeg = encoded("JPEG", picture(1, 200, 200))
    bad = {
        "text.jpg": (b"hello", "not an image"),
        "empty.png": (b"", "zero bytes"),
        "half.jpg": (jpeg[: len(jpeg) // 2], "cut off"),
        "closed.jpg": (jpeg[: len(jpeg) // 2] + b"\xff\xd9", "cut off"),
        "checksum.png": (png_with_bad_checksum(), "checksum"),
        "bomb.png": (png_bomb(), "megapixels"),
        "text.mp4": (b"hello", "not a video"),
    }
    for name, (data, _) in bad.items():
        (source / name).write_bytes(data)
    cut(clip(source / "cut.mkv", 100), 0.6)
    (source / "loop.png").symlink_to("loop.png")
    result, dataset = bring(source)
    assert set(reasons(result)) == {*bad, "cut.mkv", "loop.png"}
    for name, (_, words) in bad.items():
        assert words in reasons(result)[name]
    assert "cut off after frame" in reasons(result)["cut.mkv"]
    assert set(dataset.frames["path"]) == {"good.png", "cut.mkv"}
    assert sorted(path.suffix for path in (tmp_path / "ws" / "thumbnails").rglob("*.*")) == [".webp"] * result.frames


def test_awkward_names_come_in_and_are_read_again(tmp_path: Path, bring: Bring) -> None:
    source = tmp_path / "s"
    source.mkdir()
    for seed, name in enumerate(AWKWARD):
        Path(os.fsdecode(os.fsencode(source) + b"/" + name)).write_bytes(encoded("PNG", picture(seed)))
    result, dataset = bring(source)
    assert result.frames == len(AWKWARD) and not result.unreadable
    assert set(dataset.frames["path_bytes"]) == set(AWKWARD)
    for _, frame in dataset.frames.iterrows():
        assert np.array_equal(read_original(dataset, frame), picture(AWKWARD.index(frame["path_bytes"])))


def test_videos_become_frames_with_index_and_time(tmp_path: Path, bring: Bring) -> None:
    clip(tmp_path / "s" / "day" / "a.mp4", 25)
    clip(tmp_path / "s" / "b.avi", 10, codec="mpeg4")
    result, dataset = bring(tmp_path / "s", fps=2)
    assert (result.frames, result.videos, result.groups) == (7, 2, 2)
    frames = dataset.frames
    mine = frames[frames["group"] == "day/a.mp4"]
    assert list(mine["frame_index"]) == [0, 5, 10, 15, 20]
    assert np.allclose(mine["time_s"], [0, 0.5, 1, 1.5, 2])
    assert list(mine["order"]) == [0, 1, 2, 3, 4]
    assert mine["file_sha256"].nunique() == 1 and mine["sha256"].nunique() == 5
    for _, frame in frames.iterrows():
        assert number_of(read_original(dataset, frame)) == frame["frame_index"]
    again, _ = bring(tmp_path / "s")
    assert (again.frames, again.added, again.unchanged) == (7, 0, 7)  # the rate of the last import stays
    every, dataset = bring(tmp_path / "s", fps=0)
    assert (every.frames, every.added, every.unchanged, every.vanished) == (35, 28, 7, 0)
    assert dataset.record.sources[0].fps is None


def test_importing_again_adds_what_is_new_and_marks_what_vanished(tmp_path: Path, bring: Bring) -> None:
    source = tmp_path / "s"
    for number in range(3):
        save(source / f"{number}.png", picture(number))
    _, first = bring(source)
    _, same = bring(source)
    assert (same.id, same.fingerprint) == (first.id, first.fingerprint)
    (source / "1.png").rename(tmp_path / "1.png")
    save(source / "3.png", picture(3))
    save(source / "0.png", picture(9))
    result, second = bring(source)
    assert (result.frames, result.added, result.unchanged, result.vanished) == (3, 2, 1, 1)
    assert set(second.frames["path"]) == {"0.png", "2.png", "3.png"}
    gone = second.all_frames[~second.all_frames["present"]]
    assert list(gone["path"]) == ["1.png"]
    assert second.fingerprint != first.fingerprint
    before, after = first.frames.set_index("path"), second.frames.set_index("path")
    assert after.loc["2.png", "frame_id"] == before.loc["2.png", "frame_id"]
    assert after.loc["2.png", "order"] == before.loc["2.png", "order"]  # the vanished frame keeps its place
    assert after.loc["0.png", "added"] == before.loc["0.png", "added"]
    with pytest.raises(NotFound, match="not there any more"):
        read_original(first, first.frames.iloc[1])
    with pytest.raises(NotFound, match="has changed"):
        read_original(first, first.frames.iloc[0])
    (tmp_path / "1.png").rename(source / "1.png")
    result, third = bring(source)
    assert (result.frames, result.added, result.returned, result.vanished) == (4, 0, 1, 0)
    assert third.frames.set_index("path").loc["1.png", "frame_id"] == before.loc["1.png", "frame_id"]
    assert len(first.frames) == 3 and len(first.all_frames) == 3  # an object in hand does not change


def test_a_file_that_breaks_is_listed_one_that_is_mended_and_lost_thumbnails_come_back(
    tmp_path: Path, workspace: Workspace, bring: Bring
) -> None:
    source = tmp_path / "s"
    for number in range(3):
        save(source / f"{number}.png", picture(number))
    _, dataset = bring(source)
    (source / "2.png").write_bytes(b"broken")
    result, _ = bring(source)
    assert (result.frames, result.vanished, list(reasons(result))) == (2, 1, ["2.png"])
    save(source / "2.png", picture(2))
    first, second, _ = dataset.frames["sha256"]
    workspace.thumbnail(first).unlink()
    workspace.thumbnail(second).write_bytes(b"")
    for sha256 in (first, second):
        with pytest.raises(NotFound, match="import its dataset again"):
            read_thumbnail(workspace, sha256)
    result, dataset = bring(source)
    assert (result.added, result.unchanged, result.returned, result.unreadable) == (0, 2, 1, [])
    assert len(dataset.all_frames) == 3
    assert read_thumbnail(workspace, first).shape == read_thumbnail(workspace, second).shape == (48, 64, 3)


def test_another_folder_under_the_same_name_is_a_further_source(tmp_path: Path, bring: Bring) -> None:
    save(tmp_path / "one" / "p" / "a.png", picture(1))
    save(tmp_path / "two" / "p" / "a.png", picture(2))
    _, first = bring(tmp_path / "one")
    result, dataset = bring(tmp_path / "two")
    assert (result.dataset, result.frames, result.added, result.groups) == (first.id, 2, 1, 1)
    assert [source.root for source in dataset.record.sources] == [str(tmp_path / "one"), str(tmp_path / "two")]
    assert list(dataset.frames["source"]) == [0, 1] and list(dataset.frames["order"]) == [0, 1]
    assert dataset.frames["frame_id"].nunique() == 2
    for row, seed in ((0, 1), (1, 2)):
        assert np.array_equal(read_original(dataset, dataset.frames.iloc[row]), picture(seed))


def test_one_file_alone(tmp_path: Path, bring: Bring) -> None:
    result, dataset = bring(save(tmp_path / "only.png"))
    assert (result.frames, result.groups) == (1, 1)
    assert np.array_equal(read_original(dataset, dataset.frames.iloc[0]), picture())
    keys = {"dataset", "frames", "videos", "groups", "unreadable", "exact_duplicates", "seconds"}
    assert keys <= json.loads(json.dumps(asdict(result))).keys()


def test_sizes_at_the_ends(tmp_path: Path, workspace: Workspace, bring: Bring) -> None:
    sizes = [(1, 1), (2, 3), (1, 3000), (3000, 1), (255, 257)]
    for width, height in sizes:
        save(tmp_path / "s" / f"{width}x{height}.png", np.full((height, width, 3), 99, np.uint8))
    result, dataset = bring(tmp_path / "s")
    assert set(zip(dataset.frames["width"], dataset.frames["height"], strict=True)) == set(sizes)
    assert not result.unreadable and dataset.frames.filter(like="q_").notna().all(axis=None)
    assert max(max(read_thumbnail(workspace, one).shape) for one in dataset.frames["sha256"]) == 256


def test_all_frames_identical(tmp_path: Path, bring: Bring) -> None:
    for number in range(12):
        save(tmp_path / "s" / f"{number}.png")
    result, dataset = bring(tmp_path / "s")
    assert result.exact_duplicates == 11
    assert dataset.frames["invalid_score"].notna().all()


def test_groups_masks_and_labels_come_in_and_stay(tmp_path: Path, bring: Bring) -> None:
    source, masks, table = tmp_path / "s", tmp_path / "s" / "masks", tmp_path / "labels.csv"
    for seed, name in enumerate(("x/p1_10.png", "x/p1_9.jpg", "odd.png")):
        save(source / name, picture(seed))
    clip(source / "v.mp4", 3)
    for name in ("x/p1_9.png", "odd.png", "v_000001.png", "stranger.png"):
        save(masks / name)
    table.write_text("path,Finding (1),grade\nx/p1_9.jpg,polyp,2\nv.mp4,clean,\nnobody.png,x,1\n")
    options = {"masks": masks, "labels": table, "groups": "{group}_{order}"}
    result, dataset = bring(source, **options)
    expected = {"p1": [b"x/p1_9.png", None], "s": [b"odd.png"], "v.mp4": [None, b"v_000001.png", None]}

    def check(dataset: Dataset) -> None:
        frames = dataset.frames
        assert {group: list(rows["mask_bytes"]) for group, rows in frames.groupby("group")} == expected
        labels = frames.set_index("path")["label_Finding_1"]
        assert labels["x/p1_9.jpg"] == "polyp" and list(labels["v.mp4"]) == ["clean"] * 3
        assert frames["label_grade"].notna().sum() == 1

    check(dataset)
    assert asdict(result.unmatched) == {"masks": 1, "labels": 1, "groups": 2}
    masked = dataset.frames[dataset.frames["path"] == "x/p1_9.jpg"].iloc[0]
    assert dataset.mask_file(masked) == masks / "x" / "p1_9.png"
    assert dataset.mask_file(dataset.frames[dataset.frames["path"] == "x/p1_10.png"].iloc[0]) is None
    again, dataset = bring(source)  # what was asked for the first time still holds
    assert again.unmatched == result.unmatched
    check(dataset)
    table.unlink()
    masks.rename(tmp_path / "elsewhere")
    _, dataset = bring(source)  # what was named then is gone: what it gave stays
    check(dataset)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("{group", "needs {group} once"),
        ("{group}_{group}", "needs {group} once"),
        ("{patient}_*", "unknown field"),
        ("(?P<group>[", "no regular expression"),
        ("zzz{group}", "fits none of 1 files"),
        ("missing.csv", "is not there"),
    ],
)
def test_a_wrong_rule_is_refused_before_the_work(tmp_path: Path, bring: Bring, rule: str, words: str) -> None:
    save(tmp_path / "s" / "a.png")
    with pytest.raises(BadInput, match=re.escape(words)):
        bring(tmp_path / "s", groups=rule)
    assert not list((tmp_path / "ws" / "thumbnails").rglob("*.webp"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "no column"),
        ("path,label\na.png,1\na.png,2\n", "more than one row for 'a.png'"),
        ("path,label\na.png\n", "line 2"),
        ("path\na.png\n", "no column of labels"),
        ("path,x,x\na.png,1,2\n", "more than one column 'x'"),
        ("path,x y,x_y\na.png,1,2\n", "cannot be told apart"),
        ("", "no column"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, bring: Bring, text: str, words: str) -> None:
    save(tmp_path / "s" / "a.png")
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(BadInput, match=words):
        bring(tmp_path / "s", labels=tmp_path / "labels.csv")


def test_nothing_to_import_makes_no_dataset(tmp_path: Path, workspace: Workspace, bring: Bring) -> None:
    empty, broken, texts = (tmp_path / name for name in ("empty", "broken", "texts"))
    for folder in (empty, broken, texts):
        folder.mkdir()
    (broken / "a.png").write_bytes(b"x")
    (texts / "a.txt").write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for source, words in (
        (empty, "there is no image or video in"),
        (texts, "1 other files were passed over"),
        (broken, "the only file in .* cannot be decoded .a.png: not an image"),
        (tmp_path / "none", "is not there"),
        (Path("x" * 5000), "cannot be a path"),
        (Path("a\0b"), "cannot be a path"),
        (tmp_path / "loop", "cannot be a path|is not there"),
    ):
        with pytest.raises(BadInput, match=words):
            bring(source)
    assert workspace.datasets() == []
    assert not [path for path in workspace.datasets_folder.iterdir() if path.is_dir()]


def test_a_source_that_lost_everything_leaves_the_dataset_as_it_was(
    tmp_path: Path, workspace: Workspace, bring: Bring
) -> None:
    save(tmp_path / "s" / "a.png")
    _, dataset = bring(tmp_path / "s")
    (tmp_path / "s" / "a.png").write_bytes(b"broken")
    with pytest.raises(BadInput, match="cannot be decoded"):
        bring(tmp_path / "s")
    (tmp_path / "s" / "a.png").unlink()  # as when a disk is not mounted
    with pytest.raises(BadInput, match="there is no image"):
        bring(tmp_path / "s")
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "b.png").write_bytes(b"broken")
    with pytest.raises(BadInput, match="cannot be decoded"):
        bring(tmp_path / "t")
    assert workspace.dataset("set").record == dataset.record


def test_the_workspace_is_never_imported(tmp_path: Path, workspace: Workspace, bring: Bring) -> None:
    save(tmp_path / "a.png")
    for _ in range(2):
        result, _ = bring(tmp_path)
        assert result.frames == 1
    with pytest.raises(BadInput, match="workspace's own folder"):
        bring(tmp_path / "ws" / "thumbnails")


@pytest.mark.parametrize(
    "options",
    [
        {"name": ""},
        {"name": "latest"},
        {"name": "a\nb"},
        {"name": "x" * 201},
        {"fps": -1},
        {"fps": float("nan")},
        {"fps": 2e3},
    ],
)
def test_options_out_of_range(tmp_path: Path, bring: Bring, options: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        bring(save(tmp_path / "a.png"), **options)


def test_progress_counts_images_and_video_frames(tmp_path: Path, workspace: Workspace) -> None:
    save(tmp_path / "s" / "a.png")
    (tmp_path / "s" / "b.png").write_bytes(b"broken")
    clip(tmp_path / "s" / "v.mp4", 20)
    cut(clip(tmp_path / "s" / "w.mkv", 100), 0.5)
    seen: list[tuple[str, int, int | None]] = []

    class Watching(Reporter):
        def show(self) -> None:
            seen.append((self.phase_name, self.done, self.total))

    result = import_frames(workspace, tmp_path / "s", name="n", workers=2, reporter=Watching())
    decoding = [(done, total) for phase, done, total in seen if phase == "decoding"]
    assert decoding[-1] == (result.frames + 1, result.frames + 1)
    assert any(10 < done < 25 for done, _ in decoding)
