"""How the methods of a benchmark are named and drawn: a name, a colour and a shape each, the same in all figures."""

from collections.abc import Sequence
from dataclasses import dataclass

from dataeff_core.workspace.benchmarks import FULL, OPTIDEL


@dataclass(frozen=True)
class MethodStyle:
    """One method's look; `shape` is plotly's, `mark` the same shape as a character."""

    name: str
    light: str  # colour on light ground
    dark: str  # colour on dark ground
    shape: str
    mark: str
    spoken: str = ""  # in a sentence, where `name` says too much

    def colour(self, dark: bool) -> str:
        return self.dark if dark else self.light


PUBLISHED = MethodStyle("published", "#8A94A0", "#77828E", "diamond-open", "◇")
_KNOWN = {
    FULL: MethodStyle("all frames", "#4A5560", "#C3CCD6", "square", "■"),
    "meddel": MethodStyle("MedDEL", "#0072B2", "#56B4E9", "circle", "●"),
    "random": MethodStyle("random", "#B84A00", "#F28E3D", "triangle-up", "▲"),
    "every_nth": MethodStyle("every n-th", "#A0468A", "#D98CC0", "x", "✕"),
    OPTIDEL: MethodStyle("mosaics of hard patches (OptiDEL)", "#00795A", "#2FCFA0", "diamond", "◆", "OptiDEL"),
    "vinformation": MethodStyle("hard frames (V-information)", "#8A6D00", "#F0E442", "star", "★", "V-information"),
}
MOSAICS_TOLD = (
    "Of mosaics the share is mosaics for each frame: at 20 % a model is trained on as many mosaics as 20 % of the "
    "frames are. Their patches may be cut from more frames than that, and storage is that of all these files."
)
_SPARE = (
    ("#5B7F00", "#B5D94C", "pentagon", "⬟"),
    ("#005B7A", "#7FD6F0", "bowtie", "⧓"),
    ("#7A5195", "#B79AD6", "hexagon", "⬢"),
    ("#8C564B", "#D0A08F", "cross", "✚"),
)


def styles(methods: Sequence[str]) -> dict[str, MethodStyle]:
    """A style for each method; those without one of their own take the spare ones in their order."""
    others = [method for method in methods if method not in _KNOWN]
    spare = {
        method: MethodStyle(name(method), *_SPARE[at % len(_SPARE)])
        for at, method in enumerate(dict.fromkeys(others))
    }
    return {method: _KNOWN.get(method) or spare[method] for method in methods}


def name(method: str) -> str:
    """What a method is called in a legend or a form."""
    known = _KNOWN.get(method)
    return known.name if known else method.replace("_", " ")


def spoken(method: str) -> str:
    """What a method is called where little room is: within a sentence, or over a column."""
    known = _KNOWN.get(method)
    return (known.spoken or known.name) if known else name(method)


def names(methods: Sequence[str]) -> dict[str, str]:
    """What each of `methods` is called in a sentence."""
    return {method: spoken(method) for method in methods}
