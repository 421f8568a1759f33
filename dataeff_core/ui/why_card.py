"""Why one frame is kept or removed: both pictures, the sentence, and the numbers that the limits compare."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dataeff_core.selection.base import REASONS
from dataeff_core.selection.explaining import sentence
from dataeff_core.selection.standing import representatives
from dataeff_core.suppliers import Suppliers
from dataeff_core.ui import assets, gallery, routes, words
from dataeff_core.ui.explore.explored import SHARE, Decided, Explored
from dataeff_core.ui.frame_hardness import FrameHardness
from dataeff_core.ui.quantities import counted, literal
from dataeff_core.ui.theme import style_of
from dataeff_core.workspace import Dataset

KEY = "why-card"
MOST_SHOWN = 12
SUPPLIERS = Suppliers()

_component = st.components.v2.component(
    "dataeff_why_card",
    html=assets.read("why_card.html"),
    css=assets.read("why_card.css"),
    js=assets.read("loader.js"),
)


@dataclass(frozen=True)
class Why:
    """One decision with its numbers; None where there is none."""

    row: int
    reason: str
    partner: int  # row of the kept frame that stands for it, -1: none
    similarity: float | None  # to that frame
    score: float  # what was compared ...
    limit: float | None  # ... with this
    compared: str  # the term of both: 'similarity', 'distance', 'invalid_score'
    sentence: str
    margin: str  # how far it was from the other decision
    stands_for: np.ndarray  # rows removed frames that this kept one stands for, most alike first


def why(explored: Explored, decided: Decided, row: int) -> Why:
    """Explain the frame at position `row` under the limits as they stand."""
    frames, scores = explored.dataset.frames, decided.scores
    reason = REASONS[decided.codes[row]]
    frame = frames.iloc[row]
    partner, cosine = -1, float("nan")
    if reason != "kept":
        partner, cosine = explored.way.selector().representative_of(
            explored.pool, scores, decided.codes, row, eta=decided.eta
        )
    score, limit, compared = _compared(decided, row, reason)
    similarity = None if np.isnan(cosine) else float(cosine)
    told = sentence(
        reason,
        frame,
        standing=None if partner < 0 else frames.iloc[partner],
        similarity=similarity,
        threshold=None if reason == "kept" and decided.limits.mode == SHARE else limit,
        fault=_fault(frame) if reason == "invalid" else "",
    )
    stands_for = _stands_for(explored, decided, row) if reason == "kept" else np.empty(0, np.int64)
    return Why(
        row, reason, partner, similarity, score, limit, compared, told, _margin(reason, score, limit), stands_for
    )


def _fault(frame: pd.Series) -> str:
    """What makes an unusable frame so, in words."""
    measure = frame.get("invalid_measure")
    return "" if measure is None or pd.isna(measure) else SUPPLIERS.fault(str(measure))


def draw(
    explored: Explored,
    decided: Decided,
    found: Why | None,
    on_pick: Callable[[str], None],
    hardness: FrameHardness | None = None,
) -> None:
    """The card, in the place where it is called; with how hard the frame is to draw, where that is known."""
    if found is None:
        _draw_invitation()
        return
    titles = {"kept": "Why is this kept?"}
    st.markdown(f"#### {titles.get(found.reason, 'Why was this removed?')}")
    draw_pair(explored.dataset, found.row, found.reason, found.partner, key=KEY)
    st.markdown(f"**{literal(found.sentence)}**")
    _draw_numbers(found)
    if hardness is not None:
        st.caption(f"{literal(hardness.said(found.row))}.", help=words.help_of("frame_hardness"))
    if found.margin:
        st.caption(found.margin)
    if len(found.stands_for):
        _draw_stands_for(explored, found, on_pick)
    elif found.partner >= 0:
        st.button(
            "Show all that this kept frame stands for",
            type="tertiary",
            icon=":material/stacks:",
            on_click=on_pick,
            args=(str(explored.dataset.frames["frame_id"].iat[found.partner]),),
            key="why-more",
        )


def draw_pair(dataset: Dataset, row: int, reason: str, partner: int, *, key: str) -> None:
    """The frame at position `row` beside the kept one that stands for it (-1: none): side by side, in turns or as
    their difference, under one zoom."""
    _component(key=key, data=_pictures(dataset, row, reason, partner), on_none_change=lambda: None)


def _draw_invitation() -> None:
    st.markdown("#### Why was it removed?")
    st.markdown(
        "Click a frame in the map or in the rows below. You see the removed frame beside the kept one that stands "
        "for it, and why it went."
    )
    blue, orange = style_of("kept"), style_of("duplicate")
    st.caption(f"{blue.mark} {words.reason('kept')}: {blue.sentence}")
    st.caption(f"{orange.mark} {words.reason('duplicate')}: {orange.sentence}")
    for name in ("outlier", "invalid"):
        st.caption(f"{style_of(name).mark} {words.reason(name)}: {style_of(name).sentence}")


def _draw_numbers(found: Why) -> None:
    """The number and the limit it was held against, under the names that the sliders have."""
    numbers = []
    if found.similarity is not None and found.reason not in ("duplicate", "budget"):
        numbers.append((words.label("similarity"), found.similarity))
    if found.similarity is not None and found.reason in ("duplicate", "budget"):
        numbers.append((f"{words.label('similarity')} (to the frame shown)", found.similarity))
    elif not np.isnan(found.score):
        numbers.append((words.label(found.compared), found.score))
    if found.limit is not None:
        numbers.append(("limit", found.limit))
    st.markdown(" · ".join(f"{literal(name)} **{value:.3f}**" for name, value in numbers))


def _draw_stands_for(explored: Explored, found: Why, on_pick: Callable[[str], None]) -> None:
    order = ", the most alike first" if len(found.stands_for) > 1 else ""
    st.caption(f"It stands for {counted(len(found.stands_for), 'removed frame')}{order}.")
    gallery.draw(
        found.stands_for[:MOST_SHOWN],
        lambda row: gallery.tile_of(explored.dataset.frames, row, detail=""),
        key="why-stands-for",
        label="Removed frames that it stands for",
        per_page=MOST_SHOWN,
        tile_width=72,
        on_pick=on_pick,
    )


def _compared(decided: Decided, row: int, reason: str) -> tuple[float, float | None, str]:
    """The number, the limit it was held against, and what both are called."""
    scores = decided.scores
    if reason == "outlier":
        return float(scores.distances[row]), decided.limits.epsilon, "distance"
    if reason == "invalid" and scores.invalid_score is not None:
        return float(scores.invalid_score[row]), decided.limits.invalid, "invalid_score"
    return float(scores.insertion_similarity[row]), decided.eta, "insertion_similarity"


def _margin(reason: str, score: float, limit: float | None) -> str:
    """How far the limit would have to go for the other decision. Kept sets are nested, so this is exact."""
    if limit is None or np.isnan(score):
        return ""
    if reason == "kept":
        if score <= -1:
            return "The most typical frame of its kind: no limit on likeness removes it."
        return f"It would go if the limit stood below {score:.3f}, {limit - score:.3f} further left."
    if reason in ("duplicate", "budget"):
        return f"It would stay if the limit stood at {score:.3f} or above, {abs(score - limit):.3f} further right."
    return f"It would not go for this reason if the limit stood at {score:.3f} or above."


def _stands_for(explored: Explored, decided: Decided, row: int) -> np.ndarray:
    """Rows of the duplicates (and frames over budget) whose most similar kept frame is `row`."""
    labels, codes = decided.scores.labels, decided.codes
    members = np.flatnonzero((labels == labels[row]) & np.isin(codes, (0, 1, 4)))
    vectors = explored.pool.need_vectors("explore")[members]
    at, cosine = representatives(vectors, np.zeros(len(members), np.int32), codes[members], eta=decided.eta)
    mine = np.flatnonzero((at >= 0) & (members[at] == row))
    return members[mine[np.argsort(-cosine[mine], kind="stable")]]


def _pictures(dataset: Dataset, row: int, reason: str, partner: int) -> dict[str, Any]:
    return {
        "module": routes.module_url("why_card.js"),
        "frame": _picture(dataset, row, reason),
        "partner": _picture(dataset, partner, "kept") if partner >= 0 else None,
        "words": {
            "side": "side by side",
            "flicker": "flicker",
            "difference": "difference",
            "pictures": "The frame and the one that stands for it; wheel or plus and minus zoom both",
            "keys": "space flips, wheel zooms both",
            "keys_one": "wheel zooms",
            "no_picture": "picture not available",
        },
    }


def _picture(dataset: Dataset, row: int, reason: str) -> dict[str, str]:
    frame = dataset.frames.iloc[row]
    style, name = style_of(reason), gallery.caption_of(frame)
    state = "Kept" if reason == "kept" else words.reason(reason)
    return {
        "url": routes.original_url(dataset.id, str(frame["frame_id"])),
        "thumbnail": routes.thumbnail_url(str(frame["sha256"])),
        "title": name,
        "sub": str(frame["group"]),
        "state": state,
        "mark": style.mark,
        "light": style.light,
        "dark": style.dark,
        "alt": f"{name}, {frame['group']}: {state}",
    }
