"""The files in assets/: our components' HTML, CSS and JavaScript, and the logo."""

from pathlib import Path

FOLDER = Path(__file__).parents[2] / "assets"


def read(name: str) -> str:
    """The text of one file."""
    return (FOLDER / name).read_text(encoding="utf-8")
