"""Forms from declarations: every registered method has one, and bad values are one sentence below the field."""

from typing import ClassVar, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field
from streamlit.testing.v1 import AppTest

from dataeff_core.encoders import ENCODERS
from dataeff_core.selection import SELECTORS
from dataeff_core.ui import forms


class Example(BaseModel):
    """One of each kind of field."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    NAME: ClassVar[str] = "example"

    share: float = Field(default=0.5, ge=0, le=1, title="Share", description="How much.")
    above: float = Field(default=2.0, gt=0, title="Above nothing")
    count: int = Field(default=3, ge=1, title="Count", json_schema_extra={"unit": "frames", "symbol": "n"})
    limit: float | None = Field(default=None, ge=0, le=2, title="Limit")
    word: str = Field(default="plain", pattern="^[a-z]+$", title="Word")
    rule: Literal["one", "two"] = Field(default="one", title="Rule")
    check: bool = Field(default=False, title="Check")


def script(model: type[BaseModel]) -> AppTest:
    def run() -> None:
        import streamlit as st

        from dataeff_core.ui import forms

        st.session_state["made"] = forms.draw(st.session_state["model"], key="form")

    app = AppTest.from_function(run, default_timeout=30)
    app.session_state["model"] = model
    return app.run()


@pytest.mark.parametrize("model", [*SELECTORS, *ENCODERS], ids=lambda model: model.NAME)
def test_every_registered_class_has_a_form_that_makes_its_default(model: type[BaseModel]) -> None:
    app = script(model)
    assert not app.exception
    assert app.session_state["made"] == model()
    assert forms.options(app.session_state["made"]) == []


def test_each_field_becomes_its_widget() -> None:
    app = script(Example)
    assert app.slider(key="form-share").max == 1
    assert app.number_input(key="form-count").min == 1
    assert app.number_input(key="form-count").label == "Count"
    assert app.toggle(key="form-limit-own").value is False
    app.slider(key="form-share").set_value(0.25)
    app.toggle(key="form-limit-own").set_value(True)
    app.segmented_control(key="form-rule").set_value("two")
    app.toggle(key="form-check").set_value(True)
    app.run()
    app.slider(key="form-limit").set_value(1.5).run()
    made = app.session_state["made"]
    assert made == Example(share=0.25, limit=1.5, rule="two", check=True)
    assert forms.options(made) == ["--set=share=0.25", "--set=limit=1.5", "--set=rule=two", "--set=check=true"]


@pytest.mark.parametrize(("key", "value"), [("form-word", "NOT <b>THIS</b>"), ("form-word", "")])
def test_a_bad_text_is_one_sentence_and_no_instance(key: str, value: str) -> None:
    app = script(Example)
    app.text_input(key=key).set_value(value).run()
    assert not app.exception
    assert app.session_state["made"] is None
    red = [one.value for one in app.markdown if one.value.startswith(":red[")]
    assert len(red) == 1


def test_a_bound_that_is_not_included_is_one_sentence() -> None:
    app = script(Example)
    app.number_input(key="form-above").set_value(0.0).run()
    assert app.session_state["made"] is None
    assert "greater than 0" in next(one.value for one in app.markdown if one.value.startswith(":red["))


def test_symbols_stand_where_the_reader_wants_them() -> None:
    field = Example.model_fields["count"]
    assert forms.title_of("count", field) == "Count"
    assert forms.help_of(field) == "Unit\\:\u200b frames\\."
