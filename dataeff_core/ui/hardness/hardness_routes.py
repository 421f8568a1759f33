"""What the Hardness page's JavaScript fetches: numbers at every margin, which patches lie beside one, pictures."""

import hashlib
import io

from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from dataeff_core.errors import NotFound
from dataeff_core.hardness.stored import hardness_of
from dataeff_core.ui import cached, routes
from dataeff_core.ui.explore.explorer_routes import packed
from dataeff_core.ui.gallery import caption_of
from dataeff_core.ui.hardness import opening, pictures
from dataeff_core.ui.hardness.opening import Opened
from dataeff_core.workspace import Dataset, Workspace

MOST_EXAMPLES = 64
USABLE, ALL = "usable", "all"
_A_WHILE = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}


def routes_below(prefix: str) -> list[BaseRoute]:
    """The page's routes below `prefix`, each wanting the token."""
    of = prefix + "/hardness/{dataset}/{hardness}"
    return [
        Route(of + "/margins/{frames}/{version}", routes.guarded(_margins)),
        Route(of + "/examples/{frames}/{version}", routes.guarded(_examples)),
        Route(of + "/patch/{row:int}", routes.guarded(_patch)),
    ]


def url(dataset: Dataset, opened: Opened, what: str) -> str:
    """The address of 'margins' or 'examples' of these patches as they stand; of 'patch', with {row} in it."""
    of = f"{dataset.id}/{opened.scored.id}/{what}"
    if what == "patch":
        return routes.hardness_url(f"{of}/{{row}}")
    frames = USABLE if opened.ranked.usable else ALL
    return routes.hardness_url(f"{of}/{frames}/{version(opened)}")


def version(opened: Opened) -> str:
    """Names all that the order of the patches hangs on: the scores, the frames, what reviewers have removed."""
    return hashlib.sha256(repr((opened.key, opened.standing)).encode()).hexdigest()[:16]


def _margins(request: Request) -> Response:
    _, opened = _opened(request)
    return packed(request, opened.margins_table(), _A_WHILE)


def _examples(request: Request) -> Response:
    """Which patches stand at the `places` asked for, counted from the easiest."""
    dataset, opened = _opened(request)
    asked = [one for one in request.query_params.get("places", "").split(",") if one.isascii() and one.isdigit()]
    places = [int(one) for one in asked[:MOST_EXAMPLES] if len(one) < 12 and int(one) < len(opened.ranked)]
    found = []
    for place in places:
        row = int(opened.ranked.order[place])
        frame = dataset.frame(str(opened.scored.table["frame_id"].iat[row]))
        hardness = float(opened.ranked.hardness[place])
        found.append({"place": place, "row": row, "hardness": hardness, "name": caption_of(frame)})
    return JSONResponse(found, headers=_A_WHILE)


def _patch(request: Request) -> Response:
    """One patch with some of what is around it, outlined."""
    space, asked = Workspace.open(), request.path_params
    dataset = cached.dataset(space, asked["dataset"])
    scored = hardness_of(dataset, asked["hardness"])
    known = opening.kept(scored)
    if not 0 <= asked["row"] < len(known.table):
        raise NotFound(f"{scored.id} has no patch {asked['row']}; reload the page")
    patch = known.table.iloc[asked["row"]]
    frame = dataset.frame(str(patch["frame_id"]))
    picture = pictures.in_its_surroundings(space, dataset, frame, pictures.box_of(patch))
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=88)
    return Response(out.getvalue(), media_type="image/jpeg", headers=_A_WHILE)


def _opened(request: Request) -> tuple[Dataset, Opened]:
    asked = request.path_params
    dataset = cached.dataset(Workspace.open(), asked["dataset"])
    scored = hardness_of(dataset, asked["hardness"])
    scored.check_fits(dataset)
    found = opening.opened(scored, dataset, usable=asked["frames"] != ALL)
    if version(found) != asked["version"]:
        raise NotFound("frames or scores have changed since this page was drawn; reload it")
    return dataset, found
