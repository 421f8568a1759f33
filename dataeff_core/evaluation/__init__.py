"""What a pre-trained encoder is worth: downstream scores with intervals, and NormDEL. Importing it needs no torch."""

from collections.abc import Mapping
from types import MappingProxyType

from dataeff_core.declarations import made
from dataeff_core.errors import BadInput
from dataeff_core.evaluation.base import Task
from dataeff_core.evaluation.classification import Classification
from dataeff_core.evaluation.segmentation import Segmentation

__all__ = ["TASKS", "Classification", "Segmentation", "Task", "make_task", "task_named"]

TASKS: tuple[type[Task], ...] = (Segmentation, Classification)


def task_named(name: str) -> type[Task]:
    """The task of that name. Raises BadInput, listing the known ones."""
    for task in TASKS:
        if name == task.NAME:
            return task
    raise BadInput(f"there is no task {name!r}; choose {', '.join(one.NAME for one in TASKS)}")


def make_task(name: str, params: Mapping[str, object] = MappingProxyType({})) -> Task:
    """The task `name` with settings as typed (`--set key=value`: text) or as numbers.

    Raises BadInput in one sentence: an unknown name or key lists the known ones, a bad value says the bounds.
    """
    return made(task_named(name), params, name=name)
