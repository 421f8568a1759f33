import math

import numpy as np
import pytest

from dataeff_core.errors import BadInput
from dataeff_core.hardness.choosing import BANDS, PatchRules, Ranked, moved, place_among
from dataeff_core.hardness.information import Moments, terms
from dataeff_core.hardness.stored import Hardness
from dataeff_core.patches.stored import PatchSet
from dataeff_core.workspace import Dataset, Run, Workspace
from tests.selection import references


def ranked(m: int = 100, seed: int = 0, **changes: object) -> tuple[Ranked, np.ndarray]:
    rng = np.random.default_rng(seed)
    hardness = rng.permutation(m).astype(np.float32)
    frames = np.array([f"f{i}" for i in rng.integers(0, 12, m)], object)
    groups = np.array([f"g{int(one[1:]) % 3}" for one in frames], object)
    moments = Moments(rng.random((m, 3)), rng.random(m) + 1, rng.random(m))
    vectors = references.planted(m, scenes=max(2, m // 5), noise=0.1, seed=seed)
    return Ranked(hardness, frames, groups, moments, vectors=vectors, **changes), hardness  # type: ignore[arg-type]


def test_bands_by_quantile_and_by_value() -> None:
    found, hardness = ranked()
    assert found.band(PatchRules(lower=0.5, upper=0.9)) == (50, 90)
    assert found.band(PatchRules(lower=10, upper=20, by="value")) == (10, 21)
    assert found.band(PatchRules(lower=0, upper=None)) == (0, 100)
    counts = found.counts(PatchRules(lower=0.5, upper=0.9))
    assert (counts.too_easy, counts.useful, counts.suspicious, counts.allowed) == (50, 40, 10, 40)
    assert (counts.lower, counts.upper) == (50.0, 89.0)
    for band, expected in zip(BANDS, ([49, 48], [89, 88], [90, 91]), strict=True):
        assert hardness[found.gallery(PatchRules(lower=0.5, upper=0.9), band, most=2)].tolist() == expected
    assert hardness[found.gallery(PatchRules(), "useful", most=2, skip=1)].tolist() == [96, 95]
    with pytest.raises(BadInput, match="no band"):
        found.gallery(PatchRules(), "hard")


@pytest.mark.parametrize("per_frame", [None, 1, 3])
@pytest.mark.parametrize("per_group", [None, 4, 15])
@pytest.mark.parametrize("budget", [None, 3])
def test_counts_are_what_is_chosen(per_frame: int | None, per_group: int | None, budget: int | None) -> None:
    found, hardness = ranked()
    rules = PatchRules(lower=0.2, upper=0.95, per_frame=per_frame, per_group=per_group, budget=budget)
    choice = found.choose(rules)
    assert len(choice.rows) == found.counts(rules).allowed == (choice.reason == "chosen").sum()
    assert (np.diff(hardness[choice.rows]) < 0).all()
    in_order = np.empty(100, np.int64)
    in_order[found.order] = found.frame
    assert per_frame is None or np.bincount(in_order[choice.rows]).max() <= per_frame


def test_limits_keep_the_hardest_against_a_plain_loop() -> None:
    found, hardness = ranked(seed=4)
    rules = PatchRules(lower=0.1, upper=0.9, per_frame=2, per_group=6)
    frame, group = np.empty(100, int), np.empty(100, int)
    frame[found.order], group[found.order] = found.frame, found.group
    start, stop = found.band(rules)
    after_frames, taken = [], {}
    for row in found.order[start:stop][::-1]:
        taken[frame[row]] = taken.get(frame[row], 0) + 1
        if taken[frame[row]] <= 2:
            after_frames.append(row)
    expected, taken = [], {}
    for row in after_frames:
        taken[group[row]] = taken.get(group[row], 0) + 1
        if taken[group[row]] <= 6:
            expected.append(row)
    assert found.choose(rules).rows.tolist() == expected
    assert (np.sort(hardness[expected]) == np.sort(hardness[found.choose(rules).rows])).all()


def test_no_two_chosen_are_too_alike_and_equal_input_gives_equal_output() -> None:
    found, _ = ranked(200)
    rules = PatchRules(lower=0, upper=None, alike=0.9)
    choice = found.choose(rules, seed=1)
    assert 0 < len(choice.rows) < 200
    assert (choice.reason == "alike").sum() == 200 - len(choice.rows)
    np.testing.assert_array_equal(choice.rows, ranked(200)[0].choose(rules, seed=1).rows)
    one = Ranked(np.ones(3, np.float32), np.array(["a"] * 3, object), np.array(["g"] * 3, object), found.moments)
    with pytest.raises(BadInput, match="no vectors"):
        one.choose(rules)


def test_patches_taken_at_random_are_any_of_those_that_pass() -> None:
    found, _ = ranked(400)
    rules = PatchRules(lower=0.25, upper=0.75, budget=50, take="random")
    passing = found.choose(PatchRules(lower=0.25, upper=0.75)).rows
    taken = [found.choose(rules, seed=seed).rows for seed in range(200)]
    assert all(len(rows) == 50 and set(rows) <= set(passing) for rows in taken)
    places = np.array([np.isin(passing, rows) for rows in taken])
    assert abs(places.mean(axis=0) - 0.25).max() < 5 * np.sqrt(0.25 * 0.75 / 200), "each as likely as any other"
    np.testing.assert_array_equal(taken[7], found.choose(rules, seed=7).rows)
    assert [*taken[0]] == [row for row in passing if row in set(taken[0])], "from the hardest on"


def test_no_more_than_are_asked_for_are_taken_hardest_or_at_random() -> None:
    found, _ = ranked(400)
    every = found.choose(PatchRules(lower=0.25, upper=0.75)).rows
    np.testing.assert_array_equal(found.choose(PatchRules(lower=0.25, upper=0.75), most=30).rows, every[:30])
    assert len(found.choose(PatchRules(lower=0.25, upper=0.75), most=999).rows) == len(every)
    rules = PatchRules(lower=0.25, upper=0.75, take="random")
    drawn = [found.choose(rules, most=30, seed=seed).rows.tolist() for seed in (0, 1)]
    assert drawn[0] != drawn[1] != every[:30].tolist()
    with pytest.raises(BadInput, match="seed -1 is below 0"):
        found.choose(rules, seed=-1)


def test_terms_are_those_of_the_patches_between_the_margins() -> None:
    found, hardness = ranked()
    rules = PatchRules(lower=0.3, upper=0.8)
    inside = (hardness >= 30) & (hardness < 80)
    direct = terms(found.moments, inside)
    assert found.terms(rules).nothing == pytest.approx(direct.nothing)
    assert found.terms(rules).given == pytest.approx(direct.given)
    assert found.choose(rules).terms.given == pytest.approx(direct.given)
    curve = found.against_budget(rules, points=5)
    assert curve[0].patches == 1
    assert curve[-1].given == pytest.approx(direct.given)


def test_a_warning_where_the_theory_has_one() -> None:
    found, _ = ranked(1000, dimension=5.0)
    few = PatchRules(lower=0.5, upper=None, budget=10)
    assert "10 hardest of 1,000" in found.choose(few).warning
    assert found.choose(moved(few, budget=200)).warning == ""
    assert "10 hardest of 1,000" in found.choose(moved(few, lower=0.0)).warning, "the hardest of all are hard alone"
    assert found.choose(moved(few, lower=0.0, take="random")).warning == ""
    assert found.choose(moved(few, lower=0.0, budget=None), most=10).warning == found.choose(few).warning
    assert "10 hardest" in found.choose(moved(few, lower=0.99, take="random", budget=2)).warning, "drawn from 10"


def test_too_little_is_one_sentence() -> None:
    found, _ = ranked()
    with pytest.raises(BadInput, match="41 patches are asked for and 40 of 100"):
        found.choose(PatchRules(lower=0.5, upper=0.9, budget=41))
    with pytest.raises(BadInput, match="no patch lies between"):
        found.choose(PatchRules(lower=200, upper=300, by="value"))
    with pytest.raises(BadInput, match="nothing would lie"):
        moved(PatchRules(), lower=0.9, upper=0.1)
    with pytest.raises(BadInput, match="above 1"):
        moved(PatchRules(), lower=3, upper=None)
    with pytest.raises(BadInput, match="no scored patches"):
        Ranked(
            np.empty(0), np.empty(0, object), np.empty(0, object), Moments(np.empty((0, 3)), np.empty(0), np.empty(0))
        )
    nothing = found.counts(PatchRules(lower=1, upper=1))
    assert (nothing.useful, nothing.allowed) == (0, 0)
    assert math.isnan(nothing.lower)


def test_ties_keep_their_order() -> None:
    moments = Moments(np.zeros((6, 3)), np.ones(6), np.ones(6))
    found = Ranked(np.ones(6), np.array(list("abcdef"), object), np.array(["g"] * 6, object), moments)
    assert found.order.tolist() == [0, 1, 2, 3, 4, 5]
    assert found.choose(PatchRules(lower=0.5, upper=None)).rows.tolist() == [5, 4, 3]


def test_place_among_by_hand() -> None:
    assert place_among(np.array([2, 1, 2, 2, 1])).tolist() == [0, 0, 1, 2, 1]
    assert place_among(np.empty(0, int)).tolist() == []


def test_a_datasets_scores_can_be_ranked(planted: tuple[Workspace, Dataset, PatchSet, Run], scored: Hardness) -> None:
    found = Ranked.of(scored, planted[1], usable=False)
    assert len(found) == 40
    rules = PatchRules(lower=0.25, upper=None, per_frame=1, usable=False)
    assert found.choose(rules).terms.patches == 10
    assert (scored.table["hardness"].to_numpy()[found.choose(rules).rows] > 0).all()
