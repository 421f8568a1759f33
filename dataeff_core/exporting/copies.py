"""Format `copy`: the kept images as files, byte for byte, with their masks."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from dataeff_core.exporting.base import IMAGES, MASKS, Format, Subset
from dataeff_core.exporting.pictures import mask_file, pictures
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.storage import file_sha256

WRITING = ".writing"  # a file until it is complete


class Copies(Format):
    NAME: ClassVar[str] = "copy"
    TITLE: ClassVar[str] = "Copies of the kept images and their masks"

    def write(self, subset: Subset, folder: Path, reporter: Reporter) -> Iterator[tuple[str, str]]:
        yield from write_images(subset, folder, reporter)
        yield from write_masks(subset, folder, reporter)


def write_images(subset: Subset, folder: Path, reporter: Reporter) -> Iterator[tuple[str, str]]:
    """The kept images below `folder`/images; those that an earlier attempt wrote whole stay."""
    reporter.phase("writing images", len(subset.kept))
    missing = []
    for row, name in enumerate(subset.names):
        found = _written(subset, row, folder / IMAGES / name)
        if found is None:
            missing.append(row)
        else:
            yield f"{IMAGES}/{name}", found
            reporter.advance()
    for row, content in pictures(subset, missing):
        name = f"{IMAGES}/{subset.names[row]}"
        place(content, folder, name)
        yield name, hashlib.sha256(content).hexdigest()
        reporter.advance()


def write_masks(subset: Subset, folder: Path, reporter: Reporter) -> Iterator[tuple[str, str]]:
    """The masks of the kept frames below `folder`/masks."""
    rows = [row for row, name in enumerate(subset.mask_names) if name is not None]
    for row in reporter.over(rows, "writing masks") if rows else ():
        content = mask_file(subset, row)
        if content is not None:
            name = f"{MASKS}/{subset.mask_names[row]}"
            place(content, folder, name)
            yield name, hashlib.sha256(content).hexdigest()


def place(content: bytes, folder: Path, name: str) -> None:
    """Write a file that appears under its name only when complete."""
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder / WRITING
    temporary.write_bytes(content)
    temporary.replace(target)


def _written(subset: Subset, row: int, path: Path) -> str | None:
    """The hash of an image already in the export, None when it is not there or not right."""
    if path.is_symlink() or not path.is_file():
        return None
    if subset.cell(row, "kind") == "video":
        return file_sha256(path)  # it was renamed into place when complete
    if path.stat().st_size != subset.cell(row, "file_bytes"):
        return None
    found = file_sha256(path)
    return found if found == subset.cell(row, "sha256") else None
