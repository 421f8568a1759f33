"""The files in assets/: our components' HTML, CSS and JavaScript, and the logo."""

from dataeff_core.assets import FOLDER

__all__ = ["FOLDER", "read"]


def read(name: str) -> str:
    """The text of one file."""
    return (FOLDER / name).read_text(encoding="utf-8")
