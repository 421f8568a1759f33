"""What is said of one frame of a saved selection: its decision in a plain sentence, and what stands for it."""

from typing import Any

import numpy as np
import pandas as pd

from dataeff_core.selection.explaining import overruled_sentence, sentence, threshold_of
from dataeff_core.suppliers import fault
from dataeff_core.ui import gallery
from dataeff_core.ui.explore.explorer_routes import row_of
from dataeff_core.ui.review.taking_back import removal_of, removed_by_method
from dataeff_core.ui.theme import style_of
from dataeff_core.workspace import Dataset, SavedSelection
from dataeff_core.workspace.trail import RULE


def told(dataset: Dataset, saved: SavedSelection, row: int) -> dict[str, Any]:
    """JSON-able: the frame's id, title and group, its reason and the reason's name, whether it stays, whose pin holds
    ('person', 'rule' or '' for none), the sentence, and the frame that stands for it (id, title and group), or None;
    of a removed frame whether the method removed it (`decidable`), or the number of the decision that did
    (`removal`). The selection must be of just the frames that `dataset` has."""
    decision = saved.decisions.iloc[row]
    partner, pin = partner_of(dataset, saved, row), saved.placed.rows.get(row)
    kept, removal = bool(decision["decision"] == "kept"), removal_of(saved, row)
    return {
        **_named(dataset.frames.iloc[row]),
        "reason": str(decision["reason"]),
        "label": style_of(str(decision["reason"])).plain,
        "kept": kept,
        "decidable": not kept and removed_by_method(saved, row),
        "removal": None if removal is None else removal.seq,
        "by": "" if pin is None else "rule" if pin.reviewer.startswith(RULE) else "person",
        "sentence": sentence_of(dataset, saved, row),
        "partner": None if partner is None else _named(dataset.frames.iloc[partner]),
    }


def partner_of(dataset: Dataset, saved: SavedSelection, row: int) -> int | None:
    """The row of the kept frame that stands for a removed one, None where none does."""
    return _row(dataset, saved.decisions["representative_id"].iat[row])


def sentence_of(dataset: Dataset, saved: SavedSelection, row: int) -> str:
    """Why, in plain words; where a reviewer has decided, what the method had said as well."""
    pin = saved.placed.rows.get(row)
    # of a frame that no reviewer touched, what stood for it may have been dropped by one
    method = (saved.decisions if pin is None else saved.machine).iloc[row]
    frame, partner = dataset.frames.iloc[row], _row(dataset, method["representative_id"])
    measure, similarity = frame.get("invalid_measure"), float(method["similarity"])
    reason = str(method["reason"])
    said = sentence(
        reason,
        frame,
        standing=None if partner is None else dataset.frames.iloc[partner],
        similarity=similarity if np.isfinite(similarity) else None,
        threshold=threshold_of(saved.record, reason),
        fault=fault("" if pd.isna(measure) else str(measure)),
    )
    if pin is None:
        return said
    agrees = bool(saved.decisions["decision"].iat[row] == method["decision"])
    return overruled_sentence(said, pin, agrees=agrees)


def _row(dataset: Dataset, frame_id: Any) -> int | None:
    return None if pd.isna(frame_id) else row_of(dataset, str(frame_id))


def _named(frame: pd.Series) -> dict[str, str]:
    return {"id": str(frame["frame_id"]), "title": gallery.caption_of(frame), "group": str(frame["group"])}
