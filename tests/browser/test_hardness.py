"""Hardness in a real browser: margins are dragged on the histogram, and all that hangs on them follows; what the
browser counts is what Python counts."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dataeff_core.hardness.choosing import PatchRules, Ranked
from dataeff_core.hardness.stored import hardness_of
from dataeff_core.workspace import Workspace
from tests.browser.conftest import Server, settled
from tests.fabricated_scores import fabricate_patches, fabricate_scores
from tests.fabrication import fabricate

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.browser
READY = ".hardness[data-state=ready]:not(.mosaics)"
COUNT = """async ([margins, limits]) => {
  const asked = performance.getEntriesByType("resource").map((one) => one.name);
  const base = asked.find((name) => name.includes("/hardness_numbers.js"));
  const { Margins } = await import(base);
  const { fetchPacked } = await import(new URL("explorer_data.js", base).href);
  const numbers = new Margins(await fetchPacked(asked.find((name) => name.includes("/margins/"))));
  return margins.map(([lower, upper]) => {
    const low = numbers.step(lower), high = numbers.step(upper);
    return { ...numbers.counts(low, high, limits), ...numbers.terms(low, high) };
  });
}"""


@pytest.fixture
def workspace_root(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    _, dataset, _, _ = fabricate(root, frames=40, hostile_names=True)
    fabricate_scores(dataset, fabricate_patches(dataset))
    return root


@pytest.fixture
def ranked(workspace_root: Path) -> Ranked:
    dataset = Workspace.open(workspace_root).dataset("latest")
    return Ranked.of(hardness_of(dataset), dataset)


def counted(page) -> dict[str, int]:
    return json.loads(page.locator(READY).get_attribute("data-counts"))


def expect_counts(page, ranked: Ranked, lower: float, upper: float) -> None:
    told = ranked.counts(PatchRules(lower=lower, upper=upper))
    start = f'"too_easy":{told.too_easy},"useful":{told.useful},"suspicious":{told.suspicious},'
    expect(page.locator(READY)).to_have_attribute("data-counts", re.compile(re.escape(start)), timeout=30_000)


def test_a_margin_is_dragged_and_all_follows(
    server: Server, page, ranked: Ranked, shot: Callable[[str], Path]
) -> None:
    page.goto(f"{server.url}/hardness?margins=0.25&margins=0.9")
    page.wait_for_selector(READY)
    settled(page)
    expect_counts(page, ranked, 0.25, 0.9)
    handle = page.get_by_role("slider", name="Lower margin")
    assert handle.get_attribute("aria-valuenow") == "0.25"
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=6)
    expect(handle).not_to_have_attribute("aria-valuenow", "0.25")
    expect(page.locator(READY)).not_to_have_attribute("data-counts", re.compile('"too_easy":40,'))
    assert sum(counted(page)[band] for band in ("too_easy", "useful", "suspicious")) == len(ranked)
    page.mouse.up()
    lower = float(handle.get_attribute("aria-valuenow"))
    assert lower > 0.25
    page.wait_for_url(f"**margins={lower:g}&margins=0.9**", timeout=30_000)
    settled(page)
    expect_counts(page, ranked, lower, 0.9)
    told = ranked.counts(PatchRules(lower=lower, upper=0.9))
    expect(page.get_by_text(re.compile(f"^ ?Too easy {told.too_easy}"))).to_be_visible(timeout=30_000)
    strips = page.locator(f"{READY} .patches img")
    expect(strips).to_have_count(16, timeout=30_000)
    for picture in strips.all():
        expect(picture).to_have_js_property("complete", True, timeout=30_000)
        assert picture.evaluate("one => one.naturalWidth") > 0
    shot("dragged")


def test_keys_move_a_margin_and_the_address_keeps_it(server: Server, page, ranked: Ranked) -> None:
    page.goto(f"{server.url}/hardness")
    page.wait_for_selector(READY)
    settled(page)
    handle = page.get_by_role("slider", name="Upper margin")
    handle.focus()
    for key in ("ArrowLeft", "ArrowLeft", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    expect_counts(page, ranked, 0.5, 0.92)
    page.wait_for_url("**margins=0.5&margins=0.92**")
    settled(page)
    page.get_by_label("Upper margin", exact=True).and_(page.locator("input")).fill("0.75")
    page.keyboard.press("Enter")
    expect_counts(page, ranked, 0.5, 0.75)
    assert handle.get_attribute("aria-valuenow") == "0.75"
    page.reload()
    page.wait_for_selector(READY)
    expect_counts(page, ranked, 0.5, 0.75)


def test_the_browser_counts_as_python_does(server: Server, page, ranked: Ranked) -> None:
    page.goto(f"{server.url}/hardness")
    page.wait_for_selector(READY)
    margins = [
        [low / 97, high / 101] for low in range(0, 98, 7) for high in range(0, 102, 5) if low / 97 <= high / 101
    ]
    margins = [[round(low, 4), round(high, 4)] for low, high in margins]
    for limits in ({}, {"per_frame": 2}, {"per_frame": 3, "per_group": 5}, {"budget": 12}):
        found = page.evaluate(COUNT, [margins, limits])
        for (low, high), told in zip(margins, found, strict=True):
            rules = PatchRules(lower=low, upper=high, **limits)
            counts, terms = ranked.counts(rules), ranked.terms(rules)
            names = ("too_easy", "useful", "suspicious", "frames", "allowed")
            assert [told[name] for name in names] == [getattr(counts, name) for name in names], rules
            if counts.useful:
                assert told["nothing"] == pytest.approx(terms.nothing, rel=1e-12, abs=1e-12)
                assert told["given"] == pytest.approx(terms.given, rel=1e-12, abs=1e-12)


def test_patches_are_seen_in_their_frames_and_mosaics(
    server: Server, page, ranked: Ranked, shot: Callable[[str], Path]
) -> None:
    page.goto(f"{server.url}/hardness")
    page.wait_for_selector(READY)
    settled(page)
    band = page.get_by_role("region", name="Too easy")
    expect(band.locator(".tile")).to_have_count(6, timeout=30_000)
    first = band.locator(".tile").first.get_attribute("aria-label")
    band.get_by_role("button", name="Next: Too easy").click()
    expect(band.locator(".of")).to_have_text("2 / 14")
    expect(band.locator(".tile").first).not_to_have_attribute("aria-label", first, timeout=30_000)
    band.locator(".tile").first.click()
    viewer = page.locator(f"{READY} dialog.viewer[open]").first
    expect(viewer.locator(".outline")).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    cells = page.locator(".mosaics[data-state=ready] .cell")
    expect(cells).to_have_count(8 * 4, timeout=30_000)
    cells.first.focus()
    expect(page.locator(".celltip")).to_contain_text("band ")
    cells.first.hover()
    expect(page.locator(".celltip .outline")).to_be_visible()
    shot("pictures")
