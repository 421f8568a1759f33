"""The explorer component and what the visitor has set in it.

`View` is the one state of the page: limits, the frame looked at, the lasso. The browser changes it through the
component; Python keeps it for the session and in the page's address, so that a link restores it.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import streamlit as st

from dataeff_core.ui import assets, routes, words
from dataeff_core.ui.explore.controls import controls, marks, reasons, spoken
from dataeff_core.ui.explore.explored import Decided, Explored, Limits
from dataeff_core.ui.explore.lasso import read_polygon
from dataeff_core.ui.explore.stays import stays_of_dataset

_STATE = "explore-view"
_ADDRESS = ("mode", "eta", "epsilon", "invalid", "keep")

_component = st.components.v2.component("dataeff_explorer", js=assets.read("loader.js"))


@dataclass
class View:
    """What one visitor looks at."""

    about: str  # dataset and embedding that it belongs to
    limits: Limits
    sent: Limits  # as last told to the browser; it knows its own moves without being told
    start: Limits  # where a newcomer would stand; limits that still stand there follow it
    version: int = 0
    heard: int = 0  # how many moves of the browser's limits have been heard of
    heard_sent: int = 0  # the same when limits were last told: a browser that has moved on since takes no notice
    picked: str = ""  # frame id in the why card
    lasso: list[float] | None = None  # corners in map coordinates: x0, y0, x1, y1, ...
    lasso_sent: list[float] | None = None
    lasso_version: int = 0
    stays: dict[str, str] | None = None  # address and name of how often frames stay; read when the page is drawn
    missing_colour: bool = False  # whether hardness was asked for as a colour where it is not known
    trouble: str = ""  # why the browser cannot draw the map

    def follow(self, start: Limits) -> None:
        """Another start, as after a calibration or a new sorting: limits that were not moved go along."""
        before, now = vars(self.start), vars(self.limits)
        still = {name: new for name, new in vars(start).items() if now[name] == before[name]}
        self.limits, self.start = replace(self.limits, **still), start


def view_of(explored: Explored) -> View:
    """The visitor's view of this embedding: the one he had, else the one in the address, else the start."""
    about = f"{explored.dataset.id}/{explored.embedding.id}"
    known = st.session_state.get(_STATE)
    if isinstance(known, View) and known.about == about:
        known.follow(explored.start)
        known.stays = stays_of_dataset(explored.dataset)
        return known
    given = {name: st.query_params[name] for name in _ADDRESS if name in st.query_params} if known is None else {}
    limits = Limits.read(given, explored.start)
    made = View(about, limits, limits, explored.start, stays=stays_of_dataset(explored.dataset))
    st.session_state[_STATE] = made
    if not given:
        clear_address()
    return made


def resend(view: View) -> None:
    """Tell a browser that may have lost it where everything stands; called when the whole page is drawn."""
    if view.sent != view.limits:
        view.sent, view.version, view.heard_sent = view.limits, view.version + 1, view.heard
    if view.lasso_sent != view.lasso:
        view.lasso_sent, view.lasso_version = view.lasso, view.lasso_version + 1


def write_address(limits: Limits) -> None:
    """Put the limits into the page's address."""
    st.query_params.update({name: _short(value) for name, value in asdict(limits).items()})


def clear_address() -> None:
    """Take the limits out of the page's address."""
    for name in _ADDRESS:
        st.query_params.pop(name, None)


def draw(
    explored: Explored, view: View, decided: Decided, partner: str, beside: dict[str, Any] | None = None
) -> None:
    """Draw the component; what the visitor does in it changes `view` before the next run. `partner` is the id of
    the frame that stands for the one picked, or ''; `beside` is what else the browser is told: 'prices', the curves
    beside the map, 'hardness', where to fetch that colour, and 'pins', where to fetch what reviewers decided; each
    where there are any."""
    key = f"explorer-{explored.family}-{'plain' if words.state.plain_words() else 'symbols'}"

    def said(name: str) -> Any:
        return getattr(st.session_state[key], name, None)

    def limits_moved() -> None:
        view.limits, view.heard = Limits.read(said("limits"), view.limits), moves_of(said("limits"))
        write_address(view.limits)

    def frame_picked() -> None:
        view.picked = str(said("picked") or "")

    def lasso_drawn() -> None:
        view.lasso = read_polygon(said("lasso"))

    def colour_missed() -> None:
        view.missing_colour = bool(said("missing_colour"))

    def in_trouble() -> None:
        view.trouble = str(said("trouble") or "")[:200]

    _component(
        key=key,
        data=component_data(explored, view, decided, partner, key) | (beside or {}),
        on_limits_change=limits_moved,
        on_picked_change=frame_picked,
        on_lasso_change=lasso_drawn,
        on_missing_colour_change=colour_missed,
        on_trouble_change=in_trouble,
        on_missing_change=lambda: None,
    )


def moves_of(said: Any) -> int:
    """The number that the browser gave its latest move of the limits; 0 for none."""
    number = said.get("move") if isinstance(said, dict) else None
    return number if isinstance(number, int) and number >= 0 else 0


def points_path(explored: Explored) -> str:
    """Names all that the points are made of, so that a browser that has them asks no more."""
    return f"points/{explored.dataset.id}/{explored.frame_map.record.id}/{explored.dataset.fingerprint[:16]}"


def component_data(explored: Explored, view: View, decided: Decided, partner: str, key: str) -> dict[str, Any]:
    """What the browser is told. It stays the same while only eta moves, so such a step sends nothing back."""
    dataset = explored.dataset
    return {
        "key": key,
        "module": routes.module_url("explorer.js"),
        "geometry": routes.explorer_url(points_path(explored)),
        "scores": {"id": decided.scores_id, "url": routes.explorer_url(f"scores/{decided.scores_id}")},
        "thumbnail": routes.explorer_url(f"thumbnail/{dataset.id}/{{id}}"),
        "limits": asdict(view.sent),
        "limits_version": view.version,
        "limits_heard": view.heard_sent,
        "controls": controls(explored, view.sent),
        "marks": marks(explored),
        "reasons": reasons(),
        "words": spoken(),
        "has_invalid": explored.base.invalid_score is not None,
        "stays": view.stays,
        "picked": view.picked,
        "partner": partner,
        "lasso": view.lasso_sent,
        "lasso_version": view.lasso_version,
    }


def _short(value: float | str) -> str:
    return value if isinstance(value, str) else repr(float(value))
