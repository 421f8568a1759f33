"""Making a declared method from parameters as typed: one sentence where one of them cannot be used."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from dataeff_core.errors import BadInput

Model = TypeVar("Model", bound=BaseModel)

OUT_OF_BOUNDS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")


def made(model: type[Model], params: Mapping[str, object], *, name: str) -> Model:
    """`model` with parameters as typed (`--set key=value`: text, '' = None) or as numbers.

    Raises BadInput in one sentence that begins with `name`: an unknown key lists the known ones, a bad value says
    the bounds.
    """
    try:
        return model.model_validate({key: None if value == "" else value for key, value in params.items()})
    except ValidationError as error:
        raise BadInput(_sentence(model, error, params, name)) from error


def _sentence(model: type[BaseModel], error: ValidationError, given: Mapping[str, object], name: str) -> str:
    first = error.errors()[0]
    key = str(first["loc"][0]) if first["loc"] else ""
    reason = first["msg"].removeprefix("Value error, ")
    reason = f"{reason[:1].lower()}{reason[1:]}"
    if not key:
        return f"{name}: {reason}"
    if first["type"] == "extra_forbidden":
        return f"{name} has no parameter {key!r}; it has {', '.join(model.model_fields)}"
    told = f"{name}'s {key}={str(given.get(key))[:60]}"
    bounds = limits_of(model, key)
    if bounds and first["type"] in OUT_OF_BOUNDS:
        return f"{told} is not in {bounds}"
    return f"{told} cannot be used: {reason}"


def limits_of(model: type[BaseModel], key: str) -> str:
    """The bounds of a number as an interval, such as '[0, 2]' or '[1, inf)'; '' where it has none."""
    said: dict[str, float] = {}
    for one in model.model_fields[key].metadata:
        said |= {name: getattr(one, name) for name in ("ge", "gt", "le", "lt") if hasattr(one, name)}
    if not said:
        return ""
    low = f"[{said['ge']:g}" if "ge" in said else f"({said['gt']:g}" if "gt" in said else "(-inf"
    high = f"{said['le']:g}]" if "le" in said else f"{said['lt']:g})" if "lt" in said else "inf)"
    return f"{low}, {high}"
