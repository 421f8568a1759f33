"""The lit field is found behind surrounds of several kinds, and a frame without one is field throughout."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from dataeff_core import field_of_view

HEIGHT, WIDTH = 200, 256


def tissue(seed: int = 0) -> np.ndarray:
    """Reddish texture (HEIGHT, WIDTH, 3) uint8 of some brightness everywhere."""
    rng = np.random.default_rng(seed)
    texture = ndimage.gaussian_filter(rng.standard_normal((HEIGHT, WIDTH)), 8)
    level = 140 + 60 * texture / np.abs(texture).max()
    return np.stack([level, level * 0.6, level * 0.45], axis=2).astype(np.uint8)


def disc(centre_x: int = 150, radius: int = 95) -> np.ndarray:
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    return (rows - HEIGHT / 2) ** 2 + (columns - centre_x) ** 2 < radius**2


def scope(surround: int = 0) -> np.ndarray:
    frame = np.full((HEIGHT, WIDTH, 3), surround, np.uint8)
    frame[disc()] = tissue()[disc()]
    return frame


def edges(field: field_of_view.Field) -> np.ndarray:
    return np.array([field.top, field.bottom, field.left, field.right])


@pytest.mark.parametrize("surround", [0, 6, 17, 30])
def test_a_disc_is_found_whatever_dark_grey_surrounds_it(surround: int) -> None:
    field = field_of_view.find(scope(surround))
    # where the disc is 60 % as wide as at the median column: at 0.85 of the radius
    expected = [HEIGHT / 2 - 81, HEIGHT / 2 + 81, 150 - 81, 150 + 81]
    assert np.abs(edges(field) - expected).max() <= 10
    assert field.share == pytest.approx(disc().mean(), abs=0.05)


def test_lettering_and_a_box_in_the_surround_do_not_move_the_field() -> None:
    plain, overlaid = scope(), scope()
    overlaid[20:24, 4:40] = 255  # a line of letters
    overlaid[150:198, 2:58] = (40, 180, 140)  # a box beside the field
    assert np.abs(edges(field_of_view.find(plain)) - edges(field_of_view.find(overlaid))).max() <= 8


def test_a_dark_lumen_at_the_rim_is_still_field() -> None:
    plain, dark = scope(), scope()
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    lumen = disc() & ((rows - 100) ** 2 + (columns - 222) ** 2 < 22**2)
    dark[lumen] = (6, 3, 2)
    assert np.abs(edges(field_of_view.find(plain)) - edges(field_of_view.find(dark))).max() <= 12


def test_brightness_does_not_move_the_field() -> None:
    frame = scope(10)
    dimmer = (frame * 0.88).astype(np.uint8)
    assert np.abs(edges(field_of_view.find(frame)) - edges(field_of_view.find(dimmer))).max() <= 3


@pytest.mark.parametrize("frame", [tissue(), np.full((50, 80, 3), 200, np.uint8)], ids=["tissue", "white"])
def test_without_a_surround_the_field_is_the_frame(frame: np.ndarray) -> None:
    field = field_of_view.find(frame)
    assert (field.top, field.left) == (0, 0)
    assert (field.bottom, field.right) == frame.shape[:2]
    assert field.share == 1


def test_a_frame_without_light_is_field_throughout_and_wholly_border() -> None:
    field = field_of_view.find(np.zeros((60, 90, 3), np.uint8))
    assert tuple(edges(field)) == (0, 60, 0, 90)
    assert field.share == 0


@settings(max_examples=60, deadline=None)
@given(height=st.integers(1, 70), width=st.integers(1, 70), seed=st.integers(0, 50), level=st.integers(0, 255))
def test_the_field_is_never_empty_and_never_outside(height: int, width: int, seed: int, level: int) -> None:
    frame = np.random.default_rng(seed).integers(0, level + 1, (height, width, 3)).astype(np.uint8)
    field = field_of_view.find(frame)
    assert 0 <= field.top < field.bottom <= height
    assert 0 <= field.left < field.right <= width
    assert 0 <= field.share <= 1
    assert field.crop(frame).size > 0
