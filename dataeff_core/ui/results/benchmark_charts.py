"""The chart: mIoU and NormDEL against the kept share, side by side so that both are read."""

import math
from typing import Any

import streamlit as st

from dataeff_core.benchmarking import tables
from dataeff_core.evaluation.normdel import ALPHA, normdel
from dataeff_core.evaluation.published import SOURCE, table3
from dataeff_core.ui import words
from dataeff_core.ui.quantities import literal
from dataeff_core.ui.results import figures
from dataeff_core.ui.results.figures import ERRORS, INTERVAL, Published, percent
from dataeff_core.ui.results.styles import MOSAICS_TOLD
from dataeff_core.workspace import Benchmark
from dataeff_core.workspace.benchmarks import FULL, OPTIDEL

NONE = "none"
LOG, LINEAR = "log", "linear"
MOST_ALPHA = 5.0
FORMS = ("SVG", "PNG")


def draw(benchmark: Benchmark) -> None:
    """Switches, both figures, and what NormDEL does; a fragment of its own."""
    scores = benchmark.record.task == "segmentation"
    settings = _draw_switches(benchmark, with_published=scores)
    alpha = float(settings["alpha"])
    table = tables.table(benchmark, alpha=alpha)
    dark = st.context.theme.type == "dark"
    shown = {"error": settings["error"], "log": settings["axis"] == LOG, "dark": dark}
    name = f"{benchmark.record.dataset_name}-on-{benchmark.record.on_name}"
    left, right = st.columns(2, gap="medium") if scores else (st.container(), None)
    with left:
        title = words.label("miou") if scores else words.label("auc_macro")
        st.markdown(f"**{title}**", help=words.help_of("miou" if scores else "auc_macro"))
        figure = figures.against_kept(
            table, "miou", published=published(settings["published"], "miou"), title=_short(title), **shown
        )
        st.plotly_chart(
            figure,
            key=f"chart-miou-{benchmark.id}",
            config=figures.config(f"{name}-miou", settings["form"]),
            alt=title,
        )
    if right is not None:
        with right:
            st.markdown(f"**{words.label('normdel')}, α = {alpha:g}**", help=words.help_of("normdel"))
            figure = figures.against_kept(
                table,
                "normdel",
                published=published(settings["published"], "normdel", alpha),
                title="NormDEL",
                **shown,
            )
            st.plotly_chart(
                figure,
                key=f"chart-normdel-{benchmark.id}",
                config=figures.config(f"{name}-normdel-alpha-{alpha:g}", settings["form"]),
                alt=words.label("normdel"),
            )
    st.caption(ERRORS[settings["error"]] + " The camera above a chart saves it as a picture.")
    if OPTIDEL in benchmark.record.methods:
        st.caption(MOSAICS_TOLD)
    if scores:
        keeps = [float(one) for one in table.loc[table["method"] != FULL, "retained"]]
        st.markdown(f":small[{explained(alpha, min(keeps, default=0.05))}]")


def explained(alpha: float, smallest: float) -> str:
    """What NormDEL is, its range, and what alpha does to it, for a reader who has to judge by it."""
    formula = "NormDEL = 1 / (1 + exp(−mIoU · exp(−α · R))), with R the share kept, lies between 0.5 and 0.731."
    if alpha == 0:
        return f"{formula} With α = 0 the share does not count: NormDEL ranks as mIoU does."
    passes = math.exp(-alpha * (1 - smallest))
    return (
        f"{formula} It rewards few frames: with α = {alpha:g} a {percent(smallest)} model beats a perfect model of "
        f"all frames as soon as its mIoU exceeds {passes:.2f}; so read both."
    )


def published(dataset: str, value: str, alpha: float = ALPHA) -> Published | None:
    """The paper's curve for one downstream set, None for NONE; at another alpha NormDEL is worked out anew."""
    rows = table3().query("dataset == @dataset").sort_values("retained")
    if rows.empty:
        return None
    scores = rows["miou"] if value == "miou" else normdel(rows["miou"].to_numpy(), rows["retained"].to_numpy(), alpha)
    if value == "normdel" and alpha == ALPHA:
        scores = rows["normdel"]
    return Published(f"published: {dataset}", rows["retained"].tolist(), [float(one) for one in scores])


def _draw_switches(benchmark: Benchmark, *, with_published: bool) -> dict[str, Any]:
    key = benchmark.id
    columns = st.columns([2, 3.2, 3, 3, 1.9], gap="small", vertical_alignment="bottom")
    with columns[0]:
        axis = st.segmented_control("Axis", [LOG, LINEAR], default=LOG, required=True, key=f"axis-{key}")
    with columns[1]:
        error = st.segmented_control("Bars", list(ERRORS), default=INTERVAL, required=True, key=f"bars-{key}")
    dataset, alpha = NONE, ALPHA
    if with_published:
        with columns[2]:
            sets = [NONE, *dict.fromkeys(table3()["dataset"])]
            dataset = st.selectbox(
                "Published figures",
                sets,
                key=f"published-{key}",
                help=literal(f"{SOURCE}, Table 3: MedDEL's subsets."),
            )
        with columns[3]:
            alpha = st.slider(
                words.label("alpha"), 0.0, MOST_ALPHA, ALPHA, 0.1, key=f"alpha-{key}", help=words.help_of("alpha")
            )
    with columns[4]:
        form = st.segmented_control("Picture as", list(FORMS), default=FORMS[0], required=True, key=f"form-{key}")
    return {
        "axis": axis,
        "error": error,
        "published": dataset,
        "alpha": alpha,
        "form": str(form).lower(),
    }


def _short(title: str) -> str:
    """A title for an axis: what stands in its brackets, where it has any."""
    inside = title.partition("(")[2].rstrip(")")
    return inside or title
