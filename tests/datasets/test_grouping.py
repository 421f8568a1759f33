"""Groups, masks and labels: which entry belongs to which frame."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dataeff_core.datasets.grouping import assign
from dataeff_core.datasets.sidecars import NO_ENTRY, find_masks, label_column, match
from dataeff_core.errors import BadInput
from tests.datasets.making import save


def frames(*paths: str, video_frames: int = 3) -> pd.DataFrame:
    """One row an image, `video_frames` rows a video."""
    rows = [
        (path, "video" if path.endswith(".mp4") else "image", index)
        for path in paths
        for index in range(video_frames if path.endswith(".mp4") else 1)
    ]
    return pd.DataFrame(rows, columns=["path", "kind", "frame_index"])


def test_without_a_rule_the_first_folder_and_each_video() -> None:
    table = frames("p1/x/a.png", "p2/a.png", "a.png", "p1/v.mp4", video_frames=1)
    assert assign(table, None, "source").group == ["p1", "p2", "source", "p1/v.mp4"]


@pytest.mark.parametrize(
    ("rule", "group", "order"),
    [
        ("{group}_{order}", ["p1", "p1", "s"], [10, 9, None]),
        ("{group}_*", ["p1", "p1", "s"], [None, None, None]),
        ("{group}_{order}.png", ["p1", "x", "s"], [10, None, None]),
        ("{group}/*", ["x", "x", "s"], [None, None, None]),
        ("*/{group}_{order}", ["p1", "p1", "s"], [10, 9, None]),
        ("**/{group}_{order}", ["p1", "p1", "s"], [10, 9, None]),
        (r"(?P<group>p\d)_(?P<order>\d+)", ["p1", "p1", "s"], [10, 9, None]),
        ("{group}/...", ["x", "x", "s"], [None, None, None]),
        (r"/(?P<group>p)", ["p", "p", "s"], [None, None, None]),
    ],
)
def test_patterns(rule: str, group: list[str], order: list[float | None]) -> None:
    got = assign(frames("x/p1_10.png", "x/p1_9.jpg", "odd.png"), rule, "s")
    assert got.group == group
    assert [None if np.isnan(value) else value for value in got.order] == order


def test_special_characters_of_a_pattern_stand_for_themselves() -> None:
    assert assign(frames("a.b+c-1.png", "axb+c-1.png"), "{group}.b+c-*", "s").group == ["a", "s"]


def test_a_table_by_path_stem_and_bare_name(tmp_path: Path) -> None:
    table = tmp_path / "g.csv"
    table.write_text("file,group,order\n./x/a.png,A,2\nb,B,\nv.mp4,V,\nimages/c.png,C,1.5\nnone.png,N,\n")
    got = assign(frames("x/a.png", "x/b.png", "v.mp4", "c.png", "d.png"), str(table), "s")
    assert got.group == ["A", "B", "V", "V", "V", "C", "s"]
    assert got.order[0] == 2 and got.order[5] == 1.5
    assert got.unmatched == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,patient\na.png,1\n", "no column 'group'"),
        ("path,group,order\na.png,1,first\n", "'first', which is no number"),
        ("path,group\nz.png,1\n", "none of the 1 rows"),
    ],
)
def test_a_wrong_group_table_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "g.csv").write_text(text)
    with pytest.raises(BadInput, match=words):
        assign(frames("a.png"), str(tmp_path / "g.csv"), "s")


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_bytes("path,group\na.png,Müller\n".encode("latin-1"))
    with pytest.raises(BadInput, match="UTF-8"):
        assign(frames("a.png"), str(tmp_path / "g.csv"), "s")


def test_a_bare_name_counts_only_where_it_is_unique() -> None:
    table = frames("p1/a.png", "p2/a.png", "p2/b.png")
    assert list(match(table, ["a", "b"], whole_videos=True)) == [NO_ENTRY, NO_ENTRY, 1]
    assert list(match(table, ["p2/a.jpg", "q/b.png"], whole_videos=True)) == [NO_ENTRY, 0, 1]
    assert list(match(frames("b.png"), ["x/b.png", "y/b.png"], whole_videos=True)) == [NO_ENTRY]


def test_a_video_by_its_frames_before_the_whole() -> None:
    table = frames("d/v.mp4")
    assert list(match(table, ["d/v.mp4", "v_000001"], whole_videos=True)) == [0, 1, 0]
    assert list(match(table, ["d/v.mp4", "v_000001.png"], whole_videos=False)) == [NO_ENTRY, 1, NO_ENTRY]
    assert list(match(table, ["v"], whole_videos=True)) == [0, 0, 0]


def test_masks_by_stem(tmp_path: Path) -> None:
    for name in ("p1/a.png", "b.jpg", "v_000001.png", "stranger.png", "a.png"):
        save(tmp_path / name)
    found, strangers = find_masks(frames("p1/a.jpg", "p2/a.jpg", "p2/b.png", "v.mp4"), tmp_path)
    assert found == [b"p1/a.png", None, b"b.jpg", None, b"v_000001.png", None]
    assert strangers == 2  # the stranger, and a.png, which could be either
    for folder, words in ((tmp_path / "none", "is not there"), (tmp_path / "p3", "holds no image")):
        if words == "holds no image":
            folder.mkdir()
        with pytest.raises(BadInput, match=words):
            find_masks(frames("a.png"), folder)


def test_label_columns_are_plain_names() -> None:
    assert label_column("Finding (1)") == "label_Finding_1"
    assert label_column("=cmd()") == "label_cmd"
    assert label_column("größe") == "label_größe"
