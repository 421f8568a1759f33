"""What one decoding process does with files that change or go while it reads them."""

import os
from pathlib import Path
from typing import Any

from dataeff_core.datasets.worker import pixels_sha256, read_image, read_video
from tests.datasets.making import clip, picture, save


def test_a_video_that_grows_while_it_is_read_is_named(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mkv", 20)
    events: list[tuple[str, dict[str, Any]]] = []

    def emit(event: str, **facts: Any) -> None:
        events.append((event, facts))
        if len(events) == 3:
            with path.open("ab") as stream:
                stream.write(b"more")

    read_video(os.fspath(path), None, tmp_path / "thumbnails", emit)
    assert [event for event, _ in events].count("frame") == 20
    assert "changed while it was read" in events[-1][1]["reason"]


def test_files_that_are_gone_are_named_in_plain_words(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    for read in (
        lambda emit: read_image(os.fspath(tmp_path / "a.png"), tmp_path, emit),
        lambda emit: read_video(os.fspath(tmp_path / "a.mp4"), None, tmp_path, emit),
    ):
        read(lambda event, **facts: events.append(facts))
    assert [one["reason"] for one in events] == ["the file vanished during the import"] * 2


def test_a_picture_and_its_turned_twin_differ(tmp_path: Path) -> None:
    rgb = picture(1, 8, 4)
    assert pixels_sha256(rgb) == pixels_sha256(rgb.copy())
    assert pixels_sha256(rgb) != pixels_sha256(rgb.reshape(8, 4, 3))


def test_an_image_gives_one_frame_with_all_measures(tmp_path: Path) -> None:
    events: list[tuple[str, dict[str, Any]]] = []
    path = save(tmp_path / "a.png")
    read_image(os.fspath(path), tmp_path / "t", lambda event, **facts: events.append((event, facts)))
    assert [event for event, _ in events] == ["frame", "done"]
    assert all(isinstance(value, float) for value in events[0][1]["quality"].values())
    assert len(list((tmp_path / "t").rglob("*.webp"))) == 1
