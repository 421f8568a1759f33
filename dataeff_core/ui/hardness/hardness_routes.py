"""What the Hardness page's JavaScript fetches: numbers at every margin, which patches lie beside one, pictures."""

import hashlib
import io
from collections.abc import Iterable
from typing import Any, get_args

import numpy as np
import pandas as pd
from PIL import Image
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from dataeff_core.errors import BadInput, NotFound
from dataeff_core.frame_reading.cutting import Aspect
from dataeff_core.hardness.choosing import PatchRules
from dataeff_core.hardness.stored import Hardness, hardness_of
from dataeff_core.ui import cached, routes
from dataeff_core.ui.explore.explorer_routes import packed
from dataeff_core.ui.gallery import caption_of
from dataeff_core.ui.hardness import opening, pictures
from dataeff_core.ui.hardness.opening import Opened
from dataeff_core.ui.serving import prefix
from dataeff_core.workspace import Dataset, Workspace

MOST_EXAMPLES = 64
LARGEST_CELL = 4096  # pixels a side
USABLE, ALL = "usable", "all"
_A_WHILE = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}


def routes_below(prefix: str) -> list[BaseRoute]:
    """The page's routes below `prefix`, each wanting the token."""
    of = prefix + "/hardness/{dataset}/{hardness}"
    return [
        Route(of + "/margins/{frames}/{version}", routes.guarded(_margins)),
        Route(of + "/examples/{frames}/{version}", routes.guarded(_examples)),
        Route(of + "/chosen/{frames}/{version}", routes.guarded(_chosen)),
        Route(of + "/patch/{row:int}", routes.guarded(_patch)),
        Route(of + "/cell/{row:int}", routes.guarded(_cell)),
    ]


def url(dataset: Dataset, opened: Opened, what: str) -> str:
    """The address of 'margins', 'examples' or 'chosen' of these patches as they stand; of 'patch' or 'cell', with
    {row} in it."""
    of = f"{dataset.id}/{opened.scored.id}/{what}"
    if what in ("patch", "cell"):
        return routes.hardness_url(f"{of}/{{row}}")
    frames = USABLE if opened.ranked.usable else ALL
    return routes.hardness_url(f"{of}/{frames}/{version(opened)}")


def version(opened: Opened) -> str:
    """Names all that the order of the patches hangs on: the scores, the frames, what reviewers have removed."""
    return hashlib.sha256(repr((opened.key, opened.standing)).encode()).hexdigest()[:16]


def examples(dataset: Dataset, scored: Hardness, rows: Iterable[int], token: str) -> list[dict[str, Any]]:
    """What the browser is told of the patches in these rows: which frame, where in it, how hard. Raises NotFound."""
    return [_example(dataset, scored.table.iloc[row], int(row), token) for row in rows]


def _example(dataset: Dataset, patch: pd.Series, row: int, token: str) -> dict[str, Any]:
    frame = dataset.frame(str(patch["frame_id"]))
    height, width = int(frame["height"]), int(frame["width"])
    top, left, bottom, right = pictures.box_of(patch)
    return {
        "row": row,
        "hardness": float(patch["hardness"]),
        "name": caption_of(frame),
        "group": "" if caption_of(frame).startswith(str(frame["group"])) else str(frame["group"]),
        "box": [top / height, left / width, bottom / height, right / width],
        "ratio": width / height,
        "size": [bottom - top, right - left],
        "thumbnail": f"{prefix()}/thumbnail/{frame['sha256']}.webp?token={token}",
        "original": f"{prefix()}/original/{dataset.id}/{frame['frame_id']}?token={token}",
    }


def _margins(request: Request) -> Response:
    _, opened = _opened(request)
    return packed(request, opened.margins_table(), _A_WHILE)


def _examples(request: Request) -> Response:
    """Which patches stand at the `places` asked for, counted from the easiest."""
    dataset, opened = _opened(request)
    places = [one for one in _numbers(request, "places") if one < len(opened.ranked)]
    found = examples(dataset, opened.scored, opened.ranked.order[places], _token(request))
    told = [{"place": place, **one} for place, one in zip(places, found, strict=True)]
    return JSONResponse(told, headers=_A_WHILE)


def _chosen(request: Request) -> Response:
    """The patches that `rules` (JSON) choose, from the hardest on, `most` of them after the first `skip`."""
    dataset, opened = _opened(request)
    try:
        rules = PatchRules.model_validate_json(request.query_params.get("rules", ""))
    except ValidationError as error:
        raise BadInput("these rules for patches cannot be read; reload the page") from error
    if rules.usable != opened.ranked.usable:
        raise BadInput("these rules are for other frames; reload the page")
    skip, most, seed = (next(iter(_numbers(request, name)), 0) for name in ("skip", "most", "seed"))
    rows = opened.choice(rules, seed).rows[skip : skip + min(most, MOST_EXAMPLES)]
    return JSONResponse(examples(dataset, opened.scored, rows, _token(request)), headers=_A_WHILE)


def _patch(request: Request) -> Response:
    """One patch with some of what is around it, outlined."""
    dataset, patch = _row(request)
    frame = dataset.frame(str(patch["frame_id"]))
    return _jpeg(pictures.in_its_surroundings(Workspace.open(), dataset, frame, pictures.box_of(patch)))


def _cell(request: Request) -> Response:
    """One patch brought to the `height` and `width` of a mosaic's cell by `aspect`, as training brings it there."""
    height, width = (next(iter(_numbers(request, name)), 0) for name in ("height", "width"))
    aspect: Any = request.query_params.get("aspect")
    if not (1 <= height <= LARGEST_CELL and 1 <= width <= LARGEST_CELL and aspect in get_args(Aspect)):
        raise BadInput("there is no such cell; reload the page")
    dataset, patch = _row(request)
    frame = dataset.frame(str(patch["frame_id"]))
    return _jpeg(pictures.cell(Workspace.open(), dataset, frame, pictures.box_of(patch), height, width, aspect))


def _row(request: Request) -> tuple[Dataset, pd.Series]:
    asked = request.path_params
    dataset = cached.dataset(Workspace.open(), asked["dataset"])
    scored = opening.kept(hardness_of(dataset, asked["hardness"]))
    if not 0 <= asked["row"] < len(scored.table):
        raise NotFound(f"{scored.id} has no patch {asked['row']}; reload the page")
    return dataset, scored.table.iloc[asked["row"]]


def _opened(request: Request) -> tuple[Dataset, Opened]:
    asked = request.path_params
    dataset = cached.dataset(Workspace.open(), asked["dataset"])
    scored = hardness_of(dataset, asked["hardness"])
    scored.check_fits(dataset)
    found = opening.opened(scored, dataset, usable=asked["frames"] != ALL)
    if version(found) != asked["version"]:
        raise NotFound("frames or scores have changed since this page was drawn; reload it")
    return dataset, found


def _numbers(request: Request, name: str) -> list[int]:
    """What the query gives as whole numbers, with commas between them; anything else is passed over."""
    asked = request.query_params.get(name, "").split(",")[:MOST_EXAMPLES]
    return [int(one) for one in asked if one.isascii() and one.isdigit() and len(one) < 12]


def _token(request: Request) -> str:
    """The token that the request came with, for the addresses in its answer: they are for the same asker."""
    return request.query_params["token"]


def _jpeg(picture: np.ndarray) -> Response:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=90)
    return Response(out.getvalue(), media_type="image/jpeg", headers=_A_WHILE)
