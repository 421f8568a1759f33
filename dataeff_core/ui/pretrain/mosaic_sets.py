"""Saved mosaics in the form and on the run card: what they are called, and what they look like."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from dataeff_core.errors import NotFound
from dataeff_core.mosaics.previewing import put_together
from dataeff_core.ui.quantities import counted, dated
from dataeff_core.workspace import Dataset, MosaicRecord, MosaicSet, Workspace
from dataeff_core.workspace.mosaics import Tiling

SHOWN = 4
LONGEST_SIDE = 320  # pixels of a preview


def newest_first(workspace: Workspace, dataset: Dataset) -> list[MosaicSet]:
    """The saved mosaics of `dataset`, their tables read once for all sessions."""
    found = reversed(workspace.mosaic_sets(dataset))
    return [_kept(str(one.folder), one.record.model_dump_json()) for one in found]


def title(record: MosaicRecord) -> str:
    """What people call them."""
    return record.name or "mosaics"


def label(record: MosaicRecord) -> str:
    """In a list: name, how many, of which patches, when they were laid out. It stands in addresses too, so it must
    not change with the day."""
    return (
        f"{title(record)} · {told(record.mosaics, record.tiling)} · {margins(record.patches)} · "
        f"{dated(record.created)}"
    )


def told(mosaics: int, tiling: Tiling) -> str:
    """'120 mosaics of 480 patches'."""
    return f"{counted(mosaics, 'mosaic')} of {counted(mosaics * tiling.cells, 'patch', 'patches')}"


def margins(rules: Mapping[str, Any]) -> str:
    """Between which margins of hardness the patches lie, in words; `rules` are fields of PatchRules."""
    lower, upper = float(rules.get("lower") or 0), rules.get("upper")
    drawn = ", drawn at random" if rules.get("take") == "random" else ""
    if rules.get("by") == "value":
        return f"hardness from {lower:.3g}" + ("" if upper is None else f" to {float(upper):.3g}") + drawn
    if upper is None or float(upper) >= 1:
        return (f"hardest {100 * (1 - lower):g} %" if lower else "of any hardness") + drawn
    return f"hardness from {100 * lower:g} to {100 * float(upper):g} %{drawn}"


def draw_pictures(
    workspace: Workspace, dataset: Dataset, name: str, tiling: Tiling, cells: Callable[[], pd.DataFrame]
) -> None:
    """A few of the mosaics called `name`, from thumbnails; `cells()` has a row a cell, mosaic by mosaic, with
    frame_id, sha256 and box."""
    key = str(workspace.root), name, dataset.fingerprint
    pictures = _pictures(*key, _workspace=workspace, _dataset=dataset, _tiling=tiling, _cells=cells)
    if not pictures:
        st.caption("Their frames are no longer here, so they cannot be shown.")
        return
    for number, (column, picture) in enumerate(zip(st.columns(SHOWN, gap="small"), pictures, strict=False)):
        column.image(picture, width="stretch", alt=f"mosaic {number + 1} of those shown")
    st.caption(
        f"Some of the mosaics: {tiling.grid} × {tiling.grid} patches each, here from thumbnails. The network gets "
        "them sharper, and squashed to a square."
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _pictures(
    root: str,
    name: str,
    fingerprint: str,
    *,
    _workspace: Workspace,
    _dataset: Dataset,
    _tiling: Tiling,
    _cells: Callable[[], pd.DataFrame],
) -> list[bytes]:
    """JPEGs of some of those whose frames are all there. Under equal names and fingerprints they do not change."""
    cells, each = _cells(), _tiling.cells
    shown = np.linspace(0, max(0, len(cells) // each - 1), SHOWN).round().astype(int)
    found = []
    for number in dict.fromkeys(shown.tolist()):
        try:
            mosaic = cells.iloc[number * each : (number + 1) * each]
            picture = put_together(_workspace, _dataset, mosaic, _tiling, longest=LONGEST_SIDE)
        except NotFound:  # a frame has vanished since, or its thumbnail
            continue
        out = io.BytesIO()
        Image.fromarray(picture).save(out, "JPEG", quality=85)
        found.append(out.getvalue())
    return found


@st.cache_resource(max_entries=16, show_spinner=False)
def _kept(folder: str, record: str) -> MosaicSet:
    return MosaicSet(Path(folder), MosaicRecord.model_validate_json(record))
