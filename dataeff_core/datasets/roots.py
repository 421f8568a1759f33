"""Which folders the dashboard may offer and import from, and the completion of a path typed there."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from dataeff_core.datasets.names import resolved, shown_path
from dataeff_core.datasets.walking import kind_of
from dataeff_core.errors import BadInput

VARIABLE = "DATAEFF_ROOTS"
MOST = 200  # suggestions at once


def allowed_roots(environment: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """The folders named by $DATAEFF_ROOTS (separated as in $PATH), else the home and the current folder; resolved,
    those that are there. Raises BadInput when none of the named ones is."""
    variables = os.environ if environment is None else environment
    named = [Path(part).expanduser() for part in variables.get(VARIABLE, "").split(os.pathsep) if part]
    roots = [path.resolve() for path in named or [Path.home(), Path.cwd()] if path.is_dir()]
    if not roots:
        raise BadInput(
            f"none of the folders in ${VARIABLE} ({variables[VARIABLE]}) is there; set it to some that are"
        )
    return tuple(dict.fromkeys(roots))


def allowed(path: Path, roots: Sequence[Path]) -> Path:
    """`path`, resolved. Raises BadInput when it is relative with '..', or lies, links followed, outside `roots`."""
    if ".." in path.parts:
        raise BadInput(f"the path {shown_path(path)} has '..' in it; write it without")
    from_here = path.is_absolute() or os.fspath(path).startswith("~")
    whole = resolved(path if from_here else roots[0] / path)
    if not any(root == whole or root in whole.parents for root in roots):
        known = ", ".join(shown_path(root) for root in roots)
        raise BadInput(f"the path {shown_path(path)} is outside the allowed folders ({known}); set ${VARIABLE}")
    return whole


def complete(prefix: str, roots: Sequence[Path]) -> list[str]:
    """What the typed `prefix` can go on to: folders (with a slash at the end) and videos inside `roots`, by name.

    An empty prefix gives the roots. Hidden entries and links that lead out are left out. Raises BadInput when the
    prefix itself is outside. At most MOST entries.
    """
    if not prefix.strip():
        return [os.fspath(root) + "/" for root in roots]
    typed = _with_home(prefix)
    partial = [os.fspath(root) + "/" for root in roots if os.fspath(root).startswith(os.fspath(typed))]
    folder, start = (typed, "") if prefix.endswith("/") else (typed.parent, typed.name)
    try:
        folder = allowed(folder, roots)
    except BadInput:
        if partial and ".." not in typed.parts:
            return partial
        raise
    found = [text for entry in _entries(folder, start) if (text := _suggestion(entry, roots))]
    return sorted(found)[:MOST]


def _with_home(prefix: str) -> Path:
    """`prefix` with its '~' written out; nothing else is followed. Raises BadInput for an unknown user."""
    try:
        return Path(prefix).expanduser()
    except RuntimeError as error:
        raise BadInput(f"{prefix[:200]!r} names no home folder; write the path out") from error


def _entries(folder: Path, start: str) -> list[Path]:
    try:
        entries = [Path(entry.path) for entry in os.scandir(folder)]
    except OSError:
        return []
    return [path for path in entries if path.name.startswith(start) and not path.name.startswith(".")]


def _suggestion(path: Path, roots: Sequence[Path]) -> str | None:
    try:
        allowed(path, roots)
        text = os.fspath(path)
        text.encode()  # a name that is no UTF-8 cannot travel to a page
        is_folder = path.is_dir()
    except (BadInput, UnicodeEncodeError, OSError):
        return None
    if is_folder:
        return text + "/"
    return text if kind_of(os.fsencode(text)) == "video" else None
