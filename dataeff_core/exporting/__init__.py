"""Subsets out: one file a format; every export writes the manifest."""

from pathlib import Path

from dataeff_core.errors import BadInput
from dataeff_core.exporting.base import Format
from dataeff_core.exporting.coco import Coco
from dataeff_core.exporting.copies import Copies
from dataeff_core.exporting.csv_list import CsvList
from dataeff_core.exporting.manifest_only import ManifestOnly
from dataeff_core.exporting.symlinks import Symlinks
from dataeff_core.exporting.webdataset import WebDataset
from dataeff_core.exporting.zipped import Zipped

FORMATS: tuple[type[Format], ...] = (ManifestOnly, CsvList, Copies, Symlinks, Zipped, Coco, WebDataset)

__all__ = ["FORMATS", "Format", "find_format", "format_for"]


def find_format(name: str) -> type[Format]:
    """The format called `name`. Raises BadInput, listing the known ones."""
    for one in FORMATS:
        if name == one.NAME:
            return one
    raise BadInput(f"no export format is called {name!r}; choose one of {', '.join(one.NAME for one in FORMATS)}")


def format_for(out: Path) -> str:
    """The format where none is named: the one that makes such a single file, else the manifest alone."""
    return next((one.NAME for one in FORMATS if one.makes_single(out)), ManifestOnly.NAME)
