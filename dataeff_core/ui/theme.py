"""Colours and shapes that mean something, in one place: Okabe and Ito's palette (2008), which stays distinct for
colour-blind readers; every meaning has a shape as well, so that nothing hangs on colour alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReasonStyle:
    """How one decision is drawn: in words, as a mark, and in colour on light and on dark ground."""

    code: int  # as arrays and the browser have it (uint8)
    plain: str
    symbol: str  # as the papers and the files have it
    mark: str  # one character, its shape unlike all the others'
    shape: str  # plotly's name of the same shape
    light: str  # colour on light ground, at least 4.5:1 against white
    dark: str  # colour on dark ground
    sentence: str


REASONS: dict[str, ReasonStyle] = {
    style.symbol: style
    for style in (
        ReasonStyle(0, "Kept", "kept", "●", "circle", "#0072B2", "#56B4E9", "Goes on to pre-training."),
        ReasonStyle(
            1, "Nearly the same", "duplicate", "✕", "x", "#B84A00", "#F28E3D", "A kept frame shows the same view."
        ),
        ReasonStyle(
            2, "Too unusual", "outlier", "▲", "triangle-up", "#A0468A", "#D98CC0", "Unlike all frames of its kind."
        ),
        ReasonStyle(
            3, "Unusable", "invalid", "■", "square", "#6B6B6B", "#B5B5B5", "Blurred, dark, overexposed or no tissue."
        ),
        ReasonStyle(
            4,
            "Over budget",
            "budget",
            "◆",
            "diamond",
            "#8A6D00",
            "#F0E442",
            "Fine, but enough are kept.",
        ),
        ReasonStyle(5, "Pinned", "pinned", "◎", "circle-open", "#00795A", "#2FCFA0", "A reviewer decided."),
    )
}
BY_CODE: dict[int, ReasonStyle] = {style.code: style for style in REASONS.values()}


def style_of(reason: str) -> ReasonStyle:
    """The style of a reason; one that is not known is drawn as removed, under its own name."""
    known = REASONS.get(reason)
    return known or ReasonStyle(
        1, reason.replace("_", " ").capitalize(), reason, "✕", "x", "#B84A00", "#F28E3D", "Removed by the method."
    )
