"""Parts of a page that run on their own, and errors said in one sentence wherever they come up."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import streamlit as st

from dataeff_core.errors import DataEffError
from dataeff_core.ui.quantities import literal


def draw(function: Callable[..., None], *args: Any, run_every: float | None = None) -> None:
    """Call `function(*args)` as a fragment: what happens in it runs it alone again, and `run_every` seconds."""

    @functools.wraps(function)
    def told(*args: Any) -> None:
        with errors_said():
            function(*args)

    st.fragment(told, run_every=run_every)(*args)


@contextlib.contextmanager
def errors_said() -> Iterator[None]:
    """Show an error that the visitor can act on as its sentence, where he is; a bug keeps its traceback."""
    try:
        yield
    except DataEffError as error:
        st.error(literal(str(error)), icon=":material/error:")
