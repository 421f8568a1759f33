"""A benchmark's numbers as tables, of the cells that are done so far. Shares, mIoU and NormDEL are fractions.

`to_csv` of any of them is the CSV to hand on. Means are over seeds; intervals are Student's at 95 % (our choice: the
paper gives single numbers).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dataeff_core.benchmarking.verdict import difference, interval
from dataeff_core.errors import BadInput
from dataeff_core.evaluation.normdel import ALPHA, delta, normdel
from dataeff_core.workspace import Benchmark, CellRecord, Evaluation, Workspace
from dataeff_core.workspace.benchmarks import FULL

CELL_COLUMNS = (
    *("cell", "method", "keep", "seed", "retained", "images", "epochs", "images_seen", "miou", "del", "normdel"),
    *("bytes", "seconds", "selection", "run", "evaluation"),
)
SUMMARY_COLUMNS = (
    *("method", "keep", "n", "retained", "images", "epochs", "images_seen", "bytes", "seconds"),
    *(f"{what}_{stat}" for what in ("miou", "del", "normdel") for stat in ("mean", "sd", "low", "high")),
    *(f"miou_minus_{other}_{stat}" for other in (FULL, "random") for stat in ("mean", "low", "high", "n")),
)
LAST_COLUMNS = ("cell", "method", "keep", "seed", "retained", "epoch", "miou")
SAVED_COLUMNS = ("method", "keep", "n", "retained", "hours", "hours_saved", "bytes", "bytes_saved")


def table(benchmark: Benchmark, alpha: float = ALPHA) -> pd.DataFrame:
    """A row a finished cell, columns CELL_COLUMNS, in the plan's order. `miou` is the evaluation's headline score (an
    AUC where labels are told apart); seconds are of selection, pre-training and evaluation together."""
    rows = [_row(cell_id, record, alpha) for cell_id, record in benchmark.done.items()]
    return pd.DataFrame(rows, columns=list(CELL_COLUMNS))


def summary(benchmark: Benchmark, alpha: float = ALPHA) -> pd.DataFrame:
    """A row a (method, keep) that has a finished cell, columns SUMMARY_COLUMNS; largest share first.

    Of mIoU, DEL and NormDEL: mean over n seeds, sd (n - 1), and the ends of the mean's interval; NaN for one seed.
    `miou_minus_<other>_...`: the mean difference to full data, and to random frames of the same share, over the
    seeds that both have: cells of a seed share all that is drawn by chance, so they are compared in pairs.
    """
    cells = table(benchmark, alpha)
    rows = []
    for (method, keep), part in _rows_of(cells):
        row: dict[str, Any] = {"method": method, "keep": keep, "n": len(part)}
        row |= {
            name: float(part[name].mean())
            for name in ("retained", "images", "epochs", "images_seen", "bytes", "seconds")
        }
        for what in ("miou", "del", "normdel"):
            row |= {f"{what}_{stat}": value for stat, value in _spread(part[what].to_numpy(float)).items()}
        for other in ((FULL, 1.0), ("random", keep)):
            row |= _minus(cells, (method, keep), other)
        rows.append(row)
    found = pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))
    return found.sort_values(["keep", "method"], ascending=[False, True], kind="stable", ignore_index=True)


@dataclass(frozen=True)
class Cheapest:
    """The smallest kept share that is good enough."""

    method: str
    keep: float
    retained: float
    miou: float  # mean over the seeds that full data has too
    full: float  # mean of full data over the same seeds
    within: float  # asked for, a fraction of `full`

    @property
    def loss(self) -> float:
        """What is lost, as a fraction of full data's mIoU; negative where it gains."""
        return (self.full - self.miou) / self.full if self.full else 0.0


def cheapest(benchmark: Benchmark, within: float) -> Cheapest | None:
    """The row that keeps least among those whose mean mIoU is at least (1 - within) times full data's; of equal
    shares the better one. Full data itself where no subset is; None as long as that has no finished cell.

    `within` is a fraction in [0, 1): 0.02 for "within 2 %". Raises BadInput outside. It compares means over the seeds
    that each shares with full data and proves nothing: the differences with their intervals are in `summary`.
    """
    if not 0 <= within < 1:
        raise BadInput(f"within {within:g} is not a fraction in [0, 1); give 0.02 for 2 %")
    rows = table(benchmark)
    found = []
    for (method, keep), part in _rows_of(rows):
        pair = difference(rows, (method, keep))  # over the seeds that both have: other seeds have other test images
        if pair is not None:
            retained = float(part["retained"].mean())
            found.append(Cheapest(method, keep, retained, pair.one_mean, pair.other_mean, within))
    enough = [one for one in found if one.miou >= (1 - within) * one.full]
    if not enough:
        return None
    return min(enough, key=lambda one: (one.keep, -one.miou))


def saved(benchmark: Benchmark) -> pd.DataFrame:
    """A row a (method, keep), columns SAVED_COLUMNS: means over seeds of the hours that a cell took and of the bytes
    of the files it trained on, and what that is less than full data (NaN as long as that has no finished cell).

    With equal images seen the hours are nearly equal by intention; bytes are what a subset saves, and with equal
    epochs the hours too.
    """
    parts = dict(_rows_of(table(benchmark)))
    full = parts.get((FULL, 1.0))
    rows = []
    for (method, keep), part in parts.items():
        hours, size = float(part["seconds"].mean()) / 3600, float(part["bytes"].mean())
        full_hours = float(full["seconds"].mean()) / 3600 if full is not None else np.nan
        full_size = float(full["bytes"].mean()) if full is not None else np.nan
        rows.append(
            [
                method,
                keep,
                len(part),
                float(part["retained"].mean()),
                hours,
                full_hours - hours,
                size,
                full_size - size,
            ]
        )
    return pd.DataFrame(rows, columns=list(SAVED_COLUMNS))


def epochs(workspace: Workspace, benchmark: Benchmark) -> pd.DataFrame:
    """mIoU by pre-training epochs (the paper's Table 4): a row a cell and scored state of its encoder, columns cell,
    method, keep, seed, retained, epochs, images_seen, miou, final. An evaluation that is gone is left out."""
    scores = {one.id: one.record.score for one in workspace.evaluations()}
    rows = []
    for cell_id, one in benchmark.done.items():
        about = [cell_id, one.cell.method, one.cell.keep, one.cell.seed, one.retained]
        for epoch, evaluation in sorted(one.snapshot_evaluations.items()):
            if evaluation in scores:
                rows.append([*about, float(epoch), epoch * one.images, scores[evaluation], False])
        rows.append([*about, float(one.epochs), one.images_seen, one.miou, True])
    names = ["cell", "method", "keep", "seed", "retained", "epochs", "images_seen", "miou", "final"]
    return pd.DataFrame(rows, columns=names)


def last_epochs(workspace: Workspace, benchmark: Benchmark) -> pd.DataFrame:
    """The test score after each of the head's last epochs (the paper's Fig. 4): columns LAST_COLUMNS, epoch being the
    head's. An evaluation that is gone, or scores no last epochs, is left out."""
    known = {one.id: one for one in workspace.evaluations()}
    parts = [
        _last(cell_id, record, known[record.evaluation])
        for cell_id, record in benchmark.done.items()
        if record.evaluation in known and len(known[record.evaluation].per_epoch)
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(LAST_COLUMNS))


def _row(cell_id: str, record: CellRecord, alpha: float) -> dict[str, Any]:
    return {
        **record.model_dump(include=set(CELL_COLUMNS) - {"seconds"}),
        **record.cell.model_dump(),
        "cell": cell_id,
        "del": delta(record.miou, record.retained, alpha),
        "normdel": normdel(record.miou, record.retained, alpha),
        "seconds": sum(record.seconds.values()),
    }


def _rows_of(cells: pd.DataFrame) -> Iterator[tuple[tuple[str, float], pd.DataFrame]]:
    """The finished cells of each (method, keep), in the order of their first one."""
    for key, part in cells.groupby(["method", "keep"], sort=False):
        method, keep = key
        yield (str(method), float(str(keep))), part


def _spread(values: np.ndarray) -> dict[str, float]:
    low, high = interval(values)
    sd = float(values.std(ddof=1)) if len(values) > 1 else np.nan
    ends = {"low": np.nan if low is None else low, "high": np.nan if high is None else high}
    return {"mean": float(values.mean()), "sd": sd} | ends


def _minus(cells: pd.DataFrame, one: tuple[str, float], other: tuple[str, float]) -> dict[str, float]:
    """The paired difference of mIoU as columns; NaN where there is none, or where it would be to itself."""
    found = difference(cells, one, other) if one != other else None
    name = f"miou_minus_{other[0]}"
    if found is None:
        return {f"{name}_{stat}": np.nan for stat in ("mean", "low", "high")} | {f"{name}_n": 0}
    ends = {
        f"{name}_{stat}": np.nan if end is None else end for stat, end in (("low", found.low), ("high", found.high))
    }
    return {f"{name}_mean": found.mean, **ends, f"{name}_n": found.seeds}


def _last(cell_id: str, record: CellRecord, evaluation: Evaluation) -> pd.DataFrame:
    headline = evaluation.record.headline
    found = evaluation.per_epoch[["epoch", headline]].rename(columns={headline: "miou"})
    found["cell"], found["retained"] = cell_id, record.retained
    found["method"], found["keep"], found["seed"] = record.cell.method, record.cell.keep, record.cell.seed
    return found[list(LAST_COLUMNS)]
