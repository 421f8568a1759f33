"""What reviewers have decided, as rings around points of the map: the points themselves show the limits alone."""

from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dataeff_core.errors import NotFound
from dataeff_core.ui import cached
from dataeff_core.ui.explore.explorer_routes import packed
from dataeff_core.ui.explore.payload import pack
from dataeff_core.ui.routes import explorer_url, guarded
from dataeff_core.workspace import Dataset, Workspace
from dataeff_core.workspace.pins import Pins, only_agrees
from dataeff_core.workspace.trail import KEEP, trail_of

KEPT, DROPPED, AGREED = 1, 2, 3  # AGREED: a drop that holds only where the method removes the frame too
_A_WHILE = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}


def pins_address(dataset: Dataset) -> str | None:
    """Where the browser gets the pins as they are now; another address after each decision, None before the first."""
    last = trail_of(dataset.folder).last
    return explorer_url(f"pins/{dataset.id}/{dataset.fingerprint[:16]}/{last}") if last else None


def pinned(dataset: Dataset, upto: int) -> tuple[np.ndarray, np.ndarray]:
    """(m,) uint32 rows of the dataset's frames, ascending, and (m,) uint8 of KEPT, DROPPED, AGREED, by the entries up
    to that number."""
    pins = Pins.of(trail_of(dataset.folder).entries(upto=upto, machine=False))
    ids, contents = (dataset.frames[name].tolist() for name in ("frame_id", "sha256"))
    rows = sorted(pins.on(ids, contents).rows.items())
    codes = [KEPT if pin.action == KEEP else AGREED if only_agrees(pin) else DROPPED for _, pin in rows]
    return np.array([row for row, _ in rows], np.uint32), np.array(codes, np.uint8)


def route(prefix: str) -> Route:
    """The address of `pins_address`, wanting the token."""
    return Route(prefix + "/explorer/pins/{dataset}/{fingerprint}/{last:int}", guarded(_pins))


def _pins(request: Request) -> Response:
    wanted: dict[str, Any] = request.path_params
    dataset = cached.dataset(Workspace.open(), wanted["dataset"])
    if dataset.fingerprint[:16] != wanted["fingerprint"]:
        raise NotFound(f"the frames of {dataset.record.name} have changed; reload the page")
    rows, codes = pinned(dataset, wanted["last"])
    return packed(request, pack({"n": len(dataset.frames)}, {"rows": rows, "codes": codes}), _A_WHILE)
