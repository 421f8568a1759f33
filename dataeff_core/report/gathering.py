"""Everything that a report says, gathered once, so that its pages and its tables say the same."""

import contextlib
import platform
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd

from dataeff_core import __version__
from dataeff_core.exporting.manifest import manifest_of, recipe_of
from dataeff_core.reporting import Reporter
from dataeff_core.review import timeline
from dataeff_core.review.coverage import Coverage, coverage
from dataeff_core.review.lesions import lesions_of
from dataeff_core.review.outcome import AuditResult, result
from dataeff_core.review.queue import Enough, Queue, enough_reviewed, reviewing
from dataeff_core.review.sampling import AuditRecord, audits
from dataeff_core.review.stability import Stability, stability_of
from dataeff_core.selection.base import DUPLICATE
from dataeff_core.selection.explaining import threshold_of
from dataeff_core.selection.saving import check_same
from dataeff_core.suppliers import foreground
from dataeff_core.workspace import Dataset, SavedSelection, Workspace
from dataeff_core.workspace.records import now
from dataeff_core.workspace.trail import DROP, KEEP, RULE, Entry, trail_of

LIMIT = 0.01  # the share of harmful removals that the report's statement is held against, as on the Review page
LIBRARIES = ("numpy", "pandas", "faiss-cpu", "scikit-learn", "scipy", "pillow", "timm", "torch")


@dataclass(frozen=True)
class Facts:
    """One selection and what is known of it at one moment."""

    workspace: Workspace
    dataset: Dataset
    saved: SavedSelection
    entries: tuple[Entry, ...]  # the trail up to the last entry that the decisions obey
    faults: tuple[str, ...]  # what is wrong with the trail
    coverage: Coverage
    queue: Queue
    enough: Enough
    audits: tuple[tuple[AuditRecord, AuditResult], ...]  # of this selection, oldest first
    stability: Stability | None
    made: str  # UTC, ISO 8601

    @cached_property
    def frames(self) -> pd.DataFrame:
        """The frames table, row for row the decisions."""
        return self.dataset.frames

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Frame id -> row."""
        return {frame: row for row, frame in enumerate(self.frames["frame_id"])}

    @cached_property
    def decisions(self) -> pd.DataFrame:
        """What holds, with reviewers' pins."""
        return self.saved.decisions

    @cached_property
    def kept(self) -> np.ndarray:
        """(n,) bool."""
        return (self.decisions["decision"] == "kept").to_numpy(bool)

    @cached_property
    def reasons(self) -> dict[str, int]:
        """Reason -> removed frames, most frequent first."""
        counts = self.decisions.loc[~self.kept, "reason"].value_counts()
        return {str(name): int(count) for name, count in counts.items()}

    @cached_property
    def alone(self) -> int:
        """Removed frames that no kept one stands for."""
        return int((~self.kept & self.decisions["representative_id"].isna().to_numpy(bool)).sum())

    @cached_property
    def unlike(self) -> int | None:
        """Frames removed as nearly the same whose kept stand-in is no more like them than the limit: what they are
        like was removed itself. None where the method has no such limit."""
        limit = threshold_of(self.saved.record, DUPLICATE)
        alike = (self.decisions["reason"] == DUPLICATE).to_numpy(bool)
        if limit is None or not alike.any():
            return None
        return int((alike & ~(self.decisions["similarity"].to_numpy(np.float32) > np.float32(limit))).sum())

    @cached_property
    def strips(self) -> tuple[timeline.Strip, ...]:
        """Videos and ordered groups with their longest stretch without a kept frame."""
        return timeline.strips(self.frames, self.decisions)

    @cached_property
    def manifest(self) -> pd.DataFrame:
        """One row a frame, as exports have it."""
        return manifest_of(self.saved, self.frames)

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """How to make the selection again, without absolute paths."""
        return recipe_of(self.saved, self.manifest, export_format="report")

    @property
    def overrules(self) -> list[tuple[int, Entry, bool]]:
        """The pins that stand: row, entry, whether it changed what the method had decided; by row."""
        machine = (self.saved.machine["decision"] == "kept").to_numpy(bool)
        return [
            (row, pin, machine[row] != (pin.action == KEEP)) for row, pin in sorted(self.saved.placed.rows.items())
        ]

    @property
    def reviewers(self) -> list[str]:
        """People on the trail, by name."""
        return sorted({one.reviewer for one in self.entries if not one.reviewer.startswith(RULE)})

    @property
    def taken_back(self) -> int:
        """Keeps and drops on the trail that no longer stand."""
        return sum(one.action in (KEEP, DROP) for one in self.entries) - len(self.saved.pins.standing)

    @cached_property
    def versions(self) -> dict[str, str]:
        """What computed this: the program and what it rests on, as far as it is installed under its usual name."""
        found = {"DataEff": __version__, "Python": platform.python_version()}
        for name in LIBRARIES:
            with contextlib.suppress(PackageNotFoundError):
                found[name] = version(name)
        return found


def gather(
    workspace: Workspace, saved: SavedSelection, *, with_masks: bool = True, reporter: Reporter | None = None
) -> Facts:
    """All facts on a selection as they are now. `saved` should be fresh from the workspace, so that it obeys the
    newest pins.

    Raises Stale when the dataset has changed since the selection, StorageFailed or Conflict when the trail cannot be
    read, Cancelled.
    """
    reporter = reporter or Reporter()
    dataset = workspace.dataset(saved.record.dataset)
    check_same(saved.record, dataset)
    reporter.phase("reading what was decided")
    trail = trail_of(dataset.folder)
    entries = tuple(trail.entries(upto=saved.pins.last))
    reader = foreground if with_masks else None
    lesions = lesions_of(dataset, foreground, reporter=reporter) if with_masks else None
    queue, harmful = reviewing(dataset, saved, reader, reporter=reporter)
    seen = int(queue.reviewed.sum())
    reporter.phase("checking what stays")
    return Facts(
        workspace=workspace,
        dataset=dataset,
        saved=saved,
        entries=entries,
        faults=tuple(trail.faults()),
        coverage=coverage(dataset.frames, saved.decisions, lesions),
        queue=queue,
        enough=enough_reviewed(removed=len(queue.rows), reviewed=seen, harmful=harmful, limit=LIMIT),
        audits=tuple((one, result(dataset, one, entries)) for one in audits(dataset) if one.selection == saved.id),
        stability=stability_of(saved),
        made=now(),
    )
