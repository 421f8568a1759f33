"""Runs side by side: their curves in one chart, and a table of what differs between them."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dataeff_core.ui import forms, words
from dataeff_core.ui.pretrain import entries, figures
from dataeff_core.ui.pretrain.metrics import metrics
from dataeff_core.ui.quantities import count, duration
from dataeff_core.workspace import Dataset, Run, Workspace

MOST, FEWEST = 5, 2
CHOSEN, AXIS = "compare-runs", "compare-axis"


def draw(workspace: Workspace, dataset: Dataset) -> None:
    """Choose two to five runs; curves and table."""
    runs = [run for run in reversed(workspace.runs()) if run.record.dataset == dataset.id]
    if len(runs) < FEWEST:
        st.markdown("#### Two runs are needed")
        st.markdown("Start one on a selection and one on all frames: here you see whether both learn as well.")
        return
    names = names_of(runs)
    by_id = {run.id: run for run in runs}
    asked = [one for one in st.session_state.get(CHOSEN, ()) if one in by_id]
    if CHOSEN in st.session_state and asked != st.session_state[CHOSEN]:
        st.session_state[CHOSEN] = asked
    left, right = st.columns([5, 2], vertical_alignment="bottom", gap="medium")
    picked = left.multiselect(
        f"Runs to compare ({FEWEST} to {MOST})",
        list(by_id),
        default=None if CHOSEN in st.session_state else [run.id for run in runs[:FEWEST]],
        format_func=names.__getitem__,
        max_selections=MOST,
        key=CHOSEN,
    )
    with right:
        axis = st.segmented_control(
            "Against",
            list(figures.X_AXES),
            format_func=words.label,
            default="images_seen",
            required=True,
            key=AXIS,
            help="Images seen are what a training costs; for as many, a small subset is passed over more often.",
        )
    chosen = [by_id[one] for one in picked]
    if len(chosen) < FEWEST:
        st.info("Choose one more run in the list.", icon=":material/info:")
        return
    _draw_curves(chosen, names, axis or "images_seen")
    _draw_table(chosen, names)


def names_of(runs: Sequence[Run]) -> dict[str, str]:
    """Run id -> what it is called in a list; where two would be the same, with their seed and then their id."""
    names = {run.id: f"{entries.title(run)} · {run.record.method}" for run in runs}
    for ending in (
        {run.id: f"{words.label('seed').lower()} {run.record.seed}" for run in runs},
        {r.id: r.id for r in runs},
    ):
        doubled = {one for one in names.values() if list(names.values()).count(one) > 1}
        names = {one: f"{name} · {ending[one]}" if name in doubled else name for one, name in names.items()}
    return names


def table_of(runs: Sequence[Run], names: dict[str, str]) -> pd.DataFrame:
    """A row a setting or result, a column a run, all as text; column 'differs' says whether the runs do."""
    told = [_settings(run) for run in runs]
    keys = list(dict.fromkeys(key for one in told for key in one))
    table = pd.DataFrame(
        {names[run.id]: [one.get(key, "") for key in keys] for run, one in zip(runs, told, strict=True)}
    )
    table.index = pd.Index(keys, name="")
    table["differs"] = [len({one.get(key, "") for one in told}) > 1 for key in keys]
    return table


def results_of(runs: Sequence[Run], names: dict[str, str]) -> pd.DataFrame:
    """What came out so far, a row a result and a column a run, as text."""
    return pd.DataFrame({names[run.id]: _results(run) for run in runs})


def _draw_curves(runs: Sequence[Run], names: dict[str, str], axis: str) -> None:
    tables = {names[run.id]: metrics(run) for run in runs}
    if not any(len(table) for table in tables.values()):
        st.caption("None of them has logged a step yet.")
        return
    dark = st.context.theme.type == "dark"
    figure = figures.overlaid(tables, x=axis, revision=f"{axis}-{sorted(tables)}", dark=dark)
    st.plotly_chart(figure, key="compare-loss", config={"displaylogo": False}, alt="loss of the runs, overlaid")
    if len({run.record.method for run in runs}) > 1:
        st.caption(
            "These runs were trained by different methods, whose errors measure different things: compare the shapes "
            "of the curves, not their heights. An evaluation compares what the networks are worth."
        )


def _draw_table(runs: Sequence[Run], names: dict[str, str]) -> None:
    table = table_of(runs, names)
    everything = st.toggle("Show what is the same, too", key="compare-all")
    shown = table if everything else table[table["differs"]]
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**What differs**" if not everything else "**All settings**")
        if shown.empty:
            st.caption("Nothing: these runs were asked for the same.")
        else:
            st.dataframe(shown.drop(columns="differs"), width="stretch")
    with right:
        st.markdown("**What came out**")
        st.dataframe(results_of(runs, names), width="stretch")


def _settings(run: Run) -> dict[str, str]:
    record = run.record
    fields = next((one.model_fields for one in entries.METHODS if record.method == one.NAME), {})
    told = {
        "Trained on": entries.trained_on(run),
        words.label("retained"): entries.retained_told(record),
        "Images": entries.images_told(record),
        "Method": record.method,
        "Preset": record.preset,
        words.label("epoch"): count(record.epochs),
        words.label("images_seen"): count(record.images_seen),
        words.label("seed"): str(record.seed),
    }
    params = {forms.title_of(key, fields[key]) if key in fields else key: one for key, one in record.params.items()}
    return told | {name: _as_text(value) for name, value in params.items()}


def _results(run: Run) -> dict[str, str]:
    result, table = run.result, metrics(run)
    loss = result.final_loss if result is not None else float(table["loss"].iloc[-1]) if len(table) else None
    seconds = result.seconds if result is not None else float(table["seconds"].iloc[-1]) if len(table) else None
    speed = result.images_per_second if result is not None else None
    return {
        "State": run.state,
        words.label("loss"): "" if loss is None else f"{loss:.4g}",
        "Time": "" if seconds is None else duration(seconds),
        words.label("images_per_second"): "" if speed is None else f"{speed:.3g}",
        "Ran on": "" if result is None else f"{result.device}, {result.precision}",
    }


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
