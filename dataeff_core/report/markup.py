"""HTML from Python, escaped unless it was made here: text of users can never become markup."""

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

from dataeff_core.datasets.names import visible

VOID = ("meta", "img", "br", "col", "hr")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child: TypeAlias = "str | int | Iterable[Child] | None"
"""What may stand in an element: text (escaped), Markup (as it is), nothing, or several of these."""


def tag(name: str, /, *children: Child, **attributes: str | int | None) -> Markup:
    """An element. An attribute's name may end with '_' (class_), and '_' in it stands for '-'; None leaves it out."""
    named = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{named}>" if name in VOID else f"<{name}{named}>{joined(children)}</{name}>")


def joined(child: Child) -> Markup:
    """All of it as markup."""
    if child is None:
        return Markup()
    if isinstance(child, Markup):
        return child
    if isinstance(child, str):
        return Markup(escape(child, quote=True))
    if isinstance(child, int):
        return Markup(child)
    return Markup("".join(joined(one) for one in child))


def foreign(text: str) -> Markup:
    """A name or words of a user's: kept apart from the sentence around it, whichever way it is written, and with
    control characters and direction marks made visible."""
    return tag("bdi", "".join(visible(character) for character in text))


def table(head: Iterable[Child], rows: Iterable[Iterable[Child]], *, numbers: Iterable[int] = ()) -> Markup:
    """A table; `numbers` are the columns that are set to the right."""
    right = set(numbers)

    def row(cells: Iterable[Child], cell: str) -> Markup:
        return tag(
            "tr",
            [tag(cell, one, class_="number" if at in right else None) for at, one in enumerate(cells)],
        )

    return tag("table", tag("thead", row(head, "th")), tag("tbody", [row(one, "td") for one in rows]))
