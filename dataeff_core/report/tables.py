"""The report's tables as CSV, for spreadsheets and for whoever counts again. Text that a spreadsheet would take for a
formula is quoted."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dataeff_core.exporting.audit import audit_csv
from dataeff_core.exporting.csv_list import quoted
from dataeff_core.report.gathering import Facts
from dataeff_core.review.audit_table import COLUMNS as AUDIT_COLUMNS
from dataeff_core.review.audit_table import audit_rows
from dataeff_core.review.stability import Stability
from dataeff_core.workspace.trail import MARK, Entry


def tables(facts: Facts) -> dict[str, bytes]:
    """File name -> content. Tables of which there is nothing to say are left out."""
    found = {"decisions.csv": decisions(facts), "coverage.csv": units(facts)}
    decided = trail_entries(facts)
    if decided:
        found["trail.csv"] = audit_csv(decided)
    if facts.audits:
        rows = audit_rows(facts.dataset, facts.saved.id, facts.entries)
        found["blind_audit.csv"] = written(AUDIT_COLUMNS, (row.values() for row in rows))
    if facts.stability is not None:
        found["stability.csv"] = repeats(facts.stability)
    if len(facts.dataset.unreadable):
        table = facts.dataset.unreadable[["path", "reason"]]
        found["unreadable.csv"] = written(table.columns, table.itertuples(index=False))
    return found


def trail_entries(facts: Facts) -> list[Entry]:
    """The trail without the answers of blind audits, which would unblind who still judges."""
    marks = {one.seq for one in facts.entries if one.action == MARK}
    return [one for one in facts.entries if one.seq not in marks and one.undoes not in marks]


def decisions(facts: Facts) -> bytes:
    """One line a frame, kept or not: the manifest of exports and how often the frame stays when chosen again."""
    table = facts.manifest.copy()
    table["stays"] = facts.stability.stays if facts.stability is not None else np.nan
    return written(table.columns, table.itertuples(index=False))


def units(facts: Facts) -> bytes:
    """One line for each patient, video, label value and lesion."""
    ids = facts.frames["frame_id"].tolist()
    head = ("kind", "of", "value", "frames", "kept", "lost", "worst_frame_id", "worst_similarity", "without_stand_in")
    rows = (
        (
            unit.kind,
            unit.of,
            unit.value,
            len(unit.rows),
            unit.kept,
            "yes" if unit.lost else "no",
            ids[unit.worst] if unit.worst >= 0 else None,
            unit.worst_similarity,
            len(unit.alone),
        )
        for unit in facts.coverage.units
    )
    return written(head, rows)


def repeats(found: Stability) -> bytes:
    """One line for each time that the selection was made again."""
    head = ("what_was_other", "which", "frames_kept", "kept_again", "kept_again_by_chance", "replaced_by_like_ones")
    rows = (
        (one.kind, one.name, one.kept, one.again, one.chance * found.record.kept, one.standing)
        for one in found.record.runs
    )
    return written(head, rows)


def written(head: Iterable[str], rows: Iterable[Sequence[Any] | Iterable[Any]]) -> bytes:
    """A CSV with a first line of names, UTF-8."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([quoted(name) for name in head])
    for row in rows:
        writer.writerow([quoted(value) for value in row])
    return out.getvalue().encode("utf-8", "backslashreplace")
