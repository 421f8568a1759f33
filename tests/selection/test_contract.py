"""What every selection method promises, whichever it is."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from dataeff_core.errors import BadInput
from dataeff_core.selection import SELECTORS, make, selector_named
from dataeff_core.selection.base import BUDGET, FURTHER_REASONS, KEPT, REASONS, Pool, Selection, Selector
from tests.selection.conftest import pool_of_videos

every_method = pytest.mark.parametrize("method", SELECTORS, ids=lambda method: method.NAME)
ARRAYS = ("kept", "reason", "representative", "similarity", "distance", "score")


def assert_equal(one: Selection, other: Selection) -> None:
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@every_method
def test_decides_on_every_frame(method: type[Selector], pool: Pool) -> None:
    found = method().select(pool)
    n = len(pool)
    assert [len(getattr(found, name)) for name in ARRAYS] == [n] * len(ARRAYS)
    assert found.frame_ids is pool.frame_ids
    assert (found.kept.dtype, found.representative.dtype) == (np.bool_, np.int64)
    assert {found.similarity.dtype, found.distance.dtype, found.score.dtype} == {np.dtype(np.float32)}
    assert all(len(column) == n for column in found.scores.values())
    np.testing.assert_array_equal(found.kept, found.reason == KEPT)
    assert set(found.reason) <= {*REASONS, *FURTHER_REASONS}
    assert 0 < found.retained < 1
    assert sum(found.dropped_by_reason().values()) == n - found.kept.sum()


@every_method
def test_only_kept_frames_stand_for_others(method: type[Selector], pool: Pool) -> None:
    found = method().select(pool)
    has = found.representative >= 0
    assert not has[found.kept].any()
    assert found.kept[found.representative[has]].all()
    np.testing.assert_array_equal(np.isnan(found.similarity), ~has)


@every_method
def test_equal_input_gives_equal_output(method: type[Selector], pool: Pool) -> None:
    assert_equal(method().select(pool, seed=3), method().select(pool_of_videos(), seed=3))
    assert_equal(method().select(pool, seed=3, keep=0.3), method().select(pool_of_videos(), seed=3, keep=0.3))


@every_method
@pytest.mark.parametrize("frames", [7, 30, 60])
def test_keeps_exactly_the_share_asked_for(method: type[Selector], frames: int) -> None:
    pool = pool_of_videos(frames, invalid_limit=1.0)
    for count in range(1, frames + 1):
        keep = min(1.0, (count + (-1) ** count * 0.3) / frames)
        assert method().select(pool, keep=keep).kept.sum() == round(keep * frames) == count


@pytest.mark.parametrize("name", ["meddel", "random"])  # the even steps of every_nth cannot be nested
def test_larger_shares_hold_the_smaller_ones(name: str, pool: Pool) -> None:
    found = [make(name, {}).select(pool, keep=keep).kept for keep in (0.05, 0.2, 0.21, 0.6)]
    assert all((larger >= smaller).all() for smaller, larger in itertools.pairwise(found))


@every_method
@pytest.mark.parametrize("keep", [0.0, -0.1, 1.01, float("nan"), float("inf"), 1e-9])
def test_impossible_shares_are_refused_with_the_bounds(method: type[Selector], pool: Pool, keep: float) -> None:
    with pytest.raises(BadInput, match=r"keep .*(\(0, 1\]|none)"):
        method().select(pool, keep=keep)


@pytest.mark.parametrize("name", ["meddel", "random"])
def test_seeds_below_zero_are_refused(name: str, pool: Pool) -> None:
    with pytest.raises(BadInput, match="seed -1"):
        make(name, {}).select(pool, seed=-1)


@every_method
def test_its_parameters_make_the_same_selection_again(method: type[Selector], pool: Pool) -> None:
    found = method().select(pool, seed=4)
    bare = replace(pool, calibrated_eta=None, invalid_limit=None)
    again = make(method.NAME, found.params).select(bare, seed=4)
    assert_equal(found, again)
    assert again.params == found.params
    as_typed = {key: str(value) for key, value in found.params.items()}
    assert_equal(found, make(method.NAME, as_typed).select(bare, seed=4))


@every_method
def test_its_parameters_make_the_same_share_again(method: type[Selector], pool: Pool) -> None:
    found = method().select(pool, seed=4, keep=0.37)
    bare = replace(pool, calibrated_eta=None, invalid_limit=None)
    assert_equal(found, make(method.NAME, found.params).select(bare, seed=4, keep=0.37))


@every_method
def test_one_frame_is_kept(method: type[Selector]) -> None:
    pool = pool_of_videos(240)
    one = replace(
        pool,
        **{name: getattr(pool, name)[:1] for name in ("frame_ids", "vectors", "groups", "order", "invalid_score")},
    )
    keep = None if method.NAME != "random" else 1.0
    assert method().select(one, keep=keep).kept.tolist() == [True]


@every_method
def test_no_frame_is_an_error(method: type[Selector]) -> None:
    nothing = Pool(
        frame_ids=np.empty(0, object),
        vectors=np.empty((0, 4), np.float32),
        groups=np.empty(0, object),
        order=np.empty(0, np.int64),
        calibrated_eta=0.9,
    )
    with pytest.raises(BadInput, match="no frames"):
        method().select(nothing)


@every_method
def test_is_frozen_and_takes_no_unknown_parameter(method: type[Selector]) -> None:
    selector = method()
    with pytest.raises(ValidationError):
        setattr(selector, next(iter(method.model_fields)), 1)
    with pytest.raises(ValidationError):
        method(colour="red")


@every_method
def test_every_parameter_is_documented(method: type[Selector]) -> None:
    assert method.TITLE and method.SOURCE and method.__doc__
    for name, field in method.model_fields.items():
        assert field.title, name
        assert field.description and field.description.endswith("."), name
        assert isinstance(field.json_schema_extra, dict), name
        assert {"unit", "symbol"} <= set(field.json_schema_extra), name


@every_method
def test_says_what_it_lacks(method: type[Selector], pool: Pool) -> None:
    bare = Pool(frame_ids=pool.frame_ids)
    if method.NAME == "random":
        assert method().select(bare).kept.sum() == round(0.2 * len(pool))
        return
    with pytest.raises(BadInput, match=r"needs (vectors|groups|scored patches)|similarity limit"):
        method().select(bare)


def test_names_are_unique_and_unknown_ones_list_the_known() -> None:
    names = [method.NAME for method in SELECTORS]
    assert len(set(names)) == len(names)
    with pytest.raises(BadInput, match=", ".join(names)):
        selector_named("best")


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("meddel", {"colour": "red"}, "has no parameter 'colour'; it has eta, epsilon, "),
        ("meddel", {"eta": "1.5"}, r"eta=1.5 is not in \[-1, 1\]"),
        ("meddel", {"epsilon": "-0.1"}, r"epsilon=-0.1 is not in \[0, 2\]"),
        ("meddel", {"invalid": "nan"}, r"invalid=nan is not in \[0, 1\]"),
        ("meddel", {"k": "0"}, r"k=0 is not in \[1, inf\)"),
        ("meddel", {"k": "ten"}, "k=ten cannot be used: input should be a valid integer"),
        ("meddel", {"rule": "best"}, "rule=best cannot be used: input should be 'cover', 'semdedup'"),
        ("random", {"share": "0"}, r"share=0 is not in \(0, 1\]"),
        ("every_nth", {"n": "2.5"}, "n=2.5 cannot be used"),
    ],
)
def test_bad_parameters_are_one_sentence(name: str, params: dict[str, str], words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        make(name, params)
    assert "\n" not in str(caught.value)


def test_an_empty_value_means_the_default() -> None:
    assert make("meddel", {"eta": "", "epsilon": ""}).model_dump() == selector_named("meddel")().model_dump()


def test_every_nth_goes_by_group_and_order(pool: Pool) -> None:
    found = make("every_nth", {"n": 4}).select(pool)
    assert pool.groups is not None and pool.order is not None
    for group in set(pool.groups):
        rows = np.flatnonzero(pool.groups == group)
        rows = rows[np.argsort(pool.order[rows])]
        np.testing.assert_array_equal(found.kept[rows], np.arange(len(rows)) % 4 == 0)


def test_every_nth_gives_each_group_its_share(pool: Pool) -> None:
    found = make("every_nth", {}).select(pool, keep=0.25)
    assert pool.groups is not None
    for group in set(pool.groups):
        mine = pool.groups == group
        assert abs(found.kept[mine].sum() - 0.25 * mine.sum()) <= 1


def test_random_frames_depend_on_the_seed_alone(pool: Pool) -> None:
    found = [set(np.flatnonzero(make("random", {}).select(pool, seed=seed).kept)) for seed in range(3)]
    assert len({frozenset(one) for one in found}) == 3
    assert (make("random", {}).select(pool).reason[~make("random", {}).select(pool).kept] == BUDGET).all()
