"""Planted copies are found, strangers are not, and what was compared is not compared again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dataeff_core import leakage
from dataeff_core.leakage import Leaks, find_leaks
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset, Run, Workspace
from tests.evaluation.making import make_dataset, make_run


def planted(tmp_path: Path) -> tuple[Workspace, Dataset, Dataset]:
    """A pre-training set of 30 pictures, and 8 others of which the first two are in it as they are, the third and
    fourth as the next video frame would show them."""
    seen = [stranger(one) for one in range(30)]
    downstream = [stranger(100 + one) for one in range(8)]
    downstream[0], downstream[1] = seen[3], seen[7]
    downstream[2], downstream[3] = moved(seen[11]), moved(seen[20], brighter=12)
    workspace, source = make_dataset(tmp_path / "ws", seen, name="seen")
    _, on = make_dataset(tmp_path / "ws", downstream, name="on")
    return workspace, source, on


def stranger(seed: int) -> np.ndarray:
    """A coloured picture (96, 120, 3) uint8 that is like no other."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(40, 220, (10, 13, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((120, 96), Image.Resampling.BICUBIC))


def moved(rgb: np.ndarray, *, by: int = 2, brighter: int = 0) -> np.ndarray:
    image = Image.fromarray(rgb).transform(
        (rgb.shape[1], rgb.shape[0]), Image.Transform.AFFINE, (0.98, 0, by, 0, 0.98, by), Image.Resampling.BILINEAR
    )
    return (np.asarray(image).astype(int) + brighter).clip(0, 255).astype(np.uint8)


def found(workspace: Workspace, on: Dataset, run: Run | None) -> Leaks:
    return find_leaks(workspace, on, on.frames, run, Reporter())


def test_planted_copies_are_found_and_strangers_are_not(tmp_path: Path) -> None:
    workspace, source, on = planted(tmp_path)
    leaks = found(workspace, on, make_run(workspace, source, finished=False))
    expected = {(on.frames["frame_id"][at], source.frames["frame_id"][other]) for at, other in [(0, 3), (1, 7)]}
    near = {(on.frames["frame_id"][at], source.frames["frame_id"][other]) for at, other in [(2, 11), (3, 20)]}
    pairs = leaks.pairs
    assert (
        set(pairs[pairs["kind"] == "exact"][["frame_id", "other_id"]].itertuples(index=False, name=None)) == expected
    )
    assert set(pairs[pairs["kind"] == "near"][["frame_id", "other_id"]].itertuples(index=False, name=None)) == near
    assert "4 of 8 test images are in the pre-training set (2 the same file, 2 nearly" in leaks.sentence


def test_only_what_the_run_saw_counts(tmp_path: Path) -> None:
    """A run on a selection that dropped the copies has no leak by them."""
    workspace, source, on = planted(tmp_path)
    kept = [row for row in range(30) if row not in (3, 11)]
    leaks = found(workspace, on, make_run(workspace, source, seen=kept, finished=False))
    assert set(leaks.frames) == set(on.frames["frame_id"].iloc[[1, 3]])


def test_the_same_dataset_is_allowed_and_warned_of_loudly(tmp_path: Path) -> None:
    workspace, source, _ = planted(tmp_path)
    leaks = found(workspace, source, make_run(workspace, source, finished=False))
    assert len(leaks.frames) == 30
    assert leaks.sentence.startswith("all 30 test images are in the pre-training set")


def test_the_second_time_nothing_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, source, on = planted(tmp_path)
    first = found(workspace, on, make_run(workspace, source, finished=False))
    monkeypatch.delattr(leakage, "_compared")
    again = found(workspace, on, make_run(workspace, source, run_id="mae-000002", finished=False))
    pd.testing.assert_frame_equal(first.pairs, again.pairs)


def test_the_sources_own_embedding_is_used_where_there_is_one(tmp_path: Path) -> None:
    from dataeff_core.encoders.descriptor import Descriptor
    from dataeff_core.encoders.embedding import embed

    workspace, source, on = planted(tmp_path)
    embed(workspace, source, Descriptor(), workers=0)
    leaks = found(workspace, on, make_run(workspace, source, finished=False))
    assert set(leaks.frames) == set(on.frames["frame_id"].iloc[:4])


def test_what_cannot_be_known_is_said(tmp_path: Path) -> None:
    workspace, source, on = planted(tmp_path)
    run = make_run(workspace, source, finished=False)
    assert not found(workspace, on, None).checked
    changed = run.record.model_copy(update={"dataset_fingerprint": "other"})
    assert "seen has changed since mae-000001 was trained" in found(workspace, on, Run(run.folder, changed)).why_not
    gone = run.record.model_copy(update={"dataset": "nowhere"})
    assert "is gone" in found(workspace, on, Run(run.folder, gone)).why_not


def test_the_summary_says_the_score_without_them() -> None:
    pairs = pd.DataFrame({"frame_id": ["a"], "other_id": ["z"], "kind": ["near"], "cosine": [0.9]})
    leaks = Leaks(True, tested=3, pairs=pairs)
    summary = leaks.summary(pd.Series([1.0, 0.5, 0.3], index=["a", "b", "c"]))
    assert summary["score_without"] == pytest.approx(0.4)
    assert (summary["frames"], summary["exact"], summary["near"]) == (1, 0, 1)
    assert summary["examples"] == pairs.to_dict("records")
    assert Leaks(False, "nobody knows").summary(None) == {"checked": False, "why": "nobody knows"}
