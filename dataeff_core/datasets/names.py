"""File names are bytes and data: how they are shown to people, and how they sort."""

import os
import re
import unicodedata
from pathlib import Path, PurePosixPath

from dataeff_core.errors import BadInput

HIDDEN_CATEGORIES = {"Cc", "Zl", "Zp"}  # control characters, line and paragraph separators
DIRECTION_MARKS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # can make a name read backwards


def shown(path: bytes) -> str:
    """`path` for people: undecodable bytes as \\xNN, control characters and direction marks escaped."""
    return "".join(visible(character) for character in path.decode("utf-8", "backslashreplace"))


def shown_path(path: Path) -> str:
    """`shown` for a path of the file system, for use in a sentence."""
    return shown(os.fsencode(path))


def resolved(path: Path) -> Path:
    """`path` as the user typed it, with '~' and links followed. Raises BadInput when it can be no path at all."""
    try:
        whole = path.expanduser().resolve()
        whole.exists()
        return whole
    except (OSError, RuntimeError, ValueError) as error:  # too long, a loop of links or an unknown '~', a NUL
        raise BadInput(f"{shown_path(path)[:200]} cannot be a path ({error}); check it") from error


def visible(character: str) -> str:
    """A control character or direction mark as its escape, any other as it is."""
    if unicodedata.category(character) in HIDDEN_CATEGORIES or character in DIRECTION_MARKS:
        return character.encode("unicode_escape").decode("ascii")
    return character


def natural_key(text: str) -> str:
    """A key by which numbers in names sort as numbers: 'frame2' before 'frame10'."""
    return re.sub(r"[0-9]+", _counted, text)


def _counted(match: re.Match[str]) -> str:
    digits = match.group().lstrip("0") or "0"
    return f"{len(digits):04d}{digits}"


def without_extension(path: str) -> str:
    """'a/b.c.jpg' -> 'a/b.c'."""
    return os.path.splitext(path)[0]  # noqa: PTH122 PurePath.with_suffix refuses names such as 'a/.'


def file_name(path: str) -> str:
    """'a/b.jpg' -> 'b.jpg'."""
    return PurePosixPath(path).name


def video_frame_stem(video: str, frame_index: int) -> str:
    """The name a frame of a video goes by in mask folders and label tables: 'a/clip.mp4', 7 -> 'a/clip_000007'."""
    return f"{without_extension(video)}_{frame_index:06d}"
