"""The Hardness page in a real browser at 500,000 patches: new counts for a moved margin, repaints while it is
dragged, bytes that the browser gets once. Software rendering, as on a machine without a GPU."""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from dataeff_core.patches.stored import PatchSet
from tests.bench.bench_browser import SETTLED
from tests.browser.conftest import FLAGS, chromium_path, start_server
from tests.fabricated_scores import fabricate_patches, fabricate_scores
from tests.fabrication import fabricate

FRAMES, QUICK_FRAMES, OF_EACH = 20_000, 2_000, 25
MOVES = 60
COUNT_MS, REPAINTS, BYTES = 5.0, 10.0, 4_000_000
READY = ".hardness[data-state=ready]:not(.mosaics)"
COUNT = """async (limits) => {
  const asked = performance.getEntriesByType("resource").map((one) => one.name);
  const base = asked.find((name) => name.includes("/hardness_numbers.js"));
  const { Margins } = await import(base);
  const { fetchPacked } = await import(new URL("explorer_data.js", base).href);
  const numbers = new Margins(await fetchPacked(asked.find((name) => name.includes("/margins/"))));
  const times = [];
  for (let lower = 500; lower < 5500; lower += 50) {
    const begun = performance.now();
    numbers.counts(lower, lower + 4000, limits);
    numbers.terms(lower, lower + 4000);
    times.push(performance.now() - begun);
  }
  return times.sort((a, b) => a - b);
}"""
SIZE = """async () => {
  const url = performance.getEntriesByType("resource").find((one) => one.name.includes("/margins/")).name;
  return (await (await fetch(url)).arrayBuffer()).byteLength;
}"""


def run(quick: bool) -> list[dict[str, Any]]:
    """The numbers of one browser on one workspace made for this."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        frames = QUICK_FRAMES if quick else FRAMES
        _, dataset, _, _ = fabricate(root, frames=frames, groups=200, dim=8, distinct=400)
        patches = fabricate_patches(dataset, count=OF_EACH)
        spread(patches)
        fabricate_scores(dataset, PatchSet(patches.folder, patches.record))
        with start_server(root, Path(folder) / "server.log") as server:
            return measured(server.url, frames * OF_EACH)


def spread(patches: PatchSet) -> None:
    """Give every patch a box of its own in its picture, as parts of exact copies are left out."""
    table = patches.table
    among = table.groupby("sha256").cumcount()
    top, left = among // 50, among % 50
    table.assign(top=top, left=left, bottom=top + 40, right=left + 40).to_parquet(patches.folder / PatchSet.PATCHES)


def measured(url: str, patches: int) -> list[dict[str, Any]]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{url}/hardness")
        page.wait_for_selector(READY, timeout=120_000)
        page.wait_for_function(SETTLED, timeout=120_000)
        repaints = [dragged(page) for _ in range(4)][1:]  # the first one warms it up
        plain, limited = page.evaluate(COUNT, {}), page.evaluate(COUNT, {"per_frame": 3, "per_group": 1000})
        size = page.evaluate(SIZE)
        chromium.close()
    return rows(patches, repaints, plain, limited, size)


def dragged(page: Any) -> float:
    """Repaints a second while the lower margin is dragged to and fro without being let go; then it is."""
    panel, box = page.locator(READY), page.locator(".handle.lower").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    painted, begun = int(panel.get_attribute("data-painted")), time.perf_counter()
    for move in range(1, MOVES + 1):
        page.mouse.move(x + 5 * min(move, MOVES - move), y)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    rate = (int(panel.get_attribute("data-painted")) - painted) / (time.perf_counter() - begun)
    page.mouse.up()
    page.wait_for_function(SETTLED, timeout=60_000)
    page.wait_for_timeout(1500)
    return rate


def rows(
    patches: int, repaints: list[float], plain: list[float], limited: list[float], size: int
) -> list[dict[str, Any]]:
    found = []
    for name, times in (("", plain), (", limits on", limited)):
        middle = times[len(times) // 2]
        found.append(
            {
                "name": f"a moved margin to new counts and terms of {patches:,} patches in the browser{name}",
                "value": f"{middle:.2f} ms",
                "target": f"at most {COUNT_MS:g} ms",
                "passed": middle <= COUNT_MS,
                "detail": f"slowest of {len(times)}: {times[-1]:.2f} ms",
            }
        )
    usual = statistics.median(repaints)
    found.append(
        {
            "name": f"repaints while a margin is dragged over {patches:,} patches",
            "value": f"{usual:.0f} a second",
            "target": f"at least {REPAINTS:g}",
            "passed": usual >= REPAINTS,
            "detail": "one for each move of the mouse; drags: " + ", ".join(f"{one:.0f}" for one in repaints),
        }
    )
    found.append(
        {
            "name": f"bytes that the browser gets once for {patches:,} patches",
            "value": f"{size / 1e6:.2f} MB",
            "target": f"at most {BYTES / 1e6:g} MB",
            "passed": size <= BYTES,
            "detail": "",
        }
    )
    return found
