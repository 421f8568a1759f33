"""Signing in at a real provider in a real browser: who gets in, whose pictures are whose, what signing out does."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect

from dataeff_core.access import FILE  # noqa: E402
from dataeff_core.review import sampling  # noqa: E402
from tests.browser.conftest import ARTIFACTS, Server, start_server  # noqa: E402
from tests.browser.provider import CLIENT, SECRET, Provider, provider  # noqa: E402
from tests.fabrication import fabricate, fabricate_selection  # noqa: E402

LONG = 60_000  # ms; CI runs this on two slow cores
ANNA, VERA, OTTO = "anna@clinic.example", "vera@clinic.example", "otto@elsewhere.example"
SECRETS = f"""
[auth]
redirect_uri = "http://127.0.0.1:{{port}}/oauth2callback"
cookie_secret = "a secret of this test alone, long enough"
client_id = "{CLIENT}"
client_secret = "{SECRET}"
server_metadata_url = "{{url}}/.well-known/openid-configuration"
"""


@pytest.fixture
def workspace_root(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    _, dataset, embedding, _ = fabricate(root, frames=24)
    sampling.draw(dataset, fabricate_selection(dataset, embedding, keep=0.5), size=4)
    (root / FILE).write_text(f'[roles]\n"{ANNA}" = "reviewer"\n"{VERA}" = "viewer"\n')
    return root


@pytest.fixture
def signing_in() -> Iterator[Provider]:
    with provider() as running:
        yield running


@pytest.fixture
def server(workspace_root: Path, tmp_path: Path, signing_in: Provider) -> Iterator[Server]:
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(SECRETS.replace("{url}", signing_in.url))
    with start_server(workspace_root, tmp_path / "server.log", "--secrets.files", str(secrets)) as running:
        yield running


def sign_in(page, server: Server, signing_in: Provider, email: str) -> None:
    """Open the blind audit and sign in as this person."""
    name = email.partition("@")[0].title()
    signing_in.claims = {"sub": email, "email": email, "email_verified": True, "name": name}
    page.set_default_timeout(LONG)
    page.goto(f"{server.url}/review?review=Blind+audit")
    page.get_by_role("button", name="Sign in").click()


def test_pictures_belong_to_the_account_that_signed_in(browser, server: Server, signing_in: Provider) -> None:
    with browser.new_context() as annas, browser.new_context() as others:
        page = annas.new_page()
        sign_in(page, server, signing_in, ANNA)
        expect(page.get_by_text(ANNA)).to_be_visible(timeout=LONG)
        expect(page.get_by_text("Reviewer: you may look and review.")).to_be_visible(timeout=LONG)
        assert page.locator('a[href^="mailto"]').count() == 0  # names are text
        page.goto(f"{server.url}/review?review=Blind+audit")
        picture = page.locator(".blind .view img").first
        expect(picture).to_have_attribute("src", re.compile("token="), timeout=LONG)
        source = picture.get_attribute("src") or ""
        address = f"{server.url}{urlsplit(source).path}?{urlsplit(source).query}"
        assert annas.request.get(address).headers["content-type"] == "image/jpeg"
        page.screenshot(path=str(ARTIFACTS / "login-1-signed-in.png"))

        assert others.request.get(address).status == 403  # nobody signed in
        other = others.new_page()
        sign_in(other, server, signing_in, VERA)
        expect(other.get_by_text("Viewer: you may look.")).to_be_visible(timeout=LONG)
        assert others.request.get(address).status == 403  # Anna's address is worth nothing to Vera

        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=LONG)
        assert annas.request.get(address).status == 403


def test_who_has_an_account_but_no_role_sees_nothing(browser, server: Server, signing_in: Provider) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        sign_in(page, server, signing_in, OTTO)
        expect(page.get_by_text("has no role here")).to_be_visible(timeout=LONG)
        page.screenshot(path=str(ARTIFACTS / "login-2-no-role.png"))
        assert page.get_by_text("fabricated").count() == 0
