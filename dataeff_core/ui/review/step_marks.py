"""What reviewers and rules have decided on the removals of a selection, as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dataeff_core.review.pinning import REASONS
from dataeff_core.ui.quantities import when
from dataeff_core.workspace.pins import DECISION_OF, overruling_sentence
from dataeff_core.workspace.trail import KEEP, RULE, Entry

if TYPE_CHECKING:
    from dataeff_core.ui.review.step_queue import Steps


@dataclass(frozen=True)
class Tally:
    """How far a review is."""

    removed: int
    reviewed: int  # by a person, not by a rule
    kept: int  # of those, the removals found harmful and mended


@dataclass(frozen=True)
class Marks:
    """Reviewers' decisions as they stand."""

    steps: Steps
    placed: dict[int, Entry]  # row -> decision
    last: int  # the trail's newest entry

    @property
    def tally(self) -> Tally:
        """How far the review is."""
        by_people = [
            one.action
            for row, one in self.placed.items()
            if self.steps.position[row] >= 0 and not one.reviewer.startswith(RULE)
        ]
        return Tally(len(self.steps), len(by_people), by_people.count(KEEP))

    @property
    def first_open(self) -> int:
        """Where a review goes on: the first position that nobody has looked at, 0 where there is none."""
        done = np.zeros(len(self.steps), bool)
        for row, one in self.placed.items():
            if self.steps.position[row] >= 0 and not one.reviewer.startswith(RULE):
                done[self.steps.position[row]] = True
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
            "when": when(one.at),
            "because": "; ".join(text for text in (REASONS.get(one.reason, one.reason), one.why) if text),
            "key": one.key,
        }
