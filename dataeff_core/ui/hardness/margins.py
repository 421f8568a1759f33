"""The rules as controls: exact margins beside the handles, budget, limits, diversity; and what is to mind of them."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dataeff_core.errors import BadInput
from dataeff_core.hardness.choosing import Counts, PatchRules
from dataeff_core.hardness.information import Terms
from dataeff_core.ui.forms import problem
from dataeff_core.ui.hardness.live import USUAL, Margins
from dataeff_core.ui.hardness.opening import Opened
from dataeff_core.ui.quantities import count, literal

LOWER, UPPER = "hardness-lower", "hardness-upper"
LIMITS = ("budget", "per_frame", "per_group", "alike")


def usable_only() -> bool:
    """Whether patches of unusable frames are left out, as last chosen."""
    return bool(st.session_state.get("hardness-usable", True))


def draw_rules(now: Margins) -> PatchRules:
    """The controls, in one line; exact margins move the handles."""
    lower, upper, rest, usual = st.columns([2, 2, 3, 2], vertical_alignment="bottom")
    places = (lower, upper)
    for place, key, title, value in zip(
        places, (LOWER, UPPER), ("Lower margin", "Upper margin"), now.pair, strict=True
    ):
        st.session_state[key] = value  # the handles may have moved
        place.number_input(
            title,
            0.0,
            1.0,
            step=0.005,
            format="%.4f",
            key=key,
            on_change=_typed,
            args=(now,),
            help="A quantile of hardness over all patches: the share of them below it. "
            + (
                "Below the lower margin patches are too easy to teach."
                if key == LOWER
                else "Above the upper margin they are likely noise, glare or lettering."
            )
            + " OptiDEL takes the hardest; both margins are our choice.",
        )
    with usual:
        st.button(
            "Usual margins",
            key="hardness-usual",
            on_click=now.put,
            args=USUAL,
            disabled=now.pair == USUAL,
            type="tertiary",
            icon=":material/restart_alt:",
        )
    with rest:
        given = _draw_limits()
    if said := st.session_state.pop("hardness-refused", ""):
        problem(said)
    return PatchRules(lower=now.lower, upper=now.upper if now.upper < 1 else None, **given)


def chosen_terms(opened: Opened, rules: PatchRules, seed: int) -> Terms | None:
    """The two terms of what all rules choose; None where they can choose nothing, which is said beside them."""
    if all(getattr(rules, name) is None for name in LIMITS):
        return opened.ranked.terms(rules)
    try:
        return opened.choice(rules, seed).terms
    except BadInput:
        return None


def draw_warnings(opened: Opened, rules: PatchRules, counts: Counts) -> None:
    """What is to mind: patches left out beforehand, a budget that cannot be filled, the warning of the theory."""
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
    elif said := opened.ranked.warning(rules, counts.allowed):
        st.warning(literal(said), icon=":material/warning:")
    if counts.useful and counts.frames == 1:
        st.warning(
            "All useful patches are of one frame, so training images would show nothing but it.",
            icon=":material/warning:",
        )
    for told in opened.ranked.notes().values():
        st.caption(literal(told) + ".")


def _typed(now: Margins) -> None:
    """Take over the number fields, or say why not and leave the margins where they are."""
    lower, upper = float(st.session_state[LOWER]), float(st.session_state[UPPER])
    if lower > upper:
        st.session_state["hardness-refused"] = (
            f"the lower margin {lower:g} is above the upper one {upper:g}; nothing would lie between them"
        )
    else:
        now.put(lower, upper)


def _draw_limits() -> Mapping[str, Any]:
    """What is asked of the useful ones beyond the margins."""
    given: dict[str, Any] = {}
    on = sum(st.session_state.get(f"hardness-{name}") is not None for name in LIMITS) + (not usable_only())
    with st.popover(f"Budget, limits, diversity{f' ({on} set)' if on else ''}", icon=":material/tune:"):
        given["budget"] = _optional_count(
            "budget", "Budget (N patches)", "So many of what is left; without it all of it."
        )
        if given["budget"] is not None:
            given["take"] = st.segmented_control(
                "Which of them",
                ("hardest", "random"),
                default="hardest",
                required=True,
                key="hardness-take",
                help="The hardest, as in OptiDEL; or any of what is left, drawn by the seed of the training images, "
                "to see what hardness is worth (our choice).",
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
        given["usable"] = st.toggle(
            "Usable frames only",
            True,
            key="hardness-usable",
            help="Patches of frames that stand out as unusable (blur, darkness, glare) by the dataset's own limit "
            "are left out before shares are taken; those of frames that reviewers removed always are. Our choice.",
        )
    return given


def _optional_count(name: str, title: str, told: str) -> int | None:
    typed = st.number_input(
        title, 1, 10_000_000, None, 1, key=f"hardness-{name}", placeholder="any number", help=told
    )
    return None if typed is None else int(typed)
