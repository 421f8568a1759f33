"""The bench of truth counts as it says, and plants what it says."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataeff_core.datasets.quality import measure
from tests.bench import planted, planting
from tests.bench.planted import BROKEN, Planted, plant, score
from tests.encoders.test_descriptor import view

TRUTH = [
    *(Planted(f"a{i}", "a", "copy") for i in range(4)),
    *(Planted(f"b{i}", "b", "copy") for i in range(3)),
    Planted("c", "c", "original"),
    Planted("d", "d", "original"),
    Planted("blurred", "", "heavy_blur"),
]


def test_a_perfect_selection_scores_one() -> None:
    found = score(TRUTH, {"a0", "b1", "c", "d"})
    assert (found.right, found.missed, found.wrong) == (5, 0, 0)
    assert found.f1 == found.precision == found.recall == 1
    assert (found.distinct, found.distinct_lost, found.groups, found.groups_lost) == (2, 0, 2, 0)


def test_misses_and_losses_are_counted_by_hand() -> None:
    found = score(TRUTH, {"a0", "a1", "a2", "c", "blurred"})  # two of a too many, all of b gone, d gone
    assert (found.right, found.missed, found.wrong) == (1 + 2, 2, 2)
    assert (found.distinct_lost, found.groups_lost) == (1, 1)
    assert found.precision == pytest.approx(3 / 5)
    assert found.recall == pytest.approx(3 / 5)


def test_unusable_members_are_neither_right_nor_missed() -> None:
    found = score(TRUTH, {"a0", "b0", "c", "d"}, {"a1", "b1"})
    assert (found.right, found.missed, found.wrong) == (3, 0, 0)


def test_what_is_planted_is_on_disk_and_the_same_for_a_seed(tmp_path: Path) -> None:
    frames = tmp_path / "source" / "images"
    frames.mkdir(parents=True)
    for seed in range(6):
        Image.fromarray(view(seed)).save(frames / f"frame {seed}.png")
    truth = plant(frames, tmp_path / "out", seed=3)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {one.name for one in truth} | set(BROKEN)
    kinds = [one.kind for one in truth]
    assert kinds.count("original") == 6
    assert 3 <= kinds.count("copy") <= 18
    assert kinds.count("heavy_blur") == planted.FAULTS_OF_EACH
    assert all((one.group == "") == (one.kind not in ("original", "copy")) for one in truth)
    assert plant(frames, tmp_path / "again", seed=3) == truth


def test_near_duplicates_stay_near_and_faults_do_not() -> None:
    frame = view(0)
    for seed in range(5):
        copy = planting.near_duplicate(frame, np.random.default_rng(seed), changes=6)
        same_size = np.asarray(Image.fromarray(copy).resize((frame.shape[1], frame.shape[0])))
        assert np.corrcoef(same_size.ravel(), frame.ravel())[0, 1] > 0.8
    rng = np.random.default_rng(0)
    usual = measure(frame)
    assert measure(planting.heavy_blur(frame, rng))["sharpness"] < usual["sharpness"] - 0.1
    assert measure(planting.black(frame, rng))["brightness"] < 10
    assert measure(planting.white(frame, rng))["brightness"] > 200
    assert measure(planting.noise(frame, rng))["noise"] > 20
    assert measure(planting.bars(frame, rng))["bars"] > 20
    assert measure(planting.caption(frame, rng))["entropy"] < usual["entropy"] - 2
    assert measure(planting.half_frame(frame, rng)) != usual
