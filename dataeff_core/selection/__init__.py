"""Selection methods: each one class in one file, registered here."""

from collections.abc import Mapping

from pydantic import ValidationError

from dataeff_core.errors import BadInput
from dataeff_core.selection.base import Selector
from dataeff_core.selection.every_nth import EveryNth
from dataeff_core.selection.meddel import MedDEL
from dataeff_core.selection.random import Random

SELECTORS: tuple[type[Selector], ...] = (MedDEL, Random, EveryNth)


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
    selector = selector_named(name)
    try:
        return selector.model_validate({key: None if value == "" else value for key, value in params.items()})
    except ValidationError as error:
        raise BadInput(_sentence(selector, error, params)) from error


def _sentence(selector: type[Selector], error: ValidationError, given: Mapping[str, object]) -> str:
    first = error.errors()[0]
    key = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        return f"{selector.NAME} has no parameter {key!r}; it has {', '.join(selector.model_fields)}"
    told = f"{selector.NAME}'s {key}={str(given.get(key))[:60]}"
    bounds = limits_of(selector, key)
    if bounds and first["type"] not in ("float_parsing", "int_parsing", "int_from_float"):
        return f"{told} is not in {bounds}"
    return f"{told} cannot be used: {first['msg'][:1].lower()}{first['msg'][1:]}"


def limits_of(selector: type[Selector], key: str) -> str:
    """The bounds of a number as an interval, such as '[0, 2]' or '[1, ...'; '' where it has none."""
    said: dict[str, float] = {}
    for one in selector.model_fields[key].metadata:
        said |= {name: getattr(one, name) for name in ("ge", "gt", "le", "lt") if hasattr(one, name)}
    if not said:
        return ""
    low = f"[{said['ge']:g}" if "ge" in said else f"({said['gt']:g}" if "gt" in said else "(-inf"
    high = f"{said['le']:g}]" if "le" in said else f"{said['lt']:g})" if "lt" in said else "inf)"
    return f"{low}, {high}"
