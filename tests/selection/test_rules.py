"""The three rules of papers and code against plain loops."""

import numpy as np
import pytest

from dataeff_core.errors import BadInput
from dataeff_core.selection import rules, similarity
from dataeff_core.selection.rules import COVER, LEADER, PAIRWISE, RULES, SEMDEDUP, Rule, priority_of, scores
from tests.selection import references

ONE = np.zeros(120, dtype=int)


@pytest.fixture(params=[8192, 30], ids=["small", "large"])
def size_of_clusters(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "DENSE_LIMIT", request.param)
    monkeypatch.setattr(similarity, "LOOK_AHEAD", 16)


@pytest.fixture
def chain() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(vectors, cosines, distances) of one cluster like a video."""
    vectors = references.video(120)
    middle = vectors.mean(axis=0) / np.linalg.norm(vectors.mean(axis=0))
    return vectors, vectors @ vectors.T, (1 - vectors @ middle).astype(np.float32)


def order_of(distances: np.ndarray, keep: str, seed: int = 3) -> list[int]:
    return np.argsort(priority_of(distances, keep, seed=seed), kind="stable").tolist()


@pytest.mark.usefixtures("size_of_clusters")
@pytest.mark.parametrize("keep", ["near", "far", "random"])
def test_semdedup_is_the_largest_cosine_to_any_earlier_item(chain: tuple, keep: str) -> None:
    vectors, cosines, distances = chain
    found = scores(SEMDEDUP, vectors, ONE, priority_of(distances, keep, seed=3))
    np.testing.assert_allclose(found, references.semdedup(cosines, order_of(distances, keep)), atol=1e-6)


@pytest.mark.usefixtures("size_of_clusters")
@pytest.mark.parametrize("keep", ["near", "far", "random"])
@pytest.mark.parametrize("eta", [0.5, 0.9, 0.99])
def test_leader_is_the_greedy_loop(chain: tuple, keep: str, eta: float) -> None:
    vectors, cosines, distances = chain
    found = scores(LEADER, vectors, ONE, priority_of(distances, keep, seed=3), eta=eta)
    assert np.flatnonzero(found <= eta).tolist() == references.leader(cosines, order_of(distances, keep), eta)


@pytest.mark.usefixtures("size_of_clusters")
@pytest.mark.parametrize("keep", ["near", "far"])
@pytest.mark.parametrize("eta", [0.5, 0.9, 0.99])
def test_pairwise_is_algorithm_1_from_the_next_item_on(chain: tuple, keep: str, eta: float) -> None:
    vectors, cosines, distances = chain
    found = scores(PAIRWISE, vectors, ONE, priority_of(distances, keep, seed=3), eta=eta)
    expected = references.algorithm_1(cosines, distances, eta, first=1, keep=keep)
    assert np.flatnonzero(found <= eta).tolist() == expected
    among = cosines[np.ix_(expected, expected)] - 3 * np.eye(len(expected))
    np.testing.assert_allclose(found[expected], among.max(axis=1).clip(-1), atol=1e-6)


def test_algorithm_1_as_printed_deletes_every_image(chain: tuple) -> None:
    _, cosines, distances = chain
    assert references.algorithm_1(cosines, distances, 0.9, first=0) == []


def test_a_chain_collapses_under_semdedup_but_not_under_cover_or_leader(chain: tuple) -> None:
    vectors, _, distances = chain
    kept = {rule.name: int((scores(rule, vectors, ONE, distances, eta=0.9) <= 0.9).sum()) for rule in RULES}
    assert kept["semdedup"] < min(kept["cover"], kept["leader"])


@pytest.mark.parametrize("rule", [COVER, LEADER], ids=lambda rule: rule.name)
@pytest.mark.parametrize("eta", [0.3, 0.8, 0.95])
def test_every_dropped_frame_has_a_kept_one_above_the_limit(chain: tuple, rule: Rule, eta: float) -> None:
    vectors, cosines, distances = chain
    kept = scores(rule, vectors, ONE, distances, eta=eta) <= np.float32(eta)
    assert (cosines[np.ix_(~kept, kept)].max(axis=1) > eta - 1e-6).all()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize("eta", [0.3, 0.8, 0.95])
def test_no_kept_pair_is_above_the_limit(chain: tuple, rule: Rule, eta: float) -> None:
    vectors, cosines, distances = chain
    kept = scores(rule, vectors, ONE, distances, eta=eta) <= np.float32(eta)
    assert (np.triu(cosines[np.ix_(kept, kept)], 1) <= eta + 1e-6).all()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_clusters_do_not_see_each_other(rule: Rule) -> None:
    vectors = references.planted(120)
    labels = np.random.default_rng(0).integers(0, 4, 120)
    priority = np.random.default_rng(1).random(120).astype(np.float32)
    found = scores(rule, vectors, labels, priority, eta=0.9)
    for label in range(4):
        alone = scores(rule, vectors, np.where(labels == label, 0, -1), priority, eta=0.9)
        np.testing.assert_allclose(found[labels == label], alone[labels == label], atol=1e-6)


def test_near_and_far_are_opposite_and_chance_is_seeded() -> None:
    distances = np.array([0.3, 0.1, 0.2], dtype=np.float32)
    assert order_of(distances, "near") == [1, 2, 0]
    assert order_of(distances, "far") == [0, 2, 1]
    many = np.zeros(50, np.float32)
    assert order_of(many, "random", seed=1) == order_of(many, "random", seed=1) != order_of(many, "random", seed=2)


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match="cover, semdedup, leader, pairwise"):
        rules.rule_named("median")
    with pytest.raises(BadInput, match="near, far or random"):
        priority_of(np.zeros(2), "best", seed=0)


# Confirmation: a pair counts as alike only when the check agrees.


def blocks_of(size: int) -> tuple[np.ndarray, list[tuple[int, int]], object]:
    """A check that agrees within runs of `size` rows and its record of questions."""
    asked: list[tuple[int, int]] = []

    def confirm(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        asked.extend(zip(left.tolist(), right.tolist(), strict=True))
        return left // size == right // size

    return np.arange(120) // size, asked, confirm


@pytest.mark.usefixtures("size_of_clusters")
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize("floor", [0.6, 0.9])
def test_only_confirmed_pairs_count(chain: tuple, rule: Rule, floor: float) -> None:
    vectors, cosines, distances = chain
    block, asked, confirm = blocks_of(7)
    masked = np.where((cosines > floor) & (block[:, None] != block), np.float32(floor), cosines)
    found = scores(rule, vectors, ONE, distances, eta=floor, confirm=confirm)
    kept = found <= np.float32(floor)
    if rule is COVER:
        start = int(np.argmin(distances))
        order = np.r_[start, np.delete(np.arange(120), start)]
        expected = references.farthest_first(masked[np.ix_(order, order)])[1]
        np.testing.assert_allclose(found[order], expected, atol=1e-6)
        assert len(set(asked)) == len(asked), "no pair is asked for twice"
    elif rule is SEMDEDUP:
        np.testing.assert_allclose(found, references.semdedup(masked, order_of(distances, "near")), atol=1e-6)
    elif rule is LEADER:
        assert np.flatnonzero(kept).tolist() == references.leader(masked, order_of(distances, "near"), floor)
    else:
        printed = references.algorithm_1(masked, distances, floor, first=1, keep="near")
        assert np.flatnonzero(kept).tolist() == printed
    assert all(left < right and cosines[left, right] > floor - 1e-6 for left, right in asked)


@pytest.mark.parametrize("eta", [0.9, 0.95, 0.99])
def test_cover_keeps_its_properties_under_confirmation_from_the_floor_up(chain: tuple, eta: float) -> None:
    vectors, cosines, distances = chain
    block, _, confirm = blocks_of(7)
    kept = scores(COVER, vectors, ONE, distances, eta=0.9, confirm=confirm) <= np.float32(eta)
    alike = (cosines > eta) & (block[:, None] == block)
    assert not np.triu(alike[np.ix_(kept, kept)], 1).any()
    assert alike[np.ix_(~kept, kept)].any(axis=1).all()


def test_a_check_that_denies_all_keeps_all_and_one_that_agrees_changes_nothing(chain: tuple) -> None:
    vectors, _, distances = chain
    none = scores(COVER, vectors, ONE, distances, eta=0.8, confirm=lambda left, right: np.zeros(len(left), bool))
    assert (none <= np.float32(0.8)).all()
    every = scores(COVER, vectors, ONE, distances, eta=0.8, confirm=lambda left, right: np.ones(len(left), bool))
    np.testing.assert_array_equal(every, scores(COVER, vectors, ONE, distances))
