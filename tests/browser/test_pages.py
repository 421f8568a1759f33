"""Data, Compare, Export and the frame in a real browser: keyboard, hostile names, themes, links, raw requests."""

import contextlib
import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from dataeff_core.workspace import Workspace
from tests.browser.conftest import ROOT, Server, settled, start_server
from tests.fabrication import fabricate, fabricate_selection

pytestmark = pytest.mark.browser
FRAMES = 60
ADDRESSES = ("data", "data?view=Frames", "data?view=Import", "compare", "export")


@pytest.fixture(scope="module")
def workspace_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pages") / "workspace"
    _, dataset, embedding, _ = fabricate(root, frames=FRAMES, hostile_names=True)
    fabricate_selection(dataset, embedding, keep=0.3, name="<img src=x onerror=alert(1)>")
    fabricate_selection(dataset, embedding, keep=0.5, seed=1)
    return root


@pytest.fixture(scope="module")
def server(workspace_root: Path) -> Iterator[Server]:
    with start_server(workspace_root, workspace_root.with_name("server.log")) as running:
        yield running


def test_a_link_straight_to_a_page_has_the_frame_around_it(page, server: Server) -> None:
    """First in this file: the server is fresh, nobody has been on the main page yet."""
    page.goto(f"{server.url}/data")
    settled(page)
    page.get_by_role("combobox", name="Dataset").wait_for()  # a fresh server draws its first page slowly
    assert page.get_by_test_id("stSidebarNav").get_by_role("link").all_inner_texts()[-1].endswith("Export")
    assert page.get_by_role("combobox", name="Dataset").count() == 1
    assert page.title() == "Data · DataEff"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_hostile_names_do_nothing(page, server: Server, scheme: str, shot) -> None:
    alarms: list[str] = []
    page.on("dialog", lambda dialog: (alarms.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: alarms.append(str(error)))
    page.emulate_media(color_scheme=scheme)
    for address in ADDRESSES:
        page.goto(f"{server.url}/{address}")
        settled(page)
        page.wait_for_timeout(300)
        shot(address)
        assert not alarms
        assert page.locator("img[onerror]").count() == 0
        assert page.get_by_test_id("stException").count() == 0


def test_the_gallery_is_worked_by_keys_alone(page, server: Server) -> None:
    page.goto(f"{server.url}/data?view=Frames")
    settled(page)
    tiles = page.locator(".tile")
    tiles.first.wait_for()
    assert tiles.count() == 24
    assert tiles.first.get_attribute("tabindex") == "0"
    assert tiles.nth(1).get_attribute("tabindex") == "-1"
    first = tiles.first.get_attribute("data-id")
    tiles.first.focus()
    row = tiles.evaluate_all("(all) => all.filter((one) => one.offsetTop === all[0].offsetTop).length")
    for key, place in (("ArrowRight", 1), ("ArrowDown", 1 + row), ("ArrowLeft", row), ("End", 23), ("Home", 0)):
        page.keyboard.press(key)
        assert page.locator(".tile:focus").get_attribute("data-id") == tiles.nth(place).get_attribute("data-id")
    page.keyboard.press("PageDown")
    page.get_by_text("page 2 of 3").wait_for()
    assert tiles.first.get_attribute("data-id") != first
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    image = page.get_by_role("dialog").locator("img")
    page.wait_for_function("(one) => one.naturalWidth > 0", arg=image.element_handle())


def test_every_picture_says_what_it_is(page, server: Server) -> None:
    page.goto(f"{server.url}/compare")
    settled(page)
    page.locator(".tile img").first.wait_for()
    texts = page.locator(".tile img").evaluate_all("(all) => all.map((one) => one.alt)")
    assert len(texts) > 2
    assert all(len(text) > 5 for text in texts)
    assert any("Nearly the same" in text for text in texts)
    assert page.locator(".tile img[loading=lazy]").count() == len(texts)


def test_a_missing_thumbnail_says_so(page, server: Server, workspace_root: Path) -> None:
    dataset = Workspace.open(workspace_root).datasets()[0]
    file = Workspace.open(workspace_root).thumbnail(str(dataset.frames["sha256"].iat[3]))
    aside = file.rename(file.with_suffix(".aside"))
    try:
        page.goto(f"{server.url}/data?view=Frames")
        page.get_by_text("picture not available").wait_for()
    finally:
        aside.rename(file)


def test_an_original_out_of_reach_shows_its_small_picture(page, server: Server, workspace_root: Path) -> None:
    source = workspace_root.with_name(f"{workspace_root.name}-source")
    aside = source.rename(source.with_name("unplugged"))
    try:
        page.goto(f"{server.url}/data?view=Frames")
        settled(page)
        page.locator(".tile").nth(8).click()
        page.get_by_text("The original is out of reach").wait_for()
        image = page.get_by_role("dialog").locator("img")
        page.wait_for_function("(one) => one.naturalWidth > 0", arg=image.element_handle())
    finally:
        aside.rename(source)


def test_the_theme_can_be_chosen(page, server: Server) -> None:
    page.goto(f"{server.url}/data")
    settled(page)
    page.get_by_test_id("stMainMenuButton").click()
    page.get_by_test_id("stMainMenuItem-theme-Dark").click()
    page.wait_for_function(
        "() => getComputedStyle(document.querySelector('.stApp')).backgroundColor === 'rgb(17, 22, 28)'"
    )


@pytest.mark.parametrize(
    "path",
    [
        "/dataeff/thumbnail/../../workspace.json",
        "/dataeff/thumbnail/..%2f..%2fworkspace.json",
        "/dataeff/thumbnail/%2e%2e/%2e%2e/workspace.json",
        "/dataeff/thumbnail//etc/passwd",
        "/dataeff/thumbnail/" + "0" * 64 + ".webp",
        "/dataeff/original/fabricated-000001/..%2f..%2fworkspace.json",
        "/dataeff/original/fabricated-000001/" + "0" * 16,
        "/dataeff/",
    ],
)
@pytest.mark.parametrize("token", ["", "?token=guess"])
def test_raw_requests_get_nothing_without_the_token(server: Server, path: str, token: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", path + token)
        answer = connection.getresponse()
        body = answer.read().decode()
    assert answer.status in (400, 403)
    assert len(body) < 200
    assert "schema_version" not in body


def test_the_server_says_nothing_but_its_address(server: Server) -> None:
    log = server.log.read_text()
    assert "Traceback" not in log
    assert "WARNING" not in log
    assert server.url in log


def test_the_settings_keep_everything_here() -> None:
    settings = (ROOT / ".streamlit" / "config.toml").read_text()
    for line in ("gatherUsageStats = false", 'address = "127.0.0.1"', 'fileWatcherType = "none"'):
        assert line in settings
