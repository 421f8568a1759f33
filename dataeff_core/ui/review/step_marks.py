"""What reviewers and rules have decided on the removals of a selection, as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dataeff_core.review.pinning import REASONS
from dataeff_core.ui.quantities import when
from dataeff_core.workspace.pins import DECISION_OF, Placed, overruling_sentence
from dataeff_core.workspace.trail import KEEP, RULE, Entry

if TYPE_CHECKING:
    from dataeff_core.ui.review.step_queue import Steps


@dataclass(frozen=True)
class Tally:
    """How far a review is."""

    removed: int
    reviewed: int  # looked at by a person, one by one
    kept: int  # of those, the removals found harmful and mended


@dataclass(frozen=True)
class Marks:
    """Reviewers' decisions as they stand."""

    steps: Steps
    pins: Placed  # those that hold in this selection
    last: int  # the trail's newest entry

    @property
    def placed(self) -> dict[int, Entry]:
        """Row -> the decision on it."""
        return self.pins.rows

    @cached_property
    def looked_at(self) -> dict[int, Entry]:
        """Row -> the decision, for removals that a person has looked at."""
        found = self.pins.looked_at(self.steps.machine, self.steps.saved.id)
        return {row: one for row, one in found.items() if self.steps.position[row] >= 0}

    @property
    def tally(self) -> Tally:
        """How far the review is."""
        actions = [one.action for one in self.looked_at.values()]
        return Tally(len(self.steps), len(actions), actions.count(KEEP))

    @property
    def first_open(self) -> int:
        """Where a review goes on: the first position that nobody has looked at, 0 where there is none."""
        done = np.zeros(len(self.steps), bool)
        done[self.steps.position[list(self.looked_at)]] = True
        return int(done.argmin()) if len(done) else 0

    @property
    def overruling(self) -> str:
        """What the decisions change, and where they break the share asked for; '' for nothing."""
        machine = self.steps.machine[["decision"]]
        decided = machine["decision"].to_numpy(object, copy=True)
        for row, one in self.placed.items():
            decided[row] = DECISION_OF[one.action]
        return overruling_sentence(machine, pd.DataFrame({"decision": decided}), self.steps.saved.record.keep)

    def told(self) -> dict[str, dict[str, Any]]:
        """Frame id -> the mark as the browser has it."""
        return {str(self.steps.ids[row]): self._told(row, one) for row, one in self.placed.items()}

    def _told(self, row: int, one: Entry) -> dict[str, Any]:
        rule = one.reviewer.startswith(RULE)
        return {
            "at": int(self.steps.position[row]),
            "action": one.action,
            "by": one.reviewer[len(RULE) :] if rule else one.reviewer,
            "rule": rule,
            "seen": row in self.looked_at,
            "when": when(one.at),
            "because": "; ".join(text for text in (REASONS.get(one.reason, one.reason), one.why) if text),
            "key": one.key,
        }
