"""What stands on the explorer: the limits with their ranges and named places, and all its words."""

import math
from typing import Any

import numpy as np

from dataeff_core.selection.scoring import NO_EPSILON
from dataeff_core.ui import words
from dataeff_core.ui.explore.explored import PAPER_ETA, Explored, Limits
from dataeff_core.ui.theme import REASONS

HINTS = {
    "eta": "Frames more alike than this to a kept one go.",
    "epsilon": "Frames further than this from their kind go.",
    "invalid": "More blurred, dark or glaring frames go.",
}


def controls(explored: Explored, sent: Limits) -> list[dict[str, Any]]:
    """The three limits with their ranges. Ranges come from the scores alone, so that they never jump."""
    score = explored.base.insertion_similarity
    inside = score[score > -1]  # NaN and the starts of clusters are not compared
    lowest = float(np.quantile(inside, 0.005)) if len(inside) else 0.0
    lowest = math.floor(min(lowest, explored.start.eta - 0.1, sent.eta) * 20) / 20
    farthest = max(explored.farthest, sent.epsilon if sent.epsilon < NO_EPSILON else 0.0)
    ranges = [("eta", max(-1.0, lowest), 1.0), ("epsilon", 0.0, farthest)]
    if explored.base.invalid_score is not None:
        ranges.append(("invalid", 0.0, 1.0))
    return [
        {
            "name": name,
            "title": words.label(name),
            "hint": HINTS[name],
            "help": words.help_of(name),
            "low": low,
            "high": high,
            "step": 0.001,
        }
        for name, low, high in ranges
    ]


def marks(explored: Explored) -> list[dict[str, Any]]:
    """Named places on the scale of likeness: the limit measured on these frames, and the paper's."""
    found = explored.pool.calibrated_eta
    told = "slightly changed copies of your own frames are recognised there"
    measured = [] if found is None else [mark(found, "found on your frames", told)]
    return [*measured, mark(PAPER_ETA, "the paper's", "MedDEL's highest limit, for a network's features")]


def mark(value: float, name: str, label: str) -> dict[str, Any]:
    """One named place, with what its tick and its button say."""
    return {"value": float(value), "label": label, "button": f"{name} {value:.3g}"}


def reasons() -> list[dict[str, Any]]:
    """The decisions' names, shapes and colours, in the order of their codes."""
    return [
        {"code": one.code, "mark": one.mark, "label": words.reason(name), "light": one.light, "dark": one.dark}
        for name, one in REASONS.items()
    ]


def spoken() -> dict[str, str | None]:
    """All that the component says."""
    return {
        "mode": "How to choose",
        "mode_similar": "By likeness",
        "mode_share": "Exact share",
        "share": words.label("keep"),
        "share_hint": "The most unlike ones; the limit follows.",
        "curve": "Share kept, wherever the limit stands",
        "curve_x": words.label("eta").lower(),
        "pan": "Move",
        "pan_hint": "Drag moves the map, the wheel zooms",
        "lasso": "Lasso",
        "lasso_hint": "Draw around frames to see only those below (or hold Shift and drag)",
        "clear_lasso": "Clear lasso",
        "reset": "Fit",
        "reset_hint": "Show the whole map (double click)",
        "colour_by": "Colour by",
        "loading": "Loading the map …",
        "map_label": "Map of all frames: like frames lie close together. Arrow keys move, plus and minus zoom.",
        "no_webgl": "This browser cannot draw the large map (WebGL2 is off). "
        "Limits and counts work; a sample is drawn below.",
        "context_lost": "The graphics card took a break; the map comes back by itself.",
        "load_failed": "The map's data did not arrive; reload the page.",
        "rough": "exact when you let go",
        "of": "of",
        "kept": "kept",
        "frame": "frame",
        "by_decision": "decision",
        "by_group": words.label("group").lower(),
        "by_cluster": words.label("cluster").lower(),
        "by_F": words.label("similarity").lower(),
        "by_d": words.label("distance").lower(),
        "by_invalid": words.label("invalid_score").lower(),
        "by_hardness": words.label("frame_hardness").lower(),
        "hardness_help": f"{words.help_of('frame_hardness')} Equal steps of colour hold equally many frames.",
        "pin_keep": "a reviewer keeps it",
        "pin_drop": "a reviewer removes it",
        "easy": "easy",
        "hard": "hard",
        "no_patch": "no scored patch",
        "stays_low": "never",
        "stays_high": "always",
        "more_categories": "and {n} more, hues repeat",
        "faded_removed": "faded: removed",
        "miou": words.label("miou"),
        "miou_help": words.help_of("miou"),
        "normdel": words.label("normdel"),
        "normdel_help": words.help_of("normdel"),
        "published": "published",
        "no_published": "no published curve",
        "measured": "{share} kept: {name} scored {miou} there (NormDEL {normdel}).",
        "between": "{share} kept: {name} about {miou} (NormDEL {normdel}), read between measured shares.",
        "outside": "{share} kept: not measured; the benchmark has {low} to {high}.",
        "no_prices": "What a share costs in quality stands here once a benchmark has run; see Results.",
    }
