"""Pictures where visitors sign in: only with one's own cookie and one's own token, and only with a role."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit import config
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from dataeff_core.access import FILE
from dataeff_core.ui import login, routes
from dataeff_core.workspace import Workspace

SECRET = "a secret of these tests alone, long enough"  # noqa: S105
Client = Callable[..., TestClient]


@pytest.fixture(autouse=True)
def signing_in(tmp_path: Path) -> Any:
    """A login is configured."""
    file = tmp_path / "secrets.toml"
    file.write_text(f'[auth]\ncookie_secret = "{SECRET}"\n')
    before = config.get_option("secrets.files")
    config.set_option("secrets.files", [str(file)])
    st.secrets._reset()
    yield
    config.set_option("secrets.files", before)
    st.secrets._reset()


@pytest.fixture
def client() -> Client:
    """`client(email)` is the browser of somebody who signed in; without, of somebody who did not."""

    def made(email: str = "", *, signed_with: str = SECRET, **claims: Any) -> TestClient:
        browser = TestClient(Starlette(routes=routes.routes()))
        if email:
            stated = json.dumps({"is_logged_in": True, "email": email} | claims)
            signed = create_signed_value(signed_with, USER_COOKIE_NAME, stated).decode()
            browser.cookies.set(USER_COOKIE_NAME, signed)
        return browser

    return made


def address(filled: Workspace, account: str) -> str:
    """Where the page of this account finds a frame's thumbnail."""
    key = filled.datasets()[0].frames["sha256"].iat[0]
    return f"/dataeff/thumbnail/{key}.webp?token={routes.token_of(account)}"


def test_a_picture_is_served_to_its_account_alone(filled: Workspace, client: Client) -> None:
    mine = address(filled, "a@x.org")
    answer = client("a@x.org").get(mine)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-cache"  # else it would be there after signing out
    for other in (client(), client("b@x.org"), client("a@x.org", is_logged_in=False)):
        refused = other.get(mine)
        assert refused.status_code == 403
        assert "\n" not in refused.text
        assert refused.headers["cache-control"] == "no-store"


def test_the_servers_own_token_opens_nothing(filled: Workspace, client: Client) -> None:
    key = filled.datasets()[0].frames["sha256"].iat[0]
    for browser in (client(), client("a@x.org")):
        assert browser.get(f"/dataeff/thumbnail/{key}.webp?token={routes.TOKEN}").status_code == 403
        assert browser.get(f"/dataeff/thumbnail/{key}.webp?token={routes.token_of('')}").status_code == 403


def test_a_forged_cookie_is_nobodys(filled: Workspace, client: Client) -> None:
    assert client("a@x.org", signed_with="another").get(address(filled, "a@x.org")).status_code == 403
    assert login.account_of_cookies({}) == ""
    for value in ("", "x", "é", "a.b.c", "null", "[]"):
        assert login.account_of_cookies({USER_COOKIE_NAME: value}) == ""
    for stated in ("null", "[1]", '"x"', "{", "{}"):
        signed = create_signed_value(SECRET, USER_COOKIE_NAME, stated).decode()
        assert login.account_of_cookies({USER_COOKIE_NAME: signed}) == ""


def test_an_account_without_a_role_gets_no_picture(filled: Workspace, client: Client) -> None:
    (filled.root / FILE).write_text('[roles]\n"a@x.org" = "viewer"\n')
    assert client("A@X.org").get(address(filled, "A@X.org")).status_code == 200
    assert client("b@x.org").get(address(filled, "b@x.org")).status_code == 403
    (filled.root / FILE).write_text("[roles")
    assert client("a@x.org").get(address(filled, "a@x.org")).status_code == 403


def test_every_route_of_ours_is_guarded(filled: Workspace, client: Client) -> None:
    """But for the components' own JavaScript and CSS, which show nobody anything."""
    browser = client()
    for route in routes.routes():
        path = route.path  # type: ignore[attr-defined]
        if path.endswith("/explorer/assets/{name}"):
            continue
        while "{" in path:
            path = path[: path.index("{")] + "x" + path[path.index("}") + 1 :]
        assert browser.get(path).status_code == 403, path


def test_secrets_that_cannot_be_read_open_nothing(filled: Workspace, client: Client, tmp_path: Path) -> None:
    (tmp_path / "secrets.toml").write_text("[auth")
    st.secrets._reset()
    key = filled.datasets()[0].frames["sha256"].iat[0]
    for token in (routes.TOKEN, routes.token_of("a@x.org")):
        assert client("a@x.org").get(f"/dataeff/thumbnail/{key}.webp?token={token}").status_code == 403
