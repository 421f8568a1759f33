"""Results as text that any terminal and any program can take."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any


def as_json(result: Mapping[str, Any]) -> str:
    """One JSON object, ASCII only, so that a name with undecodable bytes survives; NaN and infinities are null."""
    return json.dumps(plain(result), allow_nan=False)


def plain(value: Any) -> Any:
    """`value` in JSON's own types: arrays and tuples as lists, NumPy scalars as numbers, paths as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(one) for one in value]
    if isinstance(value, PurePath):
        return os.fspath(value)
    if hasattr(value, "tolist"):  # NumPy's arrays and scalars
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def printable(text: str) -> str:
    """`text` with everything a terminal could take for a command made visible; line ends stay."""
    return "".join(char if char == "\n" or char.isprintable() else visible(char) for char in text)


def one_line(text: str) -> str:
    """`text` printable and in one line."""
    return "".join(char if char.isprintable() else visible(char) for char in text)


def visible(char: str) -> str:
    """A character as its escape: \\n, \\x1b, \\udc80."""
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")
