"""Pages on workspaces of their own: `filled` holds a fabricated dataset with hostile names and two selections."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from dataeff_core.workspace import Workspace
from tests.fabrication import fabricate, fabricate_selection

APP = Path(__file__).parents[2] / "app.py"


@pytest.fixture(autouse=True)
def pages_by_navigation(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest takes a folder `pages` for Streamlit's old way of listing pages; app.py tells a server otherwise."""
    made = PagesManager.__init__

    def make(self: PagesManager, *args: Any, **options: Any) -> None:
        PagesManager.uses_pages_directory = False
        made(self, *args, **options)

    monkeypatch.setattr(PagesManager, "__init__", make)


@pytest.fixture(scope="session")
def filled_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("filled") / "workspace"
    _, dataset, embedding, _ = fabricate(root, frames=40, hostile_names=True)
    fabricate_selection(dataset, embedding, keep=0.3, name="<b>first</b>")
    fabricate_selection(dataset, embedding, keep=0.5, seed=1)
    return root


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An empty workspace that the pages use; imports and exports may only touch this test's folder."""
    monkeypatch.setenv("DATAEFF_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("DATAEFF_ROOTS", str(tmp_path))
    return Workspace.open(tmp_path / "workspace")


@pytest.fixture
def filled(empty: Workspace, filled_template: Path) -> Workspace:
    """The workspace of `empty`, filled."""
    shutil.copytree(filled_template, empty.root, dirs_exist_ok=True)
    return empty


@pytest.fixture(scope="session")
def two_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a downstream set that has masks, and 200 frames to train on."""
    root = tmp_path_factory.mktemp("two") / "workspace"
    fabricate(root, frames=24, name="polyps", masks=True)
    fabricate(root, frames=200, seed=1, name="frames", thumbnails=False)
    return root


@pytest.fixture
def two(empty: Workspace, two_template: Path) -> Workspace:
    """The workspace of `empty`, with both."""
    shutil.copytree(two_template, empty.root, dirs_exist_ok=True)
    return empty


@pytest.fixture
def open_page() -> Callable[..., AppTest]:
    """`open_page("data")` runs that page in the frame and hands back the test object."""

    def run(name: str, **query: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=30)
        for key, value in query.items():
            app.query_params[key] = value
        app.run()
        return app if name == "explore" else app.switch_page(f"pages/{name}.py").run()

    return run


def texts(app: AppTest) -> str:
    """Everything that the page says, in one text."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "text", "error", "warning", "info", "success")
    return "\n".join(str(one.value) for kind in kinds for one in getattr(app, kind))
