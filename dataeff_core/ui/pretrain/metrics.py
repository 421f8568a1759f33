"""A run's logged steps for the page: read on from where the last look ended, and thinned to what a chart can show."""

import json
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from dataeff_core.workspace import Run
from dataeff_core.workspace.runs import METRICS

MOST_POINTS = 1200  # more than a chart has pixels across


class MetricsReader:
    """One metrics file; every `read` takes in only what was added since the last, from any session of the server."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._one_at_a_time = threading.Lock()
        self._end, self._last = 0, b""
        self._table = _empty()

    def read(self) -> pd.DataFrame:
        """One row a logged step, columns METRICS; a line that is being written is left for the next time. Where
        lines were cut off meanwhile (a resumed run), the file is read anew."""
        with self._one_at_a_time:
            try:
                with self.file.open("rb") as stream:
                    stream.seek(self._end - len(self._last))
                    fresh = stream.read()
                    if not fresh.startswith(self._last):
                        self._forget()
                        stream.seek(0)
                        fresh = stream.read()
            except FileNotFoundError:
                self._forget()
                return self._table
            self._take_in(fresh[len(self._last) :])
            return self._table

    def _take_in(self, fresh: bytes) -> None:
        *lines, _ = fresh.split(b"\n")
        if not lines:
            return
        self._end += sum(len(line) + 1 for line in lines)
        self._last = lines[-1] + b"\n"
        added = pd.DataFrame([json.loads(line) for line in lines], columns=list(METRICS)).astype(float)
        self._table = pd.concat([self._table, added], ignore_index=True) if len(self._table) else added

    def _forget(self) -> None:
        self._end, self._last = 0, b""
        self._table = _empty()


def metrics(run: Run) -> pd.DataFrame:
    """The run's logged steps until now; nobody may change what he gets."""
    return _reader(str(run.folder / Run.METRICS_FILE)).read()


def thinned(table: pd.DataFrame, most: int = MOST_POINTS) -> pd.DataFrame:
    """At most `most` rows: means of neighbouring rows, in their order."""
    if len(table) <= most:
        return table
    return table.groupby(np.arange(len(table)) * most // len(table)).mean()


def _empty() -> pd.DataFrame:
    return pd.DataFrame(columns=list(METRICS), dtype=float)


@st.cache_resource(max_entries=64, show_spinner=False)
def _reader(file: str) -> MetricsReader:
    return MetricsReader(Path(file))
