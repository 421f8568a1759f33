"""What a kept share costs, for the curves beside the map: scores of finished cells and of single evaluations.

The mark on the curves moves in the browser, while a limit is dragged (`explorer_prices.js`); here are its
curves.
"""

from typing import Any

import numpy as np
import pandas as pd

from dataeff_core.benchmarking import tables
from dataeff_core.evaluation.normdel import normdel, weighs
from dataeff_core.evaluation.published import table3
from dataeff_core.ui.quantities import counted
from dataeff_core.ui.results.figures import spread
from dataeff_core.ui.results.styles import styles
from dataeff_core.workspace import Dataset, Evaluation, Workspace
from dataeff_core.workspace.benchmarks import FULL, OPTIDEL

VALUES = ("miou", "normdel")
COLUMNS = ("method", "keep", "seed", "retained", "miou", "normdel")
FOLLOWED = ("meddel",)  # the map shows what this method keeps; without it, the mark follows the first that keeps
# frames: shares of mosaics are none of the map's


def prices(workspace: Workspace, dataset: Dataset) -> dict[str, Any] | None:
    """The curves that belong to `dataset`, JSON-able: of its newest benchmark with a finished segmentation cell, else
    of its single evaluations; None where nothing has been scored.

    source says where they come from; series has name, light, dark, flat (full data), follow, and for 'miou' and
    'normdel' points [share, mean, low, high]; published has name and points [share, value]. All numbers are
    fractions, low and high the 95 % interval over seeds or None.
    """
    for benchmark in reversed(workspace.benchmarks()):
        record = benchmark.record
        if record.dataset == dataset.id and record.task == "segmentation" and benchmark.done:
            changed = "" if record.dataset_fingerprint == dataset.fingerprint else "; frames have changed since"
            told = f"benchmark {record.name or record.id}, scored on {record.on_name}{changed}"
            return as_data(tables.table(benchmark), told)
    scored, on = evaluated(workspace, dataset)
    if scored.empty:
        return None
    told = f"{counted(len(scored), 'single evaluation')} on {on}; their settings may differ"
    return as_data(scored, told)


def as_data(table: pd.DataFrame, source: str) -> dict[str, Any]:
    """Curves of a table with the columns COLUMNS."""
    looks = styles(list(dict.fromkeys(table["method"])))
    groups = {value: spread(table, value) for value in VALUES}
    methods = [method for method in looks if method != FULL]
    followed = next((one for one in (*FOLLOWED, *methods) if one in methods and one != OPTIDEL), None)
    series = []
    for method in [*([FULL] if FULL in looks else []), *methods]:
        look = looks[method]
        points = {value: _points(groups[value], method) for value in VALUES}
        series.append(
            {
                "name": look.name,
                "light": look.light,
                "dark": look.dark,
                "flat": method == FULL,
                "follow": method == followed,
                **points,
            }
        )
    return {"source": source, "series": series, "published": published()}


def evaluated(workspace: Workspace, dataset: Dataset) -> tuple[pd.DataFrame, str]:
    """Single evaluations of finished runs on `dataset`, all on the downstream set of the newest of them, as a table
    with the columns COLUMNS; and what that set is called."""
    runs = {run.id: run.record for run in workspace.runs() if run.record.dataset == dataset.id}
    found = [one.record for one in workspace.evaluations() if _counts(one) and one.record.run in runs]
    if not found:
        return pd.DataFrame(columns=list(COLUMNS)), ""
    newest = found[-1]
    methods = {one.id: one.record.method for one in workspace.selections(dataset)}
    rows = {}
    for record in found:
        if record.dataset != newest.dataset:
            continue
        run = runs[str(record.run)]
        method = FULL if run.selection is None else methods.get(run.selection, "selection")
        method = method if run.mosaics is None else OPTIDEL
        score, share = record.score, float(run.retained)
        if not weighs(share):
            continue  # more mosaics than frames: no place on an axis of shares
        rows[run.id, record.seed] = (method, share, record.seed, share, score, float(normdel(score, share)))
    return pd.DataFrame(list(rows.values()), columns=list(COLUMNS)), newest.dataset_name


def published() -> list[dict[str, Any]]:
    """The paper's Table 3, a curve a downstream set."""
    made = []
    for name, rows in table3().groupby("dataset", sort=False):
        ordered = rows.sort_values("retained")
        made.append(
            {"name": str(name)} | {value: ordered[["retained", value]].to_numpy().tolist() for value in VALUES}
        )
    return made


def _counts(evaluation: Evaluation) -> bool:
    record = evaluation.record
    finished = record.run is not None and record.epoch is None and not record.encoder.startswith("untrained:")
    return finished and record.task == "segmentation"


def _points(groups: pd.DataFrame, method: str) -> list[list[float | None]]:
    """[share, mean, low, high] ascending; a method's line ends in full data, which is what keeping all amounts to."""
    rows = groups[groups["method"] == method].sort_values("retained")
    if method != FULL:
        rows = pd.concat([rows[rows["retained"] < 1], groups[groups["method"] == FULL]])
    numbers = rows[["retained", "mean", "low", "high"]].to_numpy(float)
    return [[None if np.isnan(one) else round(float(one), 6) for one in point] for point in numbers]
