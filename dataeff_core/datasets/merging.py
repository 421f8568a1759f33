"""The frames table after an import: what was known, what is new, what vanished, and how all of it is ordered."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dataeff_core.datasets import grouping, sidecars
from dataeff_core.datasets.ledger import NO_FRAME
from dataeff_core.datasets.names import natural_key, shown
from dataeff_core.datasets.quality import MEASURES
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.datasets import FRAME_COLUMNS, UNREADABLE_COLUMNS, Source, frame_id

QUALITY_COLUMNS = tuple(f"q_{name}" for name in MEASURES)
TYPES = {
    **FRAME_COLUMNS,
    "mtime_ns": "int64",
    "file_sha256": "string",
    **dict.fromkeys(QUALITY_COLUMNS, "float32"),
    "invalid_score": "float32",
    "invalid_measure": "string",
}


@dataclass(frozen=True)
class Unmatched:
    """Entries beside the frames that fit no frame: masks, rows of labels, and rows (or files) of the groups rule."""

    masks: int = 0
    labels: int = 0
    groups: int = 0


def empty_frames() -> pd.DataFrame:
    """A frames table without rows."""
    return completed(pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in TYPES.items()}))


def unreadable_table(*tables: pd.DataFrame) -> pd.DataFrame:
    """The unreadable table (UNREADABLE_COLUMNS) made of `tables`, by source and path."""
    types = {"path": "string", "path_bytes": "object", "source": "int16", "reason": "string", "file_bytes": "int64"}
    blank = pd.DataFrame({name: pd.Series(dtype=types[name]) for name in UNREADABLE_COLUMNS})
    whole = [table.astype(types) for table in tables if len(table)] or [blank]
    table = pd.concat(whole, ignore_index=True)
    return table.sort_values(["source", "path_bytes"], kind="stable").reset_index(drop=True)


def new_rows(decoded: pd.DataFrame, source: int, added: str) -> pd.DataFrame:
    """Rows of the frames table for decoded frames (columns ledger.COLUMNS); group and order still to be given."""
    rows = decoded[decoded["frame_index"] != NO_FRAME].drop(columns=["fps", "reason"]).reset_index(drop=True)
    places = zip(rows["path_bytes"], rows["frame_index"], strict=True)
    return rows.assign(
        frame_id=[frame_id(source, path, int(index)) for path, index in places],
        source=source,
        path=[shown(path) for path in rows["path_bytes"]],
        group="",
        order=0,
        mask_bytes=None,
        present=True,
        added=added,
        invalid_score=np.nan,
        invalid_measure="",
    )


def merge(mine: pd.DataFrame, fresh: pd.DataFrame, unchanged: Collection[bytes]) -> pd.DataFrame:
    """One source's rows: `fresh` replaces all rows of its files, the rest of `mine` is present where unchanged."""
    kept = mine[~mine["path_bytes"].isin(set(fresh["path_bytes"]))]
    kept = kept.assign(present=kept["path_bytes"].isin(set(unchanged)))
    first_added = dict(zip(mine["frame_id"], mine["added"], strict=True))
    added = [first_added.get(one, now) for one, now in zip(fresh["frame_id"], fresh["added"], strict=True)]
    fresh = fresh.assign(added=added)
    return stacked(kept, fresh)


def completed(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of a frames table, perhaps of an older version, with all columns of TYPES and in those types.

    A file's time of change that was not noted is -1, so that the file counts as changed.
    """
    labels = sorted(_label_columns(rows))
    known = [name for name in rows.columns if name == "explicit"]
    if "mtime_ns" not in rows:
        rows = rows.assign(mtime_ns=-1)
    rows = rows.reindex(columns=[*TYPES, *labels, *known])
    rows["mask_bytes"] = rows["mask_bytes"].astype(object).where(rows["mask_bytes"].notna(), None)
    return rows.astype({**TYPES, **dict.fromkeys(labels, "string"), **dict.fromkeys(known, "float64")})


def stacked(*tables: pd.DataFrame) -> pd.DataFrame:
    """Frames tables one below the other, `completed`, index renewed; a label that one lacks is missing there."""
    whole = [completed(table) for table in tables]
    labels = sorted({name for table in whole for name in _label_columns(table)})
    filled = [table.assign(**{n: _missing(table) for n in labels if n not in table}) for table in whole]
    return pd.concat([table for table in filled if len(table)] or filled[:1], ignore_index=True)


def _missing(table: pd.DataFrame) -> pd.Series:
    return pd.Series(pd.NA, index=table.index, dtype="string")


def attach(rows: pd.DataFrame, source: Source, reporter: Reporter) -> tuple[pd.DataFrame, Unmatched]:
    """Give one source's `rows` their group, explicit order (column 'explicit'), masks and labels.

    What an earlier import named but is not there any more is not an error: the values found then stay.
    """
    rows = rows.copy()
    masks = labels = 0
    rule = source.groups
    grouped = grouping.assign(rows, None if _gone(rule, reporter) else rule, Path(source.root).name or "source")
    if _gone(rule):
        old = (rows["group"] != "").to_numpy(bool)
        rows["explicit"] = np.where(old, rows["order"].to_numpy(np.float64), np.nan)
        rows["group"] = np.where(old, rows["group"].to_numpy(object), np.array(grouped.group, object))
    else:
        rows["group"], rows["explicit"] = grouped.group, grouped.order
    if source.masks is not None and not _gone(source.masks, reporter, pattern=False):
        found, masks = sidecars.find_masks(rows, Path(source.masks))
        rows["mask_bytes"] = pd.Series(found, index=rows.index, dtype=object)
    if source.labels is not None and not _gone(source.labels, reporter):
        columns, labels = sidecars.find_labels(rows, Path(source.labels))
        rows = rows.drop(columns=_label_columns(rows))
        rows = rows.assign(**{name: pd.Series(cells, rows.index, dtype=object) for name, cells in columns.items()})
    return rows, Unmatched(masks, labels, grouped.unmatched)


def _label_columns(rows: pd.DataFrame) -> list[str]:
    return [str(name) for name in rows.columns if str(name).startswith("label_")]


def _gone(path: str | None, reporter: Reporter | None = None, *, pattern: bool = True) -> bool:
    if path is None or (pattern and not path.lower().endswith(".csv")) or Path(path).exists():
        return False
    if reporter is not None:
        reporter.log(f"{path}, named by an earlier import, is not there any more; what it gave then is kept")
    return True


def ordered(rows: pd.DataFrame) -> pd.DataFrame:
    """The whole table with `order` counted within each group: by source, explicit order, natural path, frame index.

    Frames that vanished keep their place, so that the rest does not shift.
    """
    keys = rows[["group", "source", "explicit", "frame_index"]].astype(
        {"group": "string", "source": "int64", "explicit": "float64", "frame_index": "int64"}
    )
    natural = {path: natural_key(path) for path in rows["path"].unique()}
    keys = keys.assign(natural=rows["path"].map(natural).astype("string"), path_bytes=rows["path_bytes"])
    keys = keys.sort_values(["group", "source", "explicit", "natural", "path_bytes", "frame_index"], kind="stable")
    order = keys.groupby("group", sort=False).cumcount()
    rows = rows.assign(order=order.reindex(rows.index)).drop(columns="explicit")
    return rows.sort_values(["group", "order", "frame_id"], kind="stable").reset_index(drop=True)


def scored(rows: pd.DataFrame) -> pd.DataFrame:
    """The table with invalid_score and invalid_measure of the frames that are present, over all of them at once."""
    from dataeff_core.datasets import invalid

    present = rows["present"].to_numpy(bool)
    scores, measures = np.full(len(rows), np.nan, np.float32), np.full(len(rows), "", object)
    if present.any():
        scores[present], measures[present] = invalid.score(rows[present].reset_index(drop=True))
    return rows.assign(invalid_score=scores, invalid_measure=measures)
