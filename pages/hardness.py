"""Hardness: which patches are too easy, useful or suspicious, and what training images they make."""

import streamlit as st

from dataeff_core.hardness.stored import Hardness
from dataeff_core.ui import fragments, state
from dataeff_core.ui.hardness import explaining, live, margins, opening, proposing, saving, selecting, sheet, starting
from dataeff_core.ui.quantities import count, literal
from dataeff_core.workspace import Dataset, Workspace

SCORED = "scored"


def draw_page(workspace: Workspace, dataset: Dataset | None) -> None:
    st.title("Hardness")
    if dataset is None or len(dataset.frames) == 0:
        starting.draw_nothing_yet()
        return
    found = starting.ready(workspace, dataset)
    if not found:
        return
    left, right = st.columns([8, 3], vertical_alignment="bottom")
    with left:
        scored = pick(workspace, found)
    with right:
        proposing.draw_again(workspace, dataset)
    starting.draw_failed(workspace, dataset, since=scored.record.created)
    for note in opening.notes(dataset, scored):
        st.caption(literal(f"{note[:1].upper()}{note[1:]}."))
    working = starting.active(workspace, dataset)
    if working:
        starting.draw_working(workspace, working)
    with fragments.errors_said():
        with st.spinner(f"Reading {count(scored.record.patches)} patches …", show_time=True):
            opened = opening.opened(scored, dataset, usable=margins.usable_only())
        draw_scored(workspace, dataset, opened)


def pick(workspace: Workspace, found: list[Hardness]) -> Hardness:
    """Which scoring; the address of the page remembers it."""
    runs = workspace.runs()
    by_id = {one.id: one for one in found}
    if st.session_state.get(SCORED) not in by_id:
        st.session_state.pop(SCORED, None)
    chosen = st.selectbox(
        "Scored patches",
        list(by_id),
        format_func=lambda one: opening.label(by_id[one].record, runs),
        key=SCORED,
        bind="query-params",
        help="Hardness is the masked autoencoder's reconstruction error of a patch (mean over fixed masks), divided "
        "by what is usual for patches of its size, so that small boxes do not win or lose by their size. The "
        "correction is our choice.",
    )
    return by_id[chosen or found[0].id]


def draw_scored(workspace: Workspace, dataset: Dataset, opened: opening.Opened) -> None:
    dark = st.context.theme.type == "dark"
    now = live.margins()
    rules = margins.draw_rules(now)
    live.write_address(now)
    shown = opening.Shown(workspace, dataset, opened, rules)
    counts = opened.ranked.counts(rules)
    warnings = st.container()
    seed = sheet.seed()
    live.draw(shown, now, margins.chosen_terms(opened, rules, seed), seed)
    with warnings:
        margins.draw_warnings(opened, rules, counts)
    st.subheader("Training images", divider="gray")
    mosaics = sheet.draw_rules()
    most = 0
    if mosaics is not None:
        with fragments.errors_said():
            most = sheet.draw(shown, mosaics, seed)
    if mosaics is not None and most:
        with fragments.errors_said():
            saving.draw(shown, mosaics, most, seed)
    saving.draw_sets(workspace, dataset)
    frames = st.expander("Whole frames instead, by the same margins", key=selecting.OPEN, on_change="rerun")
    if frames.open:  # for half a million patches it takes a second
        with frames:
            selecting.draw(shown)
    with st.expander("Why the hardest alone can do harm"):
        fragments.draw(explaining.draw, len(opened.ranked), counts.allowed, opened.ranked.dimension, dark)


draw_page(state.workspace(), state.dataset())
