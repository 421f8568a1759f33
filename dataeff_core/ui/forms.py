"""A form from a declaration: each field of a pydantic model becomes a widget with its bounds, title and sentence.

A new selection method, encoder or SSL method thus has its form the moment its class is written.
"""

import types
from collections.abc import Collection, Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import streamlit as st
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from dataeff_core.ui import state
from dataeff_core.ui.commands import option
from dataeff_core.ui.quantities import literal

Model = TypeVar("Model", bound=BaseModel)
FEW = 4  # choices that are shown side by side; more go into a list


def draw(
    model: type[Model], *, key: str, values: Mapping[str, Any] | None = None, leave_out: Collection[str] = ()
) -> Model | None:
    """Draw a widget for each field of `model` but those left out, and return the validated instance.

    `values` are shown at first in place of the defaults. Where a value cannot be used, one sentence stands below
    its widget and None is returned.
    """
    given: dict[str, Any] = {}
    places = {}
    for name, field in model.model_fields.items():
        if name in leave_out:
            continue
        start = (values or {}).get(name, field.get_default(call_default_factory=True))
        given[name] = _widget(name, field, f"{key}-{name}", start)
        places[name] = st.empty()
    try:
        return model.model_validate(given)
    except ValidationError as error:
        for one in error.errors():
            name = str(one["loc"][0]) if one["loc"] else ""
            sentence = f"{given.get(name)!r} cannot be used: {one['msg'][:1].lower()}{one['msg'][1:]}"
            problem(sentence, places.get(name))
        return None


def options(instance: BaseModel) -> list[str]:
    """What differs from the defaults, as `--set=key=value` for the command line."""
    changed = instance.model_dump(mode="json", exclude_defaults=True)
    return [option("set", f"{name}={_as_text(value)}") for name, value in changed.items()]


def problem(sentence: str, place: Any = None) -> None:
    """One clear sentence right below the field that it is about."""
    (place or st).markdown(f":red[:material/error:] :small[{literal(sentence)}]")


def title_of(name: str, field: FieldInfo) -> str:
    """The field's title in plain words, or its symbol where the visitor reads symbols."""
    symbol = _extra(field).get("symbol")
    return str(symbol) if symbol and not state.plain_words() else field.title or name.replace("_", " ").capitalize()


def help_of(field: FieldInfo) -> str | None:
    """The field's sentences, its unit, and its source where one is declared."""
    unit = _extra(field).get("unit")
    parts = [field.description or "", f"Unit: {unit}." if unit else ""]
    return literal(" ".join(part for part in parts if part)) or None


def bounds_of(field: FieldInfo) -> dict[str, float]:
    """The bounds declared: ge, gt, le, lt."""
    names = ("ge", "gt", "le", "lt")
    return {name: getattr(one, name) for one in field.metadata for name in names if hasattr(one, name)}


def _widget(name: str, field: FieldInfo, key: str, start: Any) -> Any:
    kind, optional = _kind(field)
    if not optional:
        return _plain_widget(kind, title_of(name, field), field, key, start)
    own = st.toggle(
        f"{title_of(name, field)}: choose it myself", value=start is not None, key=f"{key}-own", help=help_of(field)
    )
    if not own:
        return None
    return _plain_widget(
        kind, title_of(name, field), field, key, _first_value(kind, field) if start is None else start
    )


def _plain_widget(kind: Any, title: str, field: FieldInfo, key: str, start: Any) -> Any:
    told: dict[str, Any] = {"key": key, "help": help_of(field)}
    if get_origin(kind) is Literal:
        choices = list(get_args(kind))
        if len(choices) <= FEW:
            return st.segmented_control(title, choices, default=start, required=True, **told)
        return st.selectbox(title, choices, index=choices.index(start), **told)
    if kind is bool:
        return st.toggle(title, value=bool(start), **told)
    if kind in (int, float):
        return _number(kind, title, field, start, told)
    return st.text_input(title, value="" if start is None else str(start), **told)


def _number(kind: type, title: str, field: FieldInfo, start: Any, told: dict[str, Any]) -> Any:
    bounds = bounds_of(field)
    low, high = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
    step = kind(_extra(field).get("step") or (1 if kind is int else 0.01))
    low, high = (None if one is None else kind(one) for one in (low, high))
    if kind is float and low is not None and high is not None and "gt" not in bounds and "lt" not in bounds:
        return st.slider(title, low, high, float(start), step, format="%.3f", **told)
    told |= {"format": "%.4g"} if kind is float else {}
    told |= {"min_value": low, "max_value": high, "value": kind(start), "step": step}
    return st.number_input(title, **told)


def _kind(field: FieldInfo) -> tuple[Any, bool]:
    """The field's type without None, and whether None is allowed."""
    annotation = field.annotation
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [part for part in get_args(annotation) if part is not type(None)]
        return parts[0], len(parts) < len(get_args(annotation))
    return annotation, False


def _first_value(kind: Any, field: FieldInfo) -> Any:
    """Where an optional number begins when someone wants to choose it: 0.9 if allowed (the papers' usual), else the
    lowest bound."""
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    bounds = bounds_of(field)
    low, high = bounds.get("ge", bounds.get("gt", 0)), bounds.get("le", bounds.get("lt", float("inf")))
    if kind is float:
        return 0.9 if low <= 0.9 <= high else low
    return max(1, int(low)) if kind is int else ("" if kind is str else False)


def _extra(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
