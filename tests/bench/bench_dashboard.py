"""How long from starting the server to a painted page, and how much memory it takes when nobody does anything."""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from tests.browser.conftest import FLAGS, Server, chromium_path, settled, start_server
from tests.fabrication import fabricate

FRAMES = 510
MOST_SECONDS, MOST_MEGABYTES = 5.0, 400.0
HEAVY = ("torch", "umap", "sklearn", "numba")
PAINTED = """() => {
  const all = (root) => [...root.querySelectorAll('*')].flatMap(
    (one) => [...(one.localName === 'img' ? [one] : []), ...(one.shadowRoot ? all(one.shadowRoot) : [])]);
  const pictures = all(document).filter((one) => one.src.includes('/dataeff/thumbnail/'));
  return pictures.filter((one) => one.complete && one.naturalWidth > 0).length >= 12;
}"""


def run(quick: bool) -> list[dict[str, Any]]:
    """Rows: seconds to a painted page (median of the starts), idle megabytes of all processes, heavy modules."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        workspace, *_ = fabricate(Path(folder) / "workspace", FRAMES, groups=10)
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
        seconds, megabytes, heavy = [], 0.0, set()
        for number in range(2 if quick else 4):
            started = time.monotonic()
            with start_server(workspace.root, Path(folder) / "log") as server:
                page = browser.new_page(viewport={"width": 1440, "height": 900})
                page.goto(server.url)
                page.wait_for_function(PAINTED, timeout=60_000)
                seconds.append(time.monotonic() - started)
                settled(page)
                if number == 0:
                    visit_every_page(page, server)
                    megabytes, heavy = idle_megabytes(server), heavy_libraries(server)
                page.close()
        browser.close()
    median = statistics.median(seconds[1:])  # the first start also scores the frames, once for ever
    return [
        {
            "name": f"server start to a page with {FRAMES} frames painted",
            "value": f"{median:.1f} s",
            "target": f"<= {MOST_SECONDS:g} s",
            "passed": median <= MOST_SECONDS,
            "detail": f"first visit {seconds[0]:.1f} s; all: {', '.join(f'{one:.1f}' for one in seconds)}",
        },
        {
            "name": "idle memory of all server processes, every page visited",
            "value": f"{megabytes:.0f} MB",
            "target": f"<= {MOST_MEGABYTES:g} MB",
            "passed": megabytes <= MOST_MEGABYTES,
            "detail": "resident set sizes, summed",
        },
        {
            "name": "heavy libraries in the server",
            "value": ", ".join(sorted(heavy)) or "none",
            "target": "none",
            "passed": not heavy,
            "detail": f"of {', '.join(HEAVY)}",
        },
    ]


def visit_every_page(page: Any, server: Server) -> None:
    for name in ("data", "data?view=Frames", "compare", "export", ""):
        page.goto(f"{server.url}/{name}")
        settled(page)
    time.sleep(3)


def processes(server: Server) -> list[psutil.Process]:
    """The server and all its children."""
    main = psutil.Process(server.process.pid)
    return [main, *main.children(recursive=True)]


def idle_megabytes(server: Server) -> float:
    return sum(one.memory_info().rss for one in processes(server)) / 1e6


def heavy_libraries(server: Server) -> set[str]:
    """Those whose compiled parts are mapped into any process of the server."""
    maps = [mapped.path for one in processes(server) for mapped in one.memory_maps()]
    return {name for name in HEAVY if any(f"/site-packages/{name}/" in path for path in maps)}
