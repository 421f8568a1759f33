"""The answer on top: is the subset as good as everything, in sentences with their uncertainty, and what it saves."""

import numpy as np
import pandas as pd
import streamlit as st

from dataeff_core.benchmarking import tables
from dataeff_core.benchmarking.verdict import Difference, difference, sentence
from dataeff_core.ui.quantities import duration, literal, size
from dataeff_core.ui.results.figures import percent
from dataeff_core.ui.results.styles import names
from dataeff_core.workspace import Benchmark
from dataeff_core.workspace.benchmarks import FULL, OPTIDEL

ASKED = 0.2  # the share that the question is about, where it was measured
BASELINE = "random"
_ICONS = {True: ":material/trending_up:", False: ":material/trending_down:", None: ":material/drag_handle:"}


def draw(benchmark: Benchmark, table: pd.DataFrame) -> None:
    """The verdict for one kept share, which can be changed."""
    keeps = sorted({float(keep) for keep in table.loc[table["method"] != FULL, "keep"]})
    with st.container(border=True, key="results-verdict"):
        head, choice = st.columns([3, 2], vertical_alignment="center")
        head.markdown("**Does a subset train as good a model as everything?**")
        if not keeps:
            st.markdown("Only full data has been scored so far; subsets follow.")
            return
        with choice:
            keep = st.segmented_control(
                "Share kept",
                keeps,
                default=min(keeps, key=lambda one: abs(one - ASKED)),
                format_func=percent,
                required=True,
                key=f"verdict-keep-{benchmark.id}",
                label_visibility="collapsed",
            )
        found = differences(table, float(keep or keeps[0]))
        told = names(list(benchmark.record.methods))
        for one in found:
            st.markdown(f"{_icon(one)} {literal(sentence(one, names=told))}")
        if not found:
            st.markdown("No seed has both the subset and full data yet, so there is nothing to compare.")
        if told_saved := saved_sentence(tables.saved(benchmark), float(keep or keeps[0]), benchmark.record.budget):
            st.markdown(f":material/savings: {literal(told_saved)}")
        if told_leaks := leaks_sentence(benchmark):
            st.warning(literal(told_leaks), icon=":material/warning:")
        st.caption(_small_print(found, benchmark.record.budget))


def differences(table: pd.DataFrame, keep: float) -> list[Difference]:
    """Each subset of this share against full data, those that are chosen before the random one; then these against
    the random subset."""
    methods = [one for one in dict.fromkeys(table["method"]) if one != FULL]
    ordered = [one for one in methods if one != BASELINE] + [one for one in methods if one == BASELINE]
    against_full = [difference(table, (method, keep)) for method in ordered]
    against_random = [
        difference(table, (method, keep), (BASELINE, keep))
        for method in ordered
        if BASELINE in methods and method != BASELINE
    ]
    return [one for one in [*against_full, *against_random] if one is not None]


def saved_sentence(saved: pd.DataFrame, keep: float, budget: str) -> str:
    """What one model at this share saves beside one of all frames; '' as long as that is not known."""
    at_keep = saved[np.isclose(saved["keep"], keep) & saved["bytes_saved"].notna()]
    rows = at_keep[at_keep["method"] != OPTIDEL]
    if rows.empty:
        return _mosaics_saved(at_keep, keep)
    row = rows[["bytes", "bytes_saved", "hours", "hours_saved"]].mean()  # over methods, which differ little
    all_bytes, hours, all_hours = row.bytes + row.bytes_saved, row.hours, row.hours + row.hours_saved
    stored = f"A subset of {percent(keep)} takes {size(int(row.bytes))} of storage instead of {size(int(all_bytes))}"
    took = f"a model {duration(3600 * hours)} instead of {duration(3600 * all_hours)}"
    mosaics = _mosaics_saved(at_keep, keep)
    mosaics = f" {mosaics}" if mosaics else ""
    if budget == "images_seen":
        return f"{stored}; {took}, as every model sees equally many images.{mosaics}"
    return f"{stored}, and {took}.{mosaics}"


def _mosaics_saved(at_keep: pd.DataFrame, keep: float) -> str:
    """What storage mosaics save: less than frames do, as their patches are of many; '' where there are none."""
    rows = at_keep[at_keep["method"] == OPTIDEL]
    if rows.empty:
        return ""
    took, saved = (float(rows[name].mean()) for name in ("bytes", "bytes_saved"))
    return f"Mosaics at {percent(keep)} are cut from files of {size(int(took))}, of {size(int(took + saved))} in all."


def _icon(found: Difference) -> str:
    return _ICONS[found.mean > 0 if found.shown else None]


def leaks_sentence(benchmark: Benchmark) -> str:
    """What to be wary of where test images have copies among those trained on; '' where none has."""
    cells = list(benchmark.done.values())
    leaked = [one.leaked for one in cells if one.leaked]
    unknown = sum(one.leaked is None for one in cells)
    if leaked:
        return (
            f"Up to {max(leaked)} test images have a near-duplicate among the images trained on. The more frames are "
            "kept the more of them a model has seen, so full data may score higher by memory alone."
        )
    if unknown:
        return f"Whether test images were among those trained on could not be checked in {unknown} cells."
    return ""


def _small_print(found: list[Difference], budget: str) -> str:
    """What the intervals hold and what they do not, and how many of them there are."""
    seeds = max((one.seeds for one in found), default=0)
    few = " With so few seeds an interval is wide; more seeds narrow it." if 1 < seeds < 5 else ""
    shared = "share everything but the subset"
    if budget != "images_seen":
        shared = "differ in the subset and in the length of training: a smaller subset sees fewer images"
    return (
        f"Differences are paired: cells of one seed {shared}. Intervals hold what other seeds "
        f"would do, not other test images; each stands for its own comparison.{few}"
    )
