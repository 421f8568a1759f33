"""Thumbnails: one small picture for each content, made once while a file is decoded, read ever after.

They are addressed by content (`Workspace.thumbnail`), so the same picture in two datasets is kept once.
"""

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from dataeff_core.errors import NotFound
from dataeff_core.workspace.storage import storage_errors

if TYPE_CHECKING:
    from dataeff_core.workspace.root import Workspace

LONGEST = 256  # pixels of the longer side; smaller frames keep their size
QUALITY = 90  # WEBP; high, because the descriptor is computed from thumbnails


def shrink(rgb: np.ndarray, longest: int = LONGEST) -> np.ndarray:
    """(h, w, 3) uint8 -> the same, averaged (box filter) so that its longer side is at most `longest` pixels."""
    height, width = rgb.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX))


def write_thumbnail(path: Path, small: np.ndarray) -> None:
    """Write `small` (h, w, 3) uint8 to `path` as WEBP, unless a thumbnail is there already.

    Written beside and renamed, so that no reader sees half a picture. Not synced one by one: a thumbnail that a
    power cut took is made again by the next import. Raises StorageFailed.
    """
    if is_whole(path):
        return
    with storage_errors("writing", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
        try:
            with temporary.open("wb") as stream:
                Image.fromarray(small).save(stream, "WEBP", quality=QUALITY, method=1)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def sweep(thumbnails: Path) -> None:
    """Remove what processes that are gone left half-written below the thumbnail folder."""
    import psutil

    for path in thumbnails.glob("*/.*.tmp"):
        process = path.name.split(".")[-3]
        if process.isdigit() and not psutil.pid_exists(int(process)):
            path.unlink(missing_ok=True)


def is_whole(path: Path) -> bool:
    """Whether a thumbnail lies at `path` that is not an empty shell."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def read_thumbnail(workspace: "Workspace", sha256: str) -> np.ndarray:
    """The thumbnail of the frame with this content, (h, w, 3) uint8 RGB.

    Raises NotFound when it is not there or damaged, BadInput when `sha256` is not 64 hex digits.
    """
    return open_thumbnail(workspace.thumbnail(sha256))


def open_thumbnail(path: Path) -> np.ndarray:
    """The thumbnail in the file `path`, (h, w, 3) uint8 RGB. Raises NotFound when it is not there or damaged."""
    try:
        with Image.open(path, formats=["WEBP"]) as image:
            return np.asarray(image.convert("RGB"))
    except OSError as error:
        raise NotFound(
            f"the thumbnail {path.stem[:16]}... is missing or damaged; import its dataset again"
        ) from error


def read_grey(workspace: "Workspace", sha256: str, side: int) -> np.ndarray:
    """The thumbnail as (side, side) uint8 grey levels (ITU-R BT.601), stretched to a square. Raises NotFound."""
    grey = Image.fromarray(read_thumbnail(workspace, sha256)).convert("L")
    return np.asarray(grey.resize((side, side), Image.Resampling.BOX))
