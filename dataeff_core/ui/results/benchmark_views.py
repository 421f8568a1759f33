"""What else can be read from a benchmark: the table, the last epochs, the length of training, the cheapest subset."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st

from dataeff_core.benchmarking import tables
from dataeff_core.evaluation.normdel import ALPHA
from dataeff_core.evaluation.published import table4
from dataeff_core.ui import words
from dataeff_core.ui.quantities import duration, size
from dataeff_core.ui.results import cells, figures
from dataeff_core.ui.results.figures import Published, percent
from dataeff_core.ui.results.styles import name as method_name
from dataeff_core.ui.results.styles import spoken
from dataeff_core.workspace import Benchmark, Workspace
from dataeff_core.workspace.benchmarks import FULL

TABLE, CHEAPEST, LAST, LENGTH, CELLS = "Table", "Cheapest subset", "Last epochs", "Length of training", "Cells"
NONE = "none"
IMAGES, STORAGE = "Images", "Storage"
STORAGE_HELP = "Of the files trained on; of mosaics, of all files that their patches are cut from."


def draw(workspace: Workspace, benchmark: Benchmark) -> None:
    """One of the views, chosen by the visitor; a fragment of its own."""
    view = st.segmented_control(
        "More",
        [TABLE, CHEAPEST, LAST, LENGTH, CELLS],
        default=TABLE,
        required=True,
        key=f"more-{benchmark.id}",
        label_visibility="collapsed",
    )
    if view == CHEAPEST:
        _draw_cheapest(benchmark)
    elif view == LAST:
        _draw_last_epochs(workspace, benchmark)
    elif view == LENGTH:
        _draw_length(workspace, benchmark)
    elif view == CELLS:
        _draw_cells(workspace, benchmark)
    else:
        _draw_table(benchmark, float(st.session_state.get(f"alpha-{benchmark.id}", ALPHA)))


def shown_table(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary as people read it: what was kept, mIoU with its interval, DEL and NormDEL, and what it took."""
    ends = zip(summary["miou_low"], summary["miou_high"], strict=True)
    return pd.DataFrame(
        {
            "Kept": kept_names(summary),
            words.label("retained"): 100 * summary["retained"],
            "Seeds": summary["n"],
            words.label("miou"): summary["miou_mean"],
            "sd": summary["miou_sd"],
            "95 % interval": [f"{low:.3f} to {high:.3f}" if np.isfinite(low) else "one seed" for low, high in ends],
            words.label("del"): summary["del_mean"],
            words.label("normdel"): summary["normdel_mean"],
            IMAGES: summary["images"].round().astype(int),
            "Passes": summary["epochs"],
            "Images seen": summary["images_seen"].round().astype(int),
            STORAGE: [size(int(one)) for one in summary["bytes"]],
            "Time a model": [duration(float(one)) for one in summary["seconds"]],
        }
    )


def kept_names(rows: pd.DataFrame) -> list[str]:
    """What each row of the matrix keeps: 'all frames', 'MedDEL, 20 %'."""
    pairs = zip(rows["method"].astype(str), rows["keep"].astype(float), strict=True)
    return [method_name(method) if keep == 1 else f"{method_name(method)}, {percent(keep)}" for method, keep in pairs]


def cheapest_sentence(found: tables.Cheapest | None, within: float) -> str:
    """What the slider's answer is, and what it is not."""
    if found is None:
        return "All frames have not been scored yet, so there is nothing to be near to."
    if found.method == FULL:
        return f"No subset comes within {percent(within)} of all frames ({found.full:.3f}); the answer is all frames."
    lost = f"{100 * found.loss:.1f} % below" if found.loss > 0 else f"{-100 * found.loss:.1f} % above"
    return (
        f"**{spoken(found.method)} at {percent(found.keep)}** is the smallest: {found.miou:.3f}, {lost} all "
        f"frames ({found.full:.3f}). It compares means of the seeds so far; whether the difference is chance, the "
        "sentences on top say."
    )


def _draw_table(benchmark: Benchmark, alpha: float) -> None:
    summary = tables.summary(benchmark, alpha)
    decimals = {
        name: st.column_config.NumberColumn(format="%.4f", help=words.help_of(term))
        for term in ("miou", "del", "normdel")
        for name in [words.label(term)]
    }
    st.dataframe(
        shown_table(summary),
        hide_index=True,
        width="stretch",
        height=38 + 35 * len(summary),
        column_config=decimals
        | {
            words.label("retained"): st.column_config.NumberColumn(format="%.2f %%", help=_retained_help()),
            IMAGES: st.column_config.NumberColumn(help="Frames that a model is trained on, or mosaics."),
            STORAGE: st.column_config.TextColumn(help=STORAGE_HELP),
            "sd": st.column_config.NumberColumn(format="%.4f", help="Standard deviation over the seeds."),
            "Passes": st.column_config.NumberColumn(format="%.0f"),
        },
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        _download("Table as CSV", summary, benchmark, f"summary-alpha-{alpha:g}")
        _download("Every cell as CSV", tables.table(benchmark, alpha), benchmark, f"cells-alpha-{alpha:g}")
        st.caption(f"DEL and NormDEL at α = {alpha:g}; the slider above changes it.")


def _draw_cheapest(benchmark: Benchmark) -> None:
    left, right = st.columns([2, 3], gap="large", vertical_alignment="center")
    with left:
        within = st.slider(
            "May lose, % of all frames' score",
            0.0,
            20.0,
            2.0,
            0.5,
            key=f"within-{benchmark.id}",
            format="%.1f %%",
        )
    with right:
        st.markdown(cheapest_sentence(tables.cheapest(benchmark, within / 100), within / 100))
    saved = tables.saved(benchmark)
    shown = pd.DataFrame(
        {
            "Kept": kept_names(saved),
            STORAGE: [size(int(one)) for one in saved["bytes"]],
            "Storage saved": [_saved(one, _size) for one in saved["bytes_saved"]],
            "Time a model": [duration(3600 * one) for one in saved["hours"]],
            "Time saved": [_saved(3600 * one, duration) for one in saved["hours_saved"]],
        }
    )
    st.dataframe(
        shown,
        hide_index=True,
        width="stretch",
        height=38 + 35 * len(shown),
        column_config={STORAGE: st.column_config.TextColumn(help=STORAGE_HELP)},
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        _download("Savings as CSV", saved, benchmark, "savings")
        if benchmark.record.budget == "images_seen":
            st.caption(
                "Every model sees as many images, so time is equal by intention; storage and curation are saved."
            )


def _draw_last_epochs(workspace: Workspace, benchmark: Benchmark) -> None:
    scores = tables.last_epochs(workspace, benchmark)
    if scores.empty:
        st.caption("No score over the head's last epochs is there; classification has none, or evaluations are gone.")
        return
    st.plotly_chart(
        figures.last_epochs(scores, dark=_dark()),
        key=f"chart-last-{benchmark.id}",
        config=figures.config(f"{benchmark.id}-last-epochs", _form(benchmark)),
        alt="mIoU over the head's last epochs",
    )
    epochs = scores.groupby("cell")["epoch"].nunique().max()
    with st.container(horizontal=True, vertical_alignment="center"):
        _download("Last epochs as CSV", scores, benchmark, "last-epochs")
        st.caption(
            f"Test scores after each of the head's last {int(epochs)} epochs, all seeds of a box together, as in the "
            "paper's Fig. 4. Epochs of one head are no independent tries: a narrow box is no certainty."
        )


def _draw_length(workspace: Workspace, benchmark: Benchmark) -> None:
    curves = tables.epochs(workspace, benchmark)
    if curves["final"].all():
        st.markdown(
            "These networks were scored at their end only. Start a benchmark with **Score networks half-way too** to "
            "see whether longer training still helps."
        )
        return
    left, right = st.columns(2, vertical_alignment="bottom")
    methods = list(dict.fromkeys(curves["method"]))
    with left:
        chosen = st.pills(
            "Shown",
            methods,
            selection_mode="multi",
            default=[one for one in methods if one != FULL][:1] or methods,
            format_func=method_name,
            key=f"length-{benchmark.id}",
        )
    with right:
        sets = [NONE, *dict.fromkeys(table4()["dataset"])]
        dataset = st.selectbox("Published figures (Table 4)", sets, key=f"length-published-{benchmark.id}")
    shown = curves[curves["method"].isin(chosen or methods)]
    st.plotly_chart(
        figures.over_epochs(shown, published=published_lengths(str(dataset)), dark=_dark()),
        key=f"chart-length-{benchmark.id}",
        config=figures.config(f"{benchmark.id}-length", _form(benchmark)),
        alt="mIoU against passes of pre-training",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        _download("Lengths as CSV", curves, benchmark, "epochs")
        st.caption(
            "Points: mean over the seeds; bars: from the lowest to the highest seed. The longest is not always best."
        )


def published_lengths(dataset: str) -> list[Published]:
    """The paper's curves of mIoU by pre-training epochs for one downstream set, one a share; none for NONE."""
    rows = table4().query("dataset == @dataset").sort_values(["retained", "epochs"])
    return [
        Published(
            f"published: {dataset}, {percent(float(str(share)))}", part["epochs"].tolist(), part["miou"].tolist()
        )
        for share, part in rows.groupby("retained")
    ]


def _draw_cells(workspace: Workspace, benchmark: Benchmark) -> None:
    cells.draw(cells.states(workspace, benchmark))
    with st.expander("Settings of all cells"):
        told = benchmark.record.model_dump(mode="json", exclude={"schema_version"})
        shown = pd.DataFrame({"Setting": list(told), "Value": [str(one) for one in told.values()]})
        st.dataframe(shown, hide_index=True, width="stretch")


def _download(label: str, table: pd.DataFrame, benchmark: Benchmark, what: str) -> None:
    st.download_button(
        label,
        data=table.to_csv(index=False),
        file_name=f"{benchmark.id}-{what}.csv",
        mime="text/csv",
        icon=":material/download:",
        key=f"csv-{what.partition('-')[0]}-{benchmark.id}",
        on_click="ignore",
    )


def _saved(value: float, told: Callable[[float], str]) -> str:
    """An amount saved, with a minus where it costs more; '' while it is not known."""
    if not np.isfinite(value):
        return ""
    text = told(abs(value))
    return f"−{text}" if value < 0 else text


def _size(n_bytes: float) -> str:
    return size(int(n_bytes))


def _form(benchmark: Benchmark) -> str:
    return str(st.session_state.get(f"form-{benchmark.id}") or "SVG").lower()


def _retained_help() -> str:
    return f"{words.help_of('retained')} Of mosaics: mosaics for each frame."


def _dark() -> bool:
    return st.context.theme.type == "dark"
