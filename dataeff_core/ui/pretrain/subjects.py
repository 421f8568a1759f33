"""What a run can train on, and the field that chooses it: everything, a selection of frames, or saved mosaics."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import pandas as pd
import streamlit as st

from dataeff_core.errors import BadInput
from dataeff_core.pretraining.base import PretrainingMethod
from dataeff_core.pretraining.sources import FrameSource, MosaicSource, Source
from dataeff_core.ui import cached, forms, selections
from dataeff_core.ui.pretrain import estimate, mosaic_sets
from dataeff_core.ui.quantities import count, counted, literal
from dataeff_core.workspace import Dataset, MosaicSet, SavedSelection, Workspace
from dataeff_core.workspace.removals import not_removed
from dataeff_core.workspace.trail import trail_of

EVERYTHING = ""
SOURCE = "pretrain-source"  # in the session: the mosaics or the selection that another page sends here
_CHOSEN = "pretrain-on"


@dataclass(frozen=True)
class Subject(ABC):
    """The images that are to be trained on."""

    ONE: ClassVar[str]  # what an image is called

    source: Source

    @property
    def dataset(self) -> Dataset:
        return self.source.dataset

    @property
    @abstractmethod
    def id(self) -> str:
        """What the command line calls it."""

    @property
    @abstractmethod
    def whole(self) -> bool:
        """Whether it is everything there is, with which others are compared."""

    @abstractmethod
    def warnings(self, method: PretrainingMethod) -> list[str]:
        """One sentence for each thing to mind that does not keep the run from starting."""

    def __len__(self) -> int:
        return len(self.source)

    def problem(self, method: PretrainingMethod) -> str:
        """Why `method` cannot train on it, '' where it can."""
        try:
            self.source.check_fits(method)
        except BadInput as error:
            return str(error)
        return ""


@dataclass(frozen=True)
class Frames(Subject):
    """Whole frames."""

    ONE: ClassVar[str] = "frame"
    source: FrameSource

    @property
    def id(self) -> str:
        return self.dataset.id if self.source.selection is None else self.source.selection.id

    @property
    def whole(self) -> bool:
        return self.source.selection is None

    def warnings(self, method: PretrainingMethod) -> list[str]:
        return estimate.warnings(method, self.source.frames)


@dataclass(frozen=True)
class Mosaics(Subject):
    """Mosaics of their patches."""

    ONE: ClassVar[str] = "mosaic"
    source: MosaicSource

    @property
    def id(self) -> str:
        return self.source.mosaics.id

    @property
    def whole(self) -> bool:
        return False

    def warnings(self, method: PretrainingMethod) -> list[str]:
        record = self.source.mosaics.record
        cells, notes = self.standing
        removed = [notes["removed_since"]] if notes else []
        told = [*removed, *estimate.cell_warnings(method, cells, record.tiling.grid)]
        return [*told, *([record.warning] if record.warning else [])]

    @cached_property
    def standing(self) -> tuple[pd.DataFrame, dict[str, Any]]:
        """The cells of the mosaics that show no frame which reviewers have removed since, and a note on the rest."""
        return not_removed(self.dataset, self.source.mosaics.manifest)


def draw_field(workspace: Workspace, dataset: Dataset) -> Subject | None:
    """Choose what to train on; None, with a sentence, where the choice no longer fits the dataset."""
    saved = {one.id: one for one in selections.newest_first(workspace, dataset)}
    sets = {one.id: one for one in mosaic_sets.newest_first(workspace, dataset)}
    shown = {name: selections.label(one.record) for name, one in saved.items()}
    shown[EVERYTHING] = f"All {counted(len(dataset.frames), 'frame')}"
    shown |= {name: mosaic_sets.label(one.record) for name, one in sets.items()}
    doubled = [text for text in shown.values() if list(shown.values()).count(text) > 1]
    shown = {name: f"{text} · {name[-6:]}" if text in doubled else text for name, text in shown.items()}
    _follow(list(shown))
    chosen = st.selectbox(
        "Train on",
        list(shown),
        format_func=shown.__getitem__,
        key=_CHOSEN,
        bind="query-params",
        persist_state="session",
        help="A saved selection; mosaics of hard patches, which the Hardness page lays out; or everything, to "
        "compare them with.",
    )
    if not saved and not sets:
        st.caption("There is no selection yet: save one on the Explore page to train on a part of the frames.")
    if chosen in sets:
        return _mosaics(workspace, dataset, sets[chosen])
    return _frames(workspace, dataset, saved.get(chosen or EVERYTHING))


def _follow(offered: list[str]) -> None:
    """Choose what another page has sent; forget a choice that is not there any more."""
    sent = st.session_state.pop(SOURCE, None)
    if sent in offered:
        st.session_state[_CHOSEN] = sent
    elif st.session_state.get(_CHOSEN, EVERYTHING) not in offered:
        st.session_state.pop(_CHOSEN, None)


def _frames(workspace: Workspace, dataset: Dataset, saved: SavedSelection | None) -> Subject | None:
    if saved is None:
        return Frames(FrameSource(dataset, None, dataset.frames))
    if saved.record.dataset_fingerprint != dataset.fingerprint:
        forms.problem("frames were added or have vanished since this selection was made; choose frames again")
        return None
    saved = cached.selection(workspace, dataset, saved.id)
    kept = saved.decisions.loc[saved.decisions["decision"] == "kept", "frame_id"]
    return Frames(FrameSource(dataset, saved, dataset.frames[dataset.frames["frame_id"].isin(kept)]))


def _mosaics(workspace: Workspace, dataset: Dataset, mosaics: MosaicSet) -> Subject | None:
    record = mosaics.record
    if record.dataset_fingerprint != dataset.fingerprint:
        forms.problem(
            "these mosaics are out of date: frames were added or have vanished since they were laid out; propose and "
            "score patches again, and lay them out anew"
        )
        st.page_link("pages/hardness.py", label="Hardness", icon=":material/texture:")
        return None
    st.caption(
        literal(
            f"Each is an image of {record.tiling.grid} × {record.tiling.grid} patches, cut from "
            f"{counted(record.frames, 'frame')} of the {count(len(dataset.frames))}; as many images as "
            f"{100 * record.retained:.3g} % of the frames."
        )
    )
    subject = Mosaics(MosaicSource(dataset, mosaics))
    seen = f"{mosaics.id} {trail_of(dataset.folder).last}"
    mosaic_sets.draw_pictures(workspace, dataset, seen, record.tiling, lambda: subject.standing[0])
    return subject
