"""What the timeline's JavaScript fetches: all strips as densities, one strip frame by frame, and what is said of the
frames around the one looked at."""

from typing import Any

import numpy as np
import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from dataeff_core.errors import NotFound
from dataeff_core.review.timeline import Strip, order_of, strips
from dataeff_core.review.timeline import sentence as sentence_of_all
from dataeff_core.selection.saving import check_same
from dataeff_core.ui import cached
from dataeff_core.ui.explore.explorer_routes import packed
from dataeff_core.ui.explore.payload import pack
from dataeff_core.ui.review.telling import told
from dataeff_core.ui.routes import guarded
from dataeff_core.workspace import Dataset, SavedSelection, Workspace

BINS = 1200  # parts of a strip; a screen has about as many columns
CHUNK = 40  # frames that are told at a time
_ALWAYS_ASK = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}


def routes(prefix: str) -> list[BaseRoute]:
    """The timeline's routes below `prefix`, each wanting the token."""
    place = prefix + "/timeline/{dataset}/{selection}"
    return [
        Route(place, guarded(_all)),
        Route(place + "/{strip:int}", guarded(_one)),
        Route(place + "/{strip:int}/{chunk:int}", guarded(_told)),
    ]


def strips_of(dataset: Dataset, saved: SavedSelection) -> tuple[Strip, ...]:
    """The strips of a selection, worked out once for each state of its pins. Raises Stale."""
    check_same(saved.record, dataset)
    return _strips(f"{dataset.fingerprint} {saved.folder} {saved.pins.last}", dataset, saved)


def payload(found: tuple[Strip, ...]) -> bytes:
    """All strips, packed: what each is in the header, its densities one after another in the sections."""
    densities = [strip.density(BINS) for strip in found]
    starts = np.cumsum([0, *(one.shape[1] for one in densities)])
    by_stretch = sorted(range(len(found)), key=lambda one: order_of(found[one]), reverse=True)
    rank = {strip: place for place, strip in enumerate(by_stretch)}
    joined = np.hstack(densities) if densities else np.zeros((5, 0), np.uint32)
    listing = [
        about(strip) | {"from": int(starts[one]), "to": int(starts[one + 1]), "rank": rank[one]}
        for one, strip in enumerate(found)
    ]
    small = joined.astype(np.uint8 if joined.max(initial=0) < 256 else np.uint32)
    return pack(
        {"sentence": sentence_of_all(found), "strips": listing},
        dict(zip(("kept", "removed", "faults", "reviewed", "ruled"), small, strict=True)),
    )


def about(strip: Strip) -> dict[str, Any]:
    """What the list says of a strip."""
    gap = strip.gap
    return {
        "name": strip.name,
        "frames": len(strip.rows),
        "kept": int(strip.kept.sum()),
        "timed": strip.timed,
        "start": strip.start,
        "end": strip.end,
        "reach": strip.reach,
        "gap": gap
        and {
            "first": gap.first,
            "last": gap.last,
            "start": gap.start,
            "end": gap.end,
            "long": gap.long,
            "text": gap.sentence,
        },
    }


def _all(request: Request) -> Response:
    return packed(request, payload(strips_of(*_asked(request))), _ALWAYS_ASK)


def _one(request: Request) -> Response:
    dataset, saved = _asked(request)
    strip = _strip(request, dataset, saved)
    sections = {"at": strip.at, "codes": strip.codes, "kept": strip.kept.astype(np.uint8)}
    return packed(request, pack({"strip": request.path_params["strip"]}, sections), _ALWAYS_ASK)


def _told(request: Request) -> Response:
    dataset, saved = _asked(request)
    first = CHUNK * request.path_params["chunk"]
    rows = _strip(request, dataset, saved).rows[first : first + CHUNK]
    return JSONResponse([told(dataset, saved, int(row)) for row in rows], headers=_ALWAYS_ASK)


def _asked(request: Request) -> tuple[Dataset, SavedSelection]:
    space = Workspace.open()
    dataset = cached.dataset(space, request.path_params["dataset"])
    return dataset, cached.selection(space, dataset, request.path_params["selection"])


def _strip(request: Request, dataset: Dataset, saved: SavedSelection) -> Strip:
    found, number = strips_of(dataset, saved), request.path_params["strip"]
    if number >= len(found):
        raise NotFound(f"{dataset.record.name} has no strip {number}; reload the page")
    return found[number]


@st.cache_resource(max_entries=4, show_spinner=False)
def _strips(key: str, _dataset: Dataset, _saved: SavedSelection) -> tuple[Strip, ...]:
    return strips(_dataset.frames, _saved.decisions)
