"""Scored patches and what is computed from them, kept once for all sessions of a server.

Keys are ids, fingerprints and rules as text, never arrays; who gets an object from here changes nothing in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from dataeff_core.hardness.choosing import Choice, PatchRules, Ranked
from dataeff_core.hardness.stored import Hardness, HardnessRecord, all_hardness
from dataeff_core.mosaics.layout import Layout, MosaicRules, lay_out
from dataeff_core.patches.stored import PatchSet, patch_sets
from dataeff_core.pretraining import method_named
from dataeff_core.ui.hardness.payload import margins_table
from dataeff_core.ui.quantities import count
from dataeff_core.workspace import Dataset, DatasetRecord, Run, Workspace
from dataeff_core.workspace.trail import trail_of

MOST_KEPT = 4  # of half a million patches each takes some 200 MB


@dataclass(frozen=True)
class Opened:
    """Scored patches, ranked, with the key that they are kept under."""

    scored: Hardness
    ranked: Ranked
    key: tuple[str, str]  # folder, record as JSON
    standing: tuple[str, str, int, bool]  # dataset's folder, its record as JSON, last pin, whether usable frames only

    def choice(self, rules: PatchRules, seed: int = 0, most: int | None = None) -> Choice:
        """`Ranked.choose`, once for equal rules. Raises BadInput."""
        return _choice(self.key, self.standing, rules.model_dump_json(), (seed, most))

    def margins_table(self) -> bytes:
        """What the browser counts by; see `payload.margins_table`."""
        return _margins_table(self.key, self.standing)

    def layout(
        self, dataset: Dataset, rules: PatchRules, mosaics: MosaicRules, *, number: int | None, seed: int
    ) -> Layout:
        """The mosaics of the chosen patches, as `mosaics` would lay them out. Raises BadInput."""
        chosen = self.choice(rules, seed, None if number is None else number * mosaics.grid**2)
        used = np.unique(_frame_rows(self.key, self.standing)[chosen.rows])
        sizes = dataset.frames[["height", "width"]].to_numpy(np.int64)[used[used >= 0]]
        return lay_out(chosen.rows, mosaics, sizes=sizes, count=number, seed=seed)


@dataclass(frozen=True)
class Shown:
    """What the page is about in this run."""

    workspace: Workspace
    dataset: Dataset
    opened: Opened
    rules: PatchRules


def fitting(dataset: Dataset) -> list[Hardness]:
    """Scored patches of just the frames that `dataset` has now, newest first."""
    found = (one for one in all_hardness(dataset) if one.record.dataset_fingerprint == dataset.fingerprint)
    return list(found)[::-1]


def fitting_patches(dataset: Dataset) -> list[PatchSet]:
    """Sets of patches of just the frames that `dataset` has now, newest first."""
    found = (one for one in patch_sets(dataset) if one.record.dataset_fingerprint == dataset.fingerprint)
    return list(found)[::-1]


def scorers(workspace: Workspace) -> list[Run]:
    """Finished runs whose network can draw, newest first: what patches can be scored by."""
    return [
        run
        for run in reversed(workspace.runs())
        if run.state == "done" and method_named(run.record.method).RECONSTRUCTS and run.decoder_file.is_file()
    ]


def notes(dataset: Dataset, scored: Hardness) -> list[str]:
    """What is to be known of the patches (weights that are not the published ones, frames without any) and of their
    scores."""
    of = [one.record.notes for one in patch_sets(dataset) if one.id == scored.record.patch_set]
    return [sentence for told in (*of, scored.record.notes) for sentence in told.values()]


def opened(scored: Hardness, dataset: Dataset, *, usable: bool = True) -> Opened:
    """`scored`, ranked, without the frames that reviewers have removed by now and, with `usable`, without unusable
    ones; its tables are read once. Raises BadInput when no patch is left."""
    key = (str(scored.folder), scored.record.model_dump_json())
    standing = (str(dataset.folder), dataset.record.model_dump_json(), trail_of(dataset.folder).last, usable)
    return _opened(key, standing)


def kept(scored: Hardness) -> Hardness:
    """`scored` with its tables kept in memory."""
    return _scored(str(scored.folder), scored.record.model_dump_json())


def label(record: HardnessRecord, runs: Sequence[Run]) -> str:
    """In a list and in the page's address, so without anything that changes from day to day."""
    names = {run.id: run.record.name for run in runs}
    by = names.get(record.run or "") or record.scorer.removeprefix("run:")
    proposer = record.patch_set.rpartition("-")[0] or record.patch_set
    return f"{count(record.patches)} patches by {proposer} · scored by {by} · {record.id[-6:]}"


@st.cache_resource(max_entries=MOST_KEPT, show_spinner=False)
def _scored(folder: str, record: str) -> Hardness:
    return Hardness(Path(folder), HardnessRecord.model_validate_json(record))


@st.cache_resource(max_entries=MOST_KEPT, show_spinner=False)
def _opened(key: tuple[str, str], standing: tuple[str, str, int, bool]) -> Opened:
    scored = _scored(*key)
    folder, record, _, usable = standing
    dataset = Dataset(Path(folder), DatasetRecord.model_validate_json(record))
    return Opened(scored, Ranked.of(scored, dataset, usable=usable), key, standing)


@st.cache_resource(max_entries=MOST_KEPT, show_spinner=False)
def _frame_rows(key: tuple[str, str], standing: tuple[str, str, int, bool]) -> np.ndarray:
    """(m,) int64: the row among the dataset's frames that each patch is of, -1 for one that is not present."""
    folder, record, _, _ = standing
    frames = _scored(*key).table["frame_id"].to_numpy(object)
    rows = Dataset(Path(folder), DatasetRecord.model_validate_json(record)).index.get_indexer(pd.Index(frames))
    return np.asarray(rows, np.int64)


@st.cache_resource(max_entries=MOST_KEPT, show_spinner=False)
def _margins_table(key: tuple[str, str], standing: tuple[str, str, int, bool]) -> bytes:
    return margins_table(_opened(key, standing).ranked)


@st.cache_resource(max_entries=16, show_spinner=False)
def _choice(
    key: tuple[str, str], standing: tuple[str, str, int, bool], rules: str, drawn: tuple[int, int | None]
) -> Choice:
    seed, most = drawn
    return _opened(key, standing).ranked.choose(PatchRules.model_validate_json(rules), most=most, seed=seed)
