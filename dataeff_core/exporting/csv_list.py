"""Format `csv`: the kept frames as a table that a spreadsheet can open."""

import csv
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from dataeff_core.exporting.base import Format, Subset
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.storage import write_atomically

FILE = "kept.csv"
COLUMNS = ("frame_id", "path", "sha256", "group", "order", "kind", "frame_index", "time_s", "width", "height")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class CsvList(Format):
    NAME: ClassVar[str] = "csv"
    TITLE: ClassVar[str] = "A table of the kept frames, for a spreadsheet"
    NEEDS_ORIGINALS: ClassVar[bool] = False

    def places(self, subset: Subset) -> list[str | None]:
        return [None] * len(subset.kept)

    def write(self, subset: Subset, folder: Path, reporter: Reporter) -> Iterator[tuple[str, str]]:
        labels = [name for name in subset.kept.columns if name.startswith("label_")]
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow([*COLUMNS, *(quoted(name) for name in labels)])
        for row in subset.kept[[*COLUMNS, *labels]].itertuples(index=False):
            writer.writerow([quoted(value) for value in row])
        content = out.getvalue().encode("utf-8", "backslashreplace")
        write_atomically(folder / FILE, lambda stream: stream.write(content))
        yield FILE, hashlib.sha256(content).hexdigest()


def quoted(value: Any) -> Any:
    """`value` as a spreadsheet may have it: text that would count as a formula gets an apostrophe in front
    (OWASP, "CSV Injection"), missing values are empty, numbers stay numbers."""
    if is_missing(value):
        return ""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def is_missing(value: Any) -> bool:
    """Whether a table's cell is empty: None, NaN or pandas' NA."""
    return value is None or (str(value) in ("<NA>", "nan") and not isinstance(value, str))
