"""Paired differences by hand, and sentences that claim no more than they show."""

import math

import numpy as np
import pandas as pd
import pytest

from dataeff_core.benchmarking.verdict import difference, interval, sentence

T_975_OF_2 = 4.30265273  # Student's t, two degrees of freedom, from a printed table


def table(**scores: list[float]) -> pd.DataFrame:
    """`method_keep=[score of seed 0, 1, ...]`, the share in per cent."""
    rows = []
    for name, values in scores.items():
        method, keep = name.rsplit("_", 1)
        rows += [(method, int(keep) / 100, seed, value) for seed, value in enumerate(values)]
    return pd.DataFrame(rows, columns=["method", "keep", "seed", "miou"])


def test_the_interval_is_students_over_the_seeds() -> None:
    values = np.array([0.012, -0.001, 0.010])
    low, high = interval(values)
    sd = math.sqrt(sum((one - 0.007) ** 2 for one in values) / 2)
    half = T_975_OF_2 * sd / math.sqrt(3)
    assert low == pytest.approx(0.007 - half, abs=1e-9)
    assert high == pytest.approx(0.007 + half, abs=1e-9)
    assert interval(np.array([0.5])) == (None, None)
    assert interval(np.array([])) == (None, None)


def test_differences_are_paired_by_seed() -> None:
    """The scores scatter by 0.1 from seed to seed, their difference not at all."""
    found = difference(table(full_100=[0.3, 0.4, 0.5], meddel_20=[0.31, 0.41, 0.51]), ("meddel", 0.2))
    assert found is not None
    assert (found.seeds, found.mean) == (3, pytest.approx(0.01))
    assert found.low == pytest.approx(0.01)
    assert found.high == pytest.approx(0.01)
    assert found.shown


def test_only_seeds_that_both_have_count() -> None:
    cells = table(full_100=[0.4, 0.6], meddel_20=[0.5, 0.5, 0.9]).sample(frac=1, random_state=0)
    found = difference(cells, ("meddel", 0.2))
    assert found is not None
    assert (found.seeds, found.one_mean, found.other_mean) == (2, 0.5, 0.5)
    assert difference(cells, ("meddel", 0.5)) is None
    assert difference(cells[cells["method"] == "meddel"], ("meddel", 0.2)) is None


def test_the_sentence_of_the_question() -> None:
    cells = table(full_100=[0.400, 0.410, 0.405], meddel_20=[0.412, 0.409, 0.415])
    found = difference(cells, ("meddel", 0.2))
    assert found is not None
    assert sentence(found, names={"meddel": "MedDEL"}) == (
        "At 20 % MedDEL scores 0.412 against 0.405 for all frames: difference +0.007, 95 % interval −0.010 to "
        "+0.024 over 3 seeds: no difference can be shown. That is no proof of equality: 0.010 worse and 0.024 better "
        "are both still possible."
    )


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ([0.5], "One seed shows no uncertainty, so nothing follows from it yet."),
        ([0.52, 0.53, 0.52], "it scores higher."),
        ([0.31, 0.33, 0.32], "it scores lower."),
        ([0.52, 0.52], "it scores higher, though two seeds are thin evidence."),
        ([0.40, 0.40, 0.40], "the same in every seed."),
        ([0.41, 0.40, 0.40], "no difference can be shown."),
    ],
)
def test_it_claims_no_more_than_is_shown(scores: list[float], said: str) -> None:
    found = difference(table(full_100=[0.4] * len(scores), meddel_5=scores), ("meddel", 0.05))
    assert found is not None
    assert said in sentence(found)


def test_subsets_are_compared_with_each_other_too() -> None:
    cells = table(meddel_20=[0.4, 0.5], random_20=[0.3, 0.41], random_50=[0.4, 0.4])
    same = difference(cells, ("meddel", 0.2), ("random", 0.2))
    other = difference(cells, ("meddel", 0.2), ("random", 0.5))
    assert same is not None
    assert other is not None
    assert "for random:" in sentence(same)
    assert "for random at 50 %:" in sentence(other)
