"""Galleries: only what is on the page is made, foreign names stay text, pages and picks cannot be forged."""

import numpy as np
import pandas as pd
import pytest

from dataeff_core.ui import gallery, quantities, routes
from dataeff_core.ui.assets import read
from dataeff_core.workspace import Workspace


@pytest.mark.parametrize(
    ("seconds", "told"), [(82.44, "01:22.4"), (0, "00:00.0"), (3723.44, "1:02:03.4"), (59.96, "01:00.0")]
)
def test_times_read_like_a_clock(seconds: float, told: str) -> None:
    assert gallery.clock(seconds) == told


def test_a_tile_says_time_for_a_video_and_name_for_an_image(filled: Workspace) -> None:
    frames = filled.datasets()[0].frames
    assert gallery.tile_of(frames, 7).caption == "frame_000007.png"
    moved = frames.assign(time_s=np.where(frames.index == 7, 61.5, np.nan))
    assert gallery.tile_of(moved, 7).caption == "01:01.5"


def test_hostile_names_travel_as_data(filled: Workspace) -> None:
    frames = filled.datasets()[0].frames
    captions = [gallery.tile_of(frames, row).caption for row in range(len(frames))]
    assert any("script" in caption for caption in captions)
    data = gallery._as_data(gallery.tile_of(frames, 0, reason="duplicate"), str)
    assert data["url"].startswith("/dataeff/thumbnail/")
    assert routes.TOKEN in data["url"]
    assert data["badge"]["shape"] == "x"
    assert "innerHTML" not in read("gallery.js")


def test_an_unknown_reason_is_drawn_as_removed() -> None:
    data = gallery._as_data(gallery.Tile("a", "0" * 64, "a", reason="too_easy"), str)
    assert data["badge"]["text"] == "too_easy"
    assert data["badge"]["shape"] == "x"


@pytest.mark.parametrize(
    "asked", [None, "x", {}, {"of": "other", "page": 3}, {"of": "this", "page": "3"}, {"of": "this", "page": -4}]
)
def test_a_forged_page_is_the_first(asked: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery.st, "session_state", {"g": {"page": asked}})
    assert gallery._page("g", "this") == 0


def test_the_page_asked_for_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery.st, "session_state", {"g": {"page": {"of": "this", "page": 3}}})
    assert gallery._page("g", "this") == 3


@pytest.mark.parametrize(
    "text",
    [
        "<script>x</script>",
        "![x](http://evil/x.png)",
        "[x](javascript:alert(1))",
        "$x^2$",
        ":red[x]",
        ":material/x:",
        "`x`\n# y",
        "a | b",
        "~~x~~ *y* _z_",
        "a@b.org www.evil.org WWW.x.y",
    ],
)
def test_foreign_text_is_nothing_but_text_in_markdown(text: str) -> None:
    escaped = quantities.literal(text)
    unescaped = escaped.replace("\u200b", "").replace("\\", "")
    assert unescaped == " ".join(text.split())
    assert "\n" not in escaped
    assert "@b" not in escaped
    assert "www." not in escaped.replace("\\", "").casefold()
    for special in "*_[]()<>`#$~|!":
        assert special not in escaped.replace(f"\\{special}", "")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (quantities.count(1234567), "1\u202f234\u202f567"),
        (quantities.counted(1, "frame"), "1 frame"),
        (quantities.counted(2, "entry", "entries"), "2 entries"),
        (quantities.share(0.21833), "21.8\u202f%"),
        (quantities.duration(0.44), "0.4 s"),
        (quantities.duration(12), "12 s"),
        (quantities.duration(200), "3 min"),
        (quantities.duration(7500), "2 h 5 min"),
        (quantities.size(512), "512 bytes"),
        (quantities.size(1_234_567), "1.2 MB"),
        (quantities.size(123_456_789_012), "123 GB"),
    ],
)
def test_numbers_are_told_as_people_tell_them(told: str, expected: str) -> None:
    assert told == expected


def test_tiles_are_made_only_for_the_page(filled: Workspace) -> None:
    from streamlit.testing.v1 import AppTest

    def run() -> None:
        import streamlit as st

        from dataeff_core.ui import gallery

        made: list[int] = []

        def tile(row: int) -> gallery.Tile:
            made.append(row)
            return gallery.Tile(f"{row:016x}", f"{row:064x}", str(row))

        st.session_state["picked"] = gallery.draw(range(100_000), tile, key="g", per_page=24)
        st.session_state["made"] = made

    app = AppTest.from_function(run, default_timeout=30).run()
    assert not app.exception
    assert app.session_state["made"] == list(range(24))
    assert app.session_state["picked"] is None


def test_frames_tables_need_no_more_than_their_contract() -> None:
    frame = pd.Series({"time_s": np.nan, "path": "a/b.png"})
    assert gallery.caption_of(frame) == "b.png"
