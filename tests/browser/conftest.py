"""A real server and a real browser: `server` starts the dashboard on a workspace of its own, `page` opens chromium.

Every host that the browser asks for is noted; a test fails when it was any but the server's own.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
ARTIFACTS = ROOT / "test-artifacts"
BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)


@dataclass(frozen=True)
class Server:
    """A running dashboard."""

    url: str
    process: subprocess.Popen[bytes]
    workspace: Path
    log: Path


@pytest.fixture
def workspace_root(tmp_path: Path) -> Path:
    """The server's workspace, empty; a test file overrides this fixture to fill it first."""
    return tmp_path / "workspace"


@pytest.fixture
def server(workspace_root: Path, tmp_path: Path) -> Iterator[Server]:
    """`streamlit run app.py` on a free port, healthy; its whole process group is killed afterwards."""
    with start_server(workspace_root, tmp_path / "server.log") as running:
        yield running


class start_server:  # noqa: N801  (used like a function, in `with`)
    """Context manager: a dashboard on `workspace`, with more of Streamlit's `options`."""

    def __init__(self, workspace: Path, log: Path, *options: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = os.environ | {"DATAEFF_WORKSPACE": str(workspace), "DATAEFF_ROOTS": str(workspace.parent)}
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), *options]
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.server = Server(f"http://127.0.0.1:{port}", process, workspace, log)

    def __enter__(self) -> Server:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.server.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.server.url}/_stcore/health", timeout=2):  # noqa: S310
                    return self.server
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        self.__exit__()
        raise AssertionError(f"the server did not come up:\n{self.server.log.read_text()}")

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.server.process.pid, signal.SIGKILL)
        self.server.process.wait()


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Chromium, once for all tests; skips where none is installed, unless $DATAEFF_REQUIRE_BROWSER is 1."""
    found = chromium_path()
    if found is None:
        reason = f"no chromium is installed (looked for {', '.join(BROWSERS)})"
        if os.environ.get("DATAEFF_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, server: Server) -> Iterator[object]:
    """A tab of 1440 x 900; fails the test when the browser asked any host but the server's."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    asked: set[str] = set()
    tab = context.new_page()
    tab.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    tab.on("websocket", lambda socket_: asked.add(urlsplit(socket_.url).netloc))
    tab.set_default_timeout(20_000)
    yield tab
    context.close()
    foreign = asked - {urlsplit(server.url).netloc, ""}
    assert not foreign, f"the page asked other hosts: {sorted(foreign)}"


@pytest.fixture
def shot(page, request: pytest.FixtureRequest) -> Callable[[str], Path]:
    """`shot(name)` keeps a picture of the page as test-artifacts/<test>-<name>.png."""

    def take(name: str) -> Path:
        ARTIFACTS.mkdir(exist_ok=True)
        file = ARTIFACTS / re.sub(r"[^\w.-]+", "-", f"{request.node.name}-{name}.png")
        page.screenshot(path=str(file))
        return file

    return take


def chromium_path() -> str | None:
    """Where chromium is installed, or None."""
    return next((path for path in BROWSERS if Path(path).exists()), None) or shutil.which("chromium")


def settled(page, *, timeout_ms: int = 20_000) -> None:
    """Wait until Streamlit has finished its run and shows no half-drawn element."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=timeout_ms)
    page.wait_for_function("document.querySelectorAll('[data-stale=\"true\"]').length === 0", timeout=timeout_ms)
