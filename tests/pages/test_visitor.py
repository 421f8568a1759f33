"""Who the visitor is: the name that is typed, the roles that are obeyed, the login that is wanted."""

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dataeff_core.access import FILE, Role
from dataeff_core.errors import NotAllowed
from dataeff_core.review import sampling
from dataeff_core.ui import jobs_panel, login, visitor
from dataeff_core.ui.explore import saving
from dataeff_core.ui.review import blind_marking
from dataeff_core.workspace import Workspace
from dataeff_core.workspace.trail import trail_of
from tests.pages.conftest import texts

Open = Callable[..., AppTest]


def roles(workspace: Workspace, text: str) -> None:
    (workspace.root / FILE).write_text(text)


def type_name(app: AppTest, name: str) -> AppTest:
    return next(one for one in app.sidebar.text_input if one.label == "Your name").set_value(name).run()


def test_a_name_is_typed_once_and_holds_on_every_page(filled: Workspace, open_page: Open) -> None:
    app = type_name(open_page("data"), "  Anna   <b>Meier</b> ")
    app = app.switch_page("pages/export.py").run()
    assert app.session_state["visitor-name"] == "Anna <b>Meier</b>"
    assert next(one for one in app.sidebar.text_input if one.label == "Your name").value == "Anna <b>Meier</b>"
    assert not app.exception


@pytest.mark.parametrize("name", ["rule: never lose a polyp", " rule:x"])
def test_nobody_passes_for_a_rule(filled: Workspace, open_page: Open, name: str) -> None:
    app = type_name(open_page("data"), name)
    assert "begins like a rule" in texts(app)
    assert "visitor-name" not in app.session_state or app.session_state["visitor-name"] == ""


def test_without_a_roles_file_nothing_is_said_of_roles(filled: Workspace, open_page: Open) -> None:
    said = texts(open_page("export"))
    assert "Viewer" not in said
    assert "No role" not in said


def test_a_viewer_may_look_and_start_nothing(filled: Workspace, open_page: Open) -> None:
    roles(filled, '[roles]\n"Vera" = "viewer"\n')
    app = type_name(open_page("export"), "Vera")
    assert "Viewer: you may look." in texts(app)
    assert app.button(key="export-go").disabled
    assert not list(filled.jobs_folder.iterdir())


@pytest.mark.parametrize(
    "page", ["data", "explore", "compare", "hardness", "pretrain", "results", "review", "export"]
)
def test_every_page_offers_a_viewer_no_work(filled: Workspace, open_page: Open, page: str) -> None:
    roles(filled, 'others = "viewer"\n')
    app = open_page(page)
    assert not app.exception
    assert not app.error
    on = {str(one.key) for one in app.button if not one.disabled}
    starting = ("-go", "-save", "-draw", "-prepare", "-resume", "-stop", "-start", "explore-start", "-calibrate")
    assert not [key for key in on if key.endswith(starting)]
    assert not [one for one in app.text_input if one.label == "Folder, video or file"]


def test_a_role_taken_away_holds_for_a_page_that_is_open(filled: Workspace, open_page: Open) -> None:
    roles(filled, '[roles]\n"Vera" = "researcher"\n')
    app = type_name(open_page("export"), "Vera")
    roles(filled, '[roles]\n"Vera" = "viewer"\n')
    app.button(key="export-go").click().run()
    assert app.button(key="export-go").disabled
    assert not list(filled.jobs_folder.iterdir())


def test_what_a_button_would_not_offer_is_refused_all_the_same(
    filled: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitor, "role", lambda: Role.VIEWER)
    dataset = filled.datasets()[0]
    saved = filled.selections(dataset)[0]
    with pytest.raises(NotAllowed, match="takes a researcher"):
        jobs_panel.start(filled, ["verify", "anywhere"])
    with pytest.raises(NotAllowed, match="takes a researcher"):
        saving.save(filled, None, None, "")  # type: ignore[arg-type]
    record = sampling.draw(dataset, saved, size=3)
    said = {"about": "x", "marks": [{"at": 0, "verdict": sampling.NEEDED, "key": "k"}]}
    assert blind_marking.save(dataset, record, "Vera", "x", said)[0] == ()
    assert "takes a reviewer" in blind_marking.save(dataset, record, "Vera", "x", said)[1]
    assert trail_of(dataset.folder).last == 0


def test_a_researcher_may_start_a_job(filled: Workspace, open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataeff_core import jobs

    started: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda workspace, argv, after=None: started.append(list(argv)) or _Job(argv))
    roles(filled, '[roles]\n"Rosa" = "researcher"\n')
    app = type_name(open_page("export"), "Rosa")
    app.button(key="export-go").click().run()
    assert [one[0] for one in started] == ["export"]


class _Job:
    """As much of a job as the note about its start reads."""

    def __init__(self, argv: list[str]) -> None:
        self.argv, self.verb = argv, argv[0]


def test_who_has_no_role_sees_nothing(filled: Workspace, open_page: Open) -> None:
    roles(filled, '[roles]\n"Anna" = "viewer"\n')
    app = open_page("data")
    assert "No access" in texts(app)
    assert "fabricated" not in texts(app)
    assert not app.selectbox
    app = type_name(app, "Otto")
    assert "has no role here" in texts(app)
    app = type_name(app, "anna")
    assert "No access" not in texts(app)


@pytest.mark.parametrize("text", ["[roles", '[roles]\n"Anna" = "owner"', '[rolls]\n"Anna" = "viewer"'])
def test_a_bad_roles_file_is_one_sentence_and_no_page(filled: Workspace, open_page: Open, text: str) -> None:
    roles(filled, text)
    app = open_page("data")
    assert not app.exception
    assert len(app.error) == 1
    assert "nobody may do anything" in app.error[0].value.replace("\\", "")
    assert not app.dataframe
    assert not app.selectbox


# ---- login -------------------------------------------------------------------------------------------------------


def test_where_a_login_is_configured_nobody_gets_in_without(
    filled: Workspace, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "configured", lambda: True)
    app = open_page("data")
    assert "Sign in" in texts(app)
    assert [one.label for one in app.button] == ["Sign in"]
    assert "fabricated" not in texts(app)
    assert not app.text_input


@pytest.mark.parametrize("content", ["[auth", "not toml at all"])
def test_secrets_that_cannot_be_read_let_nobody_in(
    filled: Workspace, open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    file = tmp_path / "secrets.toml"
    file.write_text(content)
    app = secret_app(open_page, file, monkeypatch)
    assert "not known who may come in" in texts(app).replace("\\", "")
    assert "fabricated" not in texts(app)


def secret_app(open_page: Open, file: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """A page opened with these secrets."""
    from streamlit import config

    before = config.get_option("secrets.files")
    config.set_option("secrets.files", [str(file)])
    st.secrets._reset()
    try:
        return open_page("data")
    finally:
        config.set_option("secrets.files", before)
        st.secrets._reset()


@pytest.mark.parametrize(
    ("claims", "account"),
    [
        ({}, ""),
        ({"email": "a@x.org"}, ""),
        ({"is_logged_in": False, "email": "a@x.org"}, ""),
        ({"is_logged_in": "yes", "email": "a@x.org"}, ""),
        ({"is_logged_in": True, "email": " a@x.org "}, "a@x.org"),
        ({"is_logged_in": True, "email": "a@x.org", "email_verified": True, "name": "A"}, "a@x.org"),
        ({"is_logged_in": True, "email": "a@x.org", "email_verified": False, "sub": "17", "name": "A"}, "A (17)"),
        ({"is_logged_in": True, "sub": "17"}, "account (17)"),
        ({"is_logged_in": True, "name": "A"}, ""),
    ],
)
def test_the_account_that_claims_stand_for(claims: dict[str, object], account: str) -> None:
    assert login.account(claims) == account
