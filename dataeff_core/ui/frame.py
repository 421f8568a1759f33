"""The picture frame around every page: page list, dataset picker, wording, jobs."""

from collections.abc import Sequence

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dataeff_core.ui import assets, fragments, jobs_panel, state, visitor


def draw(pages: Sequence[StreamlitPage]) -> None:
    """Draw the frame and the page that the visitor asked for; an error he can act on is one sentence in it."""
    # The icon before the pages are named: else a page's own icon is fetched from another host for the browser's tab.
    st.set_page_config(
        page_icon=str(assets.FOLDER / "icon.svg"),
        layout="wide",
        initial_sidebar_state=256,  # pixels
    )
    page = st.navigation(list(pages))
    fragments.remember_page(page, pages)
    st.set_page_config(page_title=f"{page.title} · DataEff")
    st.html(assets.FOLDER / "frame.css")
    dark = st.context.theme.type == "dark"
    st.logo(str(assets.FOLDER / ("logo-dark.svg" if dark else "logo-light.svg")), size="large")
    with fragments.errors_said():
        space = state.workspace()
        if not visitor.may("look"):
            with st.sidebar:
                visitor.draw_in_sidebar()
            visitor.draw_gate()
            return
        with st.sidebar:
            state.draw_dataset_picker(space)
            with fragments.errors_said():  # a damaged job is no reason to show no page
                jobs_panel.draw(space)
            state.draw_words_switch()
            visitor.draw_in_sidebar()
        page.run()
