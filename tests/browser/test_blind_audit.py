"""The blind audit by keyboard in a real browser: name, sample, answers, result; each answer is on the trail."""

from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect

from dataeff_core.review import sampling  # noqa: E402
from dataeff_core.workspace import Workspace  # noqa: E402
from dataeff_core.workspace.trail import trail_of  # noqa: E402
from tests.browser.conftest import Server  # noqa: E402
from tests.fabrication import fabricate, fabricate_selection  # noqa: E402

LONG = 60_000  # ms; CI runs this on two slow cores


@pytest.fixture
def workspace_root(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    _, dataset, embedding, _ = fabricate(root, frames=40)
    fabricate_selection(dataset, embedding, keep=0.5, name="first")
    return root


def test_an_audit_by_keyboard(page, server: Server, shot: Callable[[str], Path]) -> None:
    slow: list = []

    def hold(route) -> None:
        slow.append(route)

    page.route("**/blind/*/*/1/left?*", hold)  # comes when we let it
    page.route("**/blind/*/*/3/left?*", lambda route: route.abort())
    page.goto(f"{server.url}/review?review=Blind+audit")
    field = page.get_by_label("Removed frames to judge")
    expect(field).to_be_visible(timeout=LONG)
    shot("1-start")
    field.fill("6")
    field.press("Enter")
    expect(page.get_by_text("With 3 kept ones mixed in")).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Draw the sample").click()
    who = page.get_by_label("Your name", exact=True).last
    expect(page.get_by_text("Who reviews?")).to_be_visible(timeout=LONG)
    shot("2-name")
    who.fill("Dr. <b>Ann</b>")
    who.press("Enter")
    expect(page.get_by_text("1 of 9", exact=True)).to_be_visible(timeout=LONG)
    expect(page.locator(".blind .view img").first).to_have_js_property("complete", True, timeout=LONG)
    shot("3-judging")
    needed, unsure = (page.locator(f'.blind [data-verdict="{one}"]') for one in ("needed", "unsure"))
    expect(needed).to_be_enabled(timeout=LONG)
    page.keyboard.press("Space")  # flips between the two, whatever had the focus
    expect(page.locator(".blind .pictures")).to_have_attribute("data-mode", "flicker", timeout=LONG)
    page.get_by_role("button", name="side by side").click()
    page.get_by_role("button", name="Yes, it shows something more").click()
    page.keyboard.press("Space")  # and answers nothing after a click either
    expect(page.locator(".blind .pictures")).to_have_attribute("data-mode", "flicker", timeout=LONG)
    expect(page.get_by_text("1 of 9 answered")).to_be_visible(timeout=LONG)
    page.keyboard.press("ArrowLeft")
    expect(needed).to_have_attribute("aria-pressed", "true", timeout=LONG)
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("2 of 9", exact=True)).to_be_visible(timeout=LONG)
    for key in "yt":  # nothing is judged before it is there
        page.keyboard.press(key)
    expect(needed).to_be_disabled(timeout=LONG)
    expect(page.get_by_text("1 of 9 answered")).to_be_visible(timeout=LONG)
    page.unroute("**/blind/*/*/1/left?*")
    for one in slow:
        one.continue_()
    for done, key in enumerate("nytnnyy", start=2):
        expect(unsure).to_be_enabled(timeout=LONG)
        if key == "t":  # cannot be shown
            page.keyboard.press("y")
            expect(needed).to_be_disabled(timeout=LONG)
            shot("4-not-shown")
        page.keyboard.press(key)
        expect(page.get_by_text(f"{done} of 9 answered")).to_be_visible(timeout=LONG)
    expect(needed).to_be_enabled(timeout=LONG)
    shot("4-eight")
    page.reload()  # the name and the answers are there again, those too that were not saved yet
    expect(page.get_by_text("8 of 9 answered")).to_be_visible(timeout=LONG)
    expect(page.locator(".blind .trouble")).to_have_text("", timeout=LONG)
    expect(needed).to_be_enabled(timeout=LONG)
    page.keyboard.press("n")
    expect(page.get_by_text("judged wrong")).to_be_visible(timeout=LONG)
    expect(page.get_by_test_id("stDataFrame").first.locator("canvas").first).to_be_visible(timeout=LONG)
    expect(page.get_by_role("button", name="Keep these")).to_be_visible(timeout=LONG)
    shot("5-result")
    page.get_by_role("button", name="Look at my answers again").click()
    expect(page.get_by_text("your answers stay as they are")).to_be_visible(timeout=LONG)
    expect(needed).to_be_disabled(timeout=LONG)
    page.keyboard.press("t")
    expect(needed).to_have_attribute("aria-pressed", "true", timeout=LONG)
    workspace = Workspace.open(server.workspace)
    (dataset,) = workspace.datasets()
    (record,) = sampling.audits(dataset)
    marks = sampling.marks_of(trail_of(dataset.folder).entries(), record)
    assert list(marks) == ["Dr. <b>Ann</b>"]
    own = [marks["Dr. <b>Ann</b>"][one.frame_id] for one in record.items]
    letter = {sampling.NEEDED: "y", sampling.NOT_NEEDED: "n", sampling.UNSURE: "t"}
    assert "".join(letter[one] for one in own) == "ynytnnyyn"
