"""Both margins and the other rules as controls, and at once what they come to: counts, histogram, the two terms."""

import math
from typing import Any

import streamlit as st

from dataeff_core.errors import BadInput
from dataeff_core.hardness.choosing import Counts, PatchRules
from dataeff_core.hardness.information import Terms
from dataeff_core.theory.warning import hard_only_warning
from dataeff_core.ui.forms import problem
from dataeff_core.ui.hardness import figures
from dataeff_core.ui.hardness.bands import STYLES
from dataeff_core.ui.hardness.opening import Opened
from dataeff_core.ui.quantities import count, literal, share

MARGINS = "margins"  # also the query parameter, so that a link restores them
USUAL = (0.5, 0.98)
TERMS_HELP = (
    "H(Y|∅) is how surprising hidden values are when nothing is known (best constant colour, fitted variance): it "
    "rises with diversity. H(Y|X) is how surprising they are given the visible rest of the patch (the MAE's drawing, "
    "fitted variance): it rises with hardness. Their difference is the V-information under a Gaussian family; a "
    "hidden value is one colour channel of one pixel. The paper's family is not published: the Gaussian is ours."
)


def draw_rules() -> PatchRules | None:
    """The controls; None where they contradict each other, after saying so."""
    lower, upper = st.slider(
        "Useful patches lie between",
        0.0,
        1.0,
        USUAL,
        0.005,
        format="%.3f",
        key=MARGINS,
        bind="query-params",
        help="Quantiles of hardness over all patches. Below the lower margin patches are too easy to teach; above "
        "the upper one they are likely noise, glare or lettering. OptiDEL takes the hardest; both margins are ours.",
    )
    given: dict[str, Any] = {"lower": lower, "upper": upper if upper < 1 else None}
    with st.expander("Budget, limits, diversity", key="hardness-rules", on_change="ignore"):
        given["budget"] = _optional_count(
            "budget", "Budget (N patches)", "The hardest N of what is left, as in OptiDEL; without it all are taken."
        )
        given["per_frame"] = _optional_count(
            "per_frame",
            "Most of a frame",
            "Its hardest patches; against one frame that fills the budget. Our choice.",
        )
        given["per_group"] = _optional_count(
            "per_group", "Most of a group", "Of one patient or video; its hardest patches. Our choice."
        )
        given["alike"] = st.number_input(
            "Too alike",
            -1.0,
            1.0,
            None,
            0.01,
            key="hardness-alike",
            placeholder="off",
            help="No two chosen patches of a cluster have a higher cosine similarity of the MAE's vectors; a chosen "
            "set that is less alike has a higher H(Y|∅). Our choice; applied after the limits, before the budget.",
        )
    try:
        return PatchRules(**given)
    except ValueError as error:
        problem(str(error))
        return None


def draw_counts(opened: Opened, rules: PatchRules, counts: Counts) -> None:
    """Four numbers, and the warning of the theory."""
    total = len(opened.ranked)
    chosen_help = (
        "Useful ones that the limits and the budget allow"
        + (", before `too alike` takes out more" if rules.alike is not None else "")
        + "."
    )
    numbers = (
        *((style.title, getattr(counts, band), style.sentence) for band, style in STYLES.items()),
        ("Chosen", counts.allowed, chosen_help),
    )
    for columns, pair in ((st.columns(2), numbers[:2]), (st.columns(2), numbers[2:])):
        for column, (title, number, told) in zip(columns, pair, strict=True):
            column.metric(
                title, count(number), share(number / total), delta_color="off", delta_arrow="off", help=told
            )
    if counts.useful == 0:
        st.warning("No patch lies between the margins; move them apart.", icon=":material/warning:")
    elif rules.budget is not None and counts.allowed < rules.budget:
        st.warning(
            literal(
                f"{count(rules.budget)} patches are asked for and only {count(counts.allowed)} pass; lower the "
                "budget or loosen the other rules"
            ),
            icon=":material/warning:",
        )
    elif rules.lower > 0 and (said := hard_only_warning(total, counts.allowed, opened.ranked.dimension)):
        st.warning(literal(said), icon=":material/warning:")


def draw_histogram(opened: Opened, rules: PatchRules, *, dark: bool) -> None:
    """All patches by hardness, with both margins."""
    start, stop = opened.ranked.band(rules)
    figure = figures.histogram(opened.ranked.hardness, start, stop, dark=dark)
    st.plotly_chart(figure, key="hardness-histogram", config={"displayModeBar": False})


def draw_terms(opened: Opened, rules: PatchRules) -> None:
    """Both terms for all patches, for those between the margins, and for those chosen."""
    between, chosen = opened.ranked.terms(rules), _chosen_terms(opened, rules)
    everything = opened.ranked.running.between(0, len(opened.ranked))
    rows = {"All": everything, "Useful": between, "Chosen": chosen}
    st.markdown("**V-information**", help=TERMS_HELP)
    table = ["| | H(Y\\|∅) | H(Y\\|X) | difference |", "|---|---:|---:|---:|"]
    table += [_row(name, one) for name, one in rows.items() if one is not None]
    st.markdown("\n".join(table))
    st.caption(f"In {figures.NATS}: one colour channel of one pixel.")
    told = chosen or between
    if told.information < 0:
        st.caption(
            "The difference is below 0: this MAE draws these patches worse than one flat colour would. Train it "
            "longer before you trust its order of patches."
        )


def draw_against_budget(opened: Opened, rules: PatchRules, *, dark: bool) -> None:
    """Both terms of ever more of the hardest patches between the margins."""
    found = opened.ranked.against_budget(rules)
    if not found:
        return
    figure = figures.terms_against_budget(found, _chosen_terms(opened, rules), dark=dark)
    st.plotly_chart(figure, key="hardness-terms", config={"displayModeBar": False})
    st.caption(
        "Lines: the hardest patches between the margins, without limits and diversity; diamonds: those chosen. "
        "V-information is how far the solid line lies below the dashed one."
    )


def _chosen_terms(opened: Opened, rules: PatchRules) -> Terms | None:
    try:
        return opened.choice(rules).terms
    except BadInput:  # said beside the counts
        return None


def _row(name: str, one: Terms) -> str:
    numbers = (one.nothing, one.given, one.information)
    told = " | ".join("–" if math.isnan(number) else f"{number:.3f}" for number in numbers)
    return f"| {name} | {told} |"


def _optional_count(name: str, title: str, told: str) -> int | None:
    typed = st.number_input(
        title, 1, 10_000_000, None, 1, key=f"hardness-{name}", placeholder="any number", help=told
    )
    return None if typed is None else int(typed)
