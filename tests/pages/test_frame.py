"""The frame around every page: dataset picker, wording, jobs, and one sentence when the workspace cannot be used."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.web.server.app_discovery import discover_asgi_app

from dataeff_core.ui import state, words
from dataeff_core.ui.theme import REASONS
from dataeff_core.workspace import Workspace
from tests.fabrication import fabricate
from tests.pages.conftest import APP, texts

PAGES = ("explore", "data", "compare", "export")


def test_streamlit_finds_the_app_that_serves_our_routes() -> None:
    found = discover_asgi_app(APP)
    assert found.is_asgi_app
    assert found.import_string == "app:app"


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_on_an_empty_workspace_and_says_what_to_do(
    page: str, empty: Workspace, open_page: Callable[..., AppTest]
) -> None:
    app = open_page(page)
    assert not app.exception
    assert not app.error
    assert "mport" in texts(app)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_on_a_filled_workspace_with_hostile_names(
    page: str, filled: Workspace, open_page: Callable[..., AppTest]
) -> None:
    app = open_page(page)
    assert not app.exception
    assert not app.error
    assert all(not one.proto.allow_html for one in app.markdown if one.proto.body.find("<") >= 0)


def test_the_newest_dataset_is_chosen_and_a_link_restores_another(
    filled: Workspace, open_page: Callable[..., AppTest]
) -> None:
    fabricate(filled.root, frames=12, name="second")
    app = open_page("data")
    assert app.selectbox(key=state.DATASET_KEY).value == "second-000001"
    app.selectbox(key=state.DATASET_KEY).select("fabricated-000001").run()
    assert app.session_state[state.DATASET_KEY] == "fabricated-000001"
    again = open_page("data", dataset="fabricated")
    assert again.selectbox(key=state.DATASET_KEY).value == "fabricated-000001"


def test_datasets_of_one_name_can_be_told_apart(filled: Workspace, open_page: Callable[..., AppTest]) -> None:
    folder = filled.datasets_folder / "fabricated-000001"
    twin = filled.datasets_folder / "fabricated-000002"
    twin.mkdir()
    for file in folder.glob("*.*"):
        (twin / file.name).write_bytes(file.read_bytes().replace(b"fabricated-000001", b"fabricated-000002"))
    options = open_page("data").selectbox(key=state.DATASET_KEY).options
    assert len(set(options)) == 2


def test_a_dataset_that_was_deleted_leaves_an_empty_page(
    filled: Workspace, open_page: Callable[..., AppTest]
) -> None:
    app = open_page("data")
    (filled.datasets_folder / "fabricated-000001" / "dataset.json").unlink()
    app.run()
    assert not app.exception
    assert "Nothing is imported yet" in texts(app)


def test_a_workspace_that_is_a_file_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_page: Callable[..., AppTest]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DATAEFF_WORKSPACE", str(tmp_path / "file"))
    app = open_page("data")
    assert not app.exception
    assert len(app.error) == 1
    assert "is a file" in app.error[0].value


def test_the_wording_switch_changes_every_term(filled: Workspace, open_page: Callable[..., AppTest]) -> None:
    for plain in (True, False):
        assert words.label("jaccard", plain=plain) == ("Agreement" if plain else "Jaccard index")
    app = open_page("compare", words="symbols")
    assert "Jaccard index" in [one.label for one in app.metric]
    app.segmented_control(key=state.WORDS_KEY).set_value(state.PLAIN).run()
    assert "Agreement" in [one.label for one in app.metric]


def test_every_term_has_a_sentence() -> None:
    for name, term in words.TERMS.items():
        assert term.help.endswith("."), name
        assert term.plain != term.symbol, name


def test_decisions_differ_in_shape_and_colour() -> None:
    for attribute in ("shape", "mark", "light", "dark", "plain", "code"):
        values = [getattr(style, attribute) for style in REASONS.values()]
        assert len(set(values)) == len(values), attribute


def luminance(colour: str) -> float:
    def linear(part: int) -> float:
        value = part / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_decisions_can_be_read_on_their_ground() -> None:
    for style in REASONS.values():
        assert 1.05 / (luminance(style.light) + 0.05) >= 4.5, style
        assert (luminance(style.dark) + 0.05) / (luminance("#101318") + 0.05) >= 4.5, style


def test_no_page_lets_html_through() -> None:
    for file in [APP, *APP.parent.glob("pages/*.py"), *APP.parent.glob("dataeff_core/ui/*.py")]:
        names = {one.arg for one in ast.walk(ast.parse(file.read_text())) if isinstance(one, ast.keyword)}
        assert not names & {"unsafe_allow_html", "unsafe_allow_javascript", "allow_pickle"} - {"allow_pickle"}, file
    for file in APP.parent.glob("assets/*.js"):
        assert "innerHTML" not in file.read_text(), file
        assert "http" not in file.read_text().replace("http://www.w3.org/", ""), file


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_is_run_alone_shows_the_newest_dataset(
    page: str, filled: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(APP.parent)
    app = AppTest.from_file(str(APP.parent / "pages" / f"{page}.py"), default_timeout=30).run()
    assert not app.exception
    assert "yet" not in texts(app).replace("exported yet", "").replace("shown yet", "")


def test_each_page_knows_which_others_a_late_look_may_come_from(
    filled: Workspace, open_page: Callable[..., AppTest]
) -> None:
    data, compare = (open_page(name).session_state["fragments-left-pages"] for name in ("data", "compare"))
    assert len(data) == len(compare) >= 5
    assert len(data - compare) == len(compare - data) == 1
