"""The baseline that every method must beat: frames drawn by chance."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from dataeff_core.reporting import Reporter
from dataeff_core.selection.base import Pool, Selection, Selector, check_seed
from dataeff_core.selection.baselines import budgeted, frames_to_keep


class Random(Selector):
    """Keep a share of the frames, each as likely as any other."""

    NAME: ClassVar[str] = "random"
    TITLE: ClassVar[str] = "Keep a random share"
    SOURCE: ClassVar[str] = "baseline"
    NEEDS_VECTORS: ClassVar[bool] = False

    share: float = Field(
        default=0.2,
        gt=0,
        le=1,
        title="Share to keep",
        description="The share of all frames that is kept, drawn by chance.",
        json_schema_extra={"unit": "fraction of all frames", "symbol": "R", "step": 0.01},
    )

    def select(
        self, pool: Pool, *, seed: int = 0, keep: float | None = None, reporter: Reporter | None = None
    ) -> Selection:
        """Keep round(share * n) frames; `keep` stands in for the share. For equal seed, kept sets are nested as
        the share grows."""
        share = self.share if keep is None else keep
        count = frames_to_keep(share, len(pool))
        rank = np.random.default_rng(check_seed(seed)).permutation(len(pool))
        return budgeted(pool, rank < count, self.model_dump() | {"share": share})
