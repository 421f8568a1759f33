"""The manifest and the recipe: what was decided on every frame, and how to decide the same again."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from dataeff_core.errors import Stale
from dataeff_core.workspace.embeddings import rows_of
from dataeff_core.workspace.pins import overrides_fingerprint
from dataeff_core.workspace.records import slug

if TYPE_CHECKING:
    from dataeff_core.workspace import Dataset, SavedSelection

MANIFEST, SCORES, RECIPE = "manifest.parquet", "scores.parquet", "selection.json"
SCHEMA_VERSION = 1
FROM_FRAMES = ("path", "sha256", "group", "order", "time_s", "kind", "frame_index", "width", "height")
COLUMNS = (
    "frame_id",
    "path",
    "sha256",
    "group",
    "order",
    "time_s",
    "decision",
    "reason",
    "representative_id",
    "similarity",
    "distance",
    "score",
    "override",
    "reviewer",
    "reviewed_at",
    "kind",
    "frame_index",
    "width",
    "height",
)


def frames_of(dataset: Dataset, saved: SavedSelection) -> pd.DataFrame:
    """The frames that `saved` chose from, in the order of its decisions, with all columns of the frames table.

    A dataset that has grown since is no hindrance: its former frames tables stay beside the new one. Raises Stale
    when none of them is the one that was selected from.
    """
    frames = dataset.frames_as_of(saved.record.dataset_fingerprint)
    if frames is None:
        raise Stale(
            f"selection {saved.id} was made on other frames than {dataset.record.name} has now, and their table is "
            "gone; select again"
        )
    wanted = saved.decisions["frame_id"].to_numpy(dtype=object)
    rows = rows_of(frames["frame_id"].to_numpy(dtype=object), wanted, what=f"dataset {dataset.record.name}")
    return frames.iloc[rows].reset_index(drop=True)


def manifest_of(saved: SavedSelection, frames: pd.DataFrame) -> pd.DataFrame:
    """One row a frame, kept or not: COLUMNS. `frames` is row for row that of the decisions."""
    table = saved.decisions.reset_index(drop=True).copy()
    for name in FROM_FRAMES:
        table[name] = frames[name]
    return table[list(COLUMNS)]


def recipe_of(saved: SavedSelection, manifest: pd.DataFrame, *, export_format: str) -> dict[str, Any]:
    """selection.json: all that is needed to make the selection again, and no absolute path. The method's decisions
    follow from it; the pins that were put on top are named by their fingerprint and stand in the manifest."""
    record = saved.record
    return without_places(
        {
            "schema_version": SCHEMA_VERSION,
            "kind": "dataeff export",
            "selection": record.id,
            "name": record.name,
            "created": record.created,
            "method": record.method,
            "params": record.params,
            "keep": record.keep,
            "seed": record.seed,
            "encoder": None
            if record.encoder is None
            else {"name": record.encoder, "params": record.encoder_params, "weights": record.weights},
            "dataset": {"name": record.dataset_name, "fingerprint": record.dataset_fingerprint},
            "counts": counts(manifest),
            "pins": {
                "entries": saved.pins.last,  # of the trail
                "frames": int(manifest["override"].notna().sum()),
                "fingerprint": overrides_fingerprint(manifest),
            },
            "notes": record.notes,
            "format": export_format,
            "code_version": record.code_version,
            "command": command_line(saved),
        }
    )


def counts(decisions: pd.DataFrame) -> dict[str, Any]:
    """Frames in all, kept, and dropped by reason."""
    dropped = decisions.loc[decisions["decision"] == "dropped", "reason"].value_counts()
    return {
        "frames": len(decisions),
        "kept": int((decisions["decision"] == "kept").sum()),
        "dropped": {str(reason): int(number) for reason, number in sorted(dropped.items())},
    }


def command_line(saved: SavedSelection) -> str:
    """The command that makes the same selection."""
    record = saved.record
    words = ["python", "-m", "dataeff_core", "select", record.dataset_name, "--method", record.method]
    if record.encoder is not None:
        words += ["--encoder", record.encoder]
    for name, value in record.params.items():
        if value is not None:
            words += ["--set", f"{name}={str(value).lower() if isinstance(value, bool) else value}"]
    if record.keep is not None:
        words += ["--keep", repr(record.keep)]
    return shlex.join([*words, "--seed", str(record.seed)])


def without_places(value: Any) -> Any:
    """`value` with every absolute path in it cut to its last part: exports travel, folders of this machine do not."""
    if isinstance(value, dict):
        return {key: without_places(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_places(one) for one in value]
    if isinstance(value, str) and Path(value).is_absolute():
        return Path(value).name or slug(value)
    return value
