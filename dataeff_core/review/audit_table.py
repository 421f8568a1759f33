"""The outcome of blind audits as a table: a line a reviewer, one for all of them, and one a pair of reviewers."""

import math
from collections.abc import Sequence
from typing import Any

from dataeff_core.review import outcome, sampling
from dataeff_core.review.outcome import AuditResult
from dataeff_core.review.sampling import AuditRecord
from dataeff_core.workspace import Dataset
from dataeff_core.workspace.trail import Entry

COLUMNS = (
    "audit",
    "drawn_at",
    "seed",
    "selection",
    "line",  # 'reviewer', 'together' or 'agreement'
    "reviewer",
    "other_reviewer",  # of an agreement
    "removed_drawn",  # how many removed frames there are to judge
    "removed_judged",  # of them, by how many the rate goes
    "wrong",  # removed frames that show something that the kept one beside them does not
    "rate",  # of wrong removals, each stratum by its size
    "low",
    "high",  # the rate's 95 % interval (Clopper and Pearson)
    "unjudged",  # removed frames of the selection of which the rate does not speak
    "cannot_tell",
    "kept_judged",
    "kept_needed",
    "both_marked",  # frames that both reviewers marked
    "kappa",  # Cohen's; empty where chance alone explains all
)


def audit_rows(dataset: Dataset, selection: str, entries: Sequence[Entry] | None = None) -> list[dict[str, Any]]:
    """The lines of every audit of one selection, oldest first, by COLUMNS; from the marks among `entries`, where
    given, else from all. [] where none was drawn."""
    drawn = [one for one in sampling.audits(dataset) if one.selection == selection]
    return [row for record in drawn for row in rows_of(record, outcome.result(dataset, record, entries))]


def rows_of(record: AuditRecord, found: AuditResult) -> list[dict[str, Any]]:
    """The lines of one audit."""
    same = {"audit": record.id, "drawn_at": record.created, "seed": record.seed, "selection": record.selection}
    drawn = {"removed_drawn": sum(one.stratum >= 0 for one in record.items)}
    alone = [name for name in found.rates if name != AuditResult.ALL]
    lines = [(_rate(found, name) | drawn | {"line": "reviewer", "reviewer": name}) for name in alone]
    lines.append(_rate(found, AuditResult.ALL) | drawn | {"line": "together", "reviewer": AuditResult.ALL})
    for (one, other), (kappa, both) in found.kappa.items():
        pair = {"line": "agreement", "reviewer": one, "other_reviewer": other}
        lines.append(pair | {"both_marked": both, "kappa": None if math.isnan(kappa) else kappa})
    return [{name: (same | line).get(name) for name in COLUMNS} for line in lines]


def _rate(found: AuditResult, name: str) -> dict[str, Any]:
    rate = found.rates[name]
    needed, kept = found.kept_needed.get(name, (None, None))
    return {
        "removed_judged": rate.judged,
        "wrong": rate.wrong,
        "rate": None if math.isnan(rate.rate) else rate.rate,
        "low": rate.low,
        "high": rate.high,
        "unjudged": rate.unjudged,
        "cannot_tell": found.unsure.get(name),
        "kept_judged": kept,
        "kept_needed": needed,
    }
