"""The Review page's timeline and Nothing lost in a real browser: keys, clicks, a thousand groups, hostile names."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataeff_core.review.pinning import pin
from dataeff_core.review.timeline import Strip, sentence, strips
from dataeff_core.workspace import Workspace
from dataeff_core.workspace.datasets import save_frames
from tests.browser.conftest import Server, settled, start_server
from tests.fabrication import fabricate, fabricate_selection

pytestmark = pytest.mark.browser
FRAMES, GROUPS = 300, 5
MANY = 1000


@pytest.fixture(scope="module")
def workspace_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A thousand patients of two images each; and, newer, five groups of which all but two have times."""
    root = tmp_path_factory.mktemp("timeline") / "workspace"
    _, many, embedding, _ = fabricate(root, frames=2 * MANY, groups=MANY, dim=8, thumbnails=False, name="many")
    fabricate_selection(many, embedding, keep=0.5)
    workspace, dataset, embedding, _ = fabricate(root, FRAMES, GROUPS, 8, hostile_names=True, masks=True)
    table = dataset.all_frames.copy()
    timed = table["group"].isin(sorted(table["group"].unique())[:3])
    table.loc[timed, "time_s"] = table.loc[timed, "order"] / 2
    save_frames(dataset.folder, dataset.record, table, dataset.unreadable)
    fabricate_selection(workspace.dataset(dataset.id), embedding, keep=0.2)
    return root


@pytest.fixture(scope="module")
def server(workspace_root: Path) -> Iterator[Server]:
    with start_server(workspace_root, workspace_root.with_name("server.log")) as running:
        yield running


@pytest.fixture
def found(workspace_root: Path) -> list[Strip]:
    """The strips as Python has them."""
    workspace = Workspace.open(workspace_root)
    dataset = workspace.dataset("fabricated")
    return list(strips(dataset.frames, workspace.selection("latest", dataset).decisions))


def open_view(page, server: Server, address: str = "review=Timeline") -> None:
    page.goto(f"{server.url}/review?{address}")
    page.locator(".timeline[data-state=ready]").wait_for(timeout=60_000)
    page.locator(".viewer[data-shown]").wait_for(timeout=60_000)


def at_place(page, place: int) -> None:
    """Wait until the frame at this place of the strip is shown with all that is said of it."""
    page.locator(f".viewer[data-place='{place}'][data-shown='{place}']").wait_for()


def place_of(page) -> int:
    return int(page.locator(".viewer").get_attribute("data-place"))


def strip_of(page) -> int:
    return int(page.locator(".viewer").get_attribute("data-strip"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_worst_strip_is_open_at_its_longest_stretch(
    page, server: Server, found: list[Strip], scheme: str, shot
) -> None:
    alarms: list[str] = []
    page.on("dialog", lambda dialog: (alarms.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: alarms.append(str(error)))
    page.emulate_media(color_scheme=scheme)
    open_view(page, server)
    assert page.locator(".summary").inner_text() == sentence(found)
    first = page.locator(".row").first
    strip = found[int(first.get_attribute("data-strip"))]
    assert strip.gap is not None
    assert strip.gap.length == max(one.gap.length for one in found if one.gap and one.timed)
    assert strip.gap.sentence in first.get_attribute("aria-label")
    assert place_of(page) == strip.gap.first
    assert page.locator(".row canvas").first.evaluate(
        "(one) => one.getContext('2d').getImageData(0, 0, one.width, one.height).data.some((value) => value)"
    )
    names = page.locator(".row .who b").all_inner_texts()
    assert any("<img src=x onerror=alert(1)>" in name for name in names)
    assert page.get_by_text("Where times are not known").is_visible()
    shot("timeline")
    assert not alarms


def test_keys_step_through_the_frames_and_the_strips(page, server: Server, found: list[Strip]) -> None:
    open_view(page, server)
    strip, start = found[strip_of(page)], place_of(page)
    page.locator(".list").focus()
    page.keyboard.press("ArrowRight")
    at_place(page, start + 1)
    page.keyboard.press("ArrowLeft")
    at_place(page, start)
    page.keyboard.press("Shift+ArrowRight")
    after = start + 1 + int(strip.kept[start + 1 :].argmax())
    at_place(page, after)
    assert page.locator(".small[aria-pressed=true]").get_attribute("class") == "small kept"
    assert "Kept" in page.locator("figcaption .badge").first.inner_text()
    page.keyboard.press("Home")
    at_place(page, 0)
    for _ in range(15):
        page.keyboard.press("ArrowRight")  # faster than pictures come
    at_place(page, 15)
    page.keyboard.press("End")
    at_place(page, len(strip.rows) - 1)
    assert page.get_by_role("button", name="Step on (right arrow)").is_disabled()
    page.keyboard.press("ArrowDown")
    page.locator(f".viewer:not([data-strip='{found.index(strip)}'])").wait_for()
    chosen = page.locator(".row[aria-selected=true]")
    assert chosen.get_attribute("data-strip") == str(strip_of(page))


def test_a_click_on_a_strip_shows_the_frame_that_was_there(page, server: Server, found: list[Strip]) -> None:
    open_view(page, server)
    for share in (0.25, 0.8):
        row = page.locator(".row").nth(1)
        strip = found[int(row.get_attribute("data-strip"))]
        canvas = row.locator("canvas")
        box = canvas.bounding_box()
        canvas.click(position={"x": share * box["width"], "y": 30})
        page.locator(f".viewer[data-strip='{row.get_attribute('data-strip')}']").wait_for()
        place = place_of(page)
        assert abs(strip.at[place] - (strip.start + share * (strip.end - strip.start))) < 0.03 * strip.end
        at_place(page, place)
    pictures = page.locator(".small img")
    assert pictures.count() == 11
    page.wait_for_function("(one) => one.naturalWidth > 0", arg=pictures.nth(5).element_handle())
    page.locator(".small").nth(7).click()
    at_place(page, place + 2)
    said = page.locator(".sentence").inner_text()
    assert said.startswith("Kept" if strip.kept[place + 2] else "Removed")


def test_a_removed_frame_can_be_decided_on(page, server: Server) -> None:
    open_view(page, server)
    page.get_by_role("button", name="Decide on it").click()
    page.wait_for_url(re.compile("review=Step"))
    settled(page)
    page.locator(".timeline").wait_for(state="detached")
    assert page.get_by_test_id("stException").count() == 0


def test_what_a_reviewer_removed_can_be_taken_back(page, server: Server, workspace_root: Path, shot) -> None:
    workspace = Workspace.open(workspace_root)
    dataset = workspace.dataset("fabricated")
    saved = workspace.selection("latest", dataset)
    strip = strips(dataset.frames, saved.decisions)[0]
    place = int(strip.kept.argmax())
    frame = str(dataset.frames["frame_id"].iat[strip.rows[place]])
    pin(workspace, saved, [frame], "drop", reviewer="Bo", reason="outside")
    open_view(page, server)
    page.locator(".row[data-strip='0'] .who").click()
    page.locator(".viewer[data-strip='0'][data-shown]").wait_for()
    page.keyboard.press("Home")
    at_place(page, 0)
    for one in range(place):
        page.keyboard.press("ArrowRight")
        at_place(page, one + 1)
    assert "Removed by decision of Bo" in page.locator(".sentence").inner_text()
    assert page.get_by_role("button", name="Decide on it").count() == 0
    shot("take-back")
    page.get_by_role("button", name="Take it back").click()
    page.get_by_text("name is empty").wait_for()
    page.get_by_label("Your name", exact=True).first.fill("Dr. Åse")
    page.keyboard.press("Enter")
    settled(page)
    at_place(page, place)
    page.get_by_role("button", name="Take it back").click()
    page.get_by_text("Taken back what Bo decided").wait_for()
    page.locator(".sentence", has_text="Kept").wait_for()
    assert workspace.selection(saved.id).decisions.set_index("frame_id")["decision"][frame] == "kept"


def test_a_thousand_groups_are_scrolled_found_and_sorted(page, server: Server, shot) -> None:
    open_view(page, server, "review=Timeline&dataset=many")
    rows = page.locator(".row")
    assert rows.count() < 12  # only those in sight are drawn
    assert page.get_by_text("1\u202f000 of 1\u202f000 strips").is_visible()
    page.locator(".list").evaluate("(one) => { one.scrollTop = one.scrollHeight; }")
    page.locator(f".row[aria-posinset='{MANY}']").wait_for()
    assert rows.count() < 12
    page.get_by_label("Find by name").fill("PATIENT-07")
    page.get_by_text("10 of 1\u202f000 strips").wait_for()
    page.get_by_label("Order").select_option("name")
    page.locator(".row[aria-posinset='1']", has_text="patient-070").wait_for()
    page.locator(".list").focus()
    first = strip_of(page)
    page.keyboard.press("ArrowDown")
    page.locator(f".viewer:not([data-strip='{first}'])[data-shown]").wait_for()
    shot("many")
    page.get_by_label("Find by name").fill("nobody is called so")
    page.get_by_text("No strip has this in its name.").wait_for()
    assert rows.count() == 0


def test_nothing_lost_shows_the_alarm_and_ends_it_with_one_click(page, server: Server, shot) -> None:
    page.goto(f"{server.url}/review?review=Nothing+lost")
    settled(page, timeout_ms=60_000)
    alert = page.get_by_test_id("stAlert").first
    alert.get_by_text("No frame stays of").wait_for()
    shot("alarm")
    page.get_by_label("Your name", exact=True).first.fill("Dr. Åse")
    page.keyboard.press("Enter")
    page.get_by_text("Who reviews?").wait_for(state="detached")
    settled(page)
    page.get_by_role("button", name="Never lose any of these").last.click()
    page.get_by_text("has lost all its frames").wait_for()
    settled(page)
    page.locator(".why .view img").first.wait_for()
    shot("nothing-lost")
    page.get_by_role("button", name="Lift this rule").click()
    page.get_by_text("pins taken back").wait_for()
    alert.get_by_text("No frame stays of").wait_for()


def test_pictures_that_are_not_there_are_told(page, server: Server) -> None:
    open_view(page, server, "review=Timeline&dataset=many")
    page.locator(".view[data-text='picture not available']").first.wait_for()
    assert page.locator(".sentence").inner_text()


def test_strips_are_not_given_without_the_token(page, server: Server) -> None:
    open_view(page, server)
    answers = page.evaluate(
        """async () => Promise.all(performance.getEntriesByType("resource").map((one) => one.name)
            .filter((one) => one.includes("/timeline/")).map(async (one) => [
                (await fetch(one)).status, (await fetch(one.split("?")[0])).status,
                (await fetch(one.replace(/\\/timeline\\/[^/]+\\/[^/?]+/, "/timeline/no/no"))).status]))"""
    )
    assert len(answers) >= 3
    assert all(answer == [200, 403, 404] for answer in answers)


def test_the_server_says_nothing_but_its_address(server: Server) -> None:
    log = server.log.read_text()
    assert "Traceback" not in log
