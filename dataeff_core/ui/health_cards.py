"""The health report as cards: each problem with its count, what it means, and its frames on demand."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from dataeff_core.datasets.health import HealthReport, health_report
from dataeff_core.ui import fragments, frame_dialog, gallery
from dataeff_core.ui.quantities import count, counted, share
from dataeff_core.workspace import Dataset

UNREADABLE, COPIES = "unreadable", "copies"
CHOSEN = "health-chosen"
ICONS = {
    UNREADABLE: ":material/broken_image:",
    COPIES: ":material/content_copy:",
    "dark": ":material/dark_mode:",
    "bright": ":material/light_mode:",
    "blurred": ":material/blur_on:",
    "blank": ":material/check_box_outline_blank:",
    "size": ":material/aspect_ratio:",
}


@dataclass(frozen=True)
class Card:
    """One problem."""

    name: str
    title: str
    sentence: str
    count: int


@st.cache_resource(max_entries=4, show_spinner=False)
def report_of(_dataset: Dataset, dataset_id: str, frames_file: str, unreadable_file: str) -> HealthReport:
    """The report, made once for each state of the dataset."""
    return health_report(_dataset)


def cards_of(report: HealthReport) -> list[Card]:
    """All cards, in the order they are drawn."""
    cards = [
        Card(UNREADABLE, "Cannot be read", "Left out, each with its reason.", len(report.unreadable)),
        Card(COPIES, "Exact copies", "The same picture as an earlier one, bit by bit.", report.exact_duplicates),
    ]
    return cards + [Card(one.name, one.title, one.sentence, one.count) for one in report.problems]


def draw(dataset: Dataset) -> None:
    """The report of `dataset`; only this part runs again when a card is opened."""
    record = dataset.record
    report = report_of(dataset, record.id, record.frames_file, record.unreadable_file)
    fragments.draw(_draw, dataset, report)


def _draw(dataset: Dataset, report: HealthReport) -> None:
    cards = cards_of(report)
    problems = sum(card.count for card in cards)
    vanished = f" {counted(report.vanished, 'frame')} vanished from disk and wait for their return." * bool(
        report.vanished
    )
    st.markdown(
        f":material/health_and_safety: **All {counted(report.frames, 'frame')} look fine.**{vanished}"
        if not problems
        else f"What stood out while every file was decoded, before anything is compared. Nothing is removed here."
        f"{vanished}"
    )
    columns = st.columns(4, gap="small") + st.columns(4, gap="small")
    for card, column in zip(cards, columns, strict=False):
        with column.container(border=True, height="stretch", gap="small"):
            _draw_card(card, report.frames)
    chosen = next((card for card in cards if card.name == st.session_state.get(CHOSEN) and card.count), None)
    if chosen is not None:
        st.subheader(f"{chosen.title}: {count(chosen.count)}", divider="gray")
        _draw_frames(dataset, report, chosen)


def _draw_card(card: Card, frames: int) -> None:
    muted = not card.count
    part = (
        f" :small[:gray[{share(card.count / frames)}]]" if card.count and frames and card.name != UNREADABLE else ""
    )
    title = f"{ICONS.get(card.name, '')} {card.title}"
    st.markdown(f":gray[{title}]" if muted else f"**{title}**")
    st.markdown(":gray[:material/check: none]" if muted else f"## {count(card.count)}{part}")
    st.caption(card.sentence)
    if not muted and st.button("Show", key=f"health-{card.name}", type="tertiary", icon=":material/visibility:"):
        st.session_state[CHOSEN] = card.name


def _draw_frames(dataset: Dataset, report: HealthReport, card: Card) -> None:
    if card.name == UNREADABLE:
        table = pd.DataFrame(report.unreadable, columns=["File", "Why it cannot be read"])
        st.dataframe(table, hide_index=True, width="stretch")
        return
    frames = dataset.frames
    ids, details = _copies(report) if card.name == COPIES else (list(report.problem(card.name).frame_ids), {})
    rows = pd.Index(frames["frame_id"]).get_indexer(pd.Index(ids))

    def tile(row: int) -> gallery.Tile:
        return gallery.tile_of(frames, row, detail=details.get(str(frames["frame_id"].iat[row])))

    picked = gallery.draw(
        np.asarray(rows), tile, key="health-gallery", reset=f"{dataset.id}-{card.name}", label=card.title
    )
    if picked:
        frame_dialog.show(dataset, picked)


def _copies(report: HealthReport) -> tuple[list[str], dict[str, str]]:
    """All frames of all copy groups, group by group, and what each is."""
    ids, details = [], {}
    for number, group in enumerate(report.copies, start=1):
        for place, frame_id in enumerate(group.frame_ids):
            ids.append(frame_id)
            details[frame_id] = f"set {number}: {'first' if place == 0 else 'copy'} of {len(group.frame_ids)}"
    return ids, details
