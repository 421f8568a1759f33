"""Stability: how much of a selection comes again when what was chosen by chance or by taste is chosen otherwise.

A repeat is the same recipe with another starting number, another number of clusters, or other vectors. For each frame
it is noted in how many repeats it stays, and for each repeat how many of the selection's own kept frames stay beside
what a choice by chance would keep of them. What is measured is the method: reviewers' pins are left aside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from dataeff_core.workspace import SavedSelection
from dataeff_core.workspace.records import Record

Kind = Literal["seed", "clusters", "encoder"]
SEED, CLUSTERS, ENCODER = "seed", "clusters", "encoder"
KINDS: tuple[Kind, ...] = ("seed", "clusters", "encoder")
LUCK = 0.5  # our choice: below half of the way from chance to always the same, a choice is mostly luck
STEADY = 0.8  # our choice, likewise
SAID_OF = {
    SEED: "with other starting numbers",
    CLUSTERS: "with another number of kinds of view",
    ENCODER: "with frames compared in another way",
}


class RepeatRecord(BaseModel):
    """One repeat beside the selection itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Kind
    name: str  # what was other, for people: '3', '12', 'timm:vit_small_patch16_224'
    kept: int  # frames that it keeps
    again: int  # frames that both keep
    chance: float  # share of the selection's kept frames that a random choice of as many would keep
    standing: int | None  # of those it does not keep, the ones it removes as nearly the same as one that it keeps


class StabilityRecord(Record):
    """What was repeated and what came of it."""

    FILE: ClassVar[str] = "stability.json"
    KIND: ClassVar[str] = "stability"

    selection: str
    dataset_fingerprint: str
    frames: int
    kept: int  # by the selection's method, without pins
    eligible: int  # frames that are not unusable: what a choice by chance is drawn from
    runs: tuple[RepeatRecord, ...]
    left_out: tuple[str, ...] = ()  # one sentence for each repeat that could not be made
    seldom_kept: int  # kept frames that stay in less than half of the repeats
    often_removed: int  # removed frames that stay in half of the repeats or more
    code_version: str
    seconds: float


@dataclass(frozen=True)
class Agreement:
    """All repeats of one kind together: means over them."""

    kind: Kind
    names: tuple[str, ...]
    again: float  # share of the kept frames that are kept again; NaN where none is kept
    chance: float  # share that chance would keep
    standing: float | None  # of those not kept again, the share that a nearly equal kept frame stands for

    @property
    def beyond(self) -> float:
        """1: always the same, 0: as by chance, (again - chance) / (1 - chance); NaN where chance would keep all."""
        return (self.again - self.chance) / (1 - self.chance) if self.chance < 1 else float("nan")

    @property
    def luck(self) -> bool:
        """Whether the choice hangs mostly on what was varied."""
        return bool(self.beyond < LUCK)

    @property
    def sentence(self) -> str:
        """What was found, in plain words."""
        count = len(self.names)
        made = f"Made again {'once' if count == 1 else f'{count} times'} {SAID_OF[self.kind]}"
        if not np.isfinite(self.beyond):
            return f"{made}, it cannot differ: all frames that may be kept are kept, or none is."
        kept = f"{made}, {_percent(self.again)} of the kept frames are kept again"
        by_chance = f"a choice by chance would keep {_percent(self.chance)} of them"
        if self.standing is None or self.again == 1:
            return f"{kept}; {by_chance}."
        instead = f"{_percent(self.standing)} of the others have nearly the same frame kept instead"
        return f"{kept} and {instead}; {by_chance}."


class Stability:
    """Folder `<selection>/stability/<id>`: stability.json and stays.parquet, one row a frame in the order of the
    selection's decisions: frame_id, stays (share of all repeats that keep it), stays_<kind> (NaN where there is no
    repeat of that kind)."""

    STAYS = "stays.parquet"

    def __init__(self, folder: Path, record: StabilityRecord) -> None:
        self.folder = folder
        self.record = record

    @property
    def id(self) -> str:
        return self.record.id

    @cached_property
    def table(self) -> pd.DataFrame:
        """stays.parquet."""
        return pd.read_parquet(self.folder / self.STAYS)

    @property
    def stays(self) -> np.ndarray:
        """(n,) float32 in [0, 1]: the share of repeats that keep each frame."""
        return self.table["stays"].to_numpy(np.float32)

    @property
    def agreements(self) -> tuple[Agreement, ...]:
        """One for each kind of repeat that was made."""
        return tuple(_agreement(self.record, kind) for kind in KINDS if any(r.kind == kind for r in self.record.runs))

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was found, the verdict first, in plain words."""
        return (self.verdict, *(one.sentence for one in self.agreements))

    @property
    def luck(self) -> tuple[Agreement, ...]:
        """Of chance and taste, what the choice mostly hangs on."""
        return tuple(one for one in self.agreements if one.luck)

    @property
    def verdict(self) -> str:
        """Whether the choice of frames would come again, in one sentence."""
        if not self._known:
            return "Nothing can be said: all frames that may be kept are kept, or none is."
        if not self.luck:
            if self.steady:
                return "The choice of frames is steady: made again, it comes out much the same."
            return "The choice of frames is partly a matter of chance, and mostly the same when made again."
        instead = self._replaced(self.luck)
        if any(one.kind != ENCODER for one in self.luck):
            return f"Which frames are kept is mostly luck{instead}."
        return f"Which frames are kept hangs mostly on how frames are compared{instead}."

    @property
    def steady(self) -> bool:
        """Whether the choice comes out much the same under every kind of repeat."""
        return bool(self._known) and min(self._known) >= STEADY

    @property
    def _known(self) -> list[float]:
        return [one.beyond for one in self.agreements if np.isfinite(one.beyond)]

    @staticmethod
    def _replaced(agreements: Sequence[Agreement]) -> str:
        standing = [one.standing for one in agreements]
        if any(one is None or one < STEADY for one in standing):
            return ""
        return "; nearly the same views stay, though, by other frames of them"


def stabilities(saved: SavedSelection) -> list[Stability]:
    """All that were measured of this selection, oldest first."""
    parent = stability_folder(saved)
    return [Stability(parent / record.id, record) for record in StabilityRecord.read_all(parent)]


def stability_of(saved: SavedSelection) -> Stability | None:
    """The newest one, None where none was measured."""
    return found[-1] if (found := stabilities(saved)) else None


def stays_of(saved: SavedSelection) -> np.ndarray | None:
    """(n,) float32, row for row the selection's decisions: how often each frame stays; None where not measured."""
    found = stability_of(saved)
    return None if found is None else found.stays


def stays_words(stays: float, runs: int) -> str:
    """How often one frame stays: 'kept in 3 of 8 repeats'."""
    return f"kept in {round(stays * runs)} of {runs} repeats"


def stability_folder(saved: SavedSelection) -> Path:
    """Where a selection's stabilities lie."""
    return saved.folder / "stability"


def _percent(share: float) -> str:
    """Tenths where whole numbers would hide that it is not all or nothing."""
    return f"{share:.0%}" if share in (0, 1) or 0.05 <= share <= 0.95 else f"{share:.1%}"


def _agreement(record: StabilityRecord, kind: Kind) -> Agreement:
    runs = [one for one in record.runs if one.kind == kind]
    missed = sum(record.kept - one.again for one in runs)
    known = all(one.standing is not None for one in runs)
    return Agreement(
        kind=kind,
        names=tuple(one.name for one in runs),
        again=float(np.mean([one.again for one in runs]) / record.kept) if record.kept else float("nan"),
        chance=float(np.mean([one.chance for one in runs])) if record.kept else 1.0,
        standing=sum(one.standing or 0 for one in runs) / missed if known and missed else None,
    )
