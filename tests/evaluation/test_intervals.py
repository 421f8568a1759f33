"""The bootstrap against a direct computation."""

import numpy as np

from dataeff_core.evaluation.intervals import draws, interval, intervals
from dataeff_core.evaluation.metrics import Metric


def mean_of(values: np.ndarray) -> Metric:
    return lambda weights: weights @ values / weights.sum(axis=1)


def test_resamples_draw_as_many_images_as_there_are() -> None:
    weights = draws(np.arange(20).astype(str), seed=0, resamples=200)
    assert weights.shape == (200, 20)
    assert (weights.sum(axis=1) == 20).all()


def test_against_a_direct_computation() -> None:
    """The same interval, to the bootstrap's own noise, as resampling by index in a loop."""
    values = np.random.default_rng(5).beta(2, 3, 80)
    low, high = intervals({"mean": mean_of(values)}, np.arange(80).astype(str), seed=1, resamples=4000)["mean"]
    rng = np.random.default_rng(2)
    direct = [values[rng.integers(0, 80, 80)].mean() for _ in range(4000)]
    np.testing.assert_allclose([low, high], np.percentile(direct, [2.5, 97.5]), atol=0.004)
    assert low < values.mean() < high


def test_images_of_a_group_are_drawn_together() -> None:
    groups = np.array(["a", "a", "b", "c", "c", "c"])
    weights = draws(groups, seed=3, resamples=100)
    for group in "abc":
        assert (weights[:, groups == group] == weights[:, groups == group][:, :1]).all()


def test_groups_widen_the_interval_where_their_images_are_alike() -> None:
    values = np.repeat(np.random.default_rng(0).random(10), 20)
    groups = np.repeat(np.arange(10).astype(str), 20)
    alone = intervals({"mean": mean_of(values)}, np.arange(200).astype(str), seed=0)["mean"]
    together = intervals({"mean": mean_of(values)}, groups, seed=0)["mean"]
    assert together[1] - together[0] > 3 * (alone[1] - alone[0])


def test_the_seed_decides() -> None:
    values = np.random.default_rng(0).random(30)
    units = np.arange(30).astype(str)
    first, again, other = (intervals({"m": mean_of(values)}, units, seed=seed)["m"] for seed in (4, 4, 5))
    assert first == again != other


def test_resamples_without_the_metric_are_left_out() -> None:
    assert interval(np.array([np.nan, 0.5, 0.5, np.nan])) == (0.5, 0.5)


def test_one_group_alone_has_no_interval() -> None:
    values = np.array([0.1, 0.9, 0.5])
    assert intervals({"mean": mean_of(values)}, np.array(["a", "a", "a"]), seed=0) == {}
    assert intervals({"mean": mean_of(values)}, np.array(["a", "a", "b"]), seed=0) != {}
