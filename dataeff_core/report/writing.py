"""Writing a report's folder: the page, its tables, and the fingerprints of both, there whole or not at all."""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from dataeff_core.errors import BadInput, Conflict
from dataeff_core.exporting.sums import FILE as SUMS
from dataeff_core.exporting.sums import read_sums, write_sums
from dataeff_core.report.document import html_of
from dataeff_core.report.evidence import unchecked
from dataeff_core.report.gathering import Facts, gather
from dataeff_core.report.tables import tables
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import SavedSelection, Workspace
from dataeff_core.workspace.records import Record, fresh_id
from dataeff_core.workspace.storage import canonical_json, new_folder, storage_errors, write_atomically

PAGE, RECIPE = "report.html", "selection.json"


class ReportRecord(Record):
    """What a report's folder says of itself."""

    FILE: ClassVar[str] = "report.json"
    KIND: ClassVar[str] = "report"

    selection: str
    dataset: str
    dataset_fingerprint: str
    entries: int  # of the trail, up to which people's decisions are in it
    stability: str | None  # id of what it says of stability
    pictures: bool
    frames: int
    kept: int
    lost: int  # patients, videos, labels and lesions of which nothing is kept
    unchecked: int  # things that it names as not checked


@dataclass(frozen=True)
class Report:
    """A report that was written."""

    out: Path
    record: ReportRecord
    bytes: int
    seconds: float


def write_report(
    workspace: Workspace,
    saved: SavedSelection,
    out: Path | None = None,
    *,
    pictures: bool = True,
    with_masks: bool = True,
    force: bool = False,
    reporter: Reporter | None = None,
) -> Report:
    """Write the report on a selection as it stands now into the folder `out`, by default a new one below
    `<workspace>/reports`. With `force` an earlier report there is replaced, and nothing else ever is.

    Raises Conflict when `out` is in use, BadInput for a folder of the workspace's own, Stale when the dataset has
    changed since the selection, StorageFailed, Cancelled; `out` then is as it was.
    """
    started = time.monotonic()
    reporter = reporter or Reporter()
    name = fresh_id("report")
    out = reports_folder(workspace) / name if out is None else target(workspace, out)
    check_free(out, force=force)
    facts = gather(workspace, workspace.selection(saved.id), with_masks=with_masks, reporter=reporter)
    reporter.phase("writing the report")
    files = {PAGE: html_of(facts, pictures=pictures), **tables(facts)}
    files[RECIPE] = (canonical_json(facts.recipe) + "\n").encode("utf-8", "backslashreplace")
    record = _record(facts, name, pictures)
    reporter.check()
    check_free(out, force=force)
    with new_folder(out, replace=out.exists()) as making:
        record.write(making)
        files[ReportRecord.FILE] = (making / ReportRecord.FILE).read_bytes()
        files[SUMS] = write_sums({one: hashlib.sha256(content).hexdigest() for one, content in files.items()})
        for one, content in files.items():
            if one != ReportRecord.FILE:
                write_atomically(making / one, lambda stream, content=content: stream.write(content))  # type: ignore[misc]
    return Report(out, record, sum(map(len, files.values())), time.monotonic() - started)


def reports(workspace: Workspace, saved: SavedSelection) -> list[Report]:
    """The reports on a selection in the workspace's own folder, newest first."""
    parent = reports_folder(workspace)
    found = [one for one in reversed(ReportRecord.read_all(parent)) if one.selection == saved.id]
    return [
        Report(parent / one.id, one, sum(file.stat().st_size for file in (parent / one.id).iterdir()), 0.0)
        for one in found
    ]


def reports_folder(workspace: Workspace) -> Path:
    """Where reports go unless told otherwise."""
    return workspace.root / "reports"


def target(workspace: Workspace, out: Path) -> Path:
    """`out`, absolute. Raises BadInput for what is the workspace's own."""
    out = out.expanduser().absolute()
    with storage_errors("looking at", out):
        try:
            out = out.resolve()
        except RuntimeError as error:
            raise BadInput(f"{out} is a link that leads back to itself; choose another place") from error
    root = workspace.root.resolve()
    inner = out == root or (root in out.parents and out.relative_to(root).parts[0] not in ("reports", "exports"))
    if inner or not out.name or out == reports_folder(workspace).resolve():
        raise BadInput(f"{out} is the workspace's own folder; choose another place for the report")
    return out


def check_free(out: Path, *, force: bool) -> None:
    """Raise Conflict unless `out` is free, or holds nothing but an earlier report and `force` is given."""
    with storage_errors("looking at", out):
        if not out.exists() or (out.is_dir() and not any(out.iterdir())):
            return
        if not force:
            raise Conflict(
                f"{out} is already there and not empty; choose another place, or --force to replace a report"
            )
        if not all((out / name).is_file() for name in (PAGE, ReportRecord.FILE, SUMS)):
            raise Conflict(f"{out} is not a report, so it is not replaced; choose another place")
        ours = {*read_sums((out / SUMS).read_bytes()), SUMS}
        foreign = sorted(path.name for path in out.iterdir() if path.name not in ours)
        if foreign:
            more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
            raise Conflict(f"{out} also holds {foreign[0]!r}{more}, which no report wrote; move it away first")


def _record(facts: Facts, name: str, pictures: bool) -> ReportRecord:
    return ReportRecord(
        id=name,
        created=facts.made,
        selection=facts.saved.id,
        dataset=facts.dataset.id,
        dataset_fingerprint=facts.dataset.fingerprint,
        entries=facts.saved.pins.last,
        stability=facts.stability.id if facts.stability else None,
        pictures=pictures,
        frames=len(facts.kept),
        kept=int(facts.kept.sum()),
        lost=len(facts.coverage.lost),
        unchecked=len(unchecked(facts)),
    )
