"""The timeline: each video or ordered group as a strip of what stays and what does not.

All of it is drawn in the browser from what `timeline_routes` answers; Python hears only of a frame to decide on.
"""

from typing import Any

import streamlit as st

from dataeff_core.ui import assets, routes, visitor
from dataeff_core.ui.explore.controls import reasons
from dataeff_core.ui.review import taking_back
from dataeff_core.ui.review.timeline_routes import CHUNK
from dataeff_core.ui.review.views import decide_on
from dataeff_core.ui.theme import REASONS
from dataeff_core.workspace import Dataset, SavedSelection, Workspace

_component = st.components.v2.component("dataeff_timeline", js=assets.read("loader.js"))

WORDS = {
    "list": "Strips; up and down choose one, left and right step through its frames",
    "find": "Find by name",
    "sort": "Order",
    "sort_gap": "longest stretch first",
    "sort_name": "by name",
    "loading": "Loading the timeline …",
    "failed": "The timeline did not arrive; reload the page.",
    "none_found": "No strip has this in its name.",
    "shown": "{n} of {all} strips",
    "all_kept": "every frame stays",
    "kept_of": "{kept} of {frames} kept",
    "one_frame": "one frame",
    "untimed": "Times are not known here: stretches are counted in frames, in their order.",
    "some_untimed": "Where times are not known, stretches are counted in frames, in their order.",
    "alone": "Every group has one frame only, so there is no stretch to look at: see Nothing lost.",
    "kept": "kept",
    "removed": "removed: the higher, the more",
    "fault": "unusable",
    "reviewed": "decided by a reviewer",
    "ruled": "held by a rule",
    "stretch": "longest stretch without a kept frame",
    "frame_of": "frame {n} of {all}",
    "previous": "Step back (left arrow)",
    "next": "Step on (right arrow)",
    "previous_kept": "The kept frame before (shift and left arrow)",
    "next_kept": "The kept frame after (shift and right arrow)",
    "to_stretch": "Longest stretch",
    "lens": "The frames around, one bar each: high ones are kept",
    "film": "The frames around",
    "removed_for": "Removed: {reason}",
    "kept_by": "Kept by a reviewer",
    "kept_by_rule": "Kept by a rule",
    "removed_by": "Removed by a reviewer",
    "stands": "stands for it",
    "nothing_stands": "No kept frame stands for it.",
    "picture": "picture not available",
    "decide": "Decide on it",
    "decide_hint": "Step through the removals from this one on",
    "take_back": taking_back.LABEL,
    "take_back_hint": taking_back.HINT,
    "keys": "left and right step, with shift to the next kept frame",
}


def draw(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    """The view."""
    key, place = f"timeline-{saved.id}", f"{dataset.id}/{saved.id}"

    def heard() -> None:
        wanted: Any = st.session_state[key].take_back
        if isinstance(wanted, dict) and isinstance(wanted.get("frame"), str) and isinstance(wanted.get("seq"), int):
            taking_back.heard(workspace, dataset, saved, wanted["frame"], wanted["seq"])

    taking_back.draw_result()
    _component(
        key=key,
        data={
            "module": routes.module_url("timeline.js"),
            "strips": routes.timeline_url(place),
            "strip": routes.timeline_url(f"{place}/{{strip}}"),
            "frames": routes.timeline_url(f"{place}/{{strip}}/{{chunk}}"),
            "chunk": CHUNK,
            "thumbnail": routes.explorer_url(f"thumbnail/{dataset.id}/{{id}}"),
            "original": routes.original_url(dataset.id, "{id}"),
            "version": saved.pins.last,
            "reasons": [one | {"name": name} for one, name in zip(reasons(), REASONS, strict=True)],
            "may": visitor.may("review"),
            "words": WORDS,
        },
        on_decide_change=lambda: decide_on(str(st.session_state[key].decide)),
        on_take_back_change=heard,
    )
