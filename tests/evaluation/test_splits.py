"""No group in two splits, every split filled, the same split for the same seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataeff_core.errors import BadInput
from dataeff_core.evaluation.splits import SPLITS, split


def parts_of(groups: np.ndarray, strata: np.ndarray | None = None, seed: int = 0, **shares: float) -> np.ndarray:
    strata = np.full(len(groups), "x", object) if strata is None else strata
    return split(groups, strata, **({"validation": 0.1, "test": 0.3} | shares), seed=seed)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 12), min_size=3, max_size=25),
    seed=st.integers(0, 2**32 - 1),
    kinds=st.integers(1, 3),
)
def test_groups_stay_whole_and_every_split_has_one(sizes: list[int], seed: int, kinds: int) -> None:
    groups = np.repeat([f"g{number}" for number in range(len(sizes))], sizes)
    strata = np.random.default_rng(seed).integers(0, kinds, len(groups)).astype(str)
    parts = parts_of(groups, strata, seed)
    assert set(parts) == set(SPLITS)
    for group in np.unique(groups):
        assert len(set(parts[groups == group])) == 1
    assert (parts == parts_of(groups, strata, seed)).all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_images_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups, strata = rng.integers(0, 12, 60).astype(str), rng.integers(0, 2, 60).astype(str)
    parts, shuffle = parts_of(groups, strata, seed), rng.permutation(60)
    assert (parts_of(groups[shuffle], strata[shuffle], seed) == parts[shuffle]).all()


def test_shares_are_met_where_groups_are_small() -> None:
    parts = parts_of(np.arange(200).astype(str))
    assert [(parts == one).sum() for one in SPLITS] == [120, 20, 60]


def test_every_split_has_its_share_of_a_rare_stratum() -> None:
    strata = np.array(["rare"] * 10 + ["common"] * 190, object)
    parts = parts_of(np.arange(200).astype(str), strata)
    assert [(parts[:10] == one).sum() for one in SPLITS] == [6, 1, 3]


def test_seeds_split_differently() -> None:
    groups = np.arange(50).astype(str)
    assert (parts_of(groups, seed=0) != parts_of(groups, seed=1)).any()


@pytest.mark.parametrize("groups", [["only"] * 5, ["one", "one", "two"]])
def test_too_few_groups_is_one_sentence(groups: list[str]) -> None:
    with pytest.raises(BadInput, match=r"has [12] groups? .* --groups .* split_by=image"):
        parts_of(np.array(groups))
