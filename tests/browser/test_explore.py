"""Explore in a real browser: limits move, everything follows, and the numbers are Python's."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dataeff_core.review.pinning import pin, unpin
from dataeff_core.selection.base import REASONS
from dataeff_core.selection.meddel import MedDEL
from dataeff_core.selection.saving import pool_of
from dataeff_core.ui import frame_hardness, routes
from dataeff_core.workspace import Workspace
from tests.browser.conftest import Server, settled, start_server
from tests.fabricated_scores import fabricate_patches, fabricate_scores
from tests.fabrication import fabricate, fabricate_selection

pytestmark = pytest.mark.browser
FRAMES = 600
UNSCORED = 20  # frames without a scored patch


@pytest.fixture(scope="module")
def workspace_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("explore") / "workspace"
    _, dataset, embedding, _ = fabricate(root, frames=FRAMES, groups=6, dim=16, hostile_names=True)
    scored = fabricate_scores(dataset, fabricate_patches(dataset))
    without = dataset.frames["frame_id"].iloc[:UNSCORED]
    scored.table[~scored.table["frame_id"].isin(without)].to_parquet(scored.folder / scored.TABLE)
    fabricate_selection(dataset, embedding, keep=0.25)
    return root


@pytest.fixture(scope="module")
def server(workspace_root: Path) -> Iterator[Server]:
    """One for all tests here: a page's state is its own."""
    with start_server(workspace_root, workspace_root.with_name("server.log")) as running:
        yield running


@pytest.fixture
def explore(page, server):
    """The page, ready."""
    page.goto(server.url)
    ready(page)
    return page


def ready(page) -> None:
    page.wait_for_selector(".explorer[data-state=ready]", timeout=40_000)
    settled(page)


def removed(page) -> list[int]:
    """Counts a code, as the browser has them."""
    return json.loads(page.locator(".explorer").get_attribute("data-removed"))


def press(page, name: str, share: float) -> tuple[float, float]:
    """Take hold of a limit where it stands and drag it to `share` of its scale, without letting go."""
    slider = page.locator(f"#limit-{name}")
    box = slider.bounding_box()
    low, high = float(slider.get_attribute("min")), float(slider.get_attribute("max"))
    now = float(slider.input_value())
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 8 + (now - low) / (high - low) * (box["width"] - 16), y)
    page.mouse.down()
    x = box["x"] + 8 + share * (box["width"] - 16)
    page.mouse.move(x, y, steps=8)
    page.wait_for_timeout(150)
    return x, y


def limits_shown(page) -> dict[str, float]:
    return {name: float(page.locator(f"#limit-{name}").input_value()) for name in ("eta", "epsilon", "invalid")}


def python_counts(root: Path, limits: dict[str, float], keep: float | None = None) -> list[int]:
    """What a selection made from scratch with these limits removes."""
    workspace = Workspace.open(root)
    dataset = workspace.datasets()[0]
    pool = pool_of(workspace, dataset, workspace.embedding(dataset), remember=False)
    reasons = MedDEL(**limits).select(pool, seed=0, keep=keep).reason
    return [int((reasons == one).sum()) for one in REASONS] + [0]


def test_limits_move_live_and_agree_with_python(explore, workspace_root: Path) -> None:
    page = explore
    before = removed(page)
    press(page, "eta", 0.75)
    during = removed(page)
    assert during != before  # before the button is let go
    page.mouse.up()
    settled(page)
    assert removed(page) == during
    # The range shows steps of 0.001; the limit of unusable frames is the dataset's own number until it is moved.
    press(page, "epsilon", 0.6)
    page.mouse.up()
    press(page, "invalid", 0.5)
    page.mouse.up()
    page.wait_for_selector(".explorer:not(.rough)")
    settled(page)
    assert removed(page) == python_counts(workspace_root, limits_shown(page))
    assert all(removed(page)[:4])
    headings = page.locator("h4").all_inner_texts()
    kept = removed(page)[0]
    assert f"Kept ({kept})" in headings
    assert f"Removed ({FRAMES - kept})" in headings
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    ready(page)
    page.wait_for_selector(".explorer:not(.rough)")
    assert removed(page)[0] == kept


def test_the_keyboard_moves_a_limit_and_python_hears_of_it(explore, workspace_root: Path) -> None:
    page = explore
    page.locator("#limit-invalid").focus()
    for _ in range(5):
        page.keyboard.press("PageDown")
    page.wait_for_selector(".explorer:not(.rough)")
    settled(page)
    assert removed(page) == python_counts(workspace_root, limits_shown(page) | {"epsilon": 2.0})


def test_an_exact_share(explore, workspace_root: Path) -> None:
    page = explore
    page.get_by_label("Exact share").check()
    page.wait_for_url("**mode=share**")
    share = page.locator(".share .number")
    share.fill("12.5")
    share.press("Enter")
    page.get_by_role("heading", name=f"Kept ({round(0.125 * FRAMES)})").wait_for()
    assert removed(page)[0] == round(0.125 * FRAMES)


def test_a_removed_frame_says_why_and_shows_both_pictures(explore, shot) -> None:
    page = explore
    page.locator(".st-key-explore-removed .tile").nth(10).click()
    for at in range(2):
        image = page.locator(".why .pictures img").nth(at)
        image.wait_for()
        page.wait_for_function("(one) => one.naturalWidth > 0", arg=image.element_handle())
    card = page.locator(".st-key-why-card-box")
    assert "Why was this removed?" in card.inner_text()
    assert re.search(r"Removed.*(nearly the same|unusual|unusable)", card.inner_text())
    page.get_by_role("button", name="difference").click()
    shot("why")
    page.get_by_role("button", name="flicker").click()
    assert page.locator(".why .pictures").get_attribute("data-mode") == "flicker"


def test_a_click_in_the_map_opens_the_card(explore) -> None:
    page = explore
    stage = page.locator(".stage").bounding_box()
    rng = np.random.default_rng(0)
    for _ in range(200):
        x, y = stage["x"] + rng.uniform(0, stage["width"]), stage["y"] + rng.uniform(0, stage["height"])
        page.mouse.move(x, y)
        if page.locator(".tip").is_visible():
            break
    image = page.locator(".tip img")
    page.wait_for_function("(one) => one.naturalWidth > 0", arg=image.element_handle())
    page.mouse.click(x, y)
    page.wait_for_selector(".why .pictures img")


def test_a_lasso_filters_the_galleries_and_can_be_cleared(explore) -> None:
    page = explore
    stage = page.locator(".stage").bounding_box()
    page.get_by_role("button", name="Lasso", exact=True).click()
    left, top, right, bottom = (
        stage["x"] + 10,
        stage["y"] + 10,
        stage["x"] + stage["width"] / 2,
        stage["y"] + stage["height"] - 10,
    )
    page.mouse.move(left, top)
    page.mouse.down()
    for corner in ((right, top), (right, bottom), (left, bottom), (left, top + 20)):
        page.mouse.move(*corner, steps=6)
    page.mouse.up()
    page.get_by_role("heading", name="in the lasso").first.wait_for()
    settled(page)
    inside = int(page.locator(".explorer").get_attribute("data-lassoed"))
    assert 0 < inside < FRAMES
    counts = [
        int(re.sub(r"\D", "", one)) for one in page.locator("h4").all_inner_texts() if re.match(r"Kept|Removed", one)
    ]
    assert sum(counts) == inside
    page.get_by_role("button", name=f"Clear lasso ({inside})").click()
    page.get_by_role("heading", name="in the lasso").first.wait_for(state="detached")
    page.wait_for_selector(".explorer[data-lassoed='0']")


def test_save_keeps_what_the_page_shows(explore, workspace_root: Path, shot) -> None:
    page = explore
    press(page, "eta", 0.7)
    page.mouse.up()
    settled(page)
    shown = removed(page)
    page.get_by_placeholder("name, if you like").first.fill("strict <b>one</b>")
    page.get_by_placeholder("name, if you like").first.press("Tab")
    page.get_by_role("button", name="Save selection").click()
    page.wait_for_selector(".st-key-explore-saved-note")
    shot("saved")
    workspace = Workspace.open(workspace_root)
    saved = workspace.selection("latest", workspace.datasets()[0])
    assert saved.record.name == "strict <b>one</b>"
    assert saved.record.kept == shown[0]
    assert [saved.record.dropped.get(one, 0) for one in REASONS[1:]] == shown[1:5]
    assert "strict <b>one</b>" in page.locator(".st-key-explore-saved-note").inner_text()


def test_without_webgl_a_sample_is_drawn_and_limits_still_work(page, server) -> None:
    page.add_init_script(
        "const get = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        "  return kind === 'webgl2' ? null : get.call(this, kind, ...rest); };"
    )
    page.goto(server.url)
    ready(page)
    page.wait_for_selector(".js-plotly-plot")
    assert "WebGL2" in page.locator(".notice").inner_text()
    before = removed(page)
    press(page, "eta", 0.7)
    page.mouse.up()
    assert removed(page) != before


def test_the_map_comes_back_after_the_graphics_card_was_lost(explore) -> None:
    page = explore
    page.evaluate(
        "(canvas) => { window.lose = canvas.getContext('webgl2').getExtension('WEBGL_lose_context');"
        " window.lose.loseContext(); }",
        page.locator(".stage canvas").first.element_handle(),
    )
    page.wait_for_selector(".notice:not([hidden])")
    canvas = page.locator(".stage canvas").first
    painted = int(canvas.get_attribute("data-repaints"))
    page.evaluate("() => window.lose.restoreContext()")
    page.wait_for_selector(".notice[hidden]", state="attached")
    page.wait_for_function(
        "([canvas, painted]) => Number(canvas.dataset.repaints) > painted", arg=[canvas.element_handle(), painted]
    )


COLOURS = """async ([module, values, knots]) => {
  const { placeColours, place } = await import(module);
  const numbers = (all) => Float32Array.from(all, (one) => one === null ? NaN : one);
  const colours = placeColours(numbers(values), numbers(knots), false);
  return { places: Array.from(numbers(values), (one) => place(one, numbers(knots))), colours: Array.from(colours) };
}"""


def test_hardness_colours_the_map_and_orders_the_galleries(explore, workspace_root: Path, shot) -> None:
    page = explore
    workspace = Workspace.open(workspace_root)
    frames = frame_hardness.known(workspace, workspace.datasets()[0]).frames
    assert frames is not None
    picture = "(canvas) => canvas.toDataURL()"
    canvas = page.locator(".stage canvas").first
    before = canvas.evaluate(picture)
    page.get_by_label("Colour by").select_option("hardness")
    page.wait_for_selector(".explorer[data-colour=hardness]")
    page.wait_for_function(
        f"([canvas, before]) => ({picture})(canvas) !== before", arg=[canvas.element_handle(), before]
    )
    marks = [float(one) for one in page.locator(".legend .mark").all_inner_texts()]
    assert marks == pytest.approx(np.quantile(frames.ascending, [0, 0.25, 0.5, 0.75, 1]), rel=0.01)
    legend = page.locator(".main > .legend").inner_text()
    assert f"no scored patch ({UNSCORED})" in legend
    assert "scored by fabricated" in legend
    shot("hardness")
    for order, sign in (("hardest first", -1), ("easiest first", 1)):
        page.locator(".st-key-explore-order [role=combobox], .st-key-explore-order input").first.click()
        page.get_by_role("option", name=order).click()
        hardest = frame_hardness.figure(float(frames.ascending[0 if sign == 1 else -1]))
        page.locator(".tile .score").get_by_text(hardest, exact=True).first.wait_for()
        settled(page)
        for gallery in ("kept", "removed"):
            shown = [float(one) for one in page.locator(f".st-key-explore-{gallery} .score").all_inner_texts()]
            assert len(shown) == 12
            assert shown == sorted(shown, reverse=sign == -1)


def test_what_reviewers_decide_is_ringed_with_the_next_move(explore, workspace_root: Path, shot) -> None:
    page = explore
    workspace = Workspace.open(workspace_root)
    dataset = workspace.datasets()[0]
    saved, ids = workspace.selections(dataset)[0], dataset.frames["frame_id"].tolist()
    pin(workspace, saved, ids[100:104], "keep", reviewer="Anna", reason="rare")
    pin(workspace, saved, ids[200:206], "drop", reviewer="Anna", reason="unusable")
    page.locator(".st-key-explore-kept .tile").first.click()
    page.wait_for_selector(""".explorer[data-pinned='{"keep":4,"drop":6}']""")
    legend = page.locator(".main > .legend").inner_text()
    assert "a reviewer keeps it (4)" in legend
    assert "a reviewer removes it (6)" in legend
    shot("rings")
    for frame in ids[100:104]:
        unpin(workspace, saved, frame, reviewer="Anna")
    page.locator(".st-key-explore-kept .tile").nth(1).click()
    page.wait_for_selector(""".explorer[data-pinned='{"keep":0,"drop":6}']""")


def test_the_browser_places_numbers_between_the_knots(explore, server) -> None:
    rng = np.random.default_rng(0)
    for scores in (rng.lognormal(-4, 1, 500), np.repeat([1.0, 2.0, 2.0, 2.0, 9.0], 40), np.full(7, 0.5)):
        frames = frame_hardness.FrameHardness(np.append(scores, np.nan).astype(np.float32))
        values = [None if np.isnan(one) else float(one) for one in frames.score]
        module = f"{server.url}{routes.module_url('explorer_colours.js')}"
        got = explore.evaluate(COLOURS, [module, values, frames.knots.tolist()])
        low, high = (np.searchsorted(frames.ascending, frames.score[:-1], side) for side in ("left", "right"))
        middle = np.where(len(scores) > 1, (low + high - 1) / 2 / (len(scores) - 1), 0.5)
        assert np.abs(np.array(got["places"][:-1]) - middle).max() < 0.04
        assert got["colours"][-4:] == [128, 128, 128, 0]
        assert set(got["colours"][3:-4:4]) == {255}
