"""The picture frame around every page: page list, dataset picker, wording, jobs."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dataeff_core.errors import DataEffError
from dataeff_core.ui import state

ASSETS = Path(__file__).parents[2] / "assets"


def draw(pages: Sequence[StreamlitPage]) -> None:
    """Draw the frame and the page that the visitor asked for; an error he can act on is one sentence in it."""
    st.set_page_config(page_title="DataEff", layout="wide", initial_sidebar_state="expanded")
    page = st.navigation(list(pages))
    try:
        space = state.workspace()
        with st.sidebar:
            state.draw_dataset_picker(space)
            state.draw_words_switch()
        page.run()
    except DataEffError as error:
        st.error(str(error), icon=":material/error:")
