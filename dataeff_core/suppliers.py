"""What selection, review and exporting need from others, handed over in one place: families do not import each other.

Each supplier imports its family when it is first called, so that importing this module costs nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataeff_core.reporting import Reporter
from dataeff_core.selection.base import PatchScores
from dataeff_core.workspace import Dataset, Embedding, Workspace
from dataeff_core.workspace.trail import Entry


def invalid_limit(scores: np.ndarray) -> float:
    """(n,) invalid scores of a dataset -> the score above which a frame is unusable where the user sets none."""
    from dataeff_core.datasets.invalid import default_limit

    return default_limit(scores)


def fault(standing_out: str) -> str:
    """What makes a frame unusable, in words: 'sharpness:low' -> 'much blurrier than the rest'; '' for ''."""
    from dataeff_core.datasets.quality import words

    return words(standing_out) if standing_out else ""


def calibrated_eta(embedding: Embedding) -> float | None:
    """The newest eta measured on the dataset's own frames with this embedding, None where there is none."""
    from dataeff_core.workspace.calibrations import calibrations

    known = calibrations(embedding)
    return float(known[-1].eta) if known else None


def calibrate(workspace: Workspace, dataset: Dataset, embedding: Embedding, reporter: Reporter) -> None:
    """Measure it and store it with the embedding."""
    from dataeff_core.encoders.calibration import calibrate as measure

    measure(workspace, dataset, embedding, reporter=reporter)


def foreground(mask: Path) -> np.ndarray | None:
    """A mask's file -> (h, w) bool, True = finding; None when it cannot be used."""
    from dataeff_core.evaluation.masks import Unusable
    from dataeff_core.evaluation.masks import foreground as read

    try:
        return read(mask)
    except Unusable:
        return None


def decided(
    workspace: Workspace,
    dataset: Dataset,
    *,
    method: str,
    params: Mapping[str, object],
    seed: int,
    keep: float | None,
    embedding: str | None,
    reporter: Reporter | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """A method's decisions made now, nothing remembered and no pins on them, in the dataset's order: (n,) bool kept,
    and (n,) bool removed as more like one that is kept than the method's limit. Raises what selecting raises."""
    from dataeff_core.selection import make
    from dataeff_core.selection.base import DUPLICATE
    from dataeff_core.selection.saving import pool_of

    vectors = None if embedding is None else workspace.embedding(dataset, embedding)
    pool = pool_of(workspace, dataset, vectors, remember=False)
    made = make(method, params).select(pool, seed=seed, keep=keep, reporter=reporter)
    alike = (made.reason == DUPLICATE) & (made.representative >= 0)
    eta = made.params.get("eta")
    if isinstance(eta, float):
        alike &= made.similarity > np.float32(eta)
    return made.kept, alike


def blind_audit_rows(
    dataset: Dataset, selection: str, entries: Sequence[Entry]
) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    """The columns and lines of the table of a selection's blind audits, from the marks among these entries."""
    from dataeff_core.review.audit_table import COLUMNS, audit_rows

    return COLUMNS, audit_rows(dataset, selection, entries)


def patch_scores(dataset: Dataset, wanted: str) -> PatchScores:
    """The hardness of the dataset's patches, by the scoring's id or 'latest'. Raises NotFound, Stale."""
    from dataeff_core.hardness.stored import hardness_of

    found = hardness_of(dataset, wanted)
    found.check_fits(dataset)
    table = found.table
    hardness = table["hardness"].to_numpy(np.float32)
    return PatchScores(found.id, table["frame_id"].to_numpy(object), hardness, found.record.dimension)


@dataclass(frozen=True)
class Suppliers:
    """Who answers; any may be None, and then that is not known."""

    invalid_limit: Callable[[np.ndarray], float] | None = invalid_limit
    fault: Callable[[str], str] = fault
    calibrated_eta: Callable[[Embedding], float | None] | None = calibrated_eta
    calibrate: Callable[[Workspace, Dataset, Embedding, Reporter], None] | None = calibrate
    patch_scores: Callable[[Dataset, str], PatchScores] | None = patch_scores
