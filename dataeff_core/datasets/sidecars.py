"""What lies beside the frames: mask folders and CSV tables, and which of their entries belongs to which frame.

An entry names a frame by its path relative to the source, with or without extension; a video's frame by
`names.video_frame_stem`; or by the bare name where that is unique on both sides.
"""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dataeff_core.datasets.names import file_name, shown, video_frame_stem, without_extension
from dataeff_core.datasets.walking import walk
from dataeff_core.errors import BadInput

KEY_COLUMNS = ("path", "file", "filename", "image", "stem", "frame", "name")
NO_ENTRY = -1


@dataclass(frozen=True)
class Table:
    """A CSV file: for each row its key, and its cells by column."""

    file: Path
    keys: list[str]
    cells: dict[str, list[str]]


def read_table(file: Path) -> Table:
    """Read a CSV file whose key column is one of KEY_COLUMNS. Raises BadInput, naming file and line."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.reader(stream))
    except FileNotFoundError:
        raise BadInput(f"the table {file} is not there; check its path") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"the table {file} cannot be read as CSV in UTF-8 ({error}); save it so") from error
    header = [cell.strip() for cell in rows[0]] if rows else []
    repeated = next((name for name, count in Counter(header).items() if name and count > 1), None)
    if repeated is not None:
        raise BadInput(f"the table {file} has more than one column {repeated!r}; rename one")
    key = next((header.index(name) for name in KEY_COLUMNS if name in header), None)
    if key is None:
        raise BadInput(
            f"the table {file} has no column {'/'.join(KEY_COLUMNS)} in its first row; name one of them so"
        )
    body = [(number, row) for number, row in enumerate(rows[1:], start=2) if any(cell.strip() for cell in row)]
    for number, row in body:
        if len(row) != len(header):
            raise BadInput(f"line {number} of {file} has {len(row)} cells, its header {len(header)}; mend the line")
    keys = [row[key].strip().removeprefix("./") for _, row in body]
    twice = next((name for name, count in Counter(keys).items() if count > 1), None)
    if twice is not None:
        raise BadInput(f"the table {file} has more than one row for {twice!r}; leave one row a frame")
    cells = {name: [row[at].strip() for _, row in body] for at, name in enumerate(header) if at != key}
    return Table(file, keys, cells)


def match(frames: pd.DataFrame, keys: Sequence[str], *, whole_videos: bool) -> np.ndarray:
    """(n,) int64: for each frame (columns path, kind, frame_index) the position in `keys` of the entry that names
    it, or NO_ENTRY. With `whole_videos` an entry that names a video stands for all its frames."""
    exact = {key: position for position, key in enumerate(keys)}
    by_stem = _unique({position: without_extension(key) for position, key in enumerate(keys)})
    by_bare = _unique({position: file_name(without_extension(key)) for position, key in enumerate(keys)})
    by_bare.update({key: position for key, position in exact.items() if "/" not in key})
    bare_count = Counter(file_name(without_extension(path)) for path in frames["path"].unique())
    found = np.full(len(frames), NO_ENTRY, np.int64)
    columns = zip(frames["path"], frames["kind"], frames["frame_index"], strict=True)
    for row, (path, kind, index) in enumerate(columns):
        stem = without_extension(path)
        unique = bare_count[file_name(stem)] == 1
        if kind == "video":
            frame_stem = video_frame_stem(path, index)
            position = _first(frame_stem, exact, by_stem, by_bare if unique else {})
            if position == NO_ENTRY and whole_videos:
                position = exact.get(path, _first(stem, exact, by_stem, by_bare if unique else {}))
        else:
            position = exact.get(path, _first(stem, exact, by_stem, by_bare if unique else {}))
        found[row] = position
    return found


def _unique(names: dict[int, str]) -> dict[str, int]:
    count = Counter(names.values())
    return {name: position for position, name in names.items() if count[name] == 1}


def _first(stem: str, exact: dict[str, int], by_stem: dict[str, int], by_bare: dict[str, int]) -> int:
    for names, key in ((exact, stem), (by_stem, stem), (by_bare, file_name(stem))):
        if key in names:
            return names[key]
    return NO_ENTRY


def unmatched(found: np.ndarray, entries: int) -> int:
    """How many of `entries` belong to no frame."""
    return entries - len(np.unique(found[found != NO_ENTRY]))


def find_masks(frames: pd.DataFrame, folder: Path) -> tuple[list[bytes | None], int]:
    """The mask of each frame, as a path relative to `folder`, or None; and how many masks fit no frame.

    Raises BadInput when the folder is not there or holds no image.
    """
    if not folder.is_dir():
        raise BadInput(f"the mask folder {folder} is not there; check its path")
    masks = [file.path for file in walk(folder).files if file.kind == "image"]
    if not masks:
        raise BadInput(f"the mask folder {folder} holds no image; masks have the same names as their frames")
    found = match(frames, [shown(path) for path in masks], whole_videos=False)
    return [None if at == NO_ENTRY else masks[at] for at in found], unmatched(found, len(masks))


def find_labels(frames: pd.DataFrame, file: Path) -> tuple[dict[str, list[str | None]], int]:
    """Columns label_<name> for the frames, and how many rows of the table fit no frame. Raises BadInput."""
    table = read_table(file)
    if not table.cells:
        raise BadInput(f"the table {file} has no column of labels beside the one that names the frames; add one")
    found = match(frames, table.keys, whole_videos=True)
    _check_names(file, [name for name in table.cells if name])
    columns = {
        label_column(name): [None if at == NO_ENTRY else (cells[at] or None) for at in found]
        for name, cells in table.cells.items()
        if name
    }
    return columns, unmatched(found, len(table.keys))


def _check_names(file: Path, names: list[str]) -> None:
    for column, count in Counter(label_column(name) for name in names).items():
        if count > 1 or column == "label_":
            wrong = [name for name in names if label_column(name) == column]
            raise BadInput(f"the table {file} has columns {wrong} that cannot be told apart as {column}; rename them")


def label_column(name: str) -> str:
    """The frames table's column for a label: 'Finding (1)' -> 'label_Finding_1'."""
    kept = "".join(character if character.isalnum() else "_" for character in name)
    return "label_" + "_".join(filter(None, kept.split("_")))
