"""Where the files are that come with the program and are no code: the logo, components, published tables."""

from pathlib import Path

FOLDER = Path(__file__).parent.parent / "assets"
