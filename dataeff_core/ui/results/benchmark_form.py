"""The form of a benchmark: what is compared, at which shares, how often; what that costs; and one button.

All fields begin with values that answer the usual question, so that the button alone does.
"""

from collections.abc import Callable, Sequence

import streamlit as st

from dataeff_core.benchmarking import planning
from dataeff_core.errors import DataEffError, NotFound
from dataeff_core.evaluation import Task
from dataeff_core.pretraining import METHODS, PRESETS, Preset, budgets, make
from dataeff_core.pretraining.base import PretrainingMethod
from dataeff_core.selection import SELECTORS
from dataeff_core.ui import commands, forms, fragments, jobs_panel, visitor
from dataeff_core.ui.pretrain.start_form import SECTIONS
from dataeff_core.ui.quantities import counted, literal
from dataeff_core.ui.results import benchmark_cost, downstream, hard_patches
from dataeff_core.ui.results.benchmark_plan import Plan, start_command
from dataeff_core.ui.results.styles import name as method_name
from dataeff_core.workspace import Dataset, Workspace
from dataeff_core.workspace.benchmarks import FULL, OPTIDEL

USUAL_SHARES = ("1", "2", "5", "10", "20", "33", "50", "75")  # per cent
MOST_SEEDS = 20
FEW = 8  # frames; a smaller subset says nothing about choosing
SNAPSHOTS = (0.25, 0.5, 0.75)
EQUAL_WORK, EQUAL_PASSES = "images_seen", "epochs"


def draw(workspace: Workspace, dataset: Dataset, *, started: Callable[[str], None]) -> None:
    """The form, in the place where it is called; `started` is told the id of the job that the button starts."""
    there = downstream.offered(workspace)
    if not there:
        downstream.draw_none()
        return
    try:
        workspace.embedding(dataset).check_fits(dataset)
    except DataEffError as error:
        st.markdown(
            "A benchmark chooses frames by how alike they are, so **the frames have to be compared first** on the "
            "Data page."
        )
        if not isinstance(error, NotFound):
            st.caption(literal(str(error)))
        st.page_link("pages/data.py", label="Compare the frames", icon=":material/photo_library:")
        return
    fragments.draw(_draw, workspace, dataset, there, started)


def shares(typed: Sequence[str]) -> tuple[tuple[float, ...], str]:
    """Fractions, ascending, of shares typed in per cent; and a sentence on the first that cannot be used, else ''."""
    found = set()
    for text in typed:
        try:
            value = float(str(text).replace("%", "").replace(",", ".").strip())
        except ValueError:
            return (), f"{text!r} is not a number; give a share in per cent, for instance 20"
        if not 0 < value < 100:
            return (), f"{value:g} % is not between 0 and 100 %; all frames are a method of their own"
        found.add(round(value / 100, 6))
    return tuple(sorted(found)), ""


def fitting_batch(usual: int, images: int) -> int:
    """Images a step that `images` of the smallest subset fill: the usual, else the next lower power of two."""
    return usual if usual <= images else max(2, 2 ** (max(1, images).bit_length() - 1))


def _draw(
    workspace: Workspace,
    dataset: Dataset,
    there: dict[str, tuple[Dataset, dict[str, int]]],
    started: Callable[[str], None],
) -> None:
    left, right = st.columns([5, 4], gap="large")
    with left:
        plan = _fields(workspace, dataset, there)
    with right:
        _draw_summary(workspace, plan, started)


def _fields(workspace: Workspace, dataset: Dataset, there: dict[str, tuple[Dataset, dict[str, int]]]) -> Plan | None:
    on, has = downstream.dataset_field(there, key="benchmark-on", avoid=dataset.id)
    if on.id == dataset.id:
        st.warning(
            "It would be scored on the frames it was trained on, which says little: import others, with masks, of "
            "other patients.",
            icon=":material/warning:",
        )
    methods = _methods_field(dataset)
    keeps = _shares_field(len(dataset.frames), subsets=any(one != FULL for one in methods))
    hard = hard_patches.draw(workspace, dataset, methods)
    often, long = st.columns(2, vertical_alignment="bottom")
    seeds = int(
        often.number_input(
            "How often, with other random numbers",
            1,
            MOST_SEEDS,
            len(planning.SEEDS),
            key="benchmark-seeds",
            help="Seeds. One shows no uncertainty; three show a first one; five or more narrow it.",
        )
    )
    with long:
        passes = _passes_field(dataset)
    budget = _budget_field()
    method_class, preset = _network_fields()
    least = max(1, round(min(keeps or (1.0,)) * len(dataset.frames)))
    method, task, snapshots, name = _more_fields(method_class, preset, has, least)
    unready = hard is None and any(one in hard_patches.NEEDING for one in methods)
    if keeps is None or not methods or method is None or task is None or unready:
        return None
    return Plan(dataset, on, methods, keeps, seeds, method, preset, passes, budget, snapshots, task, name, hard)


def _methods_field(dataset: Dataset) -> tuple[str, ...]:
    known = [FULL, *(one.NAME for one in SELECTORS), OPTIDEL]
    names = hard_patches.offered(dataset, known)
    if set(st.session_state.get("benchmark-methods") or ()) - set(names):
        st.session_state.pop("benchmark-methods")  # of another dataset, which has scored patches
    chosen = st.pills(
        "What is compared",
        names,
        selection_mode="multi",
        default=list(planning.METHODS),
        format_func=method_name,
        key="benchmark-methods",
        help="All frames are what everything is measured against; random shows what choosing is worth.",
        wrap=True,
    )
    if len(names) < len(known):
        hard_patches.draw_missing(dataset)
    methods = tuple(one for one in names if one in chosen)
    if not methods:
        forms.problem("nothing is chosen; choose all frames and a way to choose a part of them")
    elif FULL not in methods:
        st.caption("Without all frames there is no answer to whether a part is as good as everything.")
    return methods


def usual_shares(frames: int) -> list[float]:
    """The shares that a benchmark of so many frames begins with: those that leave enough, or else the largest."""
    return [keep for keep in planning.KEEPS if round(keep * frames) >= FEW] or [max(planning.KEEPS)]


def _shares_field(frames: int, *, subsets: bool) -> tuple[float, ...] | None:
    """Fractions; None where they cannot be used."""
    if not subsets:
        return ()
    typed = st.multiselect(
        "Shares kept, %",
        USUAL_SHARES,
        default=[f"{100 * keep:g}" for keep in usual_shares(frames)],
        accept_new_options=True,
        key="benchmark-keeps",
        placeholder="choose or type a number",
    )
    keeps, problem = shares(typed)
    if problem or not keeps:
        forms.problem(problem or "no share is chosen; choose one, for instance 20")
        return None
    return keeps


def _network_fields() -> tuple[type[PretrainingMethod], Preset]:
    by_method = {one.NAME: one for one in METHODS}
    by_preset = {one.name: one for one in PRESETS}
    left, right = st.columns(2)
    method = left.segmented_control(
        "How the network learns",
        list(by_method),
        format_func=lambda one: {"mae": "MAE", "simclr": "SimCLR"}.get(one, one),
        default=METHODS[0].NAME,
        required=True,
        key="benchmark-pretraining",
    )
    preset = right.segmented_control(
        "How large",
        list(by_preset),
        format_func=lambda one: by_preset[one].title,
        default=PRESETS[0].name,
        required=True,
        key="benchmark-preset",
    )
    chosen = by_preset[preset or PRESETS[0].name]
    st.caption(literal(chosen.description))
    return by_method[method or METHODS[0].NAME], chosen


def _passes_field(dataset: Dataset) -> int:
    return int(
        st.number_input(
            f"Passes over all {counted(len(dataset.frames), 'frame')}",
            1,
            1_000_000,
            budgets.DEFAULT_EPOCHS,
            key="benchmark-passes",
            help="One pass shows the network each frame once.",
        )
    )


def _budget_field() -> str:
    titles = {EQUAL_WORK: "Equal images seen", EQUAL_PASSES: "Equal passes"}
    chosen = st.segmented_control(
        "What is equal in all cells",
        list(titles),
        format_func=titles.__getitem__,
        default=EQUAL_WORK,
        required=True,
        key="benchmark-budget",
        help="Papers compare at equal images seen: a small subset is shown more often, so that all cost the same. "
        "With equal passes a small subset is cheaper, and learns less.",
    )
    return chosen or EQUAL_WORK


def _more_fields(
    method_class: type[PretrainingMethod], preset: Preset, has: dict[str, int], least: int
) -> tuple[PretrainingMethod | None, Task | None, tuple[float, ...], str]:
    usual = make(method_class.NAME, preset=preset.name).batch_size
    batch = fitting_batch(usual, least)
    if batch < usual:
        st.caption(f"The smallest subset has {counted(least, 'image')}, so a step takes {batch} instead of {usual}.")
    with st.popover("More settings", icon=":material/tune:"):
        method = forms.draw_sections(
            method_class,
            key=f"benchmark-{method_class.NAME}-{preset.name}-{batch}",
            sections=SECTIONS,
            values=preset.values_for(method_class) | {"batch_size": batch},
        )
        task = downstream.task_field(has, key="benchmark")
        early = st.toggle(
            "Score networks half-way too",
            key="benchmark-snapshots",
            help="After a quarter, half and three quarters of each run: shows whether longer training still helps.",
        )
        name = st.text_input("Name", key="benchmark-name", placeholder="name, if you like", max_chars=100)
    return method, task, SNAPSHOTS if early else (), name


def _draw_summary(workspace: Workspace, plan: Plan | None, started: Callable[[str], None]) -> None:
    with st.container(border=True):
        st.markdown("**Before it starts**")
        if plan is None:
            st.caption("Something on the left cannot be used yet; the sentence in red says what.")
            st.button("Start", type="primary", icon=":material/play_arrow:", disabled=True, key="benchmark-go")
            return
        rows = plan.cells
        st.markdown(
            f"{counted(len(rows), 'model')} × {counted(plan.seeds, 'seed')} = "
            f"**{counted(len(rows) * plan.seeds, 'cell')}**, each a selection, a pre-training and a score."
        )
        fits = benchmark_cost.draw(workspace, plan) and _patches_fit(plan)
        argv = start_command(plan)
        pressed = st.button(
            "Start",
            type="primary",
            icon=":material/play_arrow:",
            key="benchmark-go",
            width="stretch",
            disabled=not (fits and visitor.may("run")),
        )
        if pressed:
            try:
                job = jobs_panel.start(workspace, argv)[0]
            except DataEffError as error:
                forms.problem(str(error))
                return
            started(job.id)
            st.rerun(scope="app")
        st.caption("It runs in the background, cell by cell: close the browser, stop it and go on at any time.")
        st.caption("The same from a shell")
        commands.draw(workspace, argv)


def _patches_fit(plan: Plan) -> bool:
    """Whether there are patches enough for all mosaics, and their seams fit the network; says why not."""
    said = plan.hard.problem(plan.dataset, plan.keeps, plan.method) if plan.hard is not None else ""
    if said:
        forms.problem(said)
    return not said
