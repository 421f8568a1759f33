"""Judging the frames of a blind audit, one at a time: a component of our own, keyboard first.

The browser is told how many frames there are, where their pictures are by their place in the sample, and the
reviewer's own answers: no name, time, group or id of a frame, nothing of the machine's decision or of what others
answered. It keeps an answer until it is told that it is on the trail.
"""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dataeff_core.errors import DataEffError
from dataeff_core.review import sampling
from dataeff_core.review.sampling import AuditRecord, Shown
from dataeff_core.ui import assets, routes, visitor
from dataeff_core.ui.review import blind_routes
from dataeff_core.workspace import Dataset

WORDS = {
    "place": "{} of {}",
    "frame": "Frame {}",
    "done": "{} of {} answered",
    "all_done": "all answered",
    "question": "Does the left frame show anything that the right one does not?",
    "question_alone": "Does this frame show anything that should not be lost?",
    sampling.NEEDED: "Yes, it shows something more",
    sampling.NOT_NEEDED: "No, nothing more",
    sampling.UNSURE: "I cannot tell",
    "judged": "Judge this one",
    "beside": "Beside it",
    "before": "The frame before",
    "after": "The frame after",
    "open": "To the next without an answer",
    "hint": "An answer leads on to the next frame; until all have one, the arrows lead back to change it.",
    "closed": "You have answered all, so your answers stay as they are.",
    "unsaved": "{} not saved yet …",
    "side": "side by side",
    "flicker": "flicker",
    "difference": "difference",
    "pictures": "The frame to judge and the one beside it; wheel or plus and minus zoom both",
    "keys": "space flips, wheel zooms both",
    "keys_one": "wheel zooms",
    "no_picture": "picture not available",
}
_OUTCOME = "blind-outcome"

_component = st.components.v2.component(
    "dataeff_blind",
    html=assets.read("blind.html"),
    css=assets.read("why_card.css") + assets.read("blind.css"),
    js=assets.read("loader.js"),
)


def draw(dataset: Dataset, record: AuditRecord, reviewer: str, shown: Sequence[Shown]) -> None:
    """The component; each answer is on the trail before the browser is told so."""
    about = f"{record.id}/{reviewer}"
    key = f"blind-{record.id}"

    def answered() -> None:
        st.session_state[_OUTCOME] = save(dataset, record, reviewer, about, st.session_state[key].marks)

    saved, error = st.session_state.get(_OUTCOME, ((), ""))
    _component(
        key=key,
        data={
            "module": routes.module_url("blind.js"),
            "about": about,
            "beside": [one.beside is not None for one in record.items],
            "marks": [one.verdict for one in shown],
            "closed": all(one.verdict is not None for one in shown),
            "saved": list(saved),
            "error": error,
            "original": blind_routes.picture_url(dataset.id, record.id),
            "thumbnail": blind_routes.picture_url(dataset.id, record.id, small=True),
            "words": WORDS,
        },
        on_marks_change=answered,
    )


def save(dataset: Dataset, record: AuditRecord, reviewer: str, about: str, said: Any) -> tuple[tuple[str, ...], str]:
    """Write what the browser said on the trail: the keys of the answers that are there now, and the sentence of the
    first that could not be written, or ''. What is not an answer of this reviewer's to this audit is passed over."""
    if not isinstance(said, dict) or said.get("about") != about or not isinstance(said.get("marks"), list):
        return (), ""
    saved: list[str] = []
    try:
        visitor.require("review")
        for one in said["marks"][: len(record.items)]:
            if _is_answer(one, record):
                item = record.items[one["at"]]
                sampling.mark(dataset, record, item.frame_id, one["verdict"], reviewer=reviewer, key=one["key"])
                saved.append(one["key"])
    except DataEffError as error:
        return tuple(saved), f"Not saved: {error}"
    return tuple(saved), ""


def _is_answer(one: Any, record: AuditRecord) -> bool:
    """Whether it has the form of an answer to one of the items."""
    known = isinstance(one, dict) and type(one.get("at")) is int and 0 <= one["at"] < len(record.items)
    return known and all(isinstance(one.get(name), str) for name in ("verdict", "key"))


__all__ = ["WORDS", "draw", "save"]
