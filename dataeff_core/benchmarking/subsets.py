"""What a cell trains on: everything, a selection of frames, or mosaics of hard patches; found again or made now."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dataeff_core import __version__
from dataeff_core.declarations import made
from dataeff_core.errors import BadInput
from dataeff_core.hardness.choosing import PatchRules, Ranked
from dataeff_core.hardness.stored import hardness_of
from dataeff_core.mosaics.layout import MosaicRules
from dataeff_core.reporting import Reporter
from dataeff_core.selection import make as make_selector
from dataeff_core.selection.base import Selector
from dataeff_core.selection.baselines import frames_to_keep
from dataeff_core.workspace import BenchmarkRecord, Cell, Dataset, MosaicSet, SavedSelection, Workspace
from dataeff_core.workspace.benchmarks import FULL, OPTIDEL

HARDNESS = "hardness"  # the parameter of OPTIDEL that names the scored patches


@dataclass(frozen=True)
class OptiDEL:
    """How mosaics are made in a benchmark. The kept fraction f is read as f |D| mosaics of the hardest patches that
    the rules allow (the paper's "5 % of the data"; its reading is ours), so that a mosaic counts as one image."""

    hardness: str  # id, or 'latest'
    patches: PatchRules
    mosaic: MosaicRules

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> "OptiDEL":
        """From fields of PatchRules and MosaicRules, and HARDNESS. Raises BadInput; `budget` follows from the kept
        fraction."""
        if params.get("budget") is not None:
            raise BadInput(f"optidel.budget {params['budget']} follows from the kept fraction here; leave it out")
        of_mosaic = {key: value for key, value in params.items() if key in MosaicRules.model_fields}
        rest = {key: value for key, value in params.items() if key not in of_mosaic and key != HARDNESS}
        return cls(
            str(params.get(HARDNESS, "latest")),
            made(PatchRules, rest, name=OPTIDEL),
            made(MosaicRules, of_mosaic, name=OPTIDEL),
        )

    def given(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters that were given, as the values that they were understood as, and the scored patches."""
        values = self.patches.model_dump(mode="json") | self.mosaic.model_dump(mode="json")
        return {key: values[key] for key in params if key in values} | {HARDNESS: self.hardness}

    def patches_for(self, mosaics: int) -> int:
        return mosaics * self.mosaic.grid**2


def planned_optidel(dataset: Dataset, params: Mapping[str, Any], keeps: tuple[float, ...]) -> dict[str, Any]:
    """The parameters with the scored patches resolved. Raises BadInput where a kept fraction asks for more patches
    than the rules allow, NotFound and Stale from the scored patches."""
    asked = OptiDEL.of(params)
    scored = hardness_of(dataset, asked.hardness)
    scored.check_fits(dataset)
    asked = OptiDEL(scored.id, asked.patches, asked.mosaic)
    ranked = Ranked.of(scored, dataset, usable=asked.patches.usable, overruled=False)
    check_patches(asked, ranked, keeps, frames=len(dataset.frames))
    return asked.given(params)


def scored_for(selector: type[Selector], dataset: Dataset, params: Mapping[str, Any]) -> dict[str, str]:
    """The scored patches that a selector of frames takes by its field HARDNESS, by their id; empty where it has none.
    All cells of a benchmark must take the same. Raises NotFound, Stale."""
    if HARDNESS not in selector.model_fields:
        return {}
    scored = hardness_of(dataset, str(params.get(HARDNESS, "latest")))
    scored.check_fits(dataset)
    return {HARDNESS: scored.id}


def check_patches(asked: OptiDEL, ranked: Ranked, keeps: Sequence[float], *, frames: int) -> None:
    """Raise BadInput where a fraction of `frames` asks for more patches than the rules allow of those in `ranked`.
    Which are too alike is looked at with seed 0: another seed may leave a few more or less."""
    rules = asked.patches
    allowed = ranked.counts(rules).allowed if rules.alike is None else len(ranked.choose(rules).rows)
    for keep in keeps:
        mosaics = frames_to_keep(keep, frames)
        if asked.patches_for(mosaics) > allowed:
            most = allowed // asked.mosaic.grid**2
            less = f"keep at most {math.floor(1e5 * most / frames) / 1e5:g}, " if most else ""
            raise BadInput(
                f"optidel at keep {keep:g} takes {asked.patches_for(mosaics)} patches for {mosaics} mosaics, and "
                f"{allowed} pass its rules; {less}move optidel.lower and optidel.upper apart, or propose smaller "
                "patches"
            )


def subset_of(
    workspace: Workspace, record: BenchmarkRecord, cell: Cell, dataset: Dataset, reporter: Reporter
) -> Dataset | SavedSelection | MosaicSet:
    """What the cell trains on: one saved by the same recipe, or made now under a name that tells it."""
    if cell.method == FULL:
        return dataset
    if cell.method == OPTIDEL:
        return mosaics_of(record, cell, dataset, reporter)
    return selection_of(workspace, record, cell, dataset, reporter)


def mosaics_of(record: BenchmarkRecord, cell: Cell, dataset: Dataset, reporter: Reporter) -> MosaicSet:
    """The cell's mosaics, whatever reviewers decided, as for the other methods. The seed draws which patches share a
    mosaic and where each stands; which patches are taken it draws only by the rules `take=random` and `alike`."""
    from dataeff_core.mosaics.saving import save_mosaics

    params = record.selection_params[OPTIDEL]
    asked = OptiDEL.of(params)
    mosaics = frames_to_keep(cell.keep, len(dataset.frames))
    budget = PatchRules.model_validate(asked.patches.model_dump() | {"budget": asked.patches_for(mosaics)})
    scored = hardness_of(dataset, asked.hardness)
    return save_mosaics(
        dataset, scored, budget, asked.mosaic, count=mosaics, seed=cell.seed, name=subset_name(cell, params),
        overruled=False, reporter=reporter,
    )  # fmt: skip


def selection_of(
    workspace: Workspace, record: BenchmarkRecord, cell: Cell, dataset: Dataset, reporter: Reporter
) -> SavedSelection:
    """The cell's selection."""
    from dataeff_core.selection.saving import select

    params = record.selection_params.get(cell.method, {})
    name = subset_name(cell, params)
    selector = make_selector(cell.method, params)
    embedding = record.encoder if selector.NEEDS_VECTORS else None
    for saved in reversed(workspace.selections(dataset)):
        one = saved.record
        same = (one.name, one.method, one.keep, one.seed) == (name, cell.method, cell.keep, cell.seed)
        same = same and (one.embedding, one.dataset_fingerprint) == (embedding, dataset.fingerprint)
        same = same and one.code_version == __version__
        if same and all(one.params.get(key) == value for key, value in params.items()):
            return saved
    return select(
        workspace,
        dataset,
        selector,
        encoder=embedding or "latest",
        keep=cell.keep,
        seed=cell.seed,
        name=name,
        reporter=reporter,
    )


def subset_name(cell: Cell, params: Mapping[str, object]) -> str:
    """'meddel 20 %, seed 1', and the parameters that differ from the method's defaults (which scored patches is in
    the record)."""
    settings = "".join(f", {key} {value}" for key, value in sorted(params.items()) if key != HARDNESS)
    return f"{cell.method} {100 * cell.keep:g} %, seed {cell.seed}{settings}"
