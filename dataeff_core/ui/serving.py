"""How the server starts fast: it listens at once, and imports the slow libraries while the browser loads the page.

Nothing here imports pandas, directly or not. The first session and the first picture wait until the imports are
done, so no module is ever imported by two threads at a time.
"""

import contextlib
import importlib
import threading
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute, Route, Router
from starlette.types import Receive, Scope, Send
from streamlit import config

LIBRARIES = ("numpy", "pandas", "pyarrow", "PIL.Image", "pydantic")
OURS = ("dataeff_core.ui.routes", "dataeff_core.ui.frame", "dataeff_core.ui.explore.page")

_warm = threading.Event()
_begun = threading.Event()


@contextlib.asynccontextmanager
async def warm_up(_: object) -> AsyncIterator[None]:
    """The server's life, for `st.App(lifespan=...)`: begins to import, in a thread, what the first page needs."""
    _begun.set()
    threading.Thread(target=_import_all, name="warm-up", daemon=True).start()
    yield


def wait_until_warm() -> None:
    """Return when `warm_up` is through; at once where it was never called (a test)."""
    if _begun.is_set():
        _warm.wait()


def routes() -> list[BaseRoute]:
    """One route for all addresses of ours, for `st.App(routes=...)`; what answers them is imported when warm."""
    return [Route(prefix() + "/{rest:path}", _Late())]


def prefix() -> str:
    """Our part of every address, below the path that a proxy may have given the dashboard."""
    base = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}/dataeff" if base else "/dataeff"


def _import_all() -> None:
    try:
        for name in (*LIBRARIES, *OURS):
            importlib.import_module(name)
    finally:
        _warm.set()  # whatever is wrong is said again where it is imported next


class _Late:
    """An ASGI application that hands everything on to the routes, which it imports when first asked."""

    def __init__(self) -> None:
        self.router: Router | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.router is None:
            await run_in_threadpool(wait_until_warm)
            from dataeff_core.ui.routes import routes as all_routes

            self.router = Router(all_routes())
        await self.router(scope, receive, send)
