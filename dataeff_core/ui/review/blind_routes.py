"""The blind audit's pictures over HTTP, asked for by their place in the sample: no id, content or path of a frame
reaches who judges, so nothing here can be joined with what other addresses tell of frames."""

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dataeff_core.errors import DataEffError, NotFound
from dataeff_core.review import sampling
from dataeff_core.review.sampling import AuditRecord
from dataeff_core.ui import cached, routes
from dataeff_core.workspace import Dataset, Workspace

LEFT, RIGHT = "left", "right"  # the frame to judge, and the one beside it
_A_WHILE = {"Cache-Control": "private, max-age=300", "X-Content-Type-Options": "nosniff"}


def routes_below(prefix: str) -> list[BaseRoute]:
    """The audit's routes below `prefix`, each wanting the token."""
    place = prefix + "/blind/{dataset}/{audit}/{at}/{side}"
    return [Route(place, routes.guarded(_picture)), Route(place + "/small", routes.guarded(_small))]


def picture_url(dataset_id: str, audit_id: str, *, small: bool = False) -> str:
    """The address of a picture of the audit, with {at} and {side} for its place (from 0 on) and LEFT or RIGHT."""
    return routes.blind_url(f"{dataset_id}/{audit_id}/{{at}}/{{side}}{'/small' if small else ''}")


def _picture(request: Request) -> Response:
    dataset, frame_id = _asked_for(request)
    try:
        return routes.original_of(dataset, dataset.frame(frame_id))
    except DataEffError as error:  # its sentence may name the frame
        raise _not_there(request) from error


def _small(request: Request) -> Response:
    space = Workspace.open()
    dataset, frame_id = _asked_for(request)
    try:
        content = space.thumbnail(str(dataset.frame(frame_id)["sha256"])).read_bytes()
    except (DataEffError, OSError) as error:
        raise _not_there(request) from error
    return Response(content, media_type="image/webp", headers=_A_WHILE)


def _asked_for(request: Request) -> tuple[Dataset, str]:
    asked = request.path_params
    dataset = cached.dataset(Workspace.open(), asked["dataset"])
    items, at, side = _record(str(dataset.folder), asked["audit"], dataset).items, asked["at"], asked["side"]
    known = at.isascii() and at.isdigit() and len(at) < 8 and int(at) < len(items)
    wanted = {LEFT: items[int(at)].frame_id, RIGHT: items[int(at)].beside}.get(side) if known else None
    if wanted is None:
        raise NotFound("the blind audit has no such picture; reload the page")
    return dataset, wanted


@st.cache_resource(max_entries=8, show_spinner=False)
def _record(folder: str, audit_id: str, _dataset: Dataset) -> AuditRecord:
    """The audit with just this id, which never changes. Raises NotFound."""
    found = next((one for one in sampling.audits(_dataset) if one.id == audit_id), None)
    if found is None:
        raise NotFound("there is no such blind audit; reload the page")
    return found


def _not_there(request: Request) -> NotFound:
    return NotFound(f"the picture of frame {int(request.path_params['at']) + 1} is not available")


__all__ = ["LEFT", "RIGHT", "picture_url", "routes_below"]
