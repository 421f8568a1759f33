"""Selection methods: each one class in one file, registered here."""

from collections.abc import Mapping

from dataeff_core.declarations import limits_of, made
from dataeff_core.errors import BadInput
from dataeff_core.selection.base import Selector
from dataeff_core.selection.every_nth import EveryNth
from dataeff_core.selection.meddel import MedDEL
from dataeff_core.selection.random import Random
from dataeff_core.selection.vinformation import VInformation

__all__ = ["SELECTORS", "limits_of", "make", "selector_named"]

SELECTORS: tuple[type[Selector], ...] = (MedDEL, Random, EveryNth, VInformation)


def selector_named(name: str) -> type[Selector]:
    """The method of that name. Raises BadInput, listing the known ones."""
    for selector in SELECTORS:
        if name == selector.NAME:
            return selector
    raise BadInput(f"there is no method {name!r}; choose {', '.join(one.NAME for one in SELECTORS)}")


def make(name: str, params: Mapping[str, object]) -> Selector:
    """The method `name` with parameters as typed (`--set key=value`: text) or as numbers.

    Raises BadInput in one sentence: an unknown key lists the known ones, a bad value names the bounds.
    """
    return made(selector_named(name), params, name=name)
