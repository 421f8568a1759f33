"""Pictures over HTTP, for the page's own components.

Routes answer without a session, so each wants a token: random for every server process, handed to pages in the
addresses made here. Where visitors sign in, the token is the account's own, and the request must come with that
account's cookie: an address is worth nothing to anybody else, nor after signing out. Only ids are taken, never paths.
A refusal is one sentence with status 403 or 404.
"""

import hashlib
import hmac
import io
import secrets
import threading
from collections.abc import Callable

import pandas as pd
from PIL import Image
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from dataeff_core import access
from dataeff_core.errors import DataEffError, NotAllowed
from dataeff_core.ui import cached, login
from dataeff_core.ui.serving import prefix
from dataeff_core.workspace import Dataset, Workspace

TOKEN = secrets.token_urlsafe(24)
LONGEST_SIDE = 1600  # pixels; larger originals are scaled down for the page
_FOREVER = {"Cache-Control": "private, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
_A_WHILE = {"Cache-Control": "private, max-age=300", "X-Content-Type-Options": "nosniff"}
_decoding = threading.BoundedSemaphore(2)  # originals may be huge: never more than two in memory at once


def routes() -> list[BaseRoute]:
    """All routes of ours; what none of them takes under our prefix is a 404. The server gets them by `serving`."""
    # they build on this module
    from dataeff_core.ui.explore import explorer_routes, hardness_colours, pins_shown, stays
    from dataeff_core.ui.hardness import hardness_routes
    from dataeff_core.ui.review import blind_routes, step_routes, timeline_routes

    return [
        *explorer_routes.routes(prefix()),
        stays.route(prefix()),
        hardness_colours.route(prefix()),
        pins_shown.route(prefix()),
        *timeline_routes.routes(prefix()),
        *step_routes.routes(prefix()),
        *blind_routes.routes_below(prefix()),
        *hardness_routes.routes_below(prefix()),
        Route(prefix() + "/thumbnail/{key:path}", guarded(_thumbnail)),
        Route(prefix() + "/original/{dataset}/{frame:path}", guarded(_original)),
        Route(prefix() + "/overlay/{evaluation}/{picture:path}", guarded(_overlay)),
        Route(prefix() + "/reconstruction/{run}/{epoch:path}", guarded(_reconstruction)),
        Route(prefix() + "/{rest:path}", guarded(lambda request: _refusal("there is nothing at this address"))),
    ]


def thumbnail_url(sha256: str) -> str:
    """The address of the thumbnail of the frame with this content."""
    return f"{prefix()}/thumbnail/{sha256}.webp?token={own_token()}"


def original_url(dataset_id: str, frame_id: str) -> str:
    """The address of the frame's original, at most LONGEST_SIDE pixels wide and high."""
    return f"{prefix()}/original/{dataset_id}/{frame_id}?token={own_token()}"


def overlay_url(evaluation_id: str, picture: str) -> str:
    """The address of one of the evaluation's overlays, by its file name without the ending."""
    return f"{prefix()}/overlay/{evaluation_id}/{picture}?token={own_token()}"


def reconstruction_url(run_id: str, epoch: int) -> str:
    """The address of the picture of what a run's network made of hidden frames after a pass."""
    return f"{prefix()}/reconstruction/{run_id}/{epoch}?token={own_token()}"


def explorer_url(path: str, *, token: bool = True) -> str:
    """The address of something that the explorer's JavaScript fetches."""
    return f"{prefix()}/explorer/{path}" + (f"?token={own_token()}" if token else "")


def timeline_url(path: str) -> str:
    """The address of something that the timeline's JavaScript fetches."""
    return f"{prefix()}/timeline/{path}?token={own_token()}"


def review_url(path: str) -> str:
    """The address of something that the reviewer's JavaScript fetches."""
    return f"{prefix()}/review/{path}?token={own_token()}"


def blind_url(path: str) -> str:
    """The address of something that the blind audit's JavaScript fetches."""
    return f"{prefix()}/blind/{path}?token={own_token()}"


def hardness_url(path: str) -> str:
    """The address of something that the Hardness page's JavaScript fetches."""
    return f"{prefix()}/hardness/{path}?token={own_token()}"


def module_url(name: str) -> str:
    """The address of a component's JavaScript in assets/."""
    return explorer_url(f"assets/{name}", token=False)


def own_token() -> str:
    """The token in the addresses of the visitor whose page is being drawn. Raises BadInput as `login.configured`."""
    return token_of(login.account_of_session()) if login.configured() else TOKEN


def token_of(account: str) -> str:
    """The token of somebody who signed in; nobody can tell one account's from another's."""
    return hmac.new(TOKEN.encode(), account.encode("utf-8", "backslashreplace"), hashlib.sha256).hexdigest()


def guarded(answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """`answer`, refused without the token and, where visitors sign in, to others than its own; an error the user can
    act on becomes a 404 with its sentence."""

    def checked(request: Request) -> Response:
        try:
            must_sign_in = login.configured()
            check_asker(request, must_sign_in=must_sign_in)
        except DataEffError as error:
            return _refusal(str(error), 403)
        try:
            given = answer(request)
        except DataEffError as error:
            return _refusal(str(error))
        if must_sign_in:
            given.headers["Cache-Control"] = "private, no-cache"  # asked for again, and so checked again
        return given

    return checked


def check_asker(request: Request, *, must_sign_in: bool) -> None:
    """Raise NotAllowed unless the request has its token and its account may look."""
    wanted = TOKEN
    if must_sign_in:
        account = login.account_of_cookies(request.cookies)
        if not account:
            raise NotAllowed("this address is only for those who signed in; sign in and reload the page")
        access.require(access.roles_of(Workspace.open()).of(account), "look", account)
        wanted = token_of(account)
    if not hmac.compare_digest(request.query_params.get("token", "").encode(), wanted.encode()):
        raise NotAllowed("this address needs the token of the running server; reload the page")


def _thumbnail(request: Request) -> Response:
    key = request.path_params["key"].removesuffix(".webp")
    file = Workspace.open().thumbnail(key)
    if not file.is_file():
        return _refusal(f"there is no thumbnail for {key[:12]}...; import the dataset again")
    return FileResponse(file, media_type="image/webp", headers=_FOREVER)


def _original(request: Request) -> Response:
    dataset = cached.dataset(Workspace.open(), request.path_params["dataset"])
    return original_of(dataset, dataset.frame(request.path_params["frame"]))


def original_of(dataset: Dataset, frame: pd.Series) -> Response:
    """The frame's original as a JPEG, at most LONGEST_SIDE pixels wide and high. Raises DataEffError."""
    from dataeff_core.datasets.originals import read_original

    with _decoding:
        picture = Image.fromarray(read_original(dataset, frame))
        picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=90)
    return Response(out.getvalue(), media_type="image/jpeg", headers=_A_WHILE)


def _overlay(request: Request) -> Response:
    evaluation = Workspace.open().evaluation(request.path_params["evaluation"])
    wanted = request.path_params["picture"]
    file = next((one for files in evaluation.overlays.values() for one in files if one.stem == wanted), None)
    if file is None:
        return _refusal(f"{evaluation.id} has no picture {wanted[:60]!r}; reload the page")
    return FileResponse(file, media_type="image/webp", headers=_A_WHILE)


def _reconstruction(request: Request) -> Response:
    run, wanted = Workspace.open().run(request.path_params["run"]), request.path_params["epoch"]
    file = next((one for epoch, one in run.reconstructions.items() if str(epoch) == wanted), None)
    if file is None:
        return _refusal(f"{run.id} has no picture {wanted[:60]!r}; reload the page")
    return FileResponse(file, media_type="image/png", headers=_A_WHILE)


def _refusal(sentence: str, status: int = 404) -> Response:
    return PlainTextResponse(sentence, status, headers={"Cache-Control": "no-store"})
