"""How hard each frame is for a masked autoencoder to draw, where patches were scored.

A frame's hardness is the mean of its hardest patches, as the selection method `vinformation` takes it; it is read
once for a scoring, never on a slider.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import streamlit as st

from dataeff_core.errors import NotFound
from dataeff_core.hardness.stored import Hardness, HardnessRecord, hardness_folder
from dataeff_core.selection.base import PatchScores
from dataeff_core.selection.vinformation import VInformation, frame_scores
from dataeff_core.ui import words
from dataeff_core.ui.quantities import count, counted, dated, share
from dataeff_core.workspace import Dataset, Workspace
from dataeff_core.workspace.storage import fingerprint

PAGE = "pages/hardness.py"
HARDEST = VInformation().hardest  # patches whose mean is the frame's hardness
KNOTS = 65  # quantiles that colours are read between; the quarters are among them


@dataclass(frozen=True)
class FrameHardness:
    """The hardness of every frame; arrays are shared, nobody may write to them."""

    score: np.ndarray  # (n,) float32, row for row the dataset's frames; NaN where no patch of the frame was scored

    @cached_property
    def ascending(self) -> np.ndarray:
        """(m,) float32: of the frames that have one, the easiest first."""
        return np.sort(self.score[~np.isnan(self.score)])

    @cached_property
    def knots(self) -> np.ndarray:
        """(KNOTS,) float32: quantiles of the scores at equal steps; empty where no frame has one."""
        if not len(self.ascending):
            return np.empty(0, np.float32)
        return np.quantile(self.ascending, np.linspace(0, 1, KNOTS)).astype(np.float32)

    @property
    def without(self) -> int:
        """Frames of which no patch was scored."""
        return len(self.score) - len(self.ascending)

    def easier(self, row: int) -> float:
        """The share of the scored frames that are easier than the frame at `row`; NaN where it has no score."""
        value = self.score[row]
        return np.nan if np.isnan(value) else float(np.searchsorted(self.ascending, value) / len(self.ascending))

    def figure(self, row: int) -> str:
        """The frame's hardness in three figures; a dash where it is not known."""
        value = float(self.score[row])
        return "–" if np.isnan(value) else figure(value)

    def said(self, row: int) -> str:
        """The same in a sentence."""
        name = words.label("frame_hardness")
        if np.isnan(self.score[row]):
            return f"{name}: not known, no patch of this frame was scored"
        return f"{name}: {self.figure(row)}, harder than {share(self.easier(row))} of frames"


@dataclass(frozen=True)
class Known:
    """What is known of how hard a dataset's frames are."""

    state: Literal["known", "none", "changed", "empty"]
    told: str  # one sentence: which scoring says so, or why nothing is known; names in it are as they were given
    record: HardnessRecord | None = None
    frames: FrameHardness | None = None


def known(workspace: Workspace, dataset: Dataset) -> Known:
    """By the newest scoring of just the frames that `dataset` has now. The numbers are read once for a scoring."""
    folder = hardness_folder(dataset)
    records = [one for one in HardnessRecord.read_all(folder) if (folder / one.id / Hardness.TABLE).is_file()]
    fitting = [one for one in records if one.dataset_fingerprint == dataset.fingerprint]
    if not records:
        return Known("none", "How hard these frames are to draw is not known yet: no patches of them were scored.")
    if not fitting:
        return Known(
            "changed", "The frames have changed since their patches were scored, so how hard they are is not shown."
        )
    newest = next((one for one in reversed(fitting) if one.patches), None)
    if newest is None:
        return Known("empty", "Patches were to be scored, but there was none in any frame; propose others.")
    frames = numbers(dataset, newest)
    if not len(frames.ascending):
        return Known("empty", "Patches were scored, but none of their scores is a number; score them again.")
    more = f", the newest of {count(len(fitting))} scorings" if len(fitting) > 1 else ""
    told = f"{counted(newest.patches, 'patch', 'patches')} scored by {_scorer(workspace, newest)} on "
    return Known("known", f"{told}{dated(newest.created)}{more}", newest, frames)


def version(record: HardnessRecord) -> str:
    """Names everything that the numbers of a scoring are made of."""
    return fingerprint(record.model_dump_json())[:16]


def numbers(dataset: Dataset, record: HardnessRecord) -> FrameHardness:
    """The hardness of the dataset's frames by this scoring of just them; read once."""
    folder = hardness_folder(dataset) / record.id
    return _frames(str(folder), version(record), dataset.frames["frame_id"])


def figure(value: float) -> str:
    """A hardness in three figures: 0.04512 -> '0.0451'."""
    return "< 0.0001" if 0 < value < 1e-4 else f"{value:.3g}"


def _scorer(workspace: Workspace, record: HardnessRecord) -> str:
    """The network's name, as people gave it."""
    if record.run is None:
        return record.scorer
    try:
        return workspace.run(record.run).record.name or record.run
    except NotFound:  # it was deleted since
        return record.run


@st.cache_resource(max_entries=8, show_spinner=False)
def _frames(folder: str, version: str, _frame_ids: pd.Series) -> FrameHardness:
    """Patches whose hardness is no number say nothing and are passed over."""
    table = pd.read_parquet(Path(folder) / Hardness.TABLE, columns=["frame_id", "hardness"])
    table = table[np.isfinite(table["hardness"].to_numpy(np.float64))]
    patches = PatchScores(folder, table["frame_id"].to_numpy(object), table["hardness"].to_numpy(np.float32))
    return FrameHardness(frame_scores(patches, _frame_ids.to_numpy(dtype=object), HARDEST))
