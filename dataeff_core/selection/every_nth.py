"""The baseline of everyday practice: every n-th frame of each video."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.selection.base import Pool, Selection, Selector
from dataeff_core.selection.baselines import budgeted, frames_to_keep


class EveryNth(Selector):
    """Keep frames at even steps, group by group (patient, video), in their order."""

    NAME: ClassVar[str] = "every_nth"
    TITLE: ClassVar[str] = "Keep every n-th frame of each group"
    SOURCE: ClassVar[str] = "baseline"
    NEEDS_VECTORS: ClassVar[bool] = False
    BY_CHANCE: ClassVar[bool] = False

    n: int = Field(
        default=5,
        ge=1,
        title="Step",
        description="The first frame of each group is kept, and then every n-th.",
        json_schema_extra={"unit": "frames", "symbol": "n"},
    )

    def select(
        self, pool: Pool, *, seed: int = 0, keep: float | None = None, reporter: Reporter | None = None
    ) -> Selection:
        """Keep positions 0, n, 2n, ... of each group. With `keep`, exactly round(keep * len(pool)) frames at even
        steps through the groups laid end to end, so each group gives its share to within one frame. The seed
        plays no part. Raises BadInput when the pool has no groups or order.
        """
        rows = in_order(pool)
        kept = np.zeros(len(pool), dtype=bool)
        if keep is None:
            groups = pool.groups[rows]  # type: ignore[index]
            starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
            position = np.arange(len(rows)) - np.repeat(starts, np.diff(np.r_[starts, len(rows)]))
            kept[rows[position % self.n == 0]] = True
        else:
            count = frames_to_keep(keep, len(pool))
            kept[rows[np.arange(count) * len(pool) // count]] = True
        return budgeted(pool, kept, self.model_dump())


def in_order(pool: Pool) -> np.ndarray:
    """(n,) int64 rows of the pool by group, order, frame id. Raises BadInput without frames, groups or order."""
    if len(pool) == 0:
        raise BadInput("there are no frames to choose from; import some first")
    if pool.groups is None or pool.order is None:
        raise BadInput("every_nth needs groups and the order within them and this pool lacks them; give both")
    return np.lexsort((pool.frame_ids.astype(str), pool.order, pool.groups.astype(str)))
