"""What a walk through a hostile folder finds."""

import os
import socket
from pathlib import Path

import pytest

from dataeff_core.datasets.names import natural_key, shown
from dataeff_core.datasets.walking import walk
from dataeff_core.errors import BadInput
from tests.datasets.making import save

AWKWARD = [
    b"with space.png",
    b"quote'\".png",
    b"new\nline.png",
    "emoji \N{MICROSCOPE}.png".encode(),
    b"<script>alert(1)<.png",
    b"=cmd().png",
    b"not-utf8-\xff\xfe.png",
    b"-rf.png",
    b"$(touch x);.png",
    "\u202egnp.exe.png".encode(),
]


def found(folder: Path) -> list[bytes]:
    return [file.path for file in walk(folder).files]


def test_awkward_names_are_found_as_bytes_and_shown_on_one_line(tmp_path: Path) -> None:
    data = save(tmp_path / "plain" / "a.png").read_bytes()
    for name in AWKWARD:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(data)
    assert set(AWKWARD) <= set(found(tmp_path))
    texts = [shown(name) for name in AWKWARD]
    assert len(set(texts)) == len(texts)
    assert all(text.encode("utf-8") and "\n" not in text and "\u202e" not in text for text in texts)
    assert shown(b"not-utf8-\xff.png") == "not-utf8-\\xff.png"
    assert shown(b"new\nline.png") == "new\\nline.png"
    assert "\N{MICROSCOPE}" in shown("emoji \N{MICROSCOPE}.png".encode())


def test_numbers_in_names_sort_as_numbers() -> None:
    names = ["f10.png", "f9.png", "f1.png", "f010b.png", "f2/x.png", "f1a.png"]
    assert sorted(names, key=natural_key) == ["f1.png", "f1a.png", "f2/x.png", "f9.png", "f10.png", "f010b.png"]


def test_kinds_by_extension_others_counted_hidden_passed_over(tmp_path: Path) -> None:
    for name in ("A.JPG", "b.jpeg", "c.tiff", "d.webp", "e.MKV", "f.txt", "g", ".hidden.png", ".git/x.png"):
        save(tmp_path / "x.png").rename(tmp_path / "y")
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / "y").rename(tmp_path / name)
    listing = walk(tmp_path)
    assert [(file.path, file.kind) for file in listing.files] == [
        (b"A.JPG", "image"),
        (b"b.jpeg", "image"),
        (b"c.tiff", "image"),
        (b"d.webp", "image"),
        (b"e.MKV", "video"),
    ]
    assert listing.ignored == 2


def test_links_cannot_trap_the_walk_or_lead_it_out(tmp_path: Path) -> None:
    outside = save(tmp_path / "outside" / "secret.png")
    source = tmp_path / "source"
    save(source / "a" / "one.png")
    (source / "a" / "loop").symlink_to(source)
    (source / "self.png").symlink_to("self.png")
    (source / "out.png").symlink_to(outside)
    (source / "outfolder").symlink_to(outside.parent)
    (source / "in.png").symlink_to("a/one.png")
    (source / "dangling.png").symlink_to("nowhere.png")
    listing = walk(source)
    assert [file.path for file in listing.files] == [b"a/one.png", b"in.png"]
    assert dict(listing.problems).keys() == {b"self.png", b"out.png", b"outfolder", b"dangling.png"}
    assert "outside" in dict(listing.problems)[b"out.png"]


def test_pipes_and_sockets_are_named_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.fspath(tmp_path / "socket.png"))
    listing = walk(tmp_path)
    assert not listing.files
    assert {path for path, _ in listing.problems} == {b"pipe.png", b"socket.png"}


def test_folders_left_out(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "workspace" / "thumbnails" / "b.png")
    assert [file.path for file in walk(tmp_path, [tmp_path / "workspace" / "thumbnails"]).files] == [b"a.png"]


def test_a_single_file_and_none(tmp_path: Path) -> None:
    assert found(save(tmp_path / "a.png")) == [b"a.png"]
    (tmp_path / "a.txt").write_text("no")
    with pytest.raises(BadInput, match="neither an image nor a video"):
        walk(tmp_path / "a.txt")
    with pytest.raises(BadInput, match="is not there"):
        walk(tmp_path / "none")
