"""What exported files are called: the original's path, made safe for every file system, archive and shell."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

LONGEST_PART = 100  # characters of one part of a path
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


def safe_path(path: bytes) -> str:
    """`path` as relative path of ASCII letters, digits, '.', '_' and '-'; no part is '..', hidden or reserved."""
    parts = [_safe_part(part) for part in os.fsdecode(path).split("/") if part not in ("", ".")]
    return "/".join(parts) or "_"


def video_frame(path: str, frame_index: int) -> str:
    """The name of one frame of the video `path`: 'a/v.mp4', 7 -> 'a/v_000007.png'."""
    return f"{PurePosixPath(path).with_suffix('')}_{frame_index:06d}.png"


def unique(names: Sequence[str], frame_ids: Sequence[str]) -> list[str]:
    """The names, with '-<frame id>' added before the extension where two would be one file.

    Names that differ only in case count as one, as they do on Windows and macOS; so does a file that is called
    like another one's folder. Which frames get the addition does not depend on their order.
    """
    folded = [name.casefold() for name in names]
    folders = {str(folder) for name in set(folded) for folder in PurePosixPath(name).parents}
    counts = Counter(folded)
    taken = [counts[name] > 1 or name in folders for name in folded]
    return [
        _with_id(name, frame_id) if clash else name
        for name, frame_id, clash in zip(names, frame_ids, taken, strict=True)
    ]


def _with_id(name: str, frame_id: str) -> str:
    path = PurePosixPath(name)
    return str(path.with_name(f"{path.stem}-{frame_id}{path.suffix}"))


def _safe_part(part: str) -> str:
    stem, suffix = os.path.splitext(part)  # noqa: PTH122  a part of a path, not a path
    suffix = re.sub(r"[^A-Za-z0-9.]+", "", suffix)[:16].rstrip(".")
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", stem).lstrip(".-").rstrip(". ")
    stem = stem[: LONGEST_PART - len(suffix)] or "_"
    return f"_{stem}{suffix}" if stem.casefold().partition(".")[0] in RESERVED else f"{stem}{suffix}"
