import numpy as np
import pytest

from dataeff_core.errors import BadInput
from dataeff_core.hardness.masks import fixed_masks
from dataeff_core.hardness.scale import corrected, enlargement, usual_error


def planted(count: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True difficulty, enlargement, and an error that falls steeply as a patch is enlarged more."""
    rng = np.random.default_rng(seed)
    truth, scale = rng.lognormal(0, 0.4, count), np.exp(rng.uniform(-1.5, 1.5, count))
    return truth, scale, 0.01 * truth * scale**-1.7


def test_size_alone_neither_wins_nor_loses() -> None:
    truth, scale, error = planted()
    hardness = corrected(error, scale, np.zeros(len(error), bool))
    assert np.corrcoef(np.log(error), np.log(scale))[0, 1] < -0.9
    assert abs(np.corrcoef(np.log(hardness), np.log(scale))[0, 1]) < 0.05
    assert np.corrcoef(np.log(hardness), np.log(truth))[0, 1] > 0.98
    assert np.median(hardness) == pytest.approx(np.median(error), rel=0.05)


def test_one_size_and_few_patches_are_left_as_they_are() -> None:
    rng = np.random.default_rng(0)
    for count in (10, 1000):
        error = rng.lognormal(0, 1, count)
        np.testing.assert_allclose(corrected(error, np.full(count, 2.0), np.zeros(count, bool)), error, rtol=1e-9)
    assert usual_error(np.empty(0), np.empty(0)).shape == (0,)


def test_order_of_patches_does_not_matter() -> None:
    _, scale, error = planted(700)
    constant = np.arange(700) % 10 == 0
    order = np.random.default_rng(1).permutation(700)
    np.testing.assert_allclose(
        corrected(error[order], scale[order], constant[order]), corrected(error, scale, constant)[order], rtol=1e-9
    )


def test_constant_patches_get_none_and_do_not_count() -> None:
    error, constant = np.array([1.0, 2.0, 3.0, 50.0]), np.array([False, False, False, True])
    np.testing.assert_allclose(corrected(error, np.ones(4), constant), [1, 2, 3, 0])
    np.testing.assert_array_equal(corrected(error, np.ones(4), np.ones(4, bool)), 0)


def test_enlargement_by_hand() -> None:
    np.testing.assert_allclose(enlargement(np.array([[0, 0, 48, 48], [10, 10, 34, 106]]), 96), [2, 2])


@pytest.mark.parametrize(("parts", "visible"), [(64, 16), (16, 4), (49, 12), (4, 3)])
def test_masks_are_fixed_and_hide_each_part_about_equally(parts: int, visible: int) -> None:
    masks = fixed_masks(parts, visible, 8, seed=3)
    assert (np.sort(masks, axis=1) == np.arange(parts)).all()
    np.testing.assert_array_equal(masks[:3], fixed_masks(parts, visible, 3, seed=3))
    assert not np.array_equal(masks, fixed_masks(parts, visible, 8, seed=4))
    sets = parts // visible
    shown = np.bincount(masks[:sets, :visible].ravel(), minlength=parts)
    assert shown.max() == 1


def test_impossible_masks_are_refused() -> None:
    with pytest.raises(BadInput, match="show 4 of 4"):
        fixed_masks(4, 4, 1, 0)
