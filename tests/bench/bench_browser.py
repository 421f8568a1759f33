"""Explore in a real browser at 100,000 points with scored patches: time to the map, repaints while a limit is
dragged, time to new galleries after release, bytes that a step moves, time to hardness as a colour.

Software rendering (SwiftShader), as on a machine without a GPU.
"""

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from dataeff_core.selection.meddel import MedDEL
from dataeff_core.selection.saving import pool_of
from tests.browser.conftest import FLAGS, chromium_path, start_server
from tests.fabricated_scores import fabricate_patches, fabricate_scores
from tests.fabrication import fabricate

POINTS, QUICK_POINTS = 100_000, 10_000
PATCHES = 4
DRAGS = 5
MOVES = 40
MAP_SECONDS, REPAINTS, GALLERY_SECONDS, STEP_BYTES = 4.0, 10.0, 1.0, 64_000
SETTLED = """() => document.querySelector('[data-testid="stApp"]').dataset.testScriptState === 'notRunning'
  && !document.querySelector('[data-stale="true"]')"""


def run(quick: bool) -> list[dict[str, Any]]:
    """The numbers of one browser on one workspace made for this."""
    points = QUICK_POINTS if quick else POINTS
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        prepare(root, points)
        with start_server(root, Path(folder) / "server.log") as server:
            return measured(server.url, points)


def prepare(root: Path, points: int) -> None:
    """A workspace whose scores are stored, as after a first selection, with PATCHES scored patches a frame."""
    workspace, dataset, embedding, _ = fabricate(root, frames=points, groups=40, dim=32, distinct=400)
    fabricate_scores(dataset, fabricate_patches(dataset, count=PATCHES))
    MedDEL().score(pool_of(workspace, dataset, embedding), seed=0)


def measured(url: str, points: int) -> list[dict[str, Any]]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.goto(url)
        page.wait_for_selector(".explorer[data-state=ready]", timeout=120_000)  # the server's own first page
        page.goto("about:blank")
        traffic = Traffic(page)
        loaded = time_to_map(page, url)
        eta = [Step(page, traffic, "eta", one) for one in (0.8, 0.7, 0.6, 0.75, 0.65)[:DRAGS]]
        epsilon = [Step(page, traffic, "epsilon", one) for one in (0.85, 0.8)]
        after = [Step(page, traffic, "eta", 0.7)]
        coloured = time_to_colour(page)
        chromium.close()
    return rows(points, loaded, coloured, {"eta": eta, "epsilon": epsilon, "after": after})


def time_to_map(page: Any, url: str) -> float:
    """Seconds from asking for the page to all points painted."""
    started = time.perf_counter()
    page.goto(url)
    page.wait_for_selector(".explorer[data-state=ready]", timeout=120_000)
    page.wait_for_function(
        "(one) => Number(one.dataset.repaints) > 0", arg=page.locator(".stage canvas").first.element_handle()
    )
    seconds = time.perf_counter() - started
    page.wait_for_function(SETTLED)
    page.wait_for_timeout(1500)
    return seconds


def time_to_colour(page: Any) -> float:
    """Seconds from choosing hardness as the colour to all points painted in it."""
    canvas = page.locator(".stage canvas").first
    painted = canvas.get_attribute("data-repaints")
    started = time.perf_counter()
    page.get_by_label("Colour by").select_option("hardness")
    page.wait_for_selector(".explorer[data-colour=hardness]")
    page.wait_for_function(
        "([one, painted]) => one.dataset.repaints !== painted", arg=[canvas.element_handle(), painted]
    )
    return time.perf_counter() - started


class Traffic:
    """Bytes between page and server: messages both ways and data fetched, and thumbnails apart."""

    def __init__(self, page: Any) -> None:
        self.data = self.pictures = 0
        page.on("websocket", self.listen)
        page.on("requestfinished", self.fetched)

    def listen(self, socket: Any) -> None:
        socket.on("framereceived", lambda payload: self.add(len(payload)))
        socket.on("framesent", lambda payload: self.add(len(payload)))

    def add(self, size: int) -> None:
        self.data += size

    def fetched(self, request: Any) -> None:
        sizes = request.sizes()
        if "/thumbnail/" in request.url:
            self.pictures += sizes["responseBodySize"]
        else:
            self.data += sizes["responseBodySize"] + sizes["requestBodySize"]


class Step:
    """One drag of a limit: taken hold of, moved in MOVES moves, let go."""

    def __init__(self, page: Any, traffic: Traffic, name: str, to: float) -> None:
        data, pictures = traffic.data, traffic.pictures
        canvas = page.locator(".stage canvas").first
        before = headings(page)
        grip, end, y = places(page, name, to)
        page.mouse.move(grip, y)
        page.mouse.down()
        painted, started = int(canvas.get_attribute("data-repaints")), time.perf_counter()
        for move in range(1, MOVES + 1):
            page.mouse.move(grip + (end - grip) * move / MOVES, y)
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        self.repaints = (int(canvas.get_attribute("data-repaints")) - painted) / (time.perf_counter() - started)
        released = time.perf_counter()
        page.mouse.up()
        page.wait_for_function(
            "(before) => JSON.stringify([...document.querySelectorAll('h4')].map((one) => one.innerText)) !== before",
            arg=before,
            timeout=60_000,
        )
        page.wait_for_function(SETTLED, timeout=60_000)
        self.seconds = time.perf_counter() - released
        page.wait_for_timeout(1500)
        self.bytes, self.pictures = traffic.data - data, traffic.pictures - pictures


def headings(page: Any) -> str:
    """What the galleries say they hold."""
    return str(
        page.evaluate("() => JSON.stringify([...document.querySelectorAll('h4')].map((one) => one.innerText))")
    )


def places(page: Any, name: str, to: float) -> tuple[float, float, float]:
    """Where a limit's grip is, where it is to go, and how high both are, in pixels."""
    slider = page.locator(f"#limit-{name}")
    box = slider.bounding_box()
    low, high, now = (float(slider.evaluate(f"(one) => one.{part}")) for part in ("min", "max", "value"))
    inset, width = box["x"] + 8, box["width"] - 16
    return inset + (now - low) / (high - low) * width, inset + to * width, box["y"] + box["height"] / 2


def rows(points: int, loaded: float, coloured: float, steps: dict[str, list[Step]]) -> list[dict[str, Any]]:
    """One row a number, worst of its steps."""
    about = f"{points:,} points, software rendering"
    repaints = statistics.median(step.repaints for step in steps["eta"])
    slowest = max(step.seconds for step in steps["eta"])
    moved = [step.bytes for kind in steps.values() for step in kind]
    heaviest, detail = max(moved), json.dumps(moved)
    pictures = max(step.pictures for step in steps["eta"])
    return [
        row("map drawn, s", loaded, f"<= {MAP_SECONDS:g}", loaded <= MAP_SECONDS, about),
        row("repaints a second while eta is dragged", repaints, f">= {REPAINTS:g}", repaints >= REPAINTS, about),
        row("galleries renewed after eta, s", slowest, f"<= {GALLERY_SECONDS:g}", slowest <= GALLERY_SECONDS, about),
        row(
            "galleries renewed after epsilon, s",
            max(step.seconds for step in steps["epsilon"]),
            "none",
            True,
            "walks the touched clusters again",
        ),
        row(
            "bytes of the heaviest step",
            heaviest,
            f"<= {STEP_BYTES}",
            heaviest <= STEP_BYTES,
            f"messages and data of each step {detail}; new thumbnails come on top, at most {pictures}",
        ),
        row("map coloured by hardness, s", coloured, "none", True, about),
    ]


def row(name: str, value: float, target: str, passed: bool, detail: str) -> dict[str, Any]:
    return {"name": name, "value": round(value, 2), "target": target, "passed": passed, "detail": detail}
