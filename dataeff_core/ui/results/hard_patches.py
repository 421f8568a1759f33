"""Methods that need scored patches, in a benchmark's form: whether they can be chosen, and how mosaics are made."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import streamlit as st

from dataeff_core.benchmarking.subsets import HARDNESS, OptiDEL, check_patches
from dataeff_core.errors import BadInput
from dataeff_core.hardness.choosing import PatchRules, Ranked
from dataeff_core.hardness.stored import Hardness, all_hardness
from dataeff_core.mosaics.layout import MosaicRules
from dataeff_core.pretraining.base import PretrainingMethod
from dataeff_core.pretraining.cells import check_seams
from dataeff_core.selection.vinformation import VInformation
from dataeff_core.ui import forms
from dataeff_core.ui.commands import option
from dataeff_core.ui.hardness import opening
from dataeff_core.ui.results.styles import MOSAICS_TOLD
from dataeff_core.ui.results.styles import name as method_name
from dataeff_core.workspace import Dataset, Workspace
from dataeff_core.workspace.benchmarks import OPTIDEL

NEEDING = (VInformation.NAME, OPTIDEL)


@dataclass(frozen=True)
class HardPatches:
    """The scored patches that are used, by which methods, and how OptiDEL makes mosaics of them."""

    scored: Hardness
    methods: tuple[str, ...]  # of NEEDING
    patches: PatchRules
    mosaic: MosaicRules

    @property
    def options(self) -> list[str]:
        """For the command line; what is a default is left to it, but not which scoring."""
        found = [option("select-set", f"{method}.{HARDNESS}={self.scored.id}") for method in self.methods]
        if OPTIDEL not in self.methods:
            return found
        settings = [*forms.options(self.patches), *forms.options(self.mosaic)]
        return [*found, *(one.replace("--set=", f"--select-set={OPTIDEL}.", 1) for one in settings)]

    def problem(self, dataset: Dataset, keeps: Sequence[float], method: PretrainingMethod) -> str:
        """Why the mosaics cannot be made, or `method` cannot train on them; '' where they can."""
        if OPTIDEL not in self.methods:
            return ""
        try:
            check_seams(self.mosaic.grid, method)
        except BadInput as error:
            return str(error)
        scored, frames = self.scored, len(dataset.frames)
        told = str(scored.folder), scored.record.model_dump_json(), dataset.fingerprint
        asked = OptiDEL(scored.id, self.patches, self.mosaic)
        rules = self.patches.model_dump_json(), self.mosaic.model_dump_json()
        return _too_few(told, rules, tuple(keeps), frames, _asked=asked, _scored=scored, _dataset=dataset)


def offered(dataset: Dataset, names: Sequence[str]) -> list[str]:
    """Those of the methods `names` that can be used on `dataset` as it is."""
    return [one for one in names if one not in NEEDING or opening.fitting(dataset)]


def draw_missing(dataset: Dataset) -> None:
    """What has to be done before the methods that are not offered can be chosen."""
    named = " and ".join(method_name(one) for one in NEEDING)
    why = "have to be proposed and scored first"
    if all_hardness(dataset):
        why = "were scored before the frames changed, and have to be proposed and scored again"
    left, right = st.columns([5, 1], vertical_alignment="center")
    left.caption(f":material/block: Not to be chosen yet: {named}. Patches {why}, on the Hardness page.")
    right.page_link("pages/hardness.py", label="Hardness", icon=":material/texture:")


def draw(workspace: Workspace, dataset: Dataset, methods: Collection[str]) -> HardPatches | None:
    """The fields of what `methods` have to do with patches; None where they have nothing, or a field cannot be
    used."""
    mine = tuple(one for one in NEEDING if one in methods)
    found = {one.id: one for one in opening.fitting(dataset)}
    if not mine or not found:
        return None
    runs = workspace.runs()
    if st.session_state.get("benchmark-scored") not in found:
        st.session_state.pop("benchmark-scored", None)
    chosen = st.selectbox(
        "Scored patches",
        list(found),
        format_func=lambda one: opening.label(found[one].record, runs),
        key="benchmark-scored",
        help="Whose hardness decides what is chosen.",
    )
    patches: PatchRules | None = PatchRules()
    mosaic: MosaicRules | None = MosaicRules()
    if OPTIDEL in mine:
        st.caption(MOSAICS_TOLD)
        patches = forms.draw_sections(
            PatchRules,
            key="benchmark-optidel-patches",
            sections={"": "Which patches mosaics are made of"},
            leave_out=("budget",),
        )
        mosaic = forms.draw_sections(
            MosaicRules, key="benchmark-optidel-mosaic", sections={"": "How mosaics are put together"}
        )
    if patches is None or mosaic is None:
        return None
    return HardPatches(found[chosen or next(iter(found))], mine, patches, mosaic)


@st.cache_data(max_entries=64, show_spinner="Counting patches …")
def _too_few(
    told: tuple[str, str, str],
    rules: tuple[str, str],
    keeps: tuple[float, ...],
    frames: int,
    *,
    _asked: OptiDEL,
    _scored: Hardness,
    _dataset: Dataset,
) -> str:
    """Which share asks for more patches than there are, in one sentence."""
    try:
        ranked = _ranked(told, _asked.patches.usable, _scored=_scored, _dataset=_dataset)
        check_patches(_asked, ranked, keeps, frames=frames)
    except BadInput as error:
        return str(error)
    return ""


@st.cache_resource(max_entries=2, show_spinner=False)
def _ranked(told: tuple[str, str, str], usable: bool, *, _scored: Hardness, _dataset: Dataset) -> Ranked:
    """As a benchmark ranks them: whatever reviewers have decided. Raises BadInput when no patch is left."""
    return Ranked.of(opening.kept(_scored), _dataset, usable=usable, overruled=False)
