"""What the explorer's JavaScript fetches: its own files, the points, the scores, a frame's thumbnail by frame id."""

import gzip
import threading
from collections import OrderedDict

import pandas as pd
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from dataeff_core.errors import NotFound
from dataeff_core.ui import assets, cached
from dataeff_core.ui.explore import explored
from dataeff_core.ui.explore.explored import KNOWN, Limits
from dataeff_core.ui.explore.payload import fresh_scores, geometry, score_changes, whole_scores
from dataeff_core.ui.routes import guarded
from dataeff_core.workspace import Dataset, Workspace

ASSETS = {
    "gallery.js": "text/javascript",
    "why_card.js": "text/javascript",
    "blind.js": "text/javascript",
    "explorer.js": "text/javascript",
    "explorer_data.js": "text/javascript",
    "explorer_map.js": "text/javascript",
    "explorer_shaders.js": "text/javascript",
    "explorer_text.js": "text/javascript",
    "explorer_limits.js": "text/javascript",
    "explorer_prices.js": "text/javascript",
    "explorer_colours.js": "text/javascript",
    "explorer_colouring.js": "text/javascript",
    "explorer_pins.js": "text/javascript",
    "explorer.css": "text/css",
    "hardness.js": "text/javascript",
    "hardness_gallery.js": "text/javascript",
    "hardness_look.js": "text/javascript",
    "hardness_mosaics.js": "text/javascript",
    "hardness_numbers.js": "text/javascript",
    "hardness_plot.js": "text/javascript",
    "hardness.css": "text/css",
    "reviewer.js": "text/javascript",
    "reviewer_keys.js": "text/javascript",
    "reviewer_line.js": "text/javascript",
    "reviewer_outbox.js": "text/javascript",
    "reviewer_panel.js": "text/javascript",
    "reviewer_pictures.js": "text/javascript",
    "paired_views.js": "text/javascript",
    "reviewer.css": "text/css",
    "timeline.js": "text/javascript",
    "timeline_strip.js": "text/javascript",
    "timeline_viewer.js": "text/javascript",
    "timeline.css": "text/css",
}
_ALWAYS_ASK = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}
_A_WHILE = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
_GZIP_FROM = 2048  # bytes
_GZIP_TO = 1_000_000  # float32 coordinates hardly shrink, and packing them takes longer than sending them


def routes(prefix: str) -> list[BaseRoute]:
    """The explorer's routes below `prefix`, each wanting the token except for its own JavaScript and CSS."""
    return [
        Route(prefix + "/explorer/assets/{name}", _asset),
        Route(prefix + "/explorer/points/{dataset}/{map}/{fingerprint}", guarded(_points)),
        Route(prefix + "/explorer/scores/{scores}", guarded(_scores)),
        Route(prefix + "/explorer/thumbnail/{dataset}/{frame}", guarded(_thumbnail)),
    ]


def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in ASSETS:
        return PlainTextResponse("there is nothing at this address", 404)
    return FileResponse(assets.FOLDER / name, media_type=ASSETS[name], headers=_ALWAYS_ASK)


def _points(request: Request) -> Response:
    """All points of one map; the address names what they are made of, so a browser that has them asks no more."""
    dataset = cached.dataset(Workspace.open(), request.path_params["dataset"])
    wanted = request.path_params["map"]
    frame_map = next((one for one in Workspace.open().maps(dataset) if one.record.id == wanted), None)
    if frame_map is None or not dataset.fingerprint.startswith(request.path_params["fingerprint"]):
        raise NotFound(f"{dataset.record.name} has no map {wanted[:60]!r}; reload the page")
    tag = f'"{dataset.fingerprint[:16]}-{frame_map.record.id}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=_ALWAYS_ASK | {"ETag": tag})
    return packed(request, geometry(dataset, frame_map), _ALWAYS_ASK | {"ETag": tag})


def _scores(request: Request) -> Response:
    """The scores `scores`, whole, or what differs from the scores `since` that the browser has."""
    scores_id, since = request.path_params["scores"], request.query_params.get("since", "")
    known = KNOWN.get(scores_id)
    if known is None:
        raise NotFound(f"the scores {scores_id[:60]!r} are no longer open; the page asks for them again")
    family, scores, frame_ids = known
    if request.query_params.get("only") == "F":
        return packed(request, fresh_scores(scores_id, scores), _ALWAYS_ASK)
    before = KNOWN.get(since)
    if before is None or before[0] != family:
        return packed(request, whole_scores(scores_id, scores), _ALWAYS_ASK)
    limits = Limits.read(dict(request.query_params), Limits())
    codes, eta = explored.decide(scores, frame_ids, limits)
    return packed(request, score_changes(scores_id, before[1], scores, codes, eta), _ALWAYS_ASK)


def _thumbnail(request: Request) -> Response:
    space = Workspace.open()
    dataset = cached.dataset(space, request.path_params["dataset"])
    row = row_of(dataset, request.path_params["frame"])
    file = space.thumbnail(str(dataset.frames["sha256"].iat[row]))
    if not file.is_file():
        raise NotFound(f"there is no thumbnail for frame {request.path_params['frame']}; import the dataset again")
    return FileResponse(file, media_type="image/webp", headers=_A_WHILE)


_indexes: OrderedDict[str, pd.Index] = OrderedDict()
_indexing = threading.Lock()


def row_of(dataset: Dataset, frame_id: str) -> int:
    """The frame's position in `dataset.frames`, found without a search through all. Raises NotFound."""
    with _indexing:
        index = _indexes.get(dataset.fingerprint)
        if index is None:
            # of objects: an index of strings is searched by converting all of it, each time
            index = pd.Index(dataset.frames["frame_id"].to_numpy(dtype=object), dtype=object)
            _indexes[dataset.fingerprint] = index
            while len(_indexes) > 4:
                _indexes.popitem(last=False)
    at = index.get_indexer(pd.Index([frame_id], dtype=object))[0]
    if at < 0:
        raise NotFound(f"{dataset.record.name} has no frame {frame_id[:60]!r}; reload the page")
    return int(at)


def packed(request: Request, data: bytes, headers: dict[str, str]) -> Response:
    """An answer of `pack`, made smaller where that pays."""
    if _GZIP_FROM <= len(data) <= _GZIP_TO and "gzip" in request.headers.get("accept-encoding", ""):
        data, headers = gzip.compress(data, 4), headers | {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Response(data, media_type="application/octet-stream", headers=headers)
