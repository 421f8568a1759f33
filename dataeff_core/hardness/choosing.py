"""Which patches to train on: between two margins of hardness, not too many of one frame, no two too alike.

The paper takes the N hardest patches. Ours, each switchable on its own: patches of unusable frames are left out
(`usability`), then the lower and the upper margin (the upper cuts noise, glare and lettering, the hardest of all),
then a limit for each frame and each group that its hardest patches fill, then diversity by the `cover` rule over the
MAE's own vectors (the theory wants H_V(Y|0) high), and of what is left the N hardest. Everything is scored once, so
that a margin is moved by comparing: `Ranked.counts` takes milliseconds for half a million patches, `Ranked.terms` a
few additions.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from dataeff_core.errors import BadInput
from dataeff_core.hardness.diversity import Diversity
from dataeff_core.hardness.information import Moments, Running, Terms, terms
from dataeff_core.hardness.stored import Hardness
from dataeff_core.hardness.usability import COPY, PINNED, UNUSABLE, patches_left_out
from dataeff_core.reporting import Reporter
from dataeff_core.selection.base import check_seed
from dataeff_core.theory.warning import hard_only_warning
from dataeff_core.workspace.datasets import Dataset

TOO_EASY, USEFUL, SUSPICIOUS = "too_easy", "useful", "suspicious"
BANDS = (TOO_EASY, USEFUL, SUSPICIOUS)
TAKEN = 3  # stream of random numbers
CHOSEN, FRAME_LIMIT, GROUP_LIMIT, ALIKE, BUDGET = "chosen", "frame_limit", "group_limit", "alike", "budget"


class PatchRules(BaseModel):
    """What is asked of patches; None switches a rule off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lower: float = Field(
        default=0.5, ge=0, title="Too easy", description="easier patches than this are left out (our choice)"
    )
    upper: float | None = Field(
        default=0.98, ge=0, title="Suspicious", description="harder patches are left out; empty: none (our choice)"
    )
    by: Literal["quantile", "value"] = Field(
        default="quantile",
        title="Margins are",
        description="quantile: shares of all patches, from the easiest; value: numbers of hardness",
    )
    budget: int | None = Field(
        default=None, ge=1, title="Patches", description="so many of what is left; empty: all of it"
    )
    take: Literal["hardest", "random"] = Field(
        default="hardest",
        title="Taken are",
        description="hardest: the hardest, as in OptiDEL; random: any of what is left, drawn by the seed, to see "
        "what hardness is worth (our choice)",
    )
    per_frame: int | None = Field(
        default=None, ge=1, title="Most of a frame", description="its hardest patches; empty: any number"
    )
    per_group: int | None = Field(
        default=None, ge=1, title="Most of a group", description="its hardest patches; empty: any number"
    )
    alike: float | None = Field(
        default=None,
        ge=-1,
        le=1,
        title="Too alike",
        description="no two chosen patches of a cluster are more similar than this by the MAE's vectors; empty: off",
        json_schema_extra={"unit": "cosine similarity"},
    )
    usable: bool = Field(
        default=True,
        title="Usable frames only",
        description="patches of frames that stand out as unusable (blur, darkness, glare) by the dataset's own limit "
        "are left out before shares are taken; those of frames that reviewers removed always are (our choice)",
    )

    @model_validator(mode="after")
    def _margins(self) -> "PatchRules":
        if self.by == "quantile" and (self.lower > 1 or (self.upper or 0) > 1):
            raise ValueError("a margin given as a quantile is above 1; give shares, or by=value")
        if self.upper is not None and self.lower > self.upper:
            raise ValueError(f"lower {self.lower:g} is above upper {self.upper:g}; nothing would lie between them")
        return self


@dataclass(frozen=True)
class Counts:
    """How many patches; `allowed` after the limits of frames and groups and the budget, before `alike`."""

    too_easy: int
    useful: int
    suspicious: int
    allowed: int
    frames: int  # that the useful patches are of
    lower: float  # hardness at the margins; NaN where there is no patch beyond
    upper: float
    unusable: int = 0  # left out beforehand and in none of the others: of frames that stand out as unusable ...
    pinned: int = 0  # ... of frames that reviewers removed ...
    copies: int = 0  # ... and the same part of an exact copy of a frame


@dataclass(frozen=True)
class Choice:
    """A decision on each of m patches."""

    rows: np.ndarray  # (n,) int64: the chosen ones, from the hardest on
    reason: np.ndarray  # (m,) object: 'chosen', 'unusable', 'pinned', 'too_easy', 'suspicious', 'frame_limit', ...
    terms: Terms  # of the chosen ones
    warning: str  # why choosing so few of the hardest may do harm, '' where it does not


class Ranked:
    """The patches in order of hardness, with all that moves with a margin laid out beforehand.

    Those left out are in no order, band, count or gallery, and in no share that a margin stands for; rows stay rows
    of all patches.
    """

    def __init__(
        self,
        hardness: np.ndarray,
        frames: np.ndarray,
        groups: np.ndarray,
        moments: Moments,
        *,
        vectors: np.ndarray | None = None,
        dimension: float = 1.0,
        left_out: np.ndarray | None = None,
        usable: bool = True,
    ) -> None:
        """(m,) hardness, frame id and group of each patch, and what its terms are summed from; `vectors` (m, d) are
        needed by `alike` alone. Ties keep the order given.

        `left_out` (m,) object: '' or why a patch is not to be chosen; `usable`: whether unusable frames are among
        the reasons, which the rules asked for later must agree with. Raises BadInput without patches, when all are
        left out, and for a hardness that is no number.
        """
        if len(hardness) == 0:
            raise BadInput("there are no scored patches to choose from; propose and score some first")
        self.hardness = np.asarray(hardness, np.float64)
        if np.isnan(self.hardness).any():
            raise BadInput(f"{int(np.isnan(self.hardness).sum())} patches have no hardness; score them again")
        self.moments, self.dimension, self.usable = moments, dimension, usable
        self.left_out = np.full(len(hardness), "", dtype=object) if left_out is None else left_out
        self.order = np.argsort(self.hardness, kind="stable")
        self.order = self.order[self.left_out[self.order] == ""]
        self.unusable, self.pinned, self.copies = (
            int((self.left_out == why).sum()) for why in (UNUSABLE, PINNED, COPY)
        )
        if len(self.order) == 0:
            raise BadInput(_nothing_left(self.unusable, self.pinned))
        self.hardness = self.hardness[self.order]
        frame, group = _codes(frames), _codes(groups)
        self.group_of_frame = np.zeros(int(frame.max()) + 1, np.int64)
        self.group_of_frame[frame] = group
        self.frame, self.group = frame[self.order], group[self.order]
        self.running = Running(moments, self.order)
        self.diversity = None if vectors is None else Diversity(vectors, self.order)

    @classmethod
    def of(cls, scored: Hardness, dataset: Dataset, *, usable: bool = True, overruled: bool = True) -> "Ranked":
        """Of a dataset's scored patches, of exact copies the first one's: with `usable` without those of unusable
        frames, with `overruled` as reviewers have decided (the trail is read as it is now)."""
        table = scored.table
        frames = table["frame_id"].to_numpy(object)
        return cls(
            table["hardness"].to_numpy(np.float32),
            frames,
            table["group"].to_numpy(object),
            scored.moments,
            vectors=scored.vectors,
            dimension=scored.record.dimension,
            left_out=patches_left_out(dataset, table, usable=usable, overruled=overruled),
            usable=usable,
        )

    def __len__(self) -> int:
        """How many there are to choose from."""
        return len(self.order)

    def notes(self) -> dict[str, str]:
        """What to tell of patches that were left out beforehand; empty where none was."""
        told = {
            UNUSABLE: f"{self.unusable} patches are left out as their frames stand out as unusable",
            PINNED: f"{self.pinned} patches are left out as reviewers removed their frames",
            "copies": f"{self.copies} patches are left out as the same part of an exact copy is there",
        }
        return {name: sentence for name, sentence in told.items() if getattr(self, name)}

    def band(self, rules: PatchRules) -> tuple[int, int]:
        """The places in the order, from the easiest, that lie between the margins: start, and stop behind the last.

        As quantiles: of m patches the floor(lower m) easiest and the floor((1 - upper) m) hardest lie outside; as
        values: those below `lower` and above `upper`. Raises ValueError for rules that leave out other frames.
        """
        if rules.usable != self.usable:
            raise ValueError(f"these patches were ranked with usable={self.usable}; rank them again for {rules}")
        m = len(self)
        if rules.by == "value":
            start = int(np.searchsorted(self.hardness, rules.lower, side="left"))
            stop = m if rules.upper is None else int(np.searchsorted(self.hardness, rules.upper, side="right"))
        else:
            start = math.floor(rules.lower * m + 1e-9)
            stop = m if rules.upper is None else m - math.floor((1 - rules.upper) * m + 1e-9)
        return start, max(start, stop)

    def counts(self, rules: PatchRules) -> Counts:
        """How many patches lie where, with the limits of frames and groups."""
        start, stop = self.band(rules)
        of_frame = np.bincount(self.frame[start:stop], minlength=len(self.group_of_frame))
        allowed = of_frame if rules.per_frame is None else np.minimum(of_frame, rules.per_frame)
        if rules.per_group is not None:
            allowed = np.minimum(np.bincount(self.group_of_frame, allowed), rules.per_group)
        total = int(allowed.sum())
        return Counts(
            too_easy=start,
            useful=stop - start,
            suspicious=len(self) - stop,
            allowed=total if rules.budget is None else min(total, rules.budget),
            frames=int(np.count_nonzero(of_frame)),
            lower=float(self.hardness[start]) if start < len(self) else math.nan,
            upper=float(self.hardness[stop - 1]) if stop > 0 else math.nan,
            unusable=self.unusable,
            pinned=self.pinned,
            copies=self.copies,
        )

    def terms(self, rules: PatchRules) -> Terms:
        """The two terms of the V-information of all patches between the margins."""
        return self.running.between(*self.band(rules))

    def against_budget(self, rules: PatchRules, points: int = 40) -> list[Terms]:
        """The terms of the hardest patches between the margins, for up to `points` budgets from few to all."""
        start, stop = self.band(rules)
        budgets = np.unique(np.geomspace(1, max(1, stop - start), points).round().astype(int))
        return [self.running.between(stop - int(one), stop) for one in budgets if one <= stop - start]

    def gallery(self, rules: PatchRules, band: str, most: int = 24, skip: int = 0) -> np.ndarray:
        """Rows of the patches to show of one band: those too easy and those useful from the hardest on, the
        suspicious ones from the easiest on, so that each begins at a margin. Raises BadInput for none of BANDS."""
        start, stop = self.band(rules)
        places = {TOO_EASY: self.order[:start][::-1], USEFUL: self.order[start:stop][::-1]}
        places[SUSPICIOUS] = self.order[stop:]
        if band not in places:
            raise BadInput(f"there is no band {band!r}; choose {', '.join(BANDS)}")
        return places[band][skip : skip + most]

    def choose(
        self, rules: PatchRules, *, most: int | None = None, seed: int = 0, reporter: Reporter | None = None
    ) -> Choice:
        """Apply every rule; `most`: take no more than so many, as if the budget were that. Deterministic for equal
        patches, rules and seed. Raises BadInput when nothing is left, or fewer than the budget."""
        check_seed(seed)
        start, stop = self.band(rules)
        reason = np.where(self.left_out == "", CHOSEN, self.left_out)
        reason[self.order[:start]], reason[self.order[stop:]] = TOO_EASY, SUSPICIOUS
        places = np.arange(stop - 1, start - 1, -1)  # from the hardest
        for codes, limit, name in (
            (self.frame, rules.per_frame, FRAME_LIMIT),
            (self.group, rules.per_group, GROUP_LIMIT),
        ):
            if limit is not None:
                within = place_among(codes[places]) < limit
                reason[self.order[places[~within]]] = name
                places = places[within]
        rows = self.order[places]
        if rules.alike is not None and len(rows):
            if self.diversity is None:
                raise BadInput("these patches have no vectors to compare; leave `alike` empty")
            distinct = self.diversity.distinct(rows, rules.alike, seed=seed, reporter=reporter)
            reason[rows[~distinct]] = ALIKE
            rows = rows[distinct]
        rows = self._within_budget(rows, rules, reason, most, seed)
        fitted = terms(self.moments, rows, floor=self.running.floor)
        return Choice(rows, reason, fitted, self.warning(rules, len(rows)))

    def warning(self, rules: PatchRules, chosen: int) -> str:
        """Why so few of the hardest may do harm (theory.warning), '' where the theory has nothing against it. Of
        patches taken at random, what counts is how many of the hardest they were drawn from."""
        start, stop = self.band(rules)
        hardest = chosen if rules.take == "hardest" else stop - start
        left_out = rules.lower > 0 or (rules.take == "hardest" and chosen < stop - start)
        return hard_only_warning(len(self), hardest, self.dimension) if left_out and hardest else ""

    def _within_budget(
        self, rows: np.ndarray, rules: PatchRules, reason: np.ndarray, most: int | None, seed: int
    ) -> np.ndarray:
        if len(rows) == 0:
            raise BadInput(f"no patch lies between the margins {rules.lower:g} and {rules.upper}; move them apart")
        if rules.budget is not None and rules.budget > len(rows):
            raise BadInput(
                f"{rules.budget} patches are asked for and {len(rows)} of {len(self)} pass the rules; ask for at "
                f"most {len(rows)}, move the margins apart, or loosen per_frame, per_group or alike"
            )
        taken = np.arange(len(rows)) < min(len(rows) if one is None else one for one in (rules.budget, most))
        if rules.take == "random":
            taken = np.random.default_rng([seed, TAKEN]).permutation(taken)
        reason[rows[~taken]] = BUDGET
        return rows[taken]


def place_among(codes: np.ndarray) -> np.ndarray:
    """(n,) codes -> (n,) int64: how many equal ones come before each."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    first = np.r_[True, ordered[1:] != ordered[:-1]] if len(codes) else np.empty(0, bool)
    starts = np.maximum.accumulate(np.where(first, np.arange(len(codes)), 0))
    out = np.empty(len(codes), np.int64)
    out[order] = np.arange(len(codes)) - starts
    return out


def moved(rules: PatchRules, **changes: object) -> PatchRules:
    """`rules` with other values, checked again. Raises BadInput."""
    from dataeff_core.declarations import made

    return made(PatchRules, rules.model_dump() | changes, name="patches")


def _nothing_left(unusable: int, pinned: int) -> str:
    told = [f"{unusable} are of frames that stand out as unusable"] if unusable else []
    told += [f"{pinned} of frames that reviewers removed"] if pinned else []
    way_out = "set usable=false, or keep some of those frames by review" if unusable else "take some of that back"
    return f"no patch is left to choose from: {' and '.join(told)}; {way_out}"


def _codes(values: np.ndarray) -> np.ndarray:
    """(m,) int64: 0.. for the distinct values, in the order they come."""
    import pandas as pd

    return pd.factorize(pd.Series(values))[0].astype(np.int64)
