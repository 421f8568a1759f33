"""What the form of a benchmark says, and the command line that does it."""

from dataclasses import dataclass

from dataeff_core.evaluation import Task
from dataeff_core.pretraining import Preset, make
from dataeff_core.pretraining.base import PretrainingMethod
from dataeff_core.ui import forms
from dataeff_core.ui.commands import option
from dataeff_core.ui.results.hard_patches import HardPatches
from dataeff_core.workspace import Dataset
from dataeff_core.workspace.benchmarks import FULL


@dataclass(frozen=True)
class Plan:
    """All that the form says."""

    dataset: Dataset
    on: Dataset
    methods: tuple[str, ...]
    keeps: tuple[float, ...]  # fractions
    seeds: int
    method: PretrainingMethod
    preset: Preset
    passes: int  # over all frames
    budget: str  # EQUAL_WORK or EQUAL_PASSES
    snapshots: tuple[float, ...]
    task: Task
    name: str
    hard: HardPatches | None = None  # what methods that need scored patches use

    @property
    def cells(self) -> list[tuple[str, float]]:
        """(method, share) of each row of the matrix; each is worked on once a seed."""
        full = [(FULL, 1.0)] if FULL in self.methods else []
        return full + [(one, keep) for keep in self.keeps for one in self.methods if one != FULL]


def start_command(plan: Plan) -> list[str]:
    """The command line of a benchmark; settings that are the preset's or a default are left to them."""
    usual = make(plan.method.NAME, preset=plan.preset.name)
    argv = ["benchmark", plan.dataset.id, option("on", plan.on.id)]
    argv += [option("methods", ",".join(plan.methods))]
    argv += [option("keep", ",".join(f"{keep:g}" for keep in plan.keeps))] if plan.keeps else []
    argv += plan.hard.options if plan.hard is not None else []
    argv += [option("seeds", plan.seeds)]
    argv += [option("pretraining", plan.method.NAME), option("preset", plan.preset.name)]
    argv += [*forms.options(plan.method, usual), option("epochs", plan.passes)]
    argv += [option("budget", plan.budget), option("task", plan.task.NAME)]
    argv += [one.replace("--set=", "--evaluation-set=", 1) for one in forms.options(plan.task)]
    if plan.snapshots:
        argv.append(option("snapshots", ",".join(f"{one:g}" for one in plan.snapshots)))
    return [*argv, option("name", plan.name.strip())] if plan.name.strip() else argv
