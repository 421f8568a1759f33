"""What an export format is, and the subset it is given."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar

from dataeff_core.errors import BadInput, Stale
from dataeff_core.exporting.naming import safe_path, unique, video_frame
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.storage import inside

if TYPE_CHECKING:
    import pandas as pd

    from dataeff_core.workspace import Dataset

IMAGES, MASKS = "images", "masks"
VANISHED = "is gone"


@dataclass
class Subset:
    """The kept frames, in the order they are written: images as in the dataset, then video after video.

    `kept` has the columns of the dataset's frames table and index 0..n-1. `failures` collects sentences on frames
    whose original cannot be exported; the export then fails at its end, and all other frames are there already.
    """

    dataset: Dataset
    kept: pd.DataFrame
    failures: dict[str, str] = field(default_factory=dict)  # path -> what is wrong with it
    _columns: dict[str, list[Any]] = field(default_factory=dict, repr=False)

    @cached_property
    def names(self) -> list[str]:
        """(n,) safe, unique relative names, below no folder yet."""
        safe = [safe_path(path) for path in self.kept["path_bytes"]]
        is_video = (self.kept["kind"] == "video").tolist()
        plain = [
            video_frame(name, int(index)) if video else name
            for name, index, video in zip(safe, self.kept["frame_index"], is_video, strict=True)
        ]
        return unique(plain, self.kept["frame_id"].tolist())

    @cached_property
    def mask_names(self) -> list[str | None]:
        """(n,) the image's name with the mask's extension, unique too; None for a frame without mask."""
        names: list[str | None] = [None] * len(self.kept)
        masked = [row for row, mask in enumerate(self.kept["mask_bytes"]) if mask is not None]
        plain = [
            str(
                PurePosixPath(self.names[row]).with_suffix(
                    PurePosixPath(safe_path(self.cell(row, "mask_bytes"))).suffix or ".png"
                )
            )
            for row in masked
        ]
        for row, name in zip(masked, unique(plain, self.kept["frame_id"].iloc[masked].tolist()), strict=True):
            names[row] = name
        return names

    def cell(self, row: int, column: str) -> Any:
        """One value of `kept`."""
        if column not in self._columns:
            self._columns[column] = self.kept[column].tolist()
        return self._columns[column][row]

    def original(self, row: int) -> Path:
        """The file that kept frame `row` comes from. Raises BadInput when a link leads out of its source."""
        root = self._roots[self.cell(row, "source")]
        return root if root.is_file() else inside(root, os.fsdecode(self.cell(row, "path_bytes")))

    def mask(self, row: int) -> Path | None:
        """The mask of kept frame `row`."""
        return self.dataset.mask_file(self.kept.iloc[row])

    @cached_property
    def _roots(self) -> list[Path]:
        return [Path(source.root).resolve() for source in self.dataset.record.sources]

    def fail(self, row: int, why: str, *, mask: bool = False) -> None:
        """Note that kept frame `row` cannot be exported."""
        path = str(self.cell(row, "path"))
        self.failures[f"the mask of {path}" if mask else path] = why

    def check_originals(self) -> None:
        """Raise Stale when a kept original is gone or of another size: the cheap look before anything is written."""
        for row, (kind, size) in enumerate(zip(self.kept["kind"], self.kept["file_bytes"], strict=True)):
            try:
                now = self.original(row).stat().st_size
            except (FileNotFoundError, NotADirectoryError, BadInput):
                self.fail(row, VANISHED)
                continue
            if kind == "image" and now != size:
                self.fail(row, "has changed since it was imported")
        self.raise_failures()

    def raise_failures(self) -> None:
        """Raise Stale, naming the first few, when any frame failed."""
        if not self.failures:
            return
        first = "; ".join(f"{path} {why}" for path, why in list(self.failures.items())[:5])
        more = f" and {len(self.failures) - 5} more" if len(self.failures) > 5 else ""
        raise Stale(f"{first}{more}: put the originals back, or import again and select anew")


class Format(ABC):
    """One way to write a subset; one instance writes one export."""

    NAME: ClassVar[str]
    TITLE: ClassVar[str]  # plain words for the form
    NEEDS_ORIGINALS: ClassVar[bool] = True
    SINGLE_FILE: ClassVar[str] = ""  # the extension of a target that is one file instead of a folder

    def __init__(self, *, single: bool = False) -> None:
        self.single = single

    @classmethod
    def makes_single(cls, out: Path) -> bool:
        """Whether the target `out` is to be one file."""
        return bool(cls.SINGLE_FILE) and out.suffix.lower() == cls.SINGLE_FILE

    def places(self, subset: Subset) -> list[str | None]:
        """(n,) where each kept frame stands in the export; 'archive/member' inside an archive, None nowhere."""
        return [f"{IMAGES}/{name}" for name in subset.names]

    @abstractmethod
    def write(self, subset: Subset, folder: Path, reporter: Reporter) -> Iterator[tuple[str, str]]:
        """Write into `folder`, which may hold part of the same export from an earlier attempt; yields the relative
        name and sha256 (hex) of each file. Frames that cannot be written are noted with `subset.fail`."""

    def fold(self, folder: Path, names: list[str]) -> Path:
        """Put the further files `names` of `folder` into the single file, and answer that file."""
        raise TypeError(f"format {self.NAME!r} makes no single file")
