"""What the training images will look like: some mosaics of the chosen patches, and their rules."""

from typing import Any

import streamlit as st

from dataeff_core.mosaics.layout import Layout, MosaicRules
from dataeff_core.ui import assets, forms, routes
from dataeff_core.ui.hardness import hardness_routes
from dataeff_core.ui.hardness.live import WORDS
from dataeff_core.ui.hardness.opening import Shown
from dataeff_core.ui.quantities import counted

SEED, NUMBER = "hardness-seed", "hardness-number"
MOST_MOSAICS, MOST_CELLS = 8, 64
SHOWN_SIDE = 320  # pixels of the longer side of a cell as shown
_FROM = "hardness-mosaics-from"

_component = st.components.v2.component("dataeff_hardness_mosaics", js=assets.read("loader.js"))


def seed() -> int:
    """What chance is drawn by, as the form below has it."""
    return int(st.session_state.get(SEED, 0))


def draw_rules() -> MosaicRules | None:
    """The form of the mosaics, and another draw; None where it cannot be used."""
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.popover("Grid, shape, size", icon=":material/grid_view:"):
            rules = forms.draw(MosaicRules, key="hardness-mosaic")
            st.number_input(
                "Seed", 0, 2**31 - 1, 0, key=SEED, help="What is drawn by chance: same seed, same mosaics."
            )
        st.button(
            "Another draw",
            key="hardness-draw",
            on_click=_draw_again,
            icon=":material/casino:",
            help="The same patches put together otherwise: the next seed.",
        )
        st.button(
            "Show others",
            key="hardness-others",
            on_click=_turn,
            icon=":material/arrow_forward:",
            help="Other mosaics of the same draw.",
        )
    return rules


def draw(shown: Shown, mosaics: MosaicRules, drawn_by: int) -> int:
    """Some of the mosaics that would be saved; how many can be made. Raises BadInput where none can be."""
    chosen = shown.opened.choice(shown.rules, drawn_by).rows.size
    most = chosen // mosaics.grid**2
    layout = shown.opened.layout(shown.dataset, shown.rules, mosaics, number=number(most), seed=drawn_by)
    _component(key="hardness-mosaics-sheet", data=component_data(shown, mosaics, layout, first_shown(layout)))
    told = f"{counted(len(layout), 'mosaic')} of {layout.width} × {layout.height} pixels from "
    told += f"{counted(layout.rows.size, 'patch', 'patches')}, one of each band of hardness"
    if left := chosen - layout.rows.size:
        told += f"; {counted(left, 'chosen patch is', 'chosen patches are')} in none"
    st.caption(f"{told}. Point at a cell to see where it is from.")
    return most


def number(most: int) -> int | None:
    """How many mosaics are asked for, of so many that can be made; None for all."""
    asked = st.session_state.get(NUMBER)
    if asked is not None and asked > most:  # the margins have moved since
        st.session_state[NUMBER] = asked = most or None
    return asked


def first_shown(layout: Layout) -> int:
    """The number of the first mosaic to show, as often as others were asked for."""
    return int(st.session_state.get(_FROM, 0)) * number_shown(layout) % len(layout)


def number_shown(layout: Layout) -> int:
    """How many are shown: fewer of many cells."""
    return max(1, min(MOST_MOSAICS, MOST_CELLS // layout.grid**2, len(layout)))


def component_data(shown: Shown, mosaics: MosaicRules, layout: Layout, first: int) -> dict[str, Any]:
    """What the browser is told of the mosaics from number `first` on."""
    token, scored = routes.own_token(), shown.opened.scored
    numbers = [(first + at) % len(layout) for at in range(number_shown(layout))]
    height, width = layout.cell
    scale = min(1.0, SHOWN_SIDE / max(height, width))
    size = f"&height={max(1, round(height * scale))}&width={max(1, round(width * scale))}&aspect={mosaics.aspect}"
    told = []
    for number in numbers:
        found = hardness_routes.examples(shown.dataset, scored, layout.rows[number].tolist(), token)
        bands = layout.bands[number].tolist()
        told.append(
            {"number": number, "cells": [{**one, "band": band} for one, band in zip(found, bands, strict=True)]}
        )
    return {
        "module": routes.module_url("hardness_mosaics.js"),
        "mosaics": told,
        "grid": layout.grid,
        "height": layout.height,
        "width": layout.width,
        "cell": hardness_routes.url(shown.dataset, shown.opened, "cell") + size,
        "words": WORDS,
    }


def _draw_again() -> None:
    st.session_state[SEED] = (seed() + 1) % 2**31


def _turn() -> None:
    st.session_state[_FROM] = int(st.session_state.get(_FROM, 0)) + 1
