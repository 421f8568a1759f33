from collections import Counter

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import laplace

from dataeff_core.datasets.demo.faults import KINDS, Stretch, apply_fault, plan_faults, text_screen
from dataeff_core.datasets.demo.rendering import finish, render
from dataeff_core.datasets.demo.video import Footage


@pytest.fixture(scope="module")
def linear(footage: Footage) -> np.ndarray:
    return render(footage.scene, footage.lens, footage.path.pose(20, footage.scene.tube)).image


def shown(footage: Footage, linear: np.ndarray) -> np.ndarray:
    """Grey levels, 0-255, inside the field of view (0 elsewhere) as a camera would give them."""
    image = finish(linear, footage.lens.alpha, 0.0, np.random.default_rng(0))
    return image.astype(float).mean(2)


def with_fault(footage: Footage, linear: np.ndarray, kind: str, strength: float = 0.0) -> np.ndarray:
    changed, _ = apply_fault(linear, footage.lens.alpha, Stretch(kind, 20, 22, strength, 5), 21)
    return shown(footage, changed)


def inner(footage: Footage) -> np.ndarray:
    return footage.lens.alpha == 1


@pytest.mark.parametrize("kind", ["motion_blur", "defocus"])
def test_blur_takes_the_fine_detail(footage: Footage, linear: np.ndarray, kind: str) -> None:
    core = np.s_[24:72, 24:72]  # away from the surround's edge
    sharp, blurred = shown(footage, linear)[core], with_fault(footage, linear, kind)[core]
    assert laplace(blurred).var() < 0.4 * laplace(sharp).var()
    assert blurred.mean() == pytest.approx(sharp.mean(), rel=0.25)


def test_blur_keeps_the_surround_black(footage: Footage, linear: np.ndarray) -> None:
    for kind in ("motion_blur", "defocus"):
        assert with_fault(footage, linear, kind)[footage.lens.alpha == 0].max() == 0


def test_darkness_is_dark(footage: Footage, linear: np.ndarray) -> None:
    dark = with_fault(footage, linear, "darkness")[inner(footage)]
    assert dark.mean() < 0.35 * shown(footage, linear)[inner(footage)].mean()


def test_overexposure_clips(footage: Footage, linear: np.ndarray) -> None:
    clean, bright = (
        shown(footage, linear)[inner(footage)],
        with_fault(footage, linear, "overexposure")[inner(footage)],
    )
    assert (bright >= 250).mean() > 0.25  # at its weakest
    assert (bright >= 250).mean() > 3 * (clean >= 250).mean()


def test_bubbles_and_interference_add_edges(footage: Footage, linear: np.ndarray) -> None:
    clean = laplace(shown(footage, linear))[inner(footage)].var()
    for kind in ("bubbles", "interference"):
        assert laplace(with_fault(footage, linear, kind))[inner(footage)].var() > 1.5 * clean


def test_stool_covers_much_and_says_where(footage: Footage, linear: np.ndarray) -> None:
    changed, cover = apply_fault(linear, footage.lens.alpha, Stretch("stool", 0, 3, 0.5, 5), 1)
    assert cover.mean() > 0.35
    clear = cover < 1e-3
    np.testing.assert_allclose(changed[clear], linear[clear], atol=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_faults_are_repeatable_and_leave_their_input_alone(footage: Footage, linear: np.ndarray, kind: str) -> None:
    before = linear.copy()
    stretch = Stretch(kind, 20, 22, 0.5, 7)
    first, _ = apply_fault(linear, footage.lens.alpha, stretch, 21)
    second, _ = apply_fault(linear, footage.lens.alpha, stretch, 21)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(linear, before)
    assert np.isfinite(first).all()
    assert np.abs(first - linear).mean() > 0.01


def test_text_screen_has_text_on_a_plain_ground() -> None:
    screen = text_screen(128, Stretch("text_screen", 0, 1, 0.5, 3))
    assert screen.shape == (128, 128, 3)
    ground = Counter(map(tuple, screen.reshape(-1, 3))).most_common(1)[0][1]
    assert 0.7 < ground / 128**2 < 0.99


@pytest.mark.parametrize("frames", [1, 5, 9, 10, 23, 24, 60, 100, 150])
def test_stretches_are_short_apart_and_inside(frames: int) -> None:
    for seed in range(20):
        stretches = plan_faults(frames, seed % 7, np.random.default_rng(seed))
        taken = [index for part in stretches for index in range(part.first, part.last + 1)]
        assert len(taken) == len(set(taken))
        assert all(0 <= index < frames for index in taken)
        assert all(1 <= part.last - part.first + 1 <= 5 for part in stretches)
        assert len(taken) <= 0.5 * frames


def test_six_videos_of_a_hundred_have_every_fault() -> None:
    kinds = {part.kind for video in range(6) for part in plan_faults(100, video, np.random.default_rng(video))}
    assert kinds == set(KINDS)


def test_the_truth_names_the_planned_faults(truth: pd.DataFrame) -> None:
    assert set(truth["fault"]) - {""} <= set(KINDS)
    assert (truth["fault"] != "").any()
    faulty = truth["fault"] != ""
    assert ((truth["near_duplicate_group"] == "") == faulty).all()
    assert (truth.loc[truth["fault"].isin(["text_screen", "black"]), "polyps"] == "").all()
