"""How hard each frame is to draw, as a colour on the map: fetched when somebody asks for that colour."""

from typing import Any

import numpy as np
import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dataeff_core.errors import NotFound
from dataeff_core.hardness.stored import hardness_of
from dataeff_core.ui import cached, frame_hardness
from dataeff_core.ui.explore.explorer_routes import packed
from dataeff_core.ui.explore.payload import pack
from dataeff_core.ui.frame_hardness import FrameHardness, Known
from dataeff_core.ui.routes import explorer_url, guarded
from dataeff_core.workspace import Dataset, Workspace

_A_WHILE = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}


def colours_of(dataset: Dataset, known: Known) -> dict[str, Any] | None:
    """Where the browser gets the numbers, and where they come from; None where there are none."""
    if known.record is None:
        return None
    record = known.record
    url = explorer_url(f"hardness/{dataset.id}/{record.id}/{frame_hardness.version(record)}")
    return {"url": url, "told": known.told}


def draw_missing(known: Known, *, asked: bool) -> None:
    """Why hardness is no colour here and how to get it: where somebody asked for it, or had it and may miss it."""
    if known.frames is not None or (known.state == "none" and not asked):
        return
    with st.container(horizontal=True, vertical_alignment="center", key="explore-no-hardness"):
        st.markdown(f":gray[{known.told}]", width="content")
        st.page_link(frame_hardness.PAGE, label="Score patches on the Hardness page", icon=":material/texture:")


def payload(frames: FrameHardness) -> bytes:
    """Sections: hardness (n,) float32, NaN where not known; knots (k,) float32, the quantiles at equal steps that
    colours are read between, so that the few hardest frames do not leave one colour to all others (our choice)."""
    marks = [frame_hardness.figure(float(one)) for one in np.quantile(frames.knots, np.linspace(0, 1, 5))]
    header = {"n": len(frames.score), "without": frames.without, "marks": marks}
    return pack(header, {"hardness": frames.score, "knots": frames.knots})


def route(prefix: str) -> Route:
    """The address of `colours_of`, wanting the token."""
    return Route(prefix + "/explorer/hardness/{dataset}/{hardness}/{version}", guarded(_hardness))


def _hardness(request: Request) -> Response:
    wanted = request.path_params
    dataset = cached.dataset(Workspace.open(), wanted["dataset"])
    record = hardness_of(dataset, wanted["hardness"]).record
    fits = record.dataset_fingerprint == dataset.fingerprint
    if not fits or frame_hardness.version(record) != wanted["version"]:
        raise NotFound(f"{dataset.record.name} has no scores {record.id} of the frames as they are; reload the page")
    return packed(request, payload(frame_hardness.numbers(dataset, record)), _A_WHILE)
