"""What patches of each band look like, outlined in their frames; and what mosaics of the chosen ones will."""

import streamlit as st

from dataeff_core.hardness.choosing import TOO_EASY, Counts, PatchRules
from dataeff_core.mosaics.layout import MosaicRules
from dataeff_core.ui import forms, fragments
from dataeff_core.ui.hardness import pictures
from dataeff_core.ui.hardness.bands import STYLES, BandStyle
from dataeff_core.ui.hardness.opening import Shown
from dataeff_core.ui.quantities import count, literal

A_PAGE = 6  # patches of a band, in rows of ACROSS
ACROSS = 2
MOSAICS = 4


def draw(shown: Shown, counts: Counts) -> None:
    """The three bands side by side; turning a page runs that band alone."""
    numbers = {band: getattr(counts, band) for band in STYLES}
    for column, (band, style) in zip(st.columns(len(STYLES), gap="medium"), STYLES.items(), strict=True):
        with column:
            st.markdown(f"{style.icon} **{style.title}** :gray[{count(numbers[band])}]", help=style.sentence)
            fragments.draw(_draw_band, shown, style, numbers[band])


def draw_mosaic_rules() -> tuple[MosaicRules | None, int]:
    """The form of the mosaics, None where it cannot be used; and the seed."""
    with st.expander("Grid, shape, size"):
        rules = forms.draw(MosaicRules, key="hardness-mosaic")
        seed = st.number_input(
            "Seed", 0, 2**31 - 1, 0, key="hardness-seed", help="What is drawn by chance: same seed, same mosaics."
        )
    return rules, int(seed)


def draw_mosaics(shown: Shown, mosaics: MosaicRules, seed: int) -> int:
    """A few mosaics of the chosen patches; how many there are to be made. Raises BadInput where none can be."""
    layout = shown.opened.layout(shown.dataset, shown.rules, mosaics, number=None, seed=seed)
    for number, column in enumerate(st.columns(MOSAICS)):
        if number < len(layout):
            drawn = pictures.mosaic(shown, layout, number, mosaics)
            column.image(drawn, width="stretch", alt=f"mosaic {number + 1}")
    left = shown.opened.choice(shown.rules, seed).rows.size - layout.rows.size
    told = f"{count(len(layout))} mosaics of {layout.width} × {layout.height} pixels from {count(layout.rows.size)} "
    told += "patches, one of each band of hardness"
    told += f"; {count(left)} patches, the easiest, are left over" if left else ""
    st.caption(f"{told}. Shown from thumbnails; the images made are sharper.")
    return len(layout)


def _draw_band(shown: Shown, style: BandStyle, number: int) -> None:
    if number == 0:
        st.caption("None with these margins.")
        return
    page = _page(style.band, shown.rules, number)
    rows = shown.opened.ranked.gallery(shown.rules, style.band, A_PAGE, page * A_PAGE)
    told = pictures.captions(shown, rows)
    for start in range(0, len(rows), ACROSS):
        for column, row, caption in zip(
            st.columns(ACROSS), rows[start : start + ACROSS], told[start : start + ACROSS], strict=False
        ):
            drawn = pictures.outlined(shown, int(row), style.light)
            column.image(drawn, caption=literal(caption), width="stretch", alt=caption)


def _page(band: str, rules: PatchRules, number: int) -> int:
    """The page that is asked for, from 0, with its buttons; the first when the margin it begins at has moved."""
    margin = rules.lower if band == TOO_EASY else rules.upper
    key, last = f"hardness-page-{band}", (number - 1) // A_PAGE
    of, page = st.session_state.get(key, (margin, 0))
    page = min(page, last) if of == margin else 0

    def turn(by: int) -> None:
        st.session_state[key] = (margin, page + by)

    with st.container(horizontal=True, vertical_alignment="center"):
        for title, by, barred in (("Back", -1, page == 0), ("Next", 1, page == last)):
            st.button(
                title,
                key=f"{key}-{title.lower()}",
                icon=":material/chevron_left:" if by < 0 else ":material/chevron_right:",
                on_click=turn,
                args=(by,),
                disabled=barred,
                type="tertiary",
            )
        st.caption(f"{count(page + 1)} of {count(last + 1)}")
    return page
