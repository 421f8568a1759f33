"""The theory behind the warning: what a perceptron learns from the hardest, the easiest and random examples."""

from typing import TYPE_CHECKING

import streamlit as st

from dataeff_core.theory.warning import harmful_below
from dataeff_core.ui.hardness import figures
from dataeff_core.ui.quantities import count

if TYPE_CHECKING:
    from dataeff_core.theory.perceptron import Curves

ALPHAS = (20.0, 50.0, 100.0)
REPEATS = 3  # few, so that one does not wait long; `theory` in a shell takes more
_ASKED = "hardness-theory-asked"


def draw(available: int, chosen: int, dimension: float, dark: bool) -> None:
    """What the experiment is, where the choice of now stands in it, and on a button its curves."""
    alpha = available / dimension
    share = chosen / available if chosen else None
    st.markdown(
        "A teacher labels random points by the side of a plane on which they lie; a student that sees a share of "
        "them learns the plane. A rough scorer sorts them: **hard** ones lie near its plane, **easy** ones far off. "
        "With plenty of examples the hardest teach most; with few they are worse than random ones: they tell where "
        "the plane runs but not which way it faces (Sorscher et al. 2022; the experiment of OptiDEL's notebook)."
    )
    now = "" if share is None else f" Chosen now: a share of {share:.2g}."
    st.markdown(
        f"Here {count(available)} patches vary in about {dimension:.3g} directions (participation ratio of the MAE's "
        f"vectors, our stand-in for the theory's dimension): {alpha:,.0f} examples a dimension, where the hardest "
        f"alone do harm below a share of about {harmful_below(alpha):.2g}.{now} Real networks are no perceptrons: "
        "take this as a warning, not as a law."
    )
    picked = st.segmented_control(
        "Examples a dimension (α)",
        ALPHAS,
        default=50.0,
        required=True,
        format_func="{:g}".format,
        key="hardness-alpha",
    )
    at = float(picked or 50.0)
    if st.button("Run the experiment", key="hardness-theory", help="Some ten seconds at α = 50; kept afterwards."):
        st.session_state[_ASKED] = True
    if not st.session_state.get(_ASKED):
        return
    with st.spinner("Teaching perceptrons …", show_time=True):
        found = _curves(at)
    st.plotly_chart(
        figures.theory(found, at, harmful_below(at), share, dark=dark),
        key="hardness-theory-figure",
        config={"displayModeBar": False},
    )
    st.caption(
        f"{found.dimension} dimensions, scorer at {found.probe_degrees:g}° to the teacher, mean of {found.repeats} "
        "teachers with standard error; error 0.5 is chance. Shaded: where "
        f"the hardest alone do harm at α = {at:g}, by our reading of these curves."
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _curves(alpha: float) -> "Curves":
    from dataeff_core.theory.perceptron import curves

    return curves((alpha,), repeats=REPEATS)
