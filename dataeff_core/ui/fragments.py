"""Parts of a page that run on their own, and errors said in one sentence wherever they come up."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dataeff_core.errors import DataEffError
from dataeff_core.ui.quantities import literal

MOST_PASSED = 3
_PASSED, _LEFT = "fragments-passed", "fragments-left-pages"


def draw(function: Callable[..., None], *args: Any, run_every: float | None = None) -> None:
    """Call `function(*args)` as a fragment: what happens in it runs it alone again, and `run_every` seconds."""

    @functools.wraps(function)
    def told(*args: Any) -> None:
        with errors_said():
            function(*args)

    st.fragment(told, run_every=run_every)(*args)


def remember_page(shown: StreamlitPage, pages: Sequence[StreamlitPage]) -> None:
    """Note which of `pages` the visitor is on, for `renew_page`; to be called whenever the whole page runs."""
    st.session_state[_LEFT] = {one._script_hash for one in pages} - {shown._script_hash}


def renew_page() -> None:
    """Run the whole page anew, from a fragment that looks every second and has seen something end.

    To be called last in the fragment, and it may let the moment pass, for `st.rerun` throws away what the visitor did
    just then; a run of this fragment a second later does it:

    - a click that came in the same run, on this fragment or on one that runs with it. After MOST_PASSED such moments
      it no longer waits: fragments that look at the same beat must not keep each other from it for ever;
    - a step to another page: a look that the browser asked for before it heard of that step still carries the address
      of the page left, and a rerun would lead back there.

    While the whole page runs there is nothing to do.
    """
    context = get_script_run_ctx()
    running = context.fragment_ids_this_run if context is not None else None
    if context is None or not running or context.page_script_hash in st.session_state.get(_LEFT, ()):
        return
    passed = st.session_state.get(_PASSED, 0)
    if len(running) > 1 and passed < MOST_PASSED:
        st.session_state[_PASSED] = passed + 1
        return
    st.session_state[_PASSED] = 0
    st.empty()  # Streamlit turns to what waits, such as a step to another page, before it hears of the rerun
    st.rerun()


@contextlib.contextmanager
def errors_said() -> Iterator[None]:
    """Show an error that the visitor can act on as its sentence, where he is; a bug keeps its traceback."""
    try:
        yield
    except DataEffError as error:
        st.error(literal(str(error)), icon=":material/error:")
