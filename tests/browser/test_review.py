"""The whole review by keyboard in a real browser, on real frames where there are any ($DATAEFF_TEST_DATA, else
../shared/data): what is pressed is what the trail holds, and everything can be reached and read."""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from dataeff_core.datasets.importing import import_frames
from dataeff_core.encoders import make
from dataeff_core.encoders.embedding import embed
from dataeff_core.selection import make as make_selector
from dataeff_core.selection.saving import select
from dataeff_core.workspace import SavedSelection, Workspace
from dataeff_core.workspace.trail import Trail, trail_of
from tests.browser.conftest import ROOT, Server, settled, start_server
from tests.fabrication import picture

pytestmark = pytest.mark.browser
DATA = Path(os.environ.get("DATAEFF_TEST_DATA") or ROOT.parent / "shared" / "data")
FRAMES = 30
LONG_MS = 60_000
HOSTILE = "Dr <b>Åse</b> =1+1"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of 30 frames of three patients, of which a selection keeps a third."""
    folder = tmp_path_factory.mktemp("review")
    found = sorted((DATA / "endoscopy_pool" / "images").glob("*.jpg"))
    step = max(1, len(found) // FRAMES)
    frames = [Image.open(path).convert("RGB") for path in found[::step][:FRAMES]]
    frames = frames or [Image.fromarray(picture(number)) for number in range(FRAMES)]
    for number, frame in enumerate(frames):
        file = folder / "frames" / f"patient {number // 10 + 1}" / f"{number:03d} <i>view</i>.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        frame.save(file)
    workspace = Workspace.open(folder / "workspace")
    import_frames(workspace, folder / "frames", name="procedures", workers=1)
    embed(workspace, workspace.dataset("latest"), make("descriptor"), workers=1)
    select(workspace, workspace.dataset("latest"), make_selector("meddel", {"k": "4"}), keep=1 / 3, name="a third")
    return folder / "workspace"


@pytest.fixture(scope="module")
def server(template: Path) -> Iterator[Server]:
    with start_server(template, template.with_name("server.log")) as running:
        yield running


@pytest.fixture(autouse=True)
def fresh_trail(template: Path) -> Trail:
    """The trail of this test alone: the folder of the earlier ones is put aside."""
    review = Workspace.open(template).dataset("latest").folder / "review"
    if review.exists():
        review.rename(review.with_name(f"review-{len(list(review.parent.iterdir()))}"))
    return trail_of(review.parent)


@pytest.fixture
def saved(template: Path) -> SavedSelection:
    return Workspace.open(template).selection("latest")


@pytest.fixture
def review(page, server: Server) -> Callable[..., object]:
    """`review(name)` opens the view as that person, ready. What is expected afterwards may take long here."""
    from playwright.sync_api import expect

    expect.set_options(timeout=LONG_MS)

    def opened(name: str = "Dr A"):
        page.goto(f"{server.url}/review")
        ready(page)
        if name:
            page.get_by_test_id("stMainBlockContainer").get_by_label("Your name").fill(name)
            page.keyboard.press("Enter")
            page.locator(".panel .big.keep:not([disabled])").wait_for()
            settled(page)
        return page

    return opened


def ready(page) -> None:
    page.wait_for_selector(".reviewer[data-state=ready]", timeout=LONG_MS)
    settled(page)
    seen(page)


def seen(page) -> None:
    """Wait until the frame at hand is before one's eyes."""
    page.wait_for_selector(".pictures figure:first-child .view[data-full=there]", timeout=LONG_MS)


def at(page) -> int:
    return int(page.locator(".reviewer").get_attribute("data-at"))


def press(page, key: str) -> None:
    """A key that decides; returns when another frame is shown (or none is left)."""
    before = page.locator(".reviewer").get_attribute("data-at")
    page.keyboard.press(key)
    page.wait_for_selector(f".reviewer:not([data-at='{before}']), .reviewer[data-open='0']", timeout=LONG_MS)
    seen(page)


def all_saved(page) -> None:
    page.wait_for_selector(".reviewer[data-waiting='0']", timeout=LONG_MS)


def test_the_whole_review_by_keyboard(review, server, saved, fresh_trail: Trail, shot) -> None:
    from playwright.sync_api import expect

    page = review("")
    count, removed = page.locator(".reviewer .count"), len(saved.machine) - saved.record.kept
    expect(count).to_have_text(f"0 of {removed} looked at")
    page.keyboard.press("k")  # nobody has said who he is
    expect(page.locator(".panel .notice")).to_contain_text("Type your name")
    shot("1-who")
    page.get_by_test_id("stMainBlockContainer").get_by_label("Your name").focus()
    page.keyboard.type(HOSTILE)
    page.keyboard.press("Enter")
    page.locator(".panel .big.keep:not([disabled])").wait_for()
    settled(page)
    seen(page)
    shot("2-first")
    page.keyboard.press("t")
    page.keyboard.type("kdu <b>polyp</b>")  # letters in the field are no keys
    page.keyboard.press("Enter")
    press(page, "1")
    expected = [("keep", "finding", "kdu <b>polyp</b>")]
    page.keyboard.press(" ")
    expect(page.locator(".pictures")).to_have_attribute("data-mode", "flicker")
    expect(page.locator(".pictures figure").nth(1)).to_have_class("front")
    shot("3-flicker")
    page.keyboard.press(" ")
    page.keyboard.press("+")
    expect(page.locator(".pictures")).to_have_attribute("data-zoom", "1.40")
    press(page, "k")
    expect(page.locator(".pictures")).to_have_attribute("data-mode", "side")
    press(page, "d")
    expected += [("keep", "", ""), ("drop", "", "")]
    place = at(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert at(page) == place
    page.keyboard.press("u")  # the last one: the third frame is shown again, undecided
    expect(page.locator(".reviewer")).to_have_attribute("data-decided", "")
    expect(page.locator(".reviewer")).to_have_attribute("data-at", "2")
    expected += [("undo", "", "")]
    expect(count).to_have_text(f"2 of {removed} looked at")
    for number in range(2, removed):
        press(page, "d" if number % 3 else "k")
        expected += [("drop" if number % 3 else "keep", "", "")]
    expect(page.locator(".top")).to_contain_text("Every removal has been looked at.")
    expect(count).to_have_text(f"{removed} of {removed} looked at")
    all_saved(page)
    entries = fresh_trail.entries()
    assert [(one.action, one.reason, one.why) for one in entries] == expected
    assert {one.reviewer for one in entries} == {HOSTILE}
    expect(page.get_by_text("0.00% of all removals are harmful and unseen, enough")).to_be_visible()
    expect(page.get_by_text("Against the method, reviewers have")).to_be_visible(timeout=60_000)
    shot("4-all")


def test_keys_pressed_faster_than_anybody_can_lose_nothing(review, server, saved, fresh_trail: Trail) -> None:
    from playwright.sync_api import expect

    page = review()
    for number in range(12):
        page.keyboard.press("k" if number % 2 else "d")
    all_saved(page)
    settled(page)
    entries = fresh_trail.entries()
    assert 1 <= len(entries) <= 12
    assert len({one.frame_id for one in entries}) == len(entries)
    expect(page.locator(".reviewer .count")).to_contain_text(f"{len(entries)} of")
    page.keyboard.down("k")  # held down it decides once
    for _ in range(5):
        page.keyboard.down("k")
    page.keyboard.up("k")
    all_saved(page)
    assert len(fresh_trail.entries()) <= len(entries) + 1


def test_space_after_a_click_shows_the_pictures_in_turns_and_decides_nothing(
    review, server, fresh_trail: Trail
) -> None:
    from playwright.sync_api import expect

    page = review()
    page.get_by_role("button", name="K Keep it").click()
    expect(page.locator(".reviewer")).to_have_attribute("data-at", "1")
    seen(page)
    page.keyboard.press(" ")
    expect(page.locator(".pictures")).to_have_attribute("data-mode", "flicker")
    page.get_by_role("button", name="Difference").click()
    expect(page.locator(".pictures")).to_have_attribute("data-mode", "difference")
    page.get_by_role("button", name="5 cannot be used").click()
    expect(page.locator(".reviewer")).to_have_attribute("data-at", "2")
    expect(page.locator(".pictures")).to_have_attribute("data-mode", "difference")
    all_saved(page)
    assert [(one.action, one.reason) for one in fresh_trail.entries()] == [("keep", ""), ("drop", "unusable")]


def test_a_reload_in_the_midst_loses_nothing_and_goes_on_where_it_was(review, server, fresh_trail: Trail) -> None:
    from playwright.sync_api import expect

    page = review()
    for key in "kdk":
        press(page, key)
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    ready(page)
    expect(page.locator(".reviewer .count")).to_contain_text("3 of")
    all_saved(page)
    page.get_by_text("3 of 20 removals looked at").wait_for(timeout=LONG_MS)
    assert [one.action for one in fresh_trail.entries()] == ["keep", "drop", "keep"]
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".decided")).to_be_visible()


def test_a_decision_waits_for_a_locked_trail_and_is_not_called_saved(review, server, fresh_trail: Trail) -> None:
    from playwright.sync_api import expect

    page = review()
    press(page, "k")
    all_saved(page)
    with contextlib.closing(sqlite3.connect(fresh_trail.file, isolation_level=None)) as base:
        base.execute("BEGIN IMMEDIATE")
        press(page, "d")
        press(page, "k")
        expect(page.locator(".state")).to_have_text("2 not saved yet")
        page.keyboard.press("ArrowLeft")
        expect(page.locator(".decided")).to_contain_text("Not saved yet")
        base.execute("ROLLBACK")
    all_saved(page)
    expect(page.locator(".state")).to_have_text("All saved")
    assert [one.action for one in fresh_trail.entries()] == ["keep", "drop", "keep"]


def test_a_damaged_trail_is_said_and_what_waited_is_written_when_it_is_mended(
    review, server, fresh_trail: Trail, shot
) -> None:
    page = review()
    press(page, "k")
    all_saved(page)
    settled(page)
    aside = fresh_trail.file.with_name("healthy")
    fresh_trail.file.rename(aside)
    fresh_trail.file.write_bytes(b"no trail at all, only bytes that say nothing " * 200)
    page.keyboard.press("d")
    page.get_by_text("is damaged").first.wait_for(timeout=LONG_MS)
    shot("damaged")
    fresh_trail.file.unlink()
    aside.rename(fresh_trail.file)
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    ready(page)
    page.get_by_text("2 of 20 removals looked at").wait_for(timeout=LONG_MS)
    assert [one.action for one in fresh_trail.entries()] == ["keep", "drop"]


def test_another_reviewers_decision_is_seen_and_not_taken_back(review, server, saved, template: Path, shot) -> None:
    from playwright.sync_api import expect

    from dataeff_core.review.pinning import pin

    page = review("Dr A")
    frame = page.locator(".reviewer").get_attribute("data-frame")
    pin(Workspace.open(template), saved, [frame], "keep", reviewer="Dr <B>", why="seen before")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    decided = page.locator(".decided")
    expect(decided).to_contain_text("Dr <B> kept it")
    expect(decided).to_contain_text("seen before")
    page.keyboard.press("u")
    expect(page.locator(".panel .notice")).to_contain_text("Press K or D")
    press(page, "d")
    page.keyboard.press("ArrowLeft")
    expect(decided).to_contain_text("You agreed with its removal")
    all_saved(page)
    shot("another")


CONTRAST = """(root) => {
  const sheet = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const pen = sheet.getContext("2d", { willReadFrequently: true });
  const over = (layers) => {
    pen.clearRect(0, 0, 1, 1);
    for (const one of layers) { pen.fillStyle = one; pen.fillRect(0, 0, 1, 1); }
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const linear = (one) => (one / 255 <= 0.03928 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const paper = getComputedStyle(document.querySelector("[data-testid=stApp]")).backgroundColor;
  const poor = [];
  for (const one of root.querySelectorAll("*")) {
    const text = [...one.childNodes].filter((child) => child.nodeType === 3).map((child) => child.textContent.trim());
    const box = one.getBoundingClientRect(), style = getComputedStyle(one);
    if (!text.join("") || !box.width || style.visibility === "hidden" || one.closest("[disabled]")) continue;
    const grounds = [];
    for (let up = one; up; up = up.parentElement) grounds.unshift(getComputedStyle(up).backgroundColor);
    const ground = over([paper, ...grounds]), ink = over([paper, ...grounds, style.color]);
    const [high, low] = [light(ground), light(ink)].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < (large ? 3 : 4.5)) poor.push(`${text.join("").slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_its_ground(browser, server, scheme: str) -> None:
    """By hand, as WCAG 2.1 (1.4.3, AA) counts it: 4.5 to 1, large text 3 to 1."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{server.url}/review")
    ready(page)
    page.get_by_test_id("stMainBlockContainer").get_by_label("Your name").fill("Dr A")
    page.keyboard.press("Enter")
    page.locator(".panel .big.keep:not([disabled])").wait_for()
    settled(page)
    press(page, "k")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("n")
    page.locator(".decided").wait_for()
    poor = page.locator(".reviewer").evaluate(CONTRAST)
    context.close()
    assert poor == []


def test_everything_is_reached_by_tab_and_has_a_name(review, server) -> None:
    page = review()
    page.locator(".reviewer").evaluate("(root) => root.focus()")
    wanted = page.locator(".reviewer").evaluate(
        "(root) => [...root.querySelectorAll('button, input, summary, [tabindex=\"0\"]')]"
        ".filter((one) => one.getBoundingClientRect().width).length"
    )
    named = page.locator(".reviewer").evaluate(
        "(root) => [...root.querySelectorAll('button, input, summary, img.full, [role=group], [role=progressbar]')]"
        ".filter((one) => !(one.getAttribute('aria-label') || one.alt || one.textContent.trim()))"
        ".map((one) => one.outerHTML)"
    )
    assert named == []
    reached = set()
    for _ in range(wanted):
        page.keyboard.press("Tab")
        reached.add(
            page.locator(".reviewer").evaluate(
                "(root) => { const one = root.getRootNode().activeElement;"
                " return one && root.contains(one) ? [...root.querySelectorAll('*')].indexOf(one) : -1; }"
            )
        )
    assert len(reached - {-1}) == wanted
