"""A form from a declaration: each field of a pydantic model becomes a widget with its bounds, title and sentence.

A new selection method, encoder or SSL method thus has its form the moment its class is written.
"""

import types
from collections.abc import Collection, Mapping, Sequence
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
    names = [name for name in model.model_fields if name not in leave_out]
    given, places = _draw_fields(model, names, key, values or {})
    return _made(model, given, places)


def draw_sections(
    model: type[Model],
    *,
    key: str,
    sections: Mapping[str, str],
    values: Mapping[str, Any] | None = None,
    leave_out: Collection[str] = (),
) -> Model | None:
    """`draw`, each section of fields folded away: a closed one draws nothing and keeps what was chosen in it.

    `sections` are the names that fields give as their section and the headings, in their order; a field that
    names none of them stands in the first.
    """
    given: dict[str, Any] = {}
    places: dict[str, Any] = {}
    start = dict(values or {})
    placed: dict[str, list[str]] = {}
    for name, field in model.model_fields.items():
        section = str(_extra(field).get("section") or "")
        placed.setdefault(section if section in sections else next(iter(sections)), []).append(name)
    for section, heading in sections.items():
        names = [one for one in placed.get(section, []) if one not in leave_out]
        if not names:
            continue
        chosen = {name: _remembered(name, model.model_fields[name], f"{key}-{name}", start) for name in names}
        folder = st.expander(heading, key=f"{key}-section-{section}", on_change="rerun")
        if folder.open:
            with folder:
                chosen, drawn = _draw_fields(model, names, key, start, keep=True)
            places |= drawn
        given |= chosen
    return _made(model, given, places)


def options(instance: BaseModel, base: BaseModel | None = None) -> list[str]:
    """What differs from `base`, or from the defaults, as `--set=key=value` for the command line."""
    usual = base.model_dump(mode="json") if base is not None else {}
    changed = instance.model_dump(mode="json", exclude_defaults=base is None)
    return [
        option("set", f"{name}={_as_text(value)}")
        for name, value in changed.items()
        if base is None or value != usual[name]
    ]


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


def _draw_fields(
    model: type[BaseModel], names: Sequence[str], key: str, values: Mapping[str, Any], *, keep: bool = False
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the visitor gave for each of the fields, and the place below each widget. With `keep`, a value outlives
    the widget's being hidden."""
    given, places = {}, {}
    for name in names:
        field = model.model_fields[name]
        given[name] = _widget(name, field, f"{key}-{name}", _start_of(name, field, values), keep)
        places[name] = st.empty()
    return given, places


def _made(model: type[Model], given: Mapping[str, Any], places: Mapping[str, Any]) -> Model | None:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        for one in error.errors():
            name = str(one["loc"][0]) if one["loc"] else ""
            sentence = f"{given.get(name)!r} cannot be used: {one['msg'][:1].lower()}{one['msg'][1:]}"
            if name in given and name not in places:
                sentence = f"{title_of(name, model.model_fields[name])}: {sentence}"
            problem(sentence, places.get(name))
        return None


def _start_of(name: str, field: FieldInfo, values: Mapping[str, Any]) -> Any:
    return values.get(name, field.get_default(call_default_factory=True))


def _remembered(name: str, field: FieldInfo, key: str, values: Mapping[str, Any]) -> Any:
    """What was last chosen in a widget that is not drawn now; its start where it never was."""
    kind, optional = _kind(field)
    start = _start_of(name, field, values)
    if optional and not st.session_state.get(f"{key}-own", start is not None):
        return None
    return st.session_state.get(key, _first_value(kind, field) if optional and start is None else start)


def _widget(name: str, field: FieldInfo, key: str, start: Any, keep: bool) -> Any:
    kind, optional = _kind(field)
    told: dict[str, Any] = {"help": help_of(field), "persist_state": "session" if keep else None}
    title = title_of(name, field)
    if not optional:
        return _plain_widget(kind, title, field, start, told | {"key": key})
    if not st.toggle(f"{title}: choose it myself", value=start is not None, key=f"{key}-own", **told):
        return None
    first = _first_value(kind, field) if start is None else start
    return _plain_widget(kind, title, field, first, told | {"key": key})


def _plain_widget(kind: Any, title: str, field: FieldInfo, start: Any, told: dict[str, Any]) -> Any:
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
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
