"""Pools that every selection method can choose from."""

import numpy as np
import pytest

from dataeff_core.selection.base import PatchScores, Pool
from tests.selection import references


def pool_of_videos(frames: int = 240, seed: int = 0, **changes: object) -> Pool:
    """Frames of six videos in tight scenes, some exact copies, with invalid scores and a calibrated eta; the rows
    of a group are not neighbours."""
    rng = np.random.default_rng(seed)
    columns: dict[str, object] = {
        "frame_ids": np.array([f"{value:016x}" for value in rng.permutation(10 * frames)[:frames]], dtype=object),
        "vectors": references.planted(frames, scenes=max(1, frames // 6), noise=0.15, seed=seed),
        "groups": np.array([f"video {i}" for i in rng.integers(0, 6, frames)], dtype=object),
        "order": rng.permutation(frames).astype(np.int64),
        "invalid_score": rng.beta(2, 6, frames).astype(np.float32),
        "invalid_limit": 0.6,
        "calibrated_eta": 0.9,
    }
    of = np.repeat(columns["frame_ids"], 4)  # type: ignore[arg-type]
    scored = PatchScores("hardness-1", of, rng.lognormal(0, 1, len(of)).astype(np.float32))
    columns["patch_scores"] = lambda wanted: scored
    return Pool(**(columns | changes))  # type: ignore[arg-type]


@pytest.fixture
def pool() -> Pool:
    return pool_of_videos()
