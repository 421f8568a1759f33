"""Numbers and names as people read them; and foreign text made harmless for Markdown."""

import re
from datetime import UTC, datetime

THIN_SPACE = "\u202f"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$&^=@\"'])")


def count(n: int) -> str:
    """12345 -> '12 345', with a thin space that does not break."""
    return f"{n:,}".replace(",", THIN_SPACE)


def counted(n: int, one: str, many: str | None = None) -> str:
    """(1, 'frame') -> '1 frame', (2, 'frame') -> '2 frames'."""
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


def share(fraction: float) -> str:
    """0.2183 -> '21.8 %'."""
    return f"{100 * fraction:.1f}{THIN_SPACE}%"


def duration(seconds: float) -> str:
    """Roughly how long: '0.4 s', '12 s', '3 min', '2 h 5 min'."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def size(n_bytes: int) -> str:
    """1234567 -> '1.2 MB'."""
    value = float(n_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def when(moment: str) -> str:
    """A UTC time (ISO 8601) as local date and time to the minute; 'today 14:02' for today's."""
    local = datetime.fromisoformat(moment).astimezone()
    today = datetime.now(UTC).astimezone().date()
    return f"today {local:%H:%M}" if local.date() == today else dated(moment)


def dated(moment: str) -> str:
    """A UTC time (ISO 8601) as local date and time to the minute, the same on every day."""
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"


def literal(text: str) -> str:
    """`text` for a place where Streamlit reads Markdown: shown letter by letter, nothing in it becomes a link, a
    picture, a formula or a colour. Line breaks become spaces."""
    on_one_line = re.sub(r"\s+", " ", text)
    escaped = _MARKDOWN.sub(r"\\\1", on_one_line)
    escaped = escaped.replace(":", "\\:\u200b")  # a zero-width space breaks :icon:, :red[...] and http://
    return re.sub(r"(@|www(?=\\))", "\\1\u200b", escaped, flags=re.IGNORECASE)  # and a@b.c and www.b.c
