"""Self-supervised pre-training: each method one class in one file, one loop for all. Importing it needs no torch."""

from collections.abc import Mapping
from types import MappingProxyType

from dataeff_core.declarations import made
from dataeff_core.errors import BadInput
from dataeff_core.pretraining.base import PretrainingMethod
from dataeff_core.pretraining.mae import MAE
from dataeff_core.pretraining.presets import PRESETS, Preset, preset_named
from dataeff_core.pretraining.simclr import SimCLR

__all__ = ["METHODS", "PRESETS", "Preset", "make", "method_named", "preset_named"]

METHODS: tuple[type[PretrainingMethod], ...] = (MAE, SimCLR)


def method_named(name: str) -> type[PretrainingMethod]:
    """The method of that name. Raises BadInput, listing the known ones."""
    for method in METHODS:
        if name == method.NAME:
            return method
    raise BadInput(f"there is no method {name!r}; choose {', '.join(one.NAME for one in METHODS)}")


def make(name: str, params: Mapping[str, object] = MappingProxyType({}), *, preset: str = "") -> PretrainingMethod:
    """The method `name` with parameters as typed (`--set key=value`: text) or as numbers, over those of `preset`.

    Raises BadInput in one sentence: an unknown name or key lists the known ones, a bad value says the bounds.
    """
    method = method_named(name)
    begin = preset_named(preset).values_for(method) if preset else {}
    return made(method, begin | dict(params), name=method.NAME)
