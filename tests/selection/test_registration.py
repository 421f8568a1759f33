"""Two pictures of one view register, two that only look alike do not; the numbers are those of a plain loop."""

import numpy as np
import pytest
from scipy import fft, ndimage

from dataeff_core.selection import registration
from dataeff_core.selection.registration import SIDE, confirmer, correlation, picture, same_view


def scene(seed: int, side: int = 96) -> np.ndarray:
    """Texture (side, side) float32 with structure of several sizes."""
    rng = np.random.default_rng(seed)
    parts = [ndimage.gaussian_filter(rng.standard_normal((side, side)), size) for size in (2, 4, 8)]
    return sum(part / part.std() for part in parts).astype(np.float32) * 25 + 120


def window(of: np.ndarray, down: int = 0, across: int = 0) -> np.ndarray:
    start = (len(of) - SIDE) // 2
    cut = of[start + down : start + down + SIDE, start + across : start + across + SIDE]
    return cut.clip(0, 255).astype(np.uint8)


def pair(one: np.ndarray, other: np.ndarray) -> float:
    return float(correlation(np.stack([one, other]), np.array([0]), np.array([1]))[0])


@pytest.mark.parametrize("shift", [(0, 0), (5, -3), (-6, 6), (0, 7)])
def test_a_shifted_picture_registers(shift: tuple[int, int]) -> None:
    view = scene(0)
    assert pair(window(view), window(view, *shift)) > 0.9


def test_rolled_zoomed_relit_and_noisy_pictures_register() -> None:
    for seed in range(8):
        rng = np.random.default_rng(seed)
        view = scene(seed)
        turned = ndimage.rotate(view, rng.uniform(-3, 3), reshape=False, order=1, mode="nearest")
        zoomed = ndimage.zoom(turned, 1.04, order=1)
        changed = 0.85 * window(zoomed, 2, -3) + 20 + rng.normal(0, 5, (SIDE, SIDE))
        assert pair(window(view), changed.clip(0, 255).astype(np.uint8)) > registration.SAME


def test_strangers_do_not_register() -> None:
    pictures = np.stack([window(scene(seed)) for seed in range(40)])
    left, right = np.triu_indices(40, 1)
    same, scores = same_view(pictures, left, right)
    assert not same.any()
    assert scores.max() < registration.SAME


def test_light_falling_alike_is_no_likeness() -> None:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    shading = 90 * np.exp(-((rows - 30) ** 2 + (columns - 34) ** 2) / (2 * 40**2))
    lit = [(0.2 * window(scene(seed)) + 1.5 * shading).clip(0, 255).astype(np.uint8) for seed in (1, 2)]
    assert np.corrcoef(lit[0].ravel(), lit[1].ravel())[0, 1] > 0.5
    assert pair(*lit) < registration.SAME


def test_scores_are_symmetric_and_independent_of_what_else_is_asked() -> None:
    pictures = np.stack([window(scene(seed)) for seed in range(6)])
    left, right = np.array([0, 1, 2, 5]), np.array([3, 4, 0, 5])
    scores = correlation(pictures, left, right)
    assert np.array_equal(scores, correlation(pictures, right, left))
    alone = np.concatenate([correlation(pictures, left[[i]], right[[i]]) for i in range(4)])
    assert np.allclose(scores, alone, atol=1e-5)
    assert scores[3] == pytest.approx(1, abs=1e-4)  # with itself
    assert correlation(pictures, np.zeros(0, int), np.zeros(0, int)).shape == (0,)


def plain(one: np.ndarray, other: np.ndarray) -> float:
    """The same by the definition, shift by shift."""
    margin = round(registration.MARGIN * SIDE)
    band = round(registration.BAND * SIDE)

    def prepared(grey: np.ndarray) -> np.ndarray:
        values = grey.astype(np.float64)
        values = ndimage.gaussian_filter(values, registration.FINE * SIDE) - ndimage.gaussian_filter(
            values, registration.COARSE * SIDE
        )
        spectrum = fft.fft2(values)
        kept = np.abs(np.rint(fft.fftfreq(SIDE) * SIDE)) <= band
        return np.real(fft.ifft2(spectrum * kept[:, None] * kept))

    def best(whole: np.ndarray, template: np.ndarray) -> float:
        middle = template[margin : SIDE - margin, margin : SIDE - margin].ravel()
        size = SIDE - 2 * margin
        found = [
            np.corrcoef(whole[down : down + size, across : across + size].ravel(), middle)[0, 1]
            for down in range(2 * margin + 1)
            for across in range(2 * margin + 1)
        ]
        return float(max(found))

    first, second = prepared(one), prepared(other)
    return (best(first, second) + best(second, first)) / 2


def test_the_correlation_is_that_of_a_plain_loop() -> None:
    view = scene(3)
    for one, other in [(window(view), window(view, 4, 2)), (window(view), window(scene(4)))]:
        assert pair(one, other) == pytest.approx(plain(one, other), abs=2e-3)


def test_pictures_without_structure_are_the_same_only_among_themselves() -> None:
    black, white, textured = np.zeros((SIDE, SIDE), np.uint8), np.full((SIDE, SIDE), 255, np.uint8), window(scene(0))
    assert pair(black, black) == pair(black, white) == 1
    assert pair(black, textured) < registration.SAME


def test_the_picture_is_the_field_of_view() -> None:
    frame = np.zeros((200, 320, 3), np.uint8)
    frame[:, 60:260] = np.repeat(scene(0, 200)[..., None], 3, axis=2).clip(60, 255).astype(np.uint8)
    seen = picture(frame)
    assert seen.shape == (SIDE, SIDE)
    assert seen.dtype == np.uint8
    assert (seen[:, [2, -3]] > 30).all()


def test_a_confirmer_loads_each_picture_once_and_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "BLOCK", 4)
    views = [scene(seed) for seed in range(3)]
    pictures = np.stack([window(views[row % 3], row // 3) for row in range(9)])
    asked: list[int] = []

    def load(row: int) -> np.ndarray:
        asked.append(row)
        return pictures[row]

    confirm = confirmer(load)
    left, right = np.triu_indices(9, 1)
    found = confirm(left, right)
    assert np.array_equal(found, same_view(pictures, left, right)[0])
    assert np.array_equal(found, left % 3 == right % 3)
    assert sorted(asked) == list(range(9))
    assert confirm(np.zeros(0, int), np.zeros(0, int)).shape == (0,)


def test_a_confirmer_forgets_when_it_has_seen_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "BLOCK", 2)
    monkeypatch.setattr(registration, "REMEMBERED", 5)
    pictures = np.stack([window(scene(seed)) for seed in range(12)])
    confirm = confirmer(lambda row: pictures[row])
    left = np.arange(12)
    assert confirm(left, left).all()
    assert not confirm(left[:-1], left[1:]).any()
