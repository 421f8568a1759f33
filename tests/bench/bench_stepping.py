"""Step through in a real browser: from a key that decides to the next removed frame and its stand-in shown at full
size, on a warm server with many frames. Software rendering (SwiftShader), as on a machine without a GPU.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from dataeff_core.workspace.datasets import save_frames
from dataeff_core.workspace.storage import file_sha256
from tests.browser.conftest import FLAGS, chromium_path, start_server
from tests.fabrication import fabricate, fabricate_selection

FRAMES, QUICK_FRAMES = 100_000, 5_000
SECONDS = 0.2
KEYS, PACE_MS = 20, 500


def run(quick: bool) -> list[dict[str, Any]]:
    """The numbers of one browser on one workspace made for this."""
    frames = QUICK_FRAMES if quick else FRAMES
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        prepare(root, frames)
        with start_server(root, Path(folder) / "server.log") as server:
            shown = measured(server.url)
    return [
        {
            "name": f"key press to the next frame shown, {name}, s",
            "value": round(float(value), 3),
            "target": f"<= {SECONDS:g}",
            "passed": bool(value <= SECONDS),
            "detail": f"{KEYS} decisions on {frames:,} frames",
        }
        for name, value in (("middle", np.median(shown)), ("worst", np.max(shown)))
    ]


def prepare(root: Path, frames: int) -> None:
    """A workspace with a selection that removes four frames in five; every frame has its original."""
    workspace, dataset, embedding, _ = fabricate(root, frames=frames, groups=50, dim=16, distinct=200)
    source, table = Path(dataset.record.sources[0].root), dataset.all_frames.copy()
    originals = {file_sha256(file): file for file in source.rglob("*.png")}
    for path, key in zip(table["path"], table["sha256"], strict=True):
        file = source / path
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            os.link(originals[key], file)
    table["file_bytes"] = [originals[key].stat().st_size for key in table["sha256"]]
    save_frames(dataset.folder, dataset.record, table, dataset.unreadable)
    fabricate_selection(workspace.dataset(dataset.id), embedding, keep=0.2)


def measured(url: str) -> list[float]:
    """Seconds of each key press, by the browser's clock."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{url}/review")
        page.wait_for_selector(".reviewer[data-state=ready]", timeout=120_000)
        page.get_by_test_id("stMainBlockContainer").get_by_label("Your name").fill("Dr A")
        page.keyboard.press("Enter")
        page.locator(".panel .big.keep:not([disabled])").wait_for(timeout=60_000)
        page.wait_for_timeout(3000)  # the first pictures ahead
        shown = []
        for number in range(KEYS):
            shown.append(float(page.evaluate(PRESS, "kd"[number % 2])))
            page.wait_for_timeout(PACE_MS)
        chromium.close()
    return shown


PRESS = """async (key) => {
  const root = [...document.querySelectorAll("*")].map((one) => one.shadowRoot?.querySelector(".reviewer"))
    .find(Boolean);
  const before = root.dataset.at, started = performance.now();
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true }));
  const there = () => root.dataset.at !== before
    && [...root.querySelectorAll(".view:not(.none)")].every((one) => one.dataset.full === "there");
  while (!there() && performance.now() - started < 10000) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return (performance.now() - started) / 1000;
}"""
