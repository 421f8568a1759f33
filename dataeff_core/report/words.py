"""The report's words: reasons in plain language, numbers as people read them."""

import math
from datetime import datetime

SECTIONS = {
    "short": "In short",
    "frames": "The frames",
    "method": "How frames were chosen",
    "removed": "What was removed, and why",
    "lost": "Is anything lost?",
    "people": "What people decided",
    "blind": "The blind audit",
    "again": "Would the same frames be chosen again?",
    "unchecked": "What was not checked",
    "recipe": "How to make and to check it again",
    "signed": "Signatures",
}
REASONS = {
    "duplicate": (
        "Nearly the same",
        "Another frame shows nearly the same picture: one that is kept, or one that went itself.",
    ),
    "outlier": ("Too unusual", "The frame is unlike all others of its kind. A rare finding can look so, too."),
    "invalid": ("Unusable", "The picture quality stands out: blurred, dark, overexposed, or no tissue in view."),
    "budget": ("Over budget", "Nothing is wrong with the frame, but only a given number is kept."),
    "pinned": ("Removed by people", "A reviewer removed the frame, against the method."),
    "too_easy": ("Too easy", "The frame tells a network little that others do not tell."),
    "too_hard": ("Too hard", "The frame is harder to learn from than most."),
}
ENCODERS = {
    "descriptor": "their colours and edges inside the field of view, without a trained network",
    "timm": "a trained network",
    "run": "a network pre-trained here",
}
KINDS = {"group": "Patients or videos", "video": "Video files", "label": "Labels", "lesion": "Lesions (from masks)"}
TURNED = {"seed": "Starting number", "clusters": "Kinds of view", "encoder": "Way of comparing"}


def section(key: str) -> str:
    """'section 5', by its key."""
    return f"section {list(SECTIONS).index(key) + 1}"


def reason(name: str) -> str:
    """'Nearly the same' for 'duplicate'; a reason that is not known stands for itself."""
    return REASONS[name][0] if name in REASONS else name.replace("_", " ").capitalize()


def meaning(name: str) -> str:
    """One sentence on the reason."""
    return REASONS[name][1] if name in REASONS else "The method's own reason; see how frames were chosen."


def compared_by(encoder: str) -> str:
    """What turns frames into numbers that can be compared, by its kind; '' for an unknown one."""
    kind, _, model = encoder.partition(":")
    return f"{ENCODERS[kind]}{f' ({model})' if model else ''}" if kind in ENCODERS else ""


def count(n: int) -> str:
    """12345 -> '12 345', with a narrow space that does not break."""
    return f"{n:,}".replace(",", "\u202f")


def counted(n: int, one: str, many: str | None = None) -> str:
    """(2, 'frame') -> '2 frames'."""
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


def share(fraction: float) -> str:
    """0.218 -> '21.8 %'; '–' where it is not known."""
    return "–" if math.isnan(fraction) else f"{100 * fraction:.1f}\u202f%"


def decimal(value: float | None) -> str:
    """0.97123 -> '0.971'; '–' where there is none."""
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


def moment(at: str) -> str:
    """A UTC time (ISO 8601) to the minute, saying that it is UTC."""
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M} UTC"
