"""The timeline of one long video in a real browser: time from asking for the page to the strip painted, and from an
arrow key to the next frame shown. Software rendering (SwiftShader), as on a machine without a GPU.
"""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from dataeff_core.workspace.datasets import save_frames
from tests.browser.conftest import FLAGS, chromium_path, start_server
from tests.fabrication import fabricate, fabricate_selection

FRAMES, QUICK_FRAMES = 50_000, 5_000
SECONDS, STEP_SECONDS = 2.0, 0.2
STEPS = 10
PAINTED = ".timeline[data-state=ready][data-painted]"


def run(quick: bool) -> list[dict[str, Any]]:
    """The numbers of one browser on one workspace made for this."""
    frames = QUICK_FRAMES if quick else FRAMES
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        prepare(root, frames)
        with start_server(root, Path(folder) / "server.log") as server:
            return measured(server.url, frames)


def prepare(root: Path, frames: int) -> None:
    """A workspace with one video of 25 frames a second and a selection of it."""
    workspace, dataset, embedding, _ = fabricate(root, frames=frames, groups=1, dim=8, distinct=200)
    table = dataset.all_frames.copy()
    table["kind"], table["path"] = "video", "procedure.mp4"
    table["frame_index"], table["time_s"] = table["order"], table["order"] / 25
    save_frames(dataset.folder, dataset.record, table, dataset.unreadable)
    fabricate_selection(workspace.dataset(dataset.id), embedding, keep=0.1)


def measured(url: str, frames: int) -> list[dict[str, Any]]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{url}/data")
        page.get_by_text("Health").first.wait_for(timeout=120_000)  # the server's own first page
        first, again = painted(page, url), painted(page, url)
        steps = [stepped(page) for _ in range(STEPS)]
        chromium.close()
    step = statistics.median(steps)
    about = f"{frames:,} frames of one video"
    return [
        row("timeline painted, first visit, s", first, f"<= {SECONDS:g}", first <= SECONDS, about),
        row("timeline painted, next visit, s", again, f"<= {SECONDS:g}", again <= SECONDS, about),
        row(
            "key press to the next frame shown, s",
            step,
            f"<= {STEP_SECONDS:g}",
            step <= STEP_SECONDS,
            f"median of {STEPS}, the slowest {max(steps):.3f}",
        ),
    ]


def painted(page: Any, url: str) -> float:
    """Seconds from asking for the page to the strip painted."""
    page.goto("about:blank")
    started = time.perf_counter()
    page.goto(f"{url}/review?review=Timeline")
    page.wait_for_selector(PAINTED, timeout=60_000)
    seconds = time.perf_counter() - started
    page.wait_for_selector(".viewer[data-shown]", timeout=60_000)
    return seconds


def stepped(page: Any) -> float:
    """Seconds, by the browser's clock, from an arrow key to the next frame's sentence and small picture."""
    return float(
        page.evaluate(
            """async () => {
                const root = document.querySelector(".timeline") ?? [...document.querySelectorAll("*")]
                    .map((one) => one.shadowRoot?.querySelector(".timeline")).find(Boolean);
                const viewer = root.querySelector(".viewer"), before = Number(viewer.dataset.shown);
                const started = performance.now();
                const arrow = new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true});
                root.querySelector(".list").dispatchEvent(arrow);
                while (Number(viewer.dataset.shown) !== before + 1) await new Promise(requestAnimationFrame);
                const small = viewer.querySelector(".small[aria-pressed=true] img");
                await small.decode();
                await new Promise(requestAnimationFrame);
                return (performance.now() - started) / 1000;
            }"""
        )
    )


def row(name: str, value: float, target: str, passed: bool, detail: str) -> dict[str, Any]:
    return {"name": name, "value": round(value, 3), "target": target, "passed": passed, "detail": detail}
