"""What a benchmark will cost before it starts: time and disk of all its cells, and what would go wrong."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from dataeff_core.errors import BadInput
from dataeff_core.pretraining import budgets, costs
from dataeff_core.ui import forms
from dataeff_core.ui.quantities import count, duration, literal, size
from dataeff_core.ui.results.benchmark_plan import Plan
from dataeff_core.workspace import Workspace


@dataclass(frozen=True)
class Total:
    """Of all cells together."""

    seconds: float | None  # None: nothing is known yet
    disk_bytes: int
    steps: int
    basis: str  # what the time is taken from


def draw(workspace: Workspace, plan: Plan) -> bool:
    """Draw the cost; False, with a sentence, where the plan cannot be carried out."""
    try:
        found = total(workspace, plan)
    except BadInput as error:
        forms.problem(str(error))
        return False
    told = {
        "Time, about": "unknown" if found.seconds is None else duration(found.seconds),
        "Steps": count(found.steps),
        "Disk, at most": size(found.disk_bytes),
    }
    for column, (name, value) in zip(st.columns(len(told), gap="small"), told.items(), strict=True):
        column.markdown(f":small[:gray[{name}]]  \n**{value}**")
    st.caption(literal(found.basis))
    return True


def total(workspace: Workspace, plan: Plan) -> Total:
    """The cost of every cell, pre-training and scoring. Raises BadInput when a share leaves less than a batch."""
    frames = len(plan.dataset.frames)
    least = min(keep for _, keep in plan.cells)
    if round(least * frames) < 2:
        raise BadInput(f"{100 * least:g} % of {frames} frames is no more than one; choose a larger share")
    seen = budgets.budget(frames, plan.method.batch_size, epochs=plan.passes).images_seen
    seconds: float | None = 0.0
    disk, steps, basis = 0, 0, ""
    for _, keep in plan.cells:
        images = max(1, round(keep * frames))
        length = {"images_seen": seen} if plan.budget == "images_seen" else {"epochs": plan.passes}
        budgets.budget(images, plan.method.batch_size, **length)
        cost = costs.estimate(
            workspace,
            plan.method,
            images=images,
            epochs=length.get("epochs"),
            images_seen=length.get("images_seen"),
        )
        seconds = None if seconds is None or cost.seconds is None else seconds + cost.seconds
        disk, steps, basis = disk + cost.disk_bytes, steps + cost.steps, cost.basis
    scoring = seconds_to_score(workspace, plan.task.NAME)
    told = f"{basis} Scoring: {duration(scoring)} a cell, as before." if scoring else f"{basis} Scoring comes on top."
    per_seed = None if seconds is None else seconds + len(plan.cells) * (1 + len(plan.snapshots)) * (scoring or 0.0)
    return Total(None if per_seed is None else per_seed * plan.seeds, disk * plan.seeds, steps * plan.seeds, told)


def seconds_to_score(workspace: Workspace, task: str) -> float | None:
    """What an evaluation of this task took here before, the median; None where none was made."""
    took = [one.record.seconds for one in workspace.evaluations() if one.record.task == task]
    return float(np.median(took)) if took else None
