"""Each measure answers to what it is called for, on pictures whose measure is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from dataeff_core.datasets.quality import DESCRIBED, MEASURES, measure, words

SIDE = 192  # the size at which measures are taken: nothing is resampled then


def grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(np.clip(values, 0, 255).round().astype(np.uint8)[..., None], 3, axis=2)


def texture(seed: int = 0, smoothness: float = 2.0, shape: tuple[int, int] = (SIDE, SIDE)) -> np.ndarray:
    """Light grey texture (h, w, 3) uint8."""
    values = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), smoothness)
    return grey(140 + 25 * values / values.std())


def test_the_measures_asked_for_are_there_and_described() -> None:
    values = measure(texture())
    assert tuple(values) == MEASURES == tuple(DESCRIBED)
    assert {"sharpness", "brightness", "contrast", "clipped", "entropy", "border", "flat"} <= set(MEASURES)
    assert all(type(value) is float for value in values.values())


def test_tones_of_two_levels_are_known() -> None:
    halves = np.full((SIDE, SIDE), 100.0)
    halves[:, SIDE // 2 :] = 200
    values = measure(grey(halves))
    assert values["brightness"] == pytest.approx(150)
    assert values["contrast"] == pytest.approx(50)
    assert values["entropy"] == pytest.approx(1)  # one bit
    assert values["clipped"] == values["glare"] == values["dark"] == values["border"] == 0
    assert values["flat"] == 1  # the edge falls between tiles


def test_clipped_and_glare_are_shares_of_the_field() -> None:
    picture = np.full((SIDE, SIDE), 120.0)
    picture[: SIDE // 4] = 255
    values = measure(grey(picture))
    assert values["clipped"] == pytest.approx(0.25)
    assert values["glare"] == pytest.approx(0.25)


def test_blurring_lowers_sharpness_step_by_step() -> None:
    sharp = texture(smoothness=1.0)
    found = [
        measure(grey(ndimage.gaussian_filter(sharp[..., 0].astype(float), blur)))["sharpness"]
        for blur in (0, 1, 2, 4, 8)
    ]
    assert found == sorted(found, reverse=True)
    assert found[0] - found[-1] > 0.3


def test_blur_along_one_direction_lowers_sharpness_too() -> None:
    sharp = texture(smoothness=1.0)
    smeared = grey(ndimage.uniform_filter1d(sharp[..., 0].astype(float), 15, axis=1))
    assert measure(sharp)["sharpness"] - measure(smeared)["sharpness"] > 0.2


@pytest.mark.parametrize("sigma", [3.0, 8.0, 15.0])
def test_noise_is_its_standard_deviation(sigma: float) -> None:
    smooth = texture(smoothness=12)[..., 0]
    noisy = grey(smooth + np.random.default_rng(1).normal(0, sigma, smooth.shape))
    assert measure(noisy)["noise"] == pytest.approx(sigma, rel=0.15)
    assert measure(grey(smooth))["noise"] < 1


def test_bars_are_seen_along_either_axis_and_an_overlays_edge_is_not() -> None:
    plain = texture(smoothness=6)
    rows, columns, box = plain.copy(), plain.copy(), plain.copy()
    for start in (20, 60, 100, 150):
        rows[start : start + 6] = (250, 40, 200)
        columns[:, start : start + 6] = 20
    box[100:160, :60] = (40, 180, 140)
    assert measure(rows)["bars"] > 30
    assert measure(columns)["bars"] > 30
    assert measure(box)["bars"] < measure(plain)["bars"] + 3


def test_a_round_field_that_the_sensor_cuts_off_straight_has_no_bars() -> None:
    image = np.zeros((256, 256, 3), dtype=np.uint8)
    rows, columns = np.ogrid[:256, :256]
    field = (np.hypot(rows - 128, columns - 128) < 126) & (np.abs(rows - 128) < 90)
    image[field] = (230, 150, 140)
    softly = ndimage.gaussian_filter(image, (2, 2, 0))  # as compression leaves it
    assert measure(softly)["bars"] < 10


def test_lettering_raises_its_measure() -> None:
    lettered = texture(smoothness=6)
    lettered[40:150:12, 20:160:3] = 255
    assert measure(lettered)["lettering"] > measure(texture(smoothness=6))["lettering"] + 1


def test_colour_measures_have_their_signs() -> None:
    red = measure(np.full((90, 90, 3), (180, 90, 60), np.uint8))
    assert red["redness"] == pytest.approx(90)
    assert red["yellowness"] == pytest.approx(75)
    assert red["saturation"] == pytest.approx(120 / 180)
    assert measure(texture())["saturation"] == pytest.approx(0, abs=1e-6)


def test_colour_speckle_is_told_from_grey_noise() -> None:
    rng = np.random.default_rng(2)
    shape = (SIDE, SIDE)
    same = rng.normal(0, 20, shape)
    speckled = np.clip(140 + rng.normal(0, 20, (*shape, 3)), 0, 255).astype(np.uint8)
    assert measure(speckled)["colour_noise"] > 5 * measure(grey(140 + same))["colour_noise"]


def test_a_dark_surround_is_border_and_no_part_of_the_rest() -> None:
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    picture[:, 48:144] = (200, 120, 100)
    values = measure(picture)
    assert values["border"] == pytest.approx(0.5, abs=0.04)
    assert values["off_centre"] == pytest.approx(0, abs=0.03)
    assert values["dark"] < 0.05
    picture[:, 96:] = 0
    assert measure(picture)["off_centre"] == pytest.approx(0.25, abs=0.05)


def test_the_size_of_the_picture_hardly_matters() -> None:
    large = np.kron(texture(smoothness=5), np.ones((4, 4, 1), np.uint8))
    small, again = measure(texture(smoothness=5)), measure(large)
    for name in MEASURES:
        assert again[name] == pytest.approx(small[name], rel=0.02, abs=0.02), name


@settings(max_examples=40, deadline=None)
@given(height=st.integers(1, 60), width=st.integers(1, 60), low=st.integers(0, 255), seed=st.integers(0, 99))
def test_every_picture_has_finite_measures_and_always_the_same(height: int, width: int, low: int, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(low, 256, (height, width, 3)).astype(np.uint8)
    values = measure(picture)
    assert np.isfinite(list(values.values())).all()
    assert values == measure(picture.copy())
    for share in ("clipped", "dark", "glare", "border", "flat"):
        assert 0 <= values[share] <= 1


def test_words_say_which_end_stands_out() -> None:
    assert words("sharpness:low") == "much blurrier than the rest"
    for name in MEASURES:
        for end in ("low", "high"):
            assert words(f"{name}:{end}").endswith(" than the rest")
