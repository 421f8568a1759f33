"""Saved selections: what they are called, how one is picked, and how a further one is made."""

from collections.abc import Sequence

import streamlit as st

from dataeff_core.ui import forms, jobs_panel, visitor
from dataeff_core.ui.commands import option
from dataeff_core.ui.quantities import count, dated, share
from dataeff_core.workspace import Dataset, SavedSelection, SelectionRecord, Workspace


def title(record: SelectionRecord) -> str:
    """What people call it: its name, else its method."""
    return record.name or record.method.replace("_", " ")


def label(record: SelectionRecord) -> str:
    """In a list: name, how much it keeps, when it was made. It stands in addresses too, so it must not change with
    the day."""
    return f"{title(record)} · keeps {count(record.kept)} ({share(record.retained)}) · {dated(record.created)}"


def newest_first(workspace: Workspace, dataset: Dataset) -> list[SavedSelection]:
    """The selections of `dataset`."""
    return list(reversed(workspace.selections(dataset)))


def pick(
    found: Sequence[SavedSelection], heading: str, *, key: str, index: int = 0, headed: bool = True
) -> SavedSelection:
    """A list to choose one from; the address of the page remembers the choice. Without `headed` only a screen reader
    says what it is."""
    by_id = {one.id: one for one in found}
    shown = {one.id: label(one.record) for one in found}
    doubled = [text for text in shown.values() if list(shown.values()).count(text) > 1]
    shown = {name: f"{text} · {name[-6:]}" if text in doubled else text for name, text in shown.items()}
    if st.session_state.get(key) not in by_id:
        st.session_state.pop(key, None)
    chosen = st.selectbox(
        heading,
        list(by_id),
        index=index,
        format_func=shown.__getitem__,
        key=key,
        bind="query-params",
        label_visibility="visible" if headed else "collapsed",
    )
    return by_id[chosen or found[0].id]


def draw_maker(workspace: Workspace, dataset: Dataset, title: str = "Make another selection") -> None:
    """A form for a selection by any method, made in the background."""
    from dataeff_core.selection import SELECTORS
    from dataeff_core.selection.every_nth import EveryNth

    by_title = {one.TITLE: one for one in SELECTORS}
    plainest = list(by_title).index(EveryNth.TITLE)  # it needs nothing but the frames
    with st.popover(title, icon=":material/add:"):
        method = by_title[st.radio("How to choose", list(by_title), key="maker-method", index=plainest)]
        instance = forms.draw(method, key=f"maker-{method.NAME}")
        fraction = _keep_field()
        seed = int(
            st.number_input("Starting number", 0, 2**31 - 1, 0, key="maker-seed", help="Same number, same result.")
        )
        name = st.text_input("Name", key="maker-name", placeholder=method.NAME, max_chars=100)
        barred = instance is None or not visitor.may("run")
        if st.button("Make it", type="primary", key="maker-go", disabled=barred) and instance is not None:
            argv = ["select", dataset.id, option("method", method.NAME), *forms.options(instance)]
            argv += [option("keep", f"{fraction:g}")] if fraction else []
            argv += [option("name", name.strip())] if name.strip() else []
            jobs_panel.start(workspace, [*argv, option("seed", seed)])
            st.rerun()


def _keep_field() -> float | None:
    """The share of frames to keep exactly, or None to let the method's own limits decide."""
    if not st.toggle("Keep an exact share", key="maker-exact", help="Then the method's limit is found for you."):
        return None
    return float(st.number_input("Share of frames kept, in %", 0.1, 100.0, 20.0, 1.0, key="maker-keep")) / 100
