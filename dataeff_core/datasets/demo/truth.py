"""The truth about each demo frame, and the score of a selection against it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from dataeff_core.errors import BadInput, NotFound

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("video", "frame_index", "time_s", "fault", "near_duplicate_group", "polyps", "instrument", "mask")
TEXT_COLUMNS = ("video", "fault", "near_duplicate_group", "polyps", "mask")


class TruthScore(TypedDict):
    """How a selection fares against the planted truth; lists name what went wrong, in order."""

    frames: int
    kept: int
    faults: int
    faults_removed: int
    fault_recall: float  # share of faulty frames that were removed; 1.0 without any
    views: int  # near-duplicate groups, each of at least one clean frame
    views_lost: list[str]  # groups without a kept frame
    redundancy: float  # kept clean frames for each view that is still there; 1.0 is the ideal
    polyps: int  # polyps that at least one clean frame shows
    polyps_lost: list[str]  # polyps that no kept clean frame shows


def read_truth(path: Path) -> pd.DataFrame:
    """truth.csv as a table with COLUMNS; empty cells of text columns are "". Raises NotFound, BadInput."""
    import pandas as pd  # here, because drawing workers import this package and need no tables

    if not path.is_file():
        raise NotFound(f"there is no truth table at {path}; make a demo dataset to get one")
    truth = pd.read_csv(path, dtype=dict.fromkeys(TEXT_COLUMNS, str), keep_default_na=False)
    missing = [column for column in COLUMNS if column not in truth.columns]
    if missing:
        raise BadInput(f"{path} lacks the column {missing[0]}; it is not a demo dataset's truth table")
    return truth.astype({"frame_index": int, "time_s": float, "instrument": bool})


def score_against_truth(truth: pd.DataFrame, kept: pd.DataFrame) -> TruthScore:
    """Score the kept frames. truth: as from `read_truth`; kept: columns video (its stem), frame_index, a row a frame.

    A faulty frame stands for no view and shows no polyp, so keeping it saves neither. Raises BadInput when kept lacks
    a column, or names a frame twice or one that the truth does not know.
    """
    import pandas as pd

    is_kept = _marked(truth, kept)
    faulty = (truth["fault"] != "").to_numpy()
    clean, kept_clean = truth[~faulty], truth[~faulty & is_kept]
    views = pd.unique(clean["near_duplicate_group"])
    found = set(kept_clean["near_duplicate_group"])
    polyps, shown = _polyps(clean), set(_polyps(kept_clean))
    removed = int((faulty & ~is_kept).sum())
    return TruthScore(
        frames=len(truth),
        kept=int(is_kept.sum()),
        faults=int(faulty.sum()),
        faults_removed=removed,
        fault_recall=removed / int(faulty.sum()) if faulty.any() else 1.0,
        views=len(views),
        views_lost=[view for view in views if view not in found],
        redundancy=len(kept_clean) / len(found) if found else 0.0,
        polyps=len(polyps),
        polyps_lost=[polyp for polyp in polyps if polyp not in shown],
    )


def _marked(truth: pd.DataFrame, kept: pd.DataFrame) -> np.ndarray:
    """(len(truth),) bool, True = kept."""
    import pandas as pd

    for column in ("video", "frame_index"):
        if column not in kept.columns:
            raise BadInput(f"the kept frames have no column {column}; give video and frame_index for each")
    known = pd.MultiIndex.from_frame(truth[["video", "frame_index"]])
    wanted = pd.MultiIndex.from_frame(kept[["video", "frame_index"]].astype({"frame_index": int}))
    if wanted.has_duplicates:
        video, frame = wanted[wanted.duplicated()][0]
        raise BadInput(f"frame {frame} of {video} is listed twice among the kept frames; list each once")
    strangers = ~wanted.isin(known)
    if strangers.any():
        video, frame = wanted[strangers][0]
        raise BadInput(f"frame {frame} of {video} is not in the truth table; score a selection of this demo dataset")
    return np.asarray(known.isin(wanted))


def _polyps(frames: pd.DataFrame) -> list[str]:
    names = (name for cell in frames["polyps"] for name in cell.split(";") if name)
    return sorted(set(names))
