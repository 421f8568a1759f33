"""The margins as the visitor drags them: where they stand, the component that shows them, and the page's address.

`Margins` is the state of the session. The browser changes it through the component, the number fields beside it
through Streamlit; the address follows, so that a link restores it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import streamlit as st

from dataeff_core.hardness.choosing import PatchRules
from dataeff_core.hardness.information import Terms
from dataeff_core.ui import assets, routes
from dataeff_core.ui.hardness import hardness_routes
from dataeff_core.ui.hardness.bands import STYLES
from dataeff_core.ui.hardness.opening import Shown
from dataeff_core.ui.hardness.payload import STEPS

ADDRESS = "margins"  # the query parameter, twice: the lower margin, the upper margin
USUAL = (0.5, 0.98)
_STATE = "hardness-margins"

_component = st.components.v2.component("dataeff_hardness", js=assets.read("loader.js"))

WORDS = {
    "counts": "Patches",
    "histogram": "Patches by hardness",
    "hint": "Drag the margins, or move them by arrow keys (Shift: larger steps, Alt: smallest, Home and End).",
    "axis": "hardness",
    "lower": "Lower margin",
    "upper": "Upper margin",
    "lower_short": "lower",
    "upper_short": "upper",
    "lower_value": "lower margin: {share} of the patches are easier; hardness {hardness}",
    "upper_value": "upper margin: {share} of the patches are easier or as hard; hardness {hardness}",
    "lower_look": "At the lower margin",
    "upper_look": "At the upper margin",
    "lower_out": "just too easy",
    "lower_inside": "just hard enough",
    "upper_inside": "hardest of the useful",
    "upper_out": "first suspicious ones",
    "nobody": "none",
    "bar": "{n} patches of hardness {low} to {high}",
    "of_frames": "of {n} frames",
    "at_most": "at most",
    "all": "All",
    "useful": "Useful",
    "chosen": "Chosen",
    "information": "V-information of the patches",
    "difference": "difference",
    "nats": "In nats per hidden value: one colour channel of one pixel.",
    "worse": "The difference is below 0: this MAE draws these patches worse than one flat colour would. Train it "
    "longer before you trust its order of patches.",
    "curve": "Both terms against the budget",
    "budget_axis": "the hardest N patches between the margins",
    "nothing": "H(Y|∅): nothing known",
    "given": "H(Y|X): rest of the patch known",
    "only_chosen": "only those that the limits leave",
    "none_here": "None with these margins.",
    "before": "Back",
    "next": "Next",
    "close": "Close",
    "enlarged": "The patch in its frame",
    "pixels": "pixels",
    "mosaic": "mosaic {n}",
    "band": "band {n} of {all}",
    "easiest": "the easiest",
    "hardest": "the hardest",
    "none_between": "No patch lies between the margins.",
    "failed": "The numbers behind the margins could not be loaded; reload the page.",
}


@dataclass
class Margins:
    """Where the margins stand, as quantiles."""

    lower: float
    upper: float
    version: int = 0  # how often they were set from elsewhere than the browser's handles
    heard: int = 0  # how many moves of the handles have been heard of
    heard_then: int = 0  # the same when `version` last changed: a browser that has moved on since takes no notice

    @property
    def pair(self) -> tuple[float, float]:
        return self.lower, self.upper

    def put(self, lower: float, upper: float) -> None:
        """Set from outside the browser's handles, which are to follow."""
        self.lower, self.upper = lower, upper
        self.version, self.heard_then = self.version + 1, self.heard

    def take(self, said: Any) -> None:
        """What the browser says that its handles were moved to; anything that cannot be that is passed over."""
        known = said if isinstance(said, dict) else {}
        pair, move = readable([known.get("lower"), known.get("upper")]), known.get("move")
        if pair is not None:
            self.lower, self.upper = pair
        if isinstance(move, int) and move > self.heard:
            self.heard = move


def margins() -> Margins:
    """The visitor's: those he had, else those in the address, else the usual ones."""
    known = st.session_state.get(_STATE)
    if not isinstance(known, Margins):
        known = Margins(*(readable(st.query_params.get_all(ADDRESS)) or USUAL))
        st.session_state[_STATE] = known
    return known


def readable(given: Sequence[Any]) -> tuple[float, float] | None:
    """Two quantiles, rounded to what a margin can be set to; None where they are none, or the lower is above."""
    try:
        lower, upper = (float(one) for one in given)
    except (TypeError, ValueError):
        return None
    if not (math.isfinite(lower) and math.isfinite(upper) and 0 <= lower <= upper <= 1):
        return None
    return round(lower * STEPS) / STEPS, round(upper * STEPS) / STEPS


def write_address(now: Margins) -> None:
    """Put the margins into the page's address, unless they are the usual ones and nothing stands there."""
    told = [f"{one:g}" for one in now.pair]
    there = st.query_params.get_all(ADDRESS)
    if there != told and (there or now.pair != USUAL):
        st.query_params[ADDRESS] = told


def draw(shown: Shown, now: Margins, chosen: Terms | None, seed: int) -> None:
    """Draw the component; what the visitor drags changes `now` before the next run. `chosen`: the terms of what all
    rules choose with `seed`, None where they can choose nothing."""
    key = f"hardness-live-{shown.opened.scored.id}"

    def moved() -> None:
        now.take(getattr(st.session_state[key], "margins", None))

    _component(key=key, data=component_data(shown, now, chosen, seed), on_margins_change=moved)


def component_data(shown: Shown, now: Margins, chosen: Terms | None, seed: int) -> dict[str, Any]:
    """What the browser is told."""
    dataset, opened, rules = shown.dataset, shown.opened, shown.rules
    choice = f"&seed={seed}&rules={quote(rules.model_dump_json())}"
    limits = {name: getattr(rules, name) for name in ("budget", "per_frame", "per_group", "alike")}
    return {
        "module": routes.module_url("hardness.js"),
        "table": hardness_routes.url(dataset, opened, "margins"),
        "examples": hardness_routes.url(dataset, opened, "examples"),
        "choice": hardness_routes.url(dataset, opened, "chosen") + choice,
        "patch": hardness_routes.url(dataset, opened, "patch"),
        "margins": list(now.pair),
        "version": now.version,
        "heard": now.heard_then,
        "limits": limits,
        "limited": any(one is not None for one in limits.values()),
        "chosen": {"margins": list(now.pair), **_told(chosen)},
        "bands": _bands(rules),
        "words": WORDS,
    }


def _told(chosen: Terms | None) -> dict[str, Any]:
    if chosen is None or chosen.patches == 0:
        return {"patches": 0, "nothing": None, "given": None, "information": None}
    return {
        "patches": chosen.patches,
        "nothing": chosen.nothing,
        "given": chosen.given,
        "information": chosen.information,
    }


def _bands(rules: PatchRules) -> list[dict[str, str]]:
    """The four numbers: the bands, and what is chosen of the useful ones."""
    bands = [
        {
            "name": style.band,
            "title": style.title,
            "sentence": style.sentence,
            "light": style.light,
            "dark": style.dark,
            "pattern": style.pattern,
        }
        for style in STYLES.values()
    ]
    told = "Useful ones that the limits and the budget allow"
    told += ", without those too alike." if rules.alike is not None else "."
    return [*bands, {"name": "chosen", "title": "Chosen", "sentence": told}]
