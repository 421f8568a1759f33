"""The runs of a dataset: a list with their states, and the one chosen from it; renewed while one is at work."""

from collections.abc import Sequence

import streamlit as st

from dataeff_core.ui import fragments
from dataeff_core.ui.pretrain import entries, run_card
from dataeff_core.ui.pretrain.entries import Entry
from dataeff_core.ui.quantities import counted, literal
from dataeff_core.workspace import Dataset, Workspace

RUN = "run"  # also in the page's address, so that a link opens one run
POLL_SECONDS = 1.5
LIST_HEIGHT = 640  # pixels
MOST_UNSCROLLED = 9
_NEXT_RUN, _ACTIVE = "pretrain-run-next", "pretrain-active"


def choose(run_or_job: str) -> None:
    """Show this run, or the run of this job as soon as there is one, from the next drawing on."""
    st.session_state[_NEXT_RUN] = run_or_job


def draw(workspace: Workspace, dataset: Dataset, found: Sequence[Entry]) -> None:
    """List and chosen run, in the place where it is called; `found` are the entries as they are now."""
    active = [one.id for one in found if one.active]
    st.session_state[_ACTIVE] = active
    fragments.draw(_draw, workspace, dataset, run_every=POLL_SECONDS if active else None)


def _draw(workspace: Workspace, dataset: Dataset) -> None:
    found = entries.entries(workspace, dataset)
    listing, shown = st.columns([3, 10], gap="medium")
    with listing:
        chosen = _draw_list(found)
        _draw_elsewhere(workspace, dataset)
    with shown:
        run_card.draw(workspace, dataset, chosen)
    if set(st.session_state.get(_ACTIVE, ())) != {one.id for one in found if one.active}:
        fragments.renew_page()  # something began or ended: the page learns of it, and how often to look


def _draw_list(found: Sequence[Entry]) -> Entry:
    by_id = {one.id: one for one in found}
    labels = entries.labels(found)
    first = _follow(by_id)
    with st.container(height=LIST_HEIGHT if len(found) > MOST_UNSCROLLED else "content", border=False):
        picked = st.radio(
            f"Runs ({len(found)})",
            list(by_id),
            index=first,
            format_func=lambda one: literal(labels[one]),
            captions=[f"{entries.ICONS[one.state]} {literal(entries.caption(one))}" for one in found],
            key=RUN,
        )
    if picked and st.query_params.get(RUN) != picked:
        st.query_params[RUN] = picked
    return by_id.get(str(picked), found[0])


def _follow(by_id: dict[str, Entry]) -> int:
    """Show what was asked for; a job that was shown hands over to its run once that has begun. The place that the
    list begins with: the browser may never hear of a value put into the session when another run follows at once."""
    wanted = st.session_state.get(_NEXT_RUN) or st.session_state.get(RUN) or st.query_params.get(RUN)
    if wanted not in by_id:
        of_job = {one.job.id: name for name, one in by_id.items() if one.job is not None}
        wanted = of_job.get(str(wanted))
    if wanted is None:
        st.session_state.pop(RUN, None)
        return 0
    st.session_state.pop(_NEXT_RUN, None)
    if RUN in st.session_state and st.session_state[RUN] != wanted:
        st.session_state[RUN] = wanted
        return 0  # Streamlit wants no default beside a value
    return list(by_id).index(wanted)


def _draw_elsewhere(workspace: Workspace, dataset: Dataset) -> None:
    others = [run for run in workspace.runs() if run.record.dataset != dataset.id]
    if others:
        names = sorted({run.record.dataset_name for run in others})
        told = f"{counted(len(others), 'run')} of other datasets: {', '.join(names[:5])}"
        st.caption(literal(told) + ("" if len(names) <= 5 else " …"))
