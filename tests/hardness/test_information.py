"""The two terms against closed forms, and subsets against a slow reference."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from dataeff_core.errors import BadInput
from dataeff_core.hardness.information import FLOOR, Moments, Running, entropy, of_sums, pointwise, terms


def gaussian(patches: int = 4000, values: int = 48, *, spread: float = 0.2, noise: float = 0.1, seed: int = 0):
    """y ~ N(c, spread^2) each channel, seen through noise; the best prediction of y given x, and moments of both."""
    rng = np.random.default_rng(seed)
    constant = np.array([0.6, 0.4, 0.3])
    y = constant[:, None] + spread * rng.standard_normal((patches, 3, values))
    x = y + noise * rng.standard_normal(y.shape)
    best = constant[:, None] + spread**2 / (spread**2 + noise**2) * (x - constant[:, None])
    return y, best, moments_of(y, best)


def moments_of(y: np.ndarray, drawn: np.ndarray) -> Moments:
    return Moments(y.mean(axis=2), np.square(y).mean(axis=(1, 2)), np.square(y - drawn).mean(axis=(1, 2)))


def test_gaussian_data_have_their_closed_form() -> None:
    spread, noise = 0.2, 0.1
    _, _, moments = gaussian(spread=spread, noise=noise)
    found = terms(moments)
    left = spread**2 * noise**2 / (spread**2 + noise**2)
    assert found.nothing == pytest.approx(0.5 * math.log(2 * math.pi * math.e * spread**2), abs=0.005)
    assert found.given == pytest.approx(0.5 * math.log(2 * math.pi * math.e * left), abs=0.005)
    assert found.information == pytest.approx(0.5 * math.log(1 + spread**2 / noise**2), abs=0.005)
    np.testing.assert_allclose(found.constant, [0.6, 0.4, 0.3], atol=0.003)


@settings(max_examples=20, deadline=None)
@given(squared=st.floats(0, 0.5), floor=st.floats(1e-6, 0.1))
def test_entropy_is_the_infimum_over_variances(squared: float, floor: float) -> None:
    def loss(log_variance: float) -> float:
        variance = math.exp(log_variance)
        return 0.5 * math.log(2 * math.pi * variance) + squared / (2 * variance)

    least = minimize_scalar(loss, bounds=(math.log(floor), 2), method="bounded", options={"xatol": 1e-9}).fun
    assert entropy(squared, floor) == pytest.approx(min(least, loss(math.log(floor))), abs=1e-6)


def test_any_subset_is_as_if_fitted_on_its_values() -> None:
    """Against -ln f of every single value, with constant and variances fitted by hand."""
    y, drawn, moments = gaussian(patches=60, values=12, seed=3)
    chosen = np.random.default_rng(1).random(60) < 0.4
    found = terms(moments, chosen)
    values, prediction = y[chosen], drawn[chosen]
    centre = values.mean(axis=(0, 2))[:, None]
    for term, guess in ((found.nothing, np.broadcast_to(centre, values.shape)), (found.given, prediction)):
        squared = np.square(values - guess)
        surprise = 0.5 * np.log(2 * np.pi * squared.mean()) + squared / (2 * squared.mean())
        assert term == pytest.approx(surprise.mean(), abs=1e-9)
    assert terms(moments, np.flatnonzero(chosen)) == found


def test_pointwise_values_average_to_the_terms() -> None:
    y, _, moments = gaussian(patches=80, values=9, seed=5)
    fitted = terms(moments)
    nothing, given = pointwise(moments, fitted)
    assert nothing.mean() == pytest.approx(fitted.nothing, abs=1e-9)
    assert given.mean() == pytest.approx(fitted.given, abs=1e-9)
    squared = np.square(y[7] - np.array(fitted.constant)[:, None]).mean()
    by_hand = 0.5 * math.log(2 * math.pi * fitted.variance_nothing) + squared / (2 * fitted.variance_nothing)
    assert nothing[7] == pytest.approx(by_hand, abs=1e-9)


def test_running_sums_give_every_range() -> None:
    _, _, moments = gaussian(patches=50, values=6)
    order = np.argsort(moments.error)
    running = Running(moments, order)
    for start, stop in ((0, 50), (10, 30), (49, 50)):
        direct = terms(moments, order[start:stop])
        got = running.between(start, stop)
        assert (got.nothing, got.given, got.patches) == pytest.approx((direct.nothing, direct.given, stop - start))
    with pytest.raises(BadInput, match="places 3 to 51"):
        running.between(3, 51)


def test_harder_patches_raise_what_is_left_and_diverse_ones_what_is_to_be_known() -> None:
    _, _, moments = gaussian(patches=500, values=30)
    harder = Moments(moments.mean, moments.square, moments.error * 2)
    assert terms(harder).given > terms(moments).given
    shift = np.linspace(-0.3, 0.3, 500)[:, None]
    diverse = Moments(
        moments.mean + shift,
        moments.square + 2 * shift[:, 0] * moments.mean.mean(axis=1) + shift[:, 0] ** 2,
        moments.error,
    )
    assert terms(diverse).nothing > terms(moments).nothing
    assert terms(diverse).given == terms(moments).given


def test_constant_patches_and_empty_subsets_stay_finite_or_say_so() -> None:
    flat = Moments(np.full((3, 3), 0.5), np.full(3, 0.25), np.zeros(3))
    found = terms(flat)
    assert found.nothing == found.given == pytest.approx(0.5 * math.log(2 * math.pi * FLOOR))
    assert found.information == 0
    assert math.isnan(of_sums(np.zeros(5), 0).information)
    assert math.isnan(terms(flat, np.zeros(3, bool)).nothing)
