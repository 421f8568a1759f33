"""One run: how it stands, its curves, what it makes of hidden images, its log, and what can be done with it."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from dataeff_core.errors import DataEffError
from dataeff_core.ui import commands, forms, gallery, jobs_panel, routes, visitor, words
from dataeff_core.ui.commands import option
from dataeff_core.ui.pretrain import afterwards, entries, figures, mosaic_sets
from dataeff_core.ui.pretrain.entries import DONE, RUNNING, WAITING, Entry
from dataeff_core.ui.pretrain.metrics import metrics, thinned
from dataeff_core.ui.quantities import count, counted, duration, literal, when
from dataeff_core.workspace import Dataset, Run, Workspace

LOG_LINES = 60
CURVE_HEIGHT, SMALL_HEIGHT = 250, 150  # pixels
SMALL = ("learning_rate", "images_per_second", "gradient_norm")
LOOK = "Alt and the wheel zoom, dragging moves, a double click shows all."
RECENT = 20  # logged steps that the pace is taken from
_TOLD = ("removed_since", "left_out", "scaled_up")  # of the record's notes
_PICTURE, _NEWEST = "pretrain-picture", "pretrain-picture-newest"


def draw(workspace: Workspace, dataset: Dataset, entry: Entry) -> None:
    """Everything on the run of `entry`, in the place where it is called."""
    head, buttons = st.columns([5, 2], vertical_alignment="center")
    head.markdown(f"#### {literal(entries.label(entry))}")
    with buttons.container(horizontal=True, horizontal_alignment="right"):
        _draw_buttons(workspace, entry)
    if entry.run is None:
        _draw_without_run(entry)
        _draw_more(workspace, entry)
        return
    st.caption(_facts(entry.run))
    _draw_notes(entry.run)
    _draw_state(entry, entry.run)
    if entry.state == DONE:
        afterwards.draw(workspace, dataset, entry.run)
    _draw_curves(entry.run)
    _draw_mosaics(workspace, dataset, entry.run)
    _draw_more(workspace, entry)


def resume_command(run: Run) -> list[str]:
    """The command line that goes on with a run that was stopped."""
    return ["pretrain", option("resume", run.id)]


def _draw_buttons(workspace: Workspace, entry: Entry) -> None:
    job = entry.job
    if entry.active and job is not None and visitor.may("run"):
        told = "What it has learnt until the last saved state is kept; you can go on later."
        if st.button("Stop", key=f"run-stop-{entry.id}", icon=":material/stop_circle:", help=told):
            _act(lambda: jobs_panel.stop(job))
    if not entry.active and entry.state != DONE and visitor.may("run"):
        told = "Goes on where its last saved state was."
        if st.button("Go on", key=f"run-resume-{entry.id}", icon=":material/replay:", help=told):
            _act(lambda: _resume(workspace, entry))


def _resume(workspace: Workspace, entry: Entry) -> None:
    if entry.run is not None:
        jobs_panel.start(workspace, resume_command(entry.run))
    elif entry.job is not None:
        jobs_panel.go_on(entry.job)


def _act(action: Callable[[], object]) -> None:
    try:
        action()
    except DataEffError as error:
        forms.problem(str(error))
        return
    st.rerun()


def _draw_without_run(entry: Entry) -> None:
    if entry.job is None:
        return
    if entry.active:
        jobs_panel.draw_progress(entry.job)
        st.caption("Its curves appear here as soon as it has begun. You may close the browser meanwhile.")
    else:
        st.error(literal(entry.sentence), icon=":material/error:")


def _facts(run: Run) -> str:
    """What it trains on and for how long, in one line."""
    record = run.record
    passes = f"{counted(record.epochs, 'pass', 'passes')} over {counted(record.images, entries.image_word(record))}"
    parts = [
        f"{literal(entries.trained_on(run))} of {literal(record.dataset_name)}",
        *([entries.retained_told(record)] if record.tiling is not None else []),
        literal(entries.method_title(record.method)),
        f"{passes}, {count(record.images_seen)} images seen",
        f"{words.label('seed').lower()} {record.seed}",
        when(record.created),
    ]
    return " · ".join(parts)


def _draw_notes(run: Run) -> None:
    """What was noted when it began: images left out, images scaled up."""
    for note in (one for name, one in run.record.notes.items() if isinstance(one, str) and name in _TOLD):
        st.caption(f":material/info: {literal(note)}")


def _draw_mosaics(workspace: Workspace, dataset: Dataset, run: Run) -> None:
    """What mosaics look like that it trains on, drawn only while that is open."""
    tiling = run.record.tiling
    if tiling is None:
        return
    shown = st.expander("What it trains on", key=f"run-mosaics-{run.id}", on_change="rerun")
    if shown.open:
        with shown:
            cells = pd.DataFrame() if run.cells is None else run.cells
            mosaic_sets.draw_pictures(workspace, dataset, run.id, tiling, lambda: cells)


def _draw_state(entry: Entry, run: Run) -> None:
    if entry.state == DONE:
        _draw_result(run)
    elif entry.state == WAITING:
        st.progress(entries.progress(run), text="waits for its turn")
    elif entry.state == RUNNING:
        _draw_progress(entry, run)
    else:
        told = f"Stopped at {100 * entries.progress(run):.0f}\u202f%: {entry.sentence}"
        (st.error if run.problem else st.info)(literal(told), icon=entries.ICONS[entry.state])


def _draw_progress(entry: Entry, run: Run) -> None:
    """How far it is, how long yet, how fast; before its first step, what its job says."""
    table = metrics(run)
    if not len(table):
        if entry.job is not None:
            jobs_panel.draw_progress(entry.job)
        else:
            st.progress(0.0, text="prepares the images")
        return
    last = table.iloc[-1]
    pace = float(table["images_per_second"].tail(RECENT).mean())
    left = (run.record.images_seen - float(last["images_seen"])) / pace if pace > 0 else None
    parts = [
        f"pass {min(int(last['epoch']) + 1, run.record.epochs)} of {run.record.epochs}",
        f"{100 * entries.progress(run):.0f}\u202f%",
        *([f"{duration(left)} left"] if left is not None else []),
        f"{pace:.3g} images a second",
    ]
    st.progress(entries.progress(run), text=" · ".join(parts))


def _draw_result(run: Run) -> None:
    result = run.result
    if result is None:
        return
    told = {
        words.label("loss"): f"{result.final_loss:.4g}",
        "Time": duration(result.seconds),
        words.label("images_per_second"): f"{result.images_per_second:.3g}",
        "Ran on": f"{result.device}, {result.precision}",
    }
    for column, (name, value) in zip(st.columns(len(told), gap="small"), told.items(), strict=True):
        column.markdown(f":small[:gray[{name}]]  \n**{literal(value)}**")


def _draw_curves(run: Run) -> None:
    """Loss beside the reconstructions; the smaller curves below."""
    table = metrics(run)
    pictures = run.reconstructions
    if not len(table):
        st.caption("No step has been logged yet; the curves begin with the first.")
        return
    left, right = st.columns([3, 2], gap="medium") if pictures else (st.container(), None)
    with left:
        st.markdown(f"**{words.label('loss')}**", help=f"{words.help_of('loss')} {LOOK}")
        _draw_curve(run, table, "loss", CURVE_HEIGHT)
    if right is not None:
        with right:
            _draw_reconstructions(run)
    for column, measure in zip(st.columns(len(SMALL), gap="medium"), SMALL, strict=True):
        with column:
            st.markdown(f":small[**{words.label(measure)}**]", help=words.help_of(measure))
            _draw_curve(run, table, measure, SMALL_HEIGHT)


def _draw_curve(run: Run, table: pd.DataFrame, measure: str, height: int) -> None:
    dark = st.context.theme.type == "dark"
    until = max(float(run.record.epochs), float(table["epoch"].iloc[-1]))
    st.vega_lite_chart(
        thinned(table)[["epoch", measure]],
        figures.curve(measure, until=until, height=height, dark=dark),
        key=f"run-{measure}-{run.id}",
        on_select="rerun",  # not for what it tells: else Streamlit undoes zoom and pan when rows are added
        selection_mode=figures.VIEW,
        alt=f"{words.label(measure)} over the passes",
    )


def _draw_reconstructions(run: Run) -> None:
    """What it makes of the same frames, pass by pass; the newest unless an older one was chosen."""
    pictures = run.reconstructions
    one = entries.image_word(run.record)
    st.markdown(f"**What it makes of hidden {one}s**")
    passes = list(pictures)
    key, newest_key = f"{_PICTURE}-{run.id}", f"{_NEWEST}-{run.id}"
    chosen = st.session_state.get(key)
    if chosen not in passes or chosen == st.session_state.get(newest_key):
        st.session_state[key] = passes[-1]
    st.session_state[newest_key] = passes[-1]
    at = passes[-1]
    if len(passes) > 1:
        at = st.select_slider("After pass", passes, key=key)
    gallery.draw_picture(
        routes.reconstruction_url(run.id, at),
        alt=f"hidden, drawn and original {one}s after pass {at}",
        key=f"reconstruction-{run.id}",
    )
    st.caption(f"Top: what it is shown. Middle: what it draws. Bottom: the {one} itself.")


def _draw_more(workspace: Workspace, entry: Entry) -> None:
    """Log and command line, read only while they are open."""
    details = st.expander("Log and command", key=f"run-details-{entry.id}", on_change="rerun")
    if not details.open:
        return
    with details:
        job = entry.job
        log = job.log_tail(LOG_LINES) if job is not None else "it was started in a shell, which has its log"
        st.code(log or "nothing was printed", language=None, wrap_lines=True, height=260)
        if job is not None:
            st.caption("The same from a shell")
            commands.draw(workspace, job.argv)
        if entry.run is not None and entry.state not in (DONE, RUNNING):
            st.caption("Going on with it from a shell")
            commands.draw(workspace, resume_command(entry.run))
