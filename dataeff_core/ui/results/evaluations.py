"""Single evaluations: the list of all that concern a dataset, and which one is looked at."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from dataeff_core.ui import jobs_panel, words
from dataeff_core.ui.pretrain import entries
from dataeff_core.ui.quantities import counted, literal, when
from dataeff_core.ui.results import evaluation_card, evaluation_form
from dataeff_core.ui.results.styles import name as method_name
from dataeff_core.workspace import Dataset, Evaluation, Run, Workspace

LIST_HEIGHT = 245  # pixels


def draw(workspace: Workspace, dataset: Dataset) -> None:
    """The list, a form for a further one, and the one chosen."""
    runs = {run.id: run for run in workspace.runs()}
    found = newest_first(workspace, dataset, runs)
    head, more = st.columns([8, 3], vertical_alignment="center")
    head.markdown(f"**{counted(len(found), 'evaluation')}** :gray[click a row to look closer]" if found else "")
    with more:
        evaluation_form.draw_popover(workspace, dataset)
    for job in [one for one in jobs_panel.active_jobs(workspace) if one.verb == "evaluate"]:
        jobs_panel.draw_progress(job)
    if not found:
        st.markdown("#### No encoder has been evaluated yet")
        st.markdown(
            "An evaluation takes one encoder, trains a small head on images with masks, and measures on others how "
            "well it outlines what the masks show. Evaluate a run of yours, and the same network untrained beside it."
        )
        return
    evaluation_card.draw(workspace, _pick(found, runs), runs)


def newest_first(workspace: Workspace, dataset: Dataset, runs: dict[str, Run]) -> list[Evaluation]:
    """Evaluations on `dataset`, or of a run on it."""
    mine = {run.id for run in runs.values() if run.record.dataset == dataset.id}
    found = workspace.evaluations()
    return [one for one in reversed(found) if one.record.dataset == dataset.id or one.record.run in mine]


def table(found: Sequence[Evaluation], runs: dict[str, Run]) -> pd.DataFrame:
    """One row an evaluation: what was scored, on what, the score with its interval, whether images leaked."""
    rows = []
    for one in found:
        record = one.record
        low, high = record.intervals.get(record.headline, (float("nan"), float("nan")))
        rows.append(
            {
                "Encoder": encoder_title(one, runs),
                "Scored on": record.dataset_name,
                "Task": record.task,
                "Score": record.score,
                "95 % interval": f"{low:.3f} to {high:.3f}" if np.isfinite(low) else "",
                words.label("retained"): None if record.retained is None else 100 * record.retained,
                words.label("seed"): record.seed,
                "Leaked": int(record.leaks.get("frames") or 0) if record.leaks.get("checked") else None,
                "When": when(record.created),
            }
        )
    return pd.DataFrame(rows)


def encoder_title(evaluation: Evaluation, runs: dict[str, Run]) -> str:
    """What was scored, in words: the run's name and snapshot, or the network untrained."""
    record = evaluation.record
    run = runs.get(record.run or "")
    if run is None:
        return record.name or record.encoder
    called = entries.called(run.record)
    if record.encoder.startswith("untrained:"):
        return f"{called}, untrained"
    return f"{called}, after epoch {record.epoch}" if record.epoch is not None else called


def method_title(method: str) -> str:
    """What a method of a benchmark is called."""
    return method_name(method)


def _pick(found: Sequence[Evaluation], runs: dict[str, Run]) -> Evaluation:
    """The row clicked, else the one that the address names, else the newest."""
    shown = table(found, runs)
    event = st.dataframe(
        shown,
        key=f"evaluations-{len(found)}-{found[0].id}",
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        width="stretch",
        height=min(LIST_HEIGHT, 38 + 35 * len(found)),
        column_config={
            "Score": st.column_config.NumberColumn(format="%.3f", help=literal(words.help_of("miou") or "")),
            words.label("retained"): st.column_config.NumberColumn(
                format="%.1f %%", help="Kept frames out of all frames; of mosaics, mosaics for each frame."
            ),
            "Leaked": st.column_config.NumberColumn(
                help="Images scored on that have a near-duplicate among those trained on; empty: not checked."
            ),
        },
    )
    rows = event.selection.rows
    if rows and rows[0] < len(found):
        st.query_params["evaluation"] = found[rows[0]].id
        return found[rows[0]]
    named = next((one for one in found if one.id == st.query_params.get("evaluation")), None)
    return named or found[0]
