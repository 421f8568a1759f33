"""Frames that stand out by their quality measures are found and the measure is named; usual frames are left alone."""

import numpy as np
import pandas as pd
import pytest

from dataeff_core.datasets.invalid import FEWEST, LIMIT, default_limit, deviations, score
from dataeff_core.datasets.quality import DESCRIBED, MEASURES

USUAL = {
    "sharpness": (0.7, 0.04),
    "brightness": (110, 14),
    "entropy": (7.1, 0.3),
    "noise": (0.9, 0.4),
    "flat": (0.1, 0.06),
}


def measured(frames: int, seed: int = 0) -> pd.DataFrame:
    """Plausible measures of good frames."""
    rng = np.random.default_rng(seed)
    columns = {}
    for name in MEASURES:
        centre, spread = USUAL.get(name, (1.0, 0.1))
        columns[f"q_{name}"] = np.abs(rng.normal(centre, spread, frames))
    return pd.DataFrame(columns)


def test_the_frame_that_stands_out_is_found_and_its_measure_named() -> None:
    frames = measured(200)
    frames.loc[7, "q_sharpness"] = 0.3
    frames.loc[11, "q_noise"] = 60
    frames.loc[13, "q_entropy"] = 0.5
    scores, standing_out = score(frames)
    assert set(np.argsort(-scores)[:3]) == {7, 11, 13}
    assert list(standing_out[[7, 11, 13]]) == ["sharpness:low", "noise:high", "entropy:low"]
    assert (scores > default_limit(scores)).sum() == 3


def test_good_frames_alone_are_all_left() -> None:
    for seed in range(5):
        scores, _ = score(measured(300, seed))
        assert (scores > default_limit(scores)).mean() <= 0.01
        assert ((scores >= 0) & (scores < 1)).all()


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
def test_any_share_of_faults_is_found(share: float) -> None:
    frames = measured(400)
    faults = np.arange(int(share * 400))
    for row in faults:
        name, value = [("sharpness", 0.35), ("noise", 50.0), ("entropy", 1.0), ("flat", 0.95)][row % 4]
        frames.loc[row, f"q_{name}"] = value
    scores, _ = score(frames)
    dropped = scores > default_limit(scores)
    assert dropped[faults].mean() >= 0.95
    assert dropped[len(faults) :].mean() <= 0.01


def test_a_good_end_does_not_count() -> None:
    frames = measured(100)
    frames.loc[3, "q_sharpness"] = 0.99
    frames.loc[4, "q_noise"] = 0.0
    scores, standing_out = score(frames)
    assert (scores[[3, 4]] < LIMIT).all()
    assert not {"sharpness:high", "noise:low"} & set(standing_out)


def test_few_frames_or_none_are_never_unusual() -> None:
    for count in (0, 1, FEWEST - 1):
        scores, standing_out = score(measured(count))
        assert scores.shape == standing_out.shape == (count,)
        assert scores.dtype == np.float32
        assert not scores.any()
        assert set(standing_out) <= {""}
    assert default_limit(np.zeros(0, np.float32)) == LIMIT


def test_identical_frames_are_all_usual() -> None:
    frames = pd.concat([measured(1)] * 50, ignore_index=True)
    scores, standing_out = score(frames)
    assert np.ptp(scores) == 0
    assert scores[0] < LIMIT
    assert set(standing_out) == {""}


def test_missing_values_and_columns_count_as_usual() -> None:
    frames = measured(60)
    whole, _ = score(frames)
    frames.loc[5, "q_sharpness"] = np.nan
    frames = frames.drop(columns=["q_flat"])
    frames["q_bars"] = np.nan
    scores, _ = score(frames)
    assert np.isfinite(scores).all()
    assert scores[5] <= whole[5] + 0.05
    empty, _ = score(pd.DataFrame({"frame_id": [str(i) for i in range(20)]}))
    assert np.ptp(empty) == 0


def test_the_same_frames_have_the_same_scores() -> None:
    frames = measured(120)
    first, second = score(frames), score(frames.copy())
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])


def test_deviations_are_robust_standard_deviations() -> None:
    values = np.ones((101, len(MEASURES)))
    column = MEASURES.index("brightness")
    values[:, column] = 100 + 27 * np.sort(np.random.default_rng(0).standard_normal(101))
    found = deviations(values)[:, column]
    lower, upper = np.quantile(values[:, column], [0.25, 0.75])
    expected = (values[:, column] - np.median(values[:, column])) / ((upper - lower) / 1.349)
    assert np.allclose(found, expected)
    assert not np.delete(deviations(values), column, axis=1).any()
    assert DESCRIBED["brightness"].bad == "both"


def test_by_default_no_more_than_four_in_ten_frames_go() -> None:
    scores = np.linspace(0.4, 0.9, 100).astype(np.float32)
    assert (scores > default_limit(scores)).mean() == pytest.approx(0.4, abs=0.01)
