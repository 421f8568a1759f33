"""audit.csv: the trail of reviewers' decisions as it was when the export was made; blind_audit.csv: what the blind
audits of the selection came to. Both are for people and spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from dataeff_core.exporting.csv_list import quoted
from dataeff_core.workspace.pins import DECISION_OF
from dataeff_core.workspace.storage import canonical_json
from dataeff_core.workspace.trail import Entry

FILE = "audit.csv"
BLIND_FILE = "blind_audit.csv"
COLUMNS = {
    "entry": "seq",
    "at": "at",
    "reviewer": "reviewer",
    "action": "action",
    "frame_id": "frame_id",
    "sha256": "content",
    "path": "path",
    "reason": "reason",
    "why": "why",
    "undoes": "undoes",
    "sample": "sample",
    "verdict": "verdict",
    "machine": "machine",
    "key": "key",
    "chain": "chain",
}
"""Column -> attribute of an Entry."""


def audit_csv(entries: Sequence[Entry]) -> bytes:
    """One line an entry, oldest first; text that a spreadsheet would take for a formula is quoted."""
    rows = [
        {name: getattr(entry, attribute) for name, attribute in COLUMNS.items()}
        | {"machine": canonical_json(entry.machine)}
        for entry in entries
    ]
    return table_csv(tuple(COLUMNS), rows)


def table_csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    """A table with its heading; text that a spreadsheet would take for a formula is quoted."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([quoted(row[name]) for name in columns] for row in rows)
    return out.getvalue().encode("utf-8", "backslashreplace")


def pins_in(content: bytes) -> set[tuple[str, str, str, str]]:
    """(sha256, decision, reviewer as the file quotes it, at) of every keep and drop in an audit.csv.

    Raises ValueError when it is none.
    """
    lines = csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True)
    if list(lines.fieldnames or ()) != list(COLUMNS):
        raise ValueError(f"its first line is not {','.join(COLUMNS)}")
    try:
        return {
            (line["sha256"], DECISION_OF[line["action"]], line["reviewer"], line["at"])
            for line in lines
            if line["action"] in DECISION_OF
        }
    except csv.Error as error:
        raise ValueError(str(error)) from error
