"""Pages of thumbnails: a component of our own, keyboard first, that says which frame was clicked.

Names of files and groups are untrusted: they travel as data and the browser sets them as text, never as HTML.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dataeff_core.datasets.names import file_name
from dataeff_core.ui import routes, words
from dataeff_core.ui.assets import read
from dataeff_core.ui.theme import style_of

_component = st.components.v2.component(
    "dataeff_gallery", html=read("gallery.html"), css=read("gallery.css"), js=read("loader.js")
)


@dataclass(frozen=True)
class Tile:
    """One frame of a gallery."""

    frame_id: str
    sha256: str
    caption: str
    detail: str = ""  # a second, quieter line
    reason: str = ""  # 'kept', 'duplicate', ...: drawn as a badge by shape, colour and word; '' draws none
    url: str = ""  # of a picture that is no thumbnail, made by `routes`
    number: str = ""  # a short number over the picture, ...
    number_help: str = ""  # ... and what it says in a sentence


def draw(
    rows: Sequence[int] | np.ndarray,
    tile: Callable[[int], Tile],
    *,
    key: str,
    label: str = "Frames",
    per_page: int = 24,
    tile_width: int = 136,
    selected: str = "",
    empty: str = "No frames here.",
    reset: str = "",
    on_pick: Callable[[str], None] | None = None,
) -> str | None:
    """Draw a page of the frames at `rows`, each made by `tile(row)` only when it is on the page.

    Returns the frame id clicked in this run, or None; `on_pick` is called with it before the run. `selected` is
    ringed. `reset` names what is shown (a filter, say): when it changes, the first page is shown again.
    Wrap the call in a fragment where turning a page must not run the whole page.
    """
    pages = max(1, -(-len(rows) // per_page))
    page = min(_page(key, reset), pages - 1)
    shown = [tile(int(row)) for row in rows[page * per_page : (page + 1) * per_page]]
    ids = {one.frame_id for one in shown}

    def tell() -> None:
        picked = st.session_state[key].picked
        if on_pick is not None and picked in ids:
            on_pick(picked)

    result = _component(
        key=key,
        data={
            "module": routes.module_url("gallery.js"),
            "tiles": [_as_data(one, words.reason) for one in shown],
            "selected": selected,
            "first": page * per_page,
            "total": len(rows),
            "page": page,
            "pages": pages,
            "of": reset,
            "label": label,
            "tile_width": tile_width,
            "empty": empty,
            "large": False,
        },
        on_picked_change=tell,
        on_page_change=lambda: None,
    )
    return result.picked if result.picked in ids else None


def draw_picture(url: str, *, alt: str, key: str, fallback: str = "") -> None:
    """One picture in full width, from an address made by `routes`; where that fails, the one at `fallback`."""
    one = {"id": "", "url": url, "alt": alt, "caption": "", "detail": "", "badge": None, "fallback": fallback}
    whole = {"tiles": [one], "selected": "", "first": 0, "total": 1, "page": 0, "pages": 1, "of": "", "label": alt}
    _component(
        key=key,
        data=whole | {"module": routes.module_url("gallery.js"), "tile_width": 320, "empty": "", "large": True},
        on_picked_change=lambda: None,
        on_page_change=lambda: None,
    )


def tile_of(frames: pd.DataFrame, row: int, *, reason: str = "", detail: str | None = None) -> Tile:
    """The tile of the frame at position `row` of a frames table: time within a video or file name, and group."""
    frame = frames.iloc[row]
    return Tile(
        frame_id=str(frame["frame_id"]),
        sha256=str(frame["sha256"]),
        caption=caption_of(frame),
        detail=str(frame["group"]) if detail is None else detail,
        reason=reason,
    )


def caption_of(frame: pd.Series) -> str:
    """What people call a frame: '01:22.4' within a video, else its file name."""
    time_s = float(frame["time_s"])
    return file_name(str(frame["path"])) if np.isnan(time_s) else clock(time_s)


def clock(seconds: float) -> str:
    """82.44 -> '01:22.4'; an hour and more as '1:02:03.4'."""
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:04.1f}" if hours else f"{minutes:02d}:{rest:04.1f}"


def _page(key: str, reset: str) -> int:
    """The page that the browser asked for, from 0; the first when it was asked of something else."""
    state: Any = st.session_state.get(key) or {}
    asked = state.get("page")
    if not isinstance(asked, dict) or asked.get("of") != reset:
        return 0
    number = asked.get("page")
    return max(0, number) if isinstance(number, int) else 0


def _as_data(tile: Tile, reason_words: Callable[[str], str]) -> dict[str, Any]:
    badge, alt = None, f"{tile.caption}, {tile.detail}".strip(", ")
    if tile.reason:
        style = style_of(tile.reason)
        text = reason_words(tile.reason)
        badge = {"text": text, "shape": style.shape, "light": style.light, "dark": style.dark}
        alt = f"{alt}: {text}"
    return {
        "id": tile.frame_id,
        "url": tile.url or routes.thumbnail_url(tile.sha256),
        "caption": tile.caption,
        "detail": tile.detail,
        "badge": badge,
        "alt": alt,
        **({"number": [tile.number, tile.number_help]} if tile.number else {}),
    }
