"""Two tables of decisions on the same frames, compared frame by frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dataeff_core.workspace.pins import OVERRIDE_COLUMNS, overruled

if TYPE_CHECKING:
    import pandas as pd

EXACT = ("decision", "reason", "representative_id", "path", "sha256", "group", "order", "kind", "frame_index")
CLOSE = ("similarity", "distance", "score")
TOLERANCE = 1e-4  # another processor may sum in another order; no decision may hang on it
MOST_NAMED = 20


def differences(manifest: pd.DataFrame, again: pd.DataFrame) -> list[str]:
    """One sentence for every frame on which `again` differs: what the method decides (frame_id and any of the
    manifest's columns), on which the pins that the manifest names are put first."""
    overrides = dict(zip(manifest["frame_id"], manifest["override"], strict=True))
    if "decision" in again:
        again = overruled(again.assign(override=again["frame_id"].map(overrides)))
    again = again.drop(columns=list(OVERRIDE_COLUMNS), errors="ignore")
    merged = manifest.merge(again, on="frame_id", how="outer", suffixes=("", "_again"), indicator=True)
    wrong = [f"frame {one} is not in the dataset" for one in merged.loc[merged["_merge"] == "left_only", "frame_id"]]
    wrong += [
        f"frame {one} is not in the manifest" for one in merged.loc[merged["_merge"] == "right_only", "frame_id"]
    ]
    both = merged[merged["_merge"] == "both"]
    for column in (*EXACT, *CLOSE):
        if f"{column}_again" not in both:
            continue
        differs = _differs(both, column)
        frames = both.loc[differs, ["frame_id", column, f"{column}_again"]].itertuples(index=False)
        wrong += [f"frame {one}: {column} is {mine!s}, made again it is {anew!s}" for one, mine, anew in frames]
    if len(wrong) > MOST_NAMED:
        wrong = [*wrong[:MOST_NAMED], f"and {len(wrong) - MOST_NAMED} more differences to the selection made again"]
    return wrong


def _differs(both: pd.DataFrame, column: str) -> np.ndarray:
    """(n,) bool; missing equals missing."""
    if column in CLOSE:
        mine, anew = (both[name].to_numpy(np.float64) for name in (column, f"{column}_again"))
        return ~np.isclose(mine, anew, rtol=0, atol=TOLERANCE, equal_nan=True)
    mine_text, anew_text = (
        both[name].astype(object).where(both[name].notna(), None) for name in (column, f"{column}_again")
    )
    return np.array([a != b for a, b in zip(mine_text, anew_text, strict=True)], dtype=bool)
