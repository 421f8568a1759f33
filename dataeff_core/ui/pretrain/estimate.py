"""What a run will cost, before it starts; and what to mind about its images."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dataeff_core.pretraining.base import PretrainingMethod
from dataeff_core.pretraining.budgets import Budget
from dataeff_core.pretraining.cells import small_cells
from dataeff_core.pretraining.costs import estimate
from dataeff_core.pretraining.images import small_frames
from dataeff_core.ui.quantities import count, counted, duration, literal, size
from dataeff_core.workspace import Workspace


def draw_estimate(workspace: Workspace, method: PretrainingMethod, budget: Budget, warned: Sequence[str]) -> None:
    """Time, steps and disk, what the time is taken from, and what is warned of."""
    cost = estimate(workspace, method, images=budget.images, epochs=None, images_seen=budget.images_seen)
    told = {
        "Time": "unknown" if cost.seconds is None else f"about {duration(cost.seconds)}",
        "Steps": count(cost.steps),
        "Disk": size(cost.disk_bytes),
    }
    for column, (name, value) in zip(st.columns(len(told), gap="small"), told.items(), strict=True):
        column.markdown(f":small[:gray[{name}]]  \n**{value}**")
    st.caption(literal(cost.basis))
    for sentence in warned:
        st.warning(literal(sentence), icon=":material/warning:")


def warnings(method: PretrainingMethod, frames: pd.DataFrame) -> list[str]:
    """One sentence for each thing to mind of whole frames that does not keep the run from starting."""
    small = small_frames(frames, method.image_size)
    if not small:
        return []
    told = f"{counted(small, 'frame')} of {count(len(frames))} are smaller than {method.image_size} pixels"
    return [f"{told} and will be magnified, which shows the network nothing new; a smaller image size may do as well"]


def cell_warnings(method: PretrainingMethod, cells: pd.DataFrame, grid: int) -> list[str]:
    """The same of mosaics of `grid` x `grid` cells, a row a cell with its patch's box."""
    side = method.image_size // grid
    small = small_cells(cells, side)
    if not small:
        return []
    return [
        f"{counted(small, 'patch', 'patches')} of {count(len(cells))} are smaller than their cell of {side} × {side} "
        "pixels and will be magnified, which shows the network nothing new; a smaller image size may do as well"
    ]
