"""Format `symlink`: links to the originals, for use on this machine; video frames are written as PNG."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from dataeff_core.errors import BadInput
from dataeff_core.exporting.base import IMAGES, MASKS, VANISHED, Format, Subset
from dataeff_core.exporting.copies import WRITING, place
from dataeff_core.exporting.pictures import pictures
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.storage import file_sha256


class Symlinks(Format):
    NAME: ClassVar[str] = "symlink"
    TITLE: ClassVar[str] = "Links to the kept originals; takes no room, works on this machine only"

    def write(self, subset: Subset, folder: Path, reporter: Reporter) -> Iterator[tuple[str, str]]:
        reporter.phase("linking images", len(subset.kept))
        kinds = subset.kept["kind"].tolist()
        for row in (row for row, kind in enumerate(kinds) if kind == "image"):
            found = self._link(subset, row, folder)
            if found is not None:
                yield f"{IMAGES}/{subset.names[row]}", found
            reporter.advance()
        for row, content in pictures(subset, [row for row, kind in enumerate(kinds) if kind == "video"]):
            name = f"{IMAGES}/{subset.names[row]}"
            place(content, folder, name)
            yield name, hashlib.sha256(content).hexdigest()
            reporter.advance()
        for row, mask in enumerate(subset.mask_names):
            original = subset.mask(row)
            if mask is None or original is None:
                continue
            if not original.is_file():
                subset.fail(row, VANISHED, mask=True)
                continue
            link(original, folder, f"{MASKS}/{mask}")
            yield f"{MASKS}/{mask}", file_sha256(original)

    def _link(self, subset: Subset, row: int, folder: Path) -> str | None:
        try:
            original = subset.original(row)
            found = file_sha256(original)
        except (FileNotFoundError, NotADirectoryError, BadInput):
            subset.fail(row, VANISHED)
            return None
        if found != subset.cell(row, "sha256"):
            subset.fail(row, "has changed since it was imported")
            return None
        link(original, folder, f"{IMAGES}/{subset.names[row]}")
        return found


def link(original: Path, folder: Path, name: str) -> None:
    """Make `folder`/`name` a link to `original`, in place of one that is there."""
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder / WRITING
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(original)
    temporary.replace(target)
