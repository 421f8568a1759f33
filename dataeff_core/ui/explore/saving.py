"""What one does with the limits found: save them as a selection, see the command line for it, sort frames anew."""

import streamlit as st

from dataeff_core.errors import DataEffError
from dataeff_core.selection.saving import select
from dataeff_core.ui import commands, visitor, words
from dataeff_core.ui.explore.explored import SHARE, Decided, Explored, Way
from dataeff_core.ui.explore.starting import choose_way
from dataeff_core.ui.quantities import count, counted, literal, share
from dataeff_core.workspace import SavedSelection, Workspace

_SAVED = "explore-saved"
RULES = ("cover", "semdedup")  # the rules whose limit moves without another walk


def draw_head(workspace: Workspace, explored: Explored, decided: Decided) -> None:
    """The page's head: what is looked at, and what to do with it."""
    n, groups = len(explored.pool), explored.dataset.frames["group"].nunique()
    told = f"{counted(n, 'frame')}, {counted(groups, 'patient or video', 'patients and videos')}. "
    told += "Move a limit; click a frame to see why."
    with st.container(horizontal=True, vertical_alignment="center", key="explore-head"):
        st.markdown("## Explore", width="content")
        st.markdown(f":gray[{told}]", width="stretch")
        name = st.text_input(
            "Name of this selection",
            placeholder="name, if you like",
            label_visibility="collapsed",
            key="explore-name",
            width=150,
        )
        pressed = st.button(
            "Save selection",
            type="primary",
            icon=":material/bookmark_add:",
            key="explore-save",
            disabled=not visitor.may("run"),
        )
        with st.popover("", icon=":material/terminal:", help="The same in a shell"):
            st.caption("Makes the same selection in a shell, on this machine or another with the same frames.")
            commands.draw(workspace, command(explored, decided, name))
    if pressed:
        _save(workspace, explored, decided, name)
    _draw_saved(decided)


def draw_way(explored: Explored) -> None:
    """How frames are sorted into kinds of view, behind a button that says how many there are."""
    with st.popover(f"{words.label('k')}: {count(explored.base.k)}", help=words.help_of("k")):
        _draw_way(explored)


def command(explored: Explored, decided: Decided, name: str = "") -> list[str]:
    """The command line that decides as the page does now."""
    limits = decided.limits
    settings = explored.way.settings() | {"eta": limits.eta, "epsilon": limits.epsilon, "invalid": limits.invalid}
    share_kept = keep_of(decided)
    keep = [] if share_kept is None else [commands.option("keep", repr(share_kept))]
    return [
        "select",
        explored.dataset.id,
        "--method=meddel",
        commands.option("encoder", explored.embedding.id),
        *(commands.option("set", f"{key}={value}") for key, value in settings.items()),
        *keep,
        commands.option("seed", explored.way.seed),
        *([commands.option("name", name)] if name else []),
    ]


def keep_of(decided: Decided) -> float | None:
    """The share to keep: the one asked for, or what there was of it; None where a limit decides."""
    if decided.limits.mode != SHARE:
        return None
    asked, n, kept = decided.limits.keep, len(decided), decided.kept_count
    return asked if round(asked * n) == kept else kept / n


def save(workspace: Workspace, explored: Explored, decided: Decided, name: str) -> SavedSelection:
    """Save what the page shows. Raises DataEffError, NotAllowed where the visitor's role does not let him."""
    visitor.require("run")
    limits = decided.limits
    return select(
        workspace,
        explored.dataset,
        explored.way.selector(eta=limits.eta, epsilon=limits.epsilon, invalid=limits.invalid),
        encoder=explored.embedding.id,
        keep=keep_of(decided),
        seed=explored.way.seed,
        name=name.strip(),
    )


def _save(workspace: Workspace, explored: Explored, decided: Decided, name: str) -> None:
    try:
        with st.spinner("Saving …"):
            saved = save(workspace, explored, decided, name)
    except DataEffError as error:
        st.error(literal(str(error)), icon=":material/error:")
        return
    st.session_state[_SAVED] = (saved.id, decided.scores_id, decided.limits, saved.record.name, saved.record.kept)


def _draw_saved(decided: Decided) -> None:
    """The last save, as long as the limits stand where they stood."""
    saved = st.session_state.get(_SAVED)
    if saved is None or saved[1:3] != (decided.scores_id, decided.limits):
        return
    selection_id, _, _, name, kept = saved
    called = f"**{literal(name)}** ({literal(selection_id)})" if name else f"**{literal(selection_id)}**"
    with st.container(horizontal=True, vertical_alignment="center", key="explore-saved-note"):
        st.markdown(
            f":material/check_circle: Saved as {called}: {counted(kept, 'frame')} of {count(len(decided))} kept, "
            f"{share(kept / len(decided))}.",
            width="content",
        )
        st.page_link("pages/export.py", label="Export it", icon=":material/ios_share:")
        st.page_link("pages/compare.py", label="Compare", icon=":material/compare:")


def _draw_way(explored: Explored) -> None:
    """How frames are sorted before they are compared; a change computes scores anew."""
    way, n = explored.way, len(explored.pool)
    with st.form("explore-way-form", border=False):
        k = st.number_input(words.label("k"), 1, n, explored.base.k, help=words.help_of("k"))
        rule = st.segmented_control(
            words.label("rule"), RULES, default=way.rule, required=True, help=words.help_of("rule")
        )
        near = st.segmented_control(
            words.label("near"),
            ("near", "far", "random"),
            default=way.keep,
            required=True,
            help=words.help_of("near"),
        )
        seed = st.number_input(words.label("seed"), 0, 2**31 - 1, way.seed, help=words.help_of("seed"))
        if st.form_submit_button("Sort anew", type="primary"):
            same = int(k) == explored.base.k
            choose_way(explored.dataset, Way(way.k if same else int(k), int(seed), str(rule), str(near)))
            st.rerun()
