"""How often each frame stays when a selection is made again, as a colour on the map."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dataeff_core.errors import NotFound
from dataeff_core.review.stability import stability_of
from dataeff_core.ui import cached, selections
from dataeff_core.ui.explore.explorer_routes import packed
from dataeff_core.ui.explore.payload import pack
from dataeff_core.ui.routes import explorer_url, guarded
from dataeff_core.workspace import Dataset, SavedSelection, SelectionRecord, Workspace

_A_WHILE = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}


def stays_of_dataset(dataset: Dataset) -> dict[str, str] | None:
    """Where the browser gets it for the newest selection of these frames of which it was measured, and what it is
    called; None where it was measured of none."""
    folder = dataset.folder / "selections"
    for record in reversed(SelectionRecord.read_all(folder)):
        if record.dataset_fingerprint != dataset.fingerprint:
            continue
        found = stability_of(SavedSelection(folder / record.id, record))
        if found is not None:
            url = explorer_url(f"stays/{dataset.id}/{record.id}/{found.id}")
            return {"url": url, "label": f"how often it stays ({selections.title(record)[:40]})"}
    return None


def route(prefix: str) -> Route:
    """The address of `stays_of_dataset`, wanting the token."""
    return Route(prefix + "/explorer/stays/{dataset}/{selection}/{stability}", guarded(_stays))


def _stays(request: Request) -> Response:
    workspace, wanted = Workspace.open(), request.path_params
    dataset = cached.dataset(workspace, wanted["dataset"])
    saved = workspace.selection(wanted["selection"], dataset)
    found = stability_of(saved)
    fits = saved.record.dataset_fingerprint == dataset.fingerprint
    if found is None or found.id != wanted["stability"] or not fits:
        raise NotFound(f"{saved.id} has no measure {wanted['stability'][:60]!r} of these frames; reload the page")
    return packed(request, pack({"n": len(found.stays)}, {"stays": found.stays}), _A_WHILE)
