"""Which kept frame stands for a dropped one."""

import numpy as np

from dataeff_core.selection.base import BUDGET, DUPLICATE, Confirm
from dataeff_core.selection.cover import clusters
from dataeff_core.selection.scored import CODES
from dataeff_core.selection.vectors import unit_rows

BLOCK = 2048  # dropped frames compared at once


def representatives(
    vectors: np.ndarray, labels: np.ndarray, codes: np.ndarray, *, eta: float, confirm: Confirm | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """For every dropped frame the most similar kept one of its cluster: (n,) int64 rows and (n,) float32 cosines.

    -1 and NaN for kept frames; for outliers and invalid frames unless the cosine exceeds `eta`, since nothing
    need look like them; and where a cluster keeps nothing. With `confirm`, a frame dropped as a duplicate gets
    the most similar kept frame that is confirmed to show the same view, where there is one above `eta`.
    """
    row = np.full(len(labels), -1, dtype=np.int64)
    similarity = np.full(len(labels), np.nan, dtype=np.float32)
    for members in clusters(labels):
        dropped, kept = members[codes[members] != 0], members[codes[members] == 0]
        if len(kept) == 0 or len(dropped) == 0:
            continue
        standing = unit_rows(vectors[kept])
        for start in range(0, len(dropped), BLOCK):
            part = dropped[start : start + BLOCK]
            cosines = (unit_rows(vectors[part]) @ standing.T).clip(-1, 1)
            best = cosines.argmax(axis=1)
            alike = np.flatnonzero(codes[part] == CODES[DUPLICATE])
            if confirm is not None and len(alike):
                best[alike] = _confirmed(cosines[alike], part[alike], kept, eta, confirm)
            cosine = cosines[np.arange(len(part)), best]
            shown = np.isin(codes[part], [CODES[DUPLICATE], CODES[BUDGET]]) | (cosine > np.float32(eta))
            row[part[shown]], similarity[part[shown]] = kept[best[shown]], cosine[shown]
    return row, similarity


def representative_of(
    vectors: np.ndarray,
    labels: np.ndarray,
    codes: np.ndarray,
    row: int,
    *,
    eta: float,
    confirm: Confirm | None = None,
) -> tuple[int, float]:
    """What `representatives` says of one frame, without the others: (row, cosine), or (-1, NaN)."""
    if codes[row] == 0:
        return -1, float("nan")
    members = np.flatnonzero(labels == labels[row])
    wanted = members[(codes[members] == 0) | (members == row)]
    rows, cosines = representatives(
        vectors[wanted], np.zeros(len(wanted), np.int32), codes[wanted], eta=eta, confirm=_within(confirm, wanted)
    )
    at = int(np.searchsorted(wanted, row))
    return (int(wanted[rows[at]]) if rows[at] >= 0 else -1), float(cosines[at])


def _confirmed(
    cosines: np.ndarray, dropped: np.ndarray, kept: np.ndarray, eta: float, confirm: Confirm
) -> np.ndarray:
    """(m,) columns of the most similar kept frame that is confirmed and above eta, else of the most similar."""
    best = cosines.argmax(axis=1)
    asking = np.arange(len(dropped))
    while len(asking):
        candidate = cosines[asking].argmax(axis=1)
        possible = cosines[asking, candidate] > np.float32(eta)
        asking, candidate = asking[possible], candidate[possible]
        left, right = dropped[asking], kept[candidate]
        good = np.asarray(confirm(np.minimum(left, right), np.maximum(left, right)), dtype=bool)
        best[asking[good]] = candidate[good]
        cosines[asking[~good], candidate[~good]] = -np.inf
        asking = asking[~good]
    return best


def _within(confirm: Confirm | None, rows: np.ndarray) -> Confirm | None:
    return None if confirm is None else lambda left, right: confirm(rows[left], rows[right])
