"""What is needed less often: where the limit of likeness comes from, and the other ways to choose."""

import streamlit as st

from dataeff_core.errors import DataEffError
from dataeff_core.selection import SELECTORS
from dataeff_core.selection.base import Selector
from dataeff_core.selection.meddel import MedDEL
from dataeff_core.selection.saving import select
from dataeff_core.ui import charts, commands, forms, jobs_panel, visitor
from dataeff_core.ui.explore.explored import PAPER_ETA, Explored
from dataeff_core.ui.quantities import count, counted, literal, share
from dataeff_core.workspace import Workspace
from dataeff_core.workspace.calibrations import Calibration, calibrations

OTHERS: dict[str, type[Selector]] = {one.TITLE: one for one in SELECTORS if one is not MedDEL}


def draw(workspace: Workspace, explored: Explored) -> None:
    """Two sections that stay closed, and compute nothing, until they are wanted."""
    limit = st.expander("Where does the limit of likeness come from?", on_change="rerun", key="explore-limit")
    if limit.open:
        with limit:
            _draw_calibration(workspace, explored)
    others = st.expander("Other ways to choose", on_change="rerun", key="explore-others")
    if others.open:
        with others:
            _draw_others(workspace, explored)


def _draw_calibration(workspace: Workspace, explored: Explored) -> None:
    known = calibrations(explored.embedding)
    if known:
        _draw_found(known[-1])
        return
    st.markdown(
        "A limit that suits one hospital's frames does not suit another's. It can be measured on yours: some frames "
        "are changed slightly, as the next video frame would be, and the limit is put where 99 % of these copies are "
        f"recognised and different patients' frames are not. Until then the paper's {PAPER_ETA:g} stands."
    )
    argv = ["calibrate", explored.dataset.id, commands.option("encoder", explored.embedding.id)]
    active = jobs_panel.of_dataset(jobs_panel.active_jobs(workspace), explored.dataset.id)
    if any(job.verb == "calibrate" for job in active):
        st.markdown("It is being measured now; the mark appears on the scale when it is done.")
    elif st.button(
        "Measure it on these frames", type="primary", key="explore-calibrate", disabled=not visitor.may("run")
    ):
        jobs_panel.start(workspace, argv)
        st.rerun()
    commands.draw(workspace, argv)


def _draw_found(found: Calibration) -> None:
    """Both distributions with the limit between them, and what it costs."""
    record = found.record
    wrong = "under 0.1 %" if 0 < record.wrong_removal < 0.001 else share(record.wrong_removal)
    st.markdown(
        f"Measured on your own frames: at **{found.eta:.4g}**, {share(record.recall)} of {count(record.copies)} "
        f"slightly changed copies are recognised, and {wrong} of "
        f"{count(record.pairs)} pairs of unrelated frames look as alike. The paper's {PAPER_ETA:g} belongs to other "
        "frames and another way to compare them."
    )
    st.plotly_chart(charts.calibration(found.copies, found.strangers, found.eta), key="explore-calibration")


def _draw_others(workspace: Workspace, explored: Explored) -> None:
    """The other methods, each with the form that its own declaration makes."""
    title = st.segmented_control(
        "Method", list(OTHERS), default=next(iter(OTHERS)), required=True, key="other-method"
    )
    method = OTHERS[str(title)]
    selector = forms.draw(method, key=f"other-{method.NAME}")
    keep_it = st.toggle("Keep an exact share", key="other-share")
    keep = st.number_input("Share to keep, %", 0.1, 100.0, 20.0, 0.1, key="other-keep") / 100 if keep_it else None
    seed = int(st.number_input("Starting number", 0, 2**31 - 1, 0, key="other-seed"))
    if selector is None:
        return
    name = st.text_input("Name", placeholder="name, if you like", key="other-name")
    if st.button("Choose and save", key="other-save", disabled=not visitor.may("run")):
        try:
            visitor.require("run")
            saved = select(
                workspace,
                explored.dataset,
                selector,
                encoder=explored.embedding.id,
                keep=keep,
                seed=seed,
                name=name.strip(),
            )
        except DataEffError as error:
            forms.problem(str(error))
            return
        st.markdown(
            f":material/check_circle: Saved as **{literal(saved.record.name or saved.id)}**: "
            f"{counted(saved.record.kept, 'frame')} of {count(saved.record.frames)} kept."
        )
        st.page_link("pages/compare.py", label="Compare it with another", icon=":material/compare:")
