"""Format `manifest`: the four files that every export holds, and no pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from dataeff_core.exporting.base import Format, Subset
from dataeff_core.reporting import Reporter


class ManifestOnly(Format):
    NAME: ClassVar[str] = "manifest"
    TITLE: ClassVar[str] = "Only the list of all frames with the decision on each, and the recipe"
    NEEDS_ORIGINALS: ClassVar[bool] = False

    def places(self, subset: Subset) -> list[str | None]:
        return [None] * len(subset.kept)

    def write(self, subset: Subset, folder: Path, reporter: Reporter) -> Iterator[tuple[str, str]]:
        yield from ()
