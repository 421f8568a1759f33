"""What selections that only count frames have in common."""

from typing import Any

import numpy as np

from dataeff_core.errors import BadInput
from dataeff_core.selection.base import BUDGET, KEPT, Pool, Selection


def frames_to_keep(keep: float, n: int) -> int:
    """round(keep * n), halves to even. Raises BadInput unless `keep` is in (0, 1] and comes to a frame at least."""
    if not 0 < keep <= 1:
        raise BadInput(f"keep {keep:g} is not in (0, 1]; give the share of the frames to keep, such as 0.2")
    if n == 0:
        raise BadInput("there are no frames to choose from; import some first")
    count = round(keep * n)
    if count == 0:
        raise BadInput(f"keep {keep:g} of {n} frames comes to none; give at least {1 / n:.2g}")
    return count


def budgeted(pool: Pool, kept: np.ndarray, params: dict[str, Any]) -> Selection:
    """The selection that keeps `kept` (n,) bool and drops the rest for the budget: no scores, no stand-ins."""
    n = len(pool)
    nothing = np.full(n, np.nan, dtype=np.float32)
    return Selection(
        frame_ids=pool.frame_ids,
        kept=kept,
        reason=np.where(kept, KEPT, BUDGET).astype(object),
        representative=np.full(n, -1, dtype=np.int64),
        similarity=nothing,
        distance=nothing.copy(),
        score=nothing.copy(),
        params=params,
    )
