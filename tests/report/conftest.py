"""A report taken apart: its elements, its text, its tables."""

import csv
import io
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dataeff_core.report.writing import PAGE, Report, write_report
from dataeff_core.selection import make
from dataeff_core.selection.saving import select
from dataeff_core.workspace import Dataset, SavedSelection, Workspace
from tests.fabrication import fabricate


class Page(HTMLParser):
    """What a browser makes of the page: (element, attributes) in order, and the text that people see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.styles: list[str] = []
        self.words: list[str] = []
        self.within = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.within = tag

    def handle_endtag(self, tag: str) -> None:
        self.within = ""
        if tag in ("p", "td", "th", "li", "h1", "h2", "h3"):
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        (self.styles if self.within == "style" else self.words).append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(report: Report) -> Page:
    return Page((report.out / PAGE).read_text(encoding="utf-8"))


def table_of(report: Report, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((report.out / name).read_text(encoding="utf-8"), newline="")))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 frames with hostile names, masks and labels, and a selection."""
    root = tmp_path_factory.mktemp("reported") / "w"
    workspace, dataset, *_ = fabricate(root, frames=60, groups=3, hostile_names=True, masks=True)
    select(workspace, dataset, make("meddel", {"k": "3", "eta": "0.9"}), keep=0.2, name="<i>mine</i>")
    return root


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(template, tmp_path / "w")
    return Workspace.open(tmp_path / "w")


@pytest.fixture
def dataset(workspace: Workspace) -> Dataset:
    return workspace.dataset("latest")


@pytest.fixture
def saved(workspace: Workspace) -> SavedSelection:
    return workspace.selection("<i>mine</i>")


@pytest.fixture
def written(workspace: Workspace, saved: SavedSelection) -> Report:
    return write_report(workspace, saved)
