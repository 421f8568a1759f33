"""What `alike` leaves, against the cover rule on all similarities at once."""

import numpy as np
import pytest

from dataeff_core.errors import BadInput
from dataeff_core.hardness import diversity
from dataeff_core.hardness.diversity import Diversity
from dataeff_core.selection.vectors import unit_rows
from tests.selection import references

EVERY = np.arange(600)


def vectors(m: int = 600, seed: int = 0) -> np.ndarray:
    """Half precision, with exact copies among them."""
    made = references.planted(m, scenes=m // 6, noise=0.15, seed=seed).astype(np.float16)
    made[m // 2 : m // 2 + 40] = made[:40]
    return made


def plainly(some: np.ndarray, start: int, limit: float) -> np.ndarray:
    """(m,) bool: take the least similar one again and again, as long as it is no more similar than `limit`."""
    rows = unit_rows(some).astype(np.float64)
    kept = [start]
    while len(kept) < len(rows):
        best = (rows @ rows[kept].T).max(axis=1)
        best[kept] = np.inf
        if best.min() > limit:
            break
        kept.append(int(best.argmin()))
    return np.isin(np.arange(len(rows)), kept)


@pytest.mark.parametrize("limit", [0.3, 0.8, 0.95])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_it_is_the_cover_rule_among_the_chosen(limit: float, share: float) -> None:
    some = vectors()
    rows = np.random.default_rng(1).permutation(EVERY)[: int(share * 600)]
    one = Diversity(some, EVERY)
    _, distances = one.clusters(0)
    start = int(np.argmin(distances[np.sort(rows)]))
    expected = np.sort(rows)[plainly(some[np.sort(rows)], start, limit)]
    assert np.sort(rows[one.distinct(rows, limit)]).tolist() == expected.tolist()


def test_no_two_of_a_cluster_are_too_alike_and_each_left_out_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diversity, "ABOUT", 100)
    monkeypatch.setattr(diversity, "A_CENTRE", 20)
    some = vectors()
    one = Diversity(some, EVERY[50:])
    labels, _ = one.clusters(3)
    assert len(np.unique(labels[50:])) == 6
    assert (labels[:50] == -1).all()
    kept = one.distinct(EVERY[50:], 0.9, seed=3)
    exact = unit_rows(some).astype(np.float64)
    for label in range(6):
        members = np.flatnonzero(labels == label)
        among, others = members[kept[members - 50]], members[~kept[members - 50]]
        pairs = exact[among] @ exact[among].T
        np.fill_diagonal(pairs, -1)
        assert pairs.max(initial=-1) <= 0.9 + 1e-6
        assert ((exact[others] @ exact[among].T).max(axis=1) > 0.9 - 1e-6).all()


def test_asked_in_any_order_the_answer_is_the_same() -> None:
    some = vectors()
    one = Diversity(some, EVERY)
    asked = [(0.9, 0), (0.5, 0), (0.95, 0), (0.5, 1), (0.9, 0), (1.0, 0), (-1.0, 0)]
    for limit, seed in asked:
        fresh = Diversity(some, EVERY).distinct(EVERY, limit, seed=seed)
        np.testing.assert_array_equal(one.distinct(EVERY, limit, seed=seed), fresh)
    assert one.distinct(EVERY, -1.0).sum() == 1


def test_patches_that_are_all_the_same_and_a_single_one() -> None:
    same = np.repeat(vectors()[:1], 300, axis=0)
    assert Diversity(same, EVERY[:300]).distinct(EVERY[:300], 0.999).sum() == 1
    assert Diversity(vectors()[:6], EVERY[3:4]).distinct(EVERY[3:4], 0.1).tolist() == [True]
    nothing = np.zeros((5, 4), np.float16)
    assert Diversity(nothing, EVERY[:5]).distinct(EVERY[:5], 0.5).tolist() == [True] * 5


def test_a_vector_that_is_no_number_is_one_sentence() -> None:
    broken = vectors()
    broken[7, 3] = np.nan
    with pytest.raises(BadInput, match="row 7"):
        Diversity(broken, EVERY).distinct(EVERY, 0.9)
