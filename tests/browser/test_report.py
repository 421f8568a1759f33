"""The report in a real browser: made, downloaded, opened from the disk, where it asks nobody for anything; and how
often frames stay as a colour of the map."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from dataeff_core.cli import main
from dataeff_core.review.stability import stability_of
from dataeff_core.workspace import Workspace
from tests.browser.conftest import settled
from tests.fabrication import fabricate

pytestmark = pytest.mark.browser
SOON = 30_000  # ms
PATIENCE = 120_000  # a job on a slow machine


@pytest.fixture
def workspace_root(tmp_path: Path) -> Path:
    """A selection that was made again otherwise, too."""
    root = tmp_path / "workspace"
    fabricate(root, frames=90, groups=3, dim=16, hostile_names=True, masks=True)
    options = ["--workspace", str(root)]
    assert main(["select", "latest", "--keep", "0.3", "--set", "k=4", "--set", "eta=0.9", *options]) == 0
    assert main(["stability", "latest", "--seeds", "3", *options]) == 0
    return root


def test_a_report_is_made_downloaded_and_opened_from_the_disk(page, server, browser, shot, tmp_path: Path) -> None:
    page.goto(f"{server.url}/review?review=Report")
    make = page.get_by_role("button", name="Make the report")
    expect(make).to_be_enabled(timeout=40_000)
    make.click()
    download = page.get_by_role("button", name="Page (HTML)")
    expect(download).to_be_visible(timeout=PATIENCE)
    settled(page)
    shot("view")
    with page.expect_download(timeout=PATIENCE) as got:
        download.click()
    file = tmp_path / "handed-on" / "report.html"
    got.value.save_as(file)
    look_at(browser, file, shot)


def look_at(browser, file: Path, shot) -> None:
    """Open it as somebody does who was handed it."""
    tab = browser.new_page(viewport={"width": 1100, "height": 1400})
    asked: list[str] = []
    troubles: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: troubles.append(message.text))
    tab.on("dialog", lambda dialog: (troubles.append(dialog.message), dialog.dismiss()))
    tab.goto(file.as_uri())
    expect(tab.get_by_role("heading", level=1)).to_have_text("Which frames were kept: fabricated")
    assert [one for one in asked if not one.startswith("data:")] == [file.as_uri()]
    assert troubles == []
    assert tab.evaluate("getComputedStyle(document.body).maxWidth") == "960px"  # its style is let in
    pictures = tab.locator("img")
    assert pictures.count() > 10
    assert all(pictures.nth(at).evaluate("one => one.complete && one.naturalWidth > 0") for at in range(10))
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.screenshot(path=str(shot("page")), full_page=True)
    tab.set_viewport_size({"width": 390, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.close()


def test_the_map_shows_how_often_frames_stay(page, server, shot) -> None:
    workspace = Workspace.open(server.workspace)
    assert stability_of(workspace.selection("latest")) is not None
    page.goto(server.url)
    page.wait_for_selector(".explorer[data-state=ready]", timeout=40_000)
    picker = page.get_by_label("Colour by", exact=True)
    with page.expect_response(lambda answer: "/explorer/stays/" in answer.url, timeout=SOON) as got:
        picker.select_option("stays")
    assert got.value.status == 200
    legend = page.locator(".explorer .main > .legend")
    expect(legend).to_contain_text("never", timeout=SOON)
    expect(legend).to_contain_text("always", timeout=SOON)
    shot("map")
    picker.select_option("decision")
    expect(legend).to_contain_text("Kept", timeout=SOON)
