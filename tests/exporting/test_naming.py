import re
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataeff_core.exporting.naming import RESERVED, safe_path, unique, video_frame


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b"a/b.png", "a/b.png"),
        (b"../../etc/passwd", "_/_/etc/passwd"),
        (b"/abs.png", "abs.png"),
        (b"-rf.png", "rf.png"),
        (b".hidden/x.JPG", "hidden/x.JPG"),
        (b"=cmd()|' '!A0.png", "_cmd_A0.png"),
        (b"con.png", "_con.png"),
        (b"\xff.png", "_.png"),
        (b"line\nbreak.png", "line_break.png"),
        (b"x.p<n>g", "x.png"),
        (b"a" * 300 + b".png", "a" * 96 + ".png"),
    ],
)
def test_names_become_safe(path: bytes, expected: str) -> None:
    assert safe_path(path) == expected


@given(st.binary(max_size=200))
def test_a_safe_path_never_climbs_hides_or_surprises(path: bytes) -> None:
    parts = safe_path(path).split("/")
    for part in parts:
        assert re.fullmatch(r"[A-Za-z0-9._-]+", part)
        assert not part.startswith((".", "-"))
        assert not part.endswith(".")
        assert part.casefold().partition(".")[0] not in RESERVED


NAMES = st.lists(st.text("aAbB/.", min_size=1, max_size=5).map(lambda text: safe_path(text.encode())), max_size=12)


@given(NAMES)
def test_unique_names_can_stand_side_by_side_on_any_file_system(names: list[str]) -> None:
    frame_ids = [f"{number:016x}" for number in range(len(names))]
    found = unique(names, frame_ids)
    folded = [name.casefold() for name in found]
    assert len(set(folded)) == len(folded)
    folders = {str(folder) for name in folded for folder in PurePosixPath(name).parents}
    assert not folders & set(folded)


@given(NAMES)
def test_names_do_not_depend_on_their_order(names: list[str]) -> None:
    frame_ids = [f"{number:016x}" for number in range(len(names))]
    forward = dict(zip(frame_ids, unique(names, frame_ids), strict=True))
    backward = dict(zip(frame_ids[::-1], unique(names[::-1], frame_ids[::-1]), strict=True))
    assert forward == backward


def test_a_video_frame_is_named_after_its_video() -> None:
    assert video_frame("a/v.mp4", 7) == "a/v_000007.png"
