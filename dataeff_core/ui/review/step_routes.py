"""What the reviewer's JavaScript fetches: frames of the queue, and what reviewers have decided."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from dataeff_core.errors import BadInput
from dataeff_core.ui import cached
from dataeff_core.ui.review import step_queue
from dataeff_core.ui.review.step_queue import CHUNK, Steps
from dataeff_core.ui.routes import guarded
from dataeff_core.workspace import Workspace

_NOW = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def routes(prefix: str) -> list[BaseRoute]:
    """The reviewer's routes below `prefix`, each wanting the token."""
    return [
        Route(prefix + "/review/{dataset}/{selection}/frames", guarded(_frames)),
        Route(prefix + "/review/{dataset}/{selection}/marks", guarded(_marks)),
    ]


def _frames(request: Request) -> Response:
    """The frames at `count` positions from `first` on."""
    steps = _steps(request)
    return JSONResponse(steps.items(_whole(request, "first", 0), _whole(request, "count", CHUNK)), headers=_NOW)


def _marks(request: Request) -> Response:
    """What stands now, or what has changed since entry `after` of the trail."""
    return JSONResponse(_steps(request).changes(_whole(request, "after", 0)), headers=_NOW)


def _steps(request: Request) -> Steps:
    space = Workspace.open()
    dataset = cached.dataset(space, request.path_params["dataset"])
    return step_queue.opened(space, dataset, space.selection(request.path_params["selection"], dataset))


def _whole(request: Request, name: str, otherwise: int) -> int:
    given = request.query_params.get(name, str(otherwise))
    if not given.isascii() or not given.isdigit() or len(given) > 12:
        raise BadInput(f"{name} {given[:40]!r} is not a whole number from 0 on")
    return int(given)
