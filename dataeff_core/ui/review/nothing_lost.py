"""Nothing lost: what stays of each group, video, label and lesion, and the rule that keeps one of each."""

from functools import partial
from pathlib import Path

import streamlit as st

from dataeff_core.errors import DataEffError
from dataeff_core.review import rules
from dataeff_core.review.coverage import GROUP, KINDS, LABEL, LESION, VIDEO, Coverage, coverage
from dataeff_core.review.lesions import Lesions, lesions_of
from dataeff_core.suppliers import foreground
from dataeff_core.ui import fragments, visitor
from dataeff_core.ui.quantities import count, counted, literal, when
from dataeff_core.ui.review import nothing_lost_units
from dataeff_core.ui.review.nothing_lost_units import PLURAL
from dataeff_core.workspace import Dataset, SavedSelection, Workspace
from dataeff_core.workspace.pins import overruling_sentence
from dataeff_core.workspace.trail import KEEP, Entry, trail_of

ABOUT = {
    GROUP: "A group is one patient, one procedure or one folder, as it was told at the import.",
    VIDEO: "Each video file by itself.",
    LABEL: "Each value of this label.",
    LESION: "Told from the masks alone: what overlaps from one frame to the next is one lesion. Where that cannot be "
    "told, two are counted rather than one, so that none hides behind another.",
}
CARDS = 4  # side by side
AT_ONCE = 2000  # masks that are read without being asked
_RESULT = "nothing-lost-result"


def draw(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    """The view."""
    shown = _lesions(dataset)
    key = f"{dataset.fingerprint} {saved.folder} {saved.pins.last} {shown is None or shown.count}"
    found = _coverage(key, dataset, saved, shown)
    _draw_statement(saved, found)
    _draw_rules(dataset, saved, found)
    fragments.draw(nothing_lost_units.draw, workspace, dataset, saved, found)


def _draw_statement(saved: SavedSelection, found: Coverage) -> None:
    if found.lost:
        st.error(f"**{literal(found.sentence)}**", icon=":material/warning:")
    else:
        st.success(f"**{literal(found.sentence)}**", icon=":material/verified_user:")
    if overruled := overruling_sentence(saved.machine, saved.decisions, saved.record.keep):
        st.markdown(f":material/balance: {literal(overruled)}.")
    if saved.placed.gone:
        st.warning(
            literal(f"{saved.placed.gone_sentence[:1].upper()}{saved.placed.gone_sentence[1:]}."),
            icon=":material/link_off:",
        )
    if found.unusable_masks:
        st.warning(
            f"{counted(found.unusable_masks, 'mask')} cannot be read, so the lesions on them are not known.",
            icon=":material/broken_image:",
        )


def _draw_rules(dataset: Dataset, saved: SavedSelection, found: Coverage) -> None:
    """A card a kind of unit: how many keep a frame, and the rule for it."""
    may = visitor.may("review")
    with st.container(key="nothing-lost-name"):  # always there, so that what follows keeps its place
        named = bool(visitor.ask_for_name()) if may else False
    if (result := st.session_state.pop(_RESULT, None)) is not None:
        (st.success if result[0] else st.error)(literal(result[1]))
    set_now = _rules(str(dataset.folder), saved.pins.last)
    wanted = list(dict.fromkeys((unit.kind, unit.of) for unit in found.units))
    wanted.sort(key=lambda one: KINDS.index(one[0]))
    for first in range(0, len(wanted), CARDS):
        for column, (kind, of) in zip(st.columns(CARDS), wanted[first : first + CARDS], strict=False):
            with column, st.container(border=True, height="stretch"):
                mine = set_now.get(rules.rule_name(kind, of), ())
                _draw_rule(dataset, saved, found, (kind, of), mine, allowed=may and named)


def _draw_rule(
    dataset: Dataset,
    saved: SavedSelection,
    found: Coverage,
    what: tuple[str, str],
    pins: tuple[Entry, ...],
    *,
    allowed: bool,
) -> None:
    kind, of = what
    units = [unit for unit in found.units if (unit.kind, unit.of) == what]
    lost = sum(unit.lost for unit in units)
    pinned = {row for row, pin in saved.placed.rows.items() if pin.action == KEEP}
    safe = sum(not pinned.isdisjoint(unit.rows.tolist()) for unit in units)
    state = rules.state_of(pins, saved, units)
    title = literal(of) if kind == LABEL else PLURAL[kind].capitalize()
    st.markdown(f"**{title}**", help=ABOUT[kind])
    said = (
        f":red[**⚠ {count(lost)} of {count(len(units))} lost**]" if lost else f"All {count(len(units))} keep a frame"
    )
    st.markdown(said if len(units) > 1 or lost else "The only one keeps a frame")
    one = f"a value of {of}" if kind == LABEL else f"a {kind}"
    act = partial(_set_rule, dataset, saved, found, kind, of)
    if state is not None:
        st.caption(literal(rule_sentence(state)))
    if safe < len(units):
        st.button(
            "Never lose any of these" if state is None else "Set it again",
            key=f"never-lose-{kind}-{of}",
            icon=":material/shield:",
            type="primary" if lost else "secondary",
            disabled=not allowed,
            on_click=act,
            help=f"Pins one frame of each, so that no selection of these frames ever loses {literal(one)}. "
            "Frames that stay already are taken first; you can lift it again.",
        )
    if state is not None:
        st.button(
            "Lift this rule",
            key=f"lift-{kind}-{of}",
            icon=":material/remove_moderator:",
            type="tertiary",
            disabled=not allowed,
            on_click=partial(_lift_rule, dataset, kind, of),
            help="Takes back what the rule pinned; what reviewers decided stays.",
        )


def rule_sentence(state: rules.State) -> str:
    """Since when a rule is set, and what it does not hold now."""
    of = f"of {count(state.units)}" if state.units > 1 else ""
    told = [f"Never lost: set {when(state.since)}, {counted(state.pins, 'pin')}"]
    if state.without:
        are = "is" if state.without == 1 else "are"
        told.append(f"{count(state.without)} {of} came later or lost a pin and {are} not held by it; set it again")
    if state.overruled:
        are = "is" if state.overruled == 1 else "are"
        told.append(f"{count(state.overruled)} {of} {are} not held, as reviewers decided otherwise")
    return ". ".join(" ".join(part.split()) for part in told) + "."


def _set_rule(dataset: Dataset, saved: SavedSelection, found: Coverage, kind: str, of: str) -> None:
    try:
        visitor.require("review")
        done = rules.never_lose(dataset, saved, found, kind=kind, of=of, by=visitor.name())
        st.session_state[_RESULT] = (not done.impossible, done.sentence)
    except DataEffError as error:
        st.session_state[_RESULT] = (False, str(error))


def _lift_rule(dataset: Dataset, kind: str, of: str) -> None:
    try:
        visitor.require("review")
        lifted = rules.lift(dataset, kind=kind, of=of, by=visitor.name())
        st.session_state[_RESULT] = (True, f"{counted(len(lifted), 'pin')} taken back.")
    except DataEffError as error:
        st.session_state[_RESULT] = (False, str(error))


def _lesions(dataset: Dataset) -> Lesions | None:
    """The lesions in the masks; where these are many, they are read once somebody asks for it."""
    masks = int(dataset.frames["mask_bytes"].notna().sum())
    asked = f"lesions-{dataset.fingerprint}"
    if masks > AT_ONCE and not st.session_state.get(asked) and not any((dataset.folder / "review").glob("lesions-*")):
        st.button(
            f"Look for lesions in {counted(masks, 'mask')}",
            icon=":material/search:",
            on_click=lambda: st.session_state.update({asked: True}),
            help="Takes a while, once; then what stays of each lesion stands here, too.",
        )
        return None
    with st.spinner("Looking for lesions in the masks …") if masks else st.empty():
        return _lesions_of(f"{dataset.folder} {dataset.fingerprint}", dataset)


@st.cache_resource(max_entries=8, show_spinner=False)
def _rules(folder: str, last: int) -> dict[str, tuple[Entry, ...]]:
    """The rules that are set, as the trail stands up to entry `last`."""
    return rules.not_taken_back(trail_of(Path(folder)).entries(upto=last, machine=False))


@st.cache_resource(max_entries=4, ttl=600, show_spinner=False)  # a mask that is changed is seen after a while
def _lesions_of(key: str, _dataset: Dataset) -> Lesions | None:
    return lesions_of(_dataset, foreground)


@st.cache_resource(max_entries=4, show_spinner=False)
def _coverage(key: str, _dataset: Dataset, _saved: SavedSelection, _shown_lesions: Lesions | None) -> Coverage:
    return coverage(_dataset.frames, _saved.decisions, _shown_lesions)
