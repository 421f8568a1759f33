"""The cells of a benchmark: how each stands, and the grid that shows it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dataeff_core import jobs
from dataeff_core.jobs import Job
from dataeff_core.ui.quantities import literal
from dataeff_core.ui.results.figures import percent
from dataeff_core.ui.results.styles import spoken
from dataeff_core.workspace import Benchmark, Cell, Workspace

DONE, RUNNING, QUEUED, WAITING, FAILED, STOPPED = "done", "running", "queued", "waiting", "failed", "stopped"
MARKS = {DONE: "✓", RUNNING: "▶", QUEUED: "…", WAITING: "·", FAILED: "✕", STOPPED: "‖"}
WORDS = {QUEUED: "next", WAITING: "waits", FAILED: "failed", STOPPED: "stopped"}
_OF_JOB = {
    "queued": QUEUED,
    "running": RUNNING,
    "failed": FAILED,
    "cancelled": STOPPED,
    "lost": STOPPED,
    "done": WAITING,  # its job ended well, and yet the cell is not there: it will be worked on again
}


@dataclass(frozen=True)
class CellState:
    """One cell now."""

    cell: Cell
    state: str
    miou: float | None = None
    share: float | None = None  # of its present phase
    phase: str = ""
    sentence: str = ""  # why it failed or stopped

    @property
    def text(self) -> str:
        """In the grid: a mark and a word or number."""
        if self.state == DONE and self.miou is not None:
            return f"{MARKS[DONE]} {self.miou:.3f}"
        if self.state == RUNNING:
            far = f" {100 * self.share:.0f} %" if self.share is not None else ""
            return f"{MARKS[RUNNING]} {self.phase or 'running'}{far}"
        return f"{MARKS[self.state]} {WORDS[self.state]}"


def states(workspace: Workspace, benchmark: Benchmark) -> list[CellState]:
    """Every cell of the plan, in its order."""
    done = benchmark.done
    by_id = {job.id: job for job in jobs.jobs(workspace)}
    found = []
    for cell in benchmark.record.cells:
        result = done.get(cell.id)
        if result is not None:
            found.append(CellState(cell, DONE, miou=result.miou))
            continue
        job = by_id.get(benchmark.job_of(cell) or "")
        found.append(_of_job(cell, job))
    return found


def grid(found: Sequence[CellState]) -> pd.DataFrame:
    """A row a seed, a column a (method, kept share); each cell's text."""
    rows: dict[str, dict[str, str]] = {}
    for one in found:
        cell = one.cell
        label = spoken(cell.method) if cell.keep == 1 else f"{spoken(cell.method)}, {percent(cell.keep)}"
        rows.setdefault(f"seed {cell.seed}", {})[label] = one.text
    return pd.DataFrame.from_dict(rows, orient="index")


def failures(found: Sequence[CellState]) -> dict[str, list[str]]:
    """Sentence -> the cells that failed with it, in words."""
    told: dict[str, list[str]] = {}
    for one in found:
        if one.state == FAILED:
            cell = one.cell
            label = f"{spoken(cell.method)} at {percent(cell.keep)}, seed {cell.seed}"
            told.setdefault(one.sentence or "it failed without a word", []).append(label)
    return told


def draw(found: Sequence[CellState]) -> None:
    """The grid, and what failed."""
    table = grid(found)
    st.dataframe(table, width="stretch", height=min(400, 38 + 35 * len(table)), column_config={"_index": " "})


def draw_failures(found: Sequence[CellState]) -> None:
    """One box a sentence, with the cells that it is about."""
    for sentence, labels in failures(found).items():
        named = "; ".join(labels[:4]) + (f" and {len(labels) - 4} more" if len(labels) > 4 else "")
        st.error(f"{literal(sentence)}  \n:small[{literal(named)}]", icon=":material/error:")


def _of_job(cell: Cell, job: Job | None) -> CellState:
    if job is None:
        return CellState(cell, WAITING)
    status = job.status
    state = _OF_JOB[status.state]
    progress = job.progress if state == RUNNING else None
    return CellState(
        cell,
        state,
        share=progress.share if progress else None,
        phase=progress.phase if progress else "",
        sentence=status.error or "",
    )
