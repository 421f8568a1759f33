"""The page's decisions are the method's: same codes as a selection made from scratch with the same numbers."""

import json
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataeff_core.cli import main
from dataeff_core.selection.base import REASONS
from dataeff_core.selection.meddel import MedDEL
from dataeff_core.selection.saving import pool_of
from dataeff_core.ui.explore import explored as family
from dataeff_core.ui.explore import saving
from dataeff_core.ui.explore.explored import SHARE, Explored, Limits, NotScored, Way
from dataeff_core.workspace import Workspace

START = Limits()


def from_scratch(explored: Explored, limits: Limits, keep: float | None = None) -> np.ndarray:
    """(n,) codes by the method alone, nothing remembered."""
    selector = MedDEL(k=4, eta=limits.eta, epsilon=limits.epsilon, invalid=limits.invalid)
    pool = replace(explored.pool, store=None)
    reasons = selector.select(pool, seed=0, keep=keep).reason
    return np.array([REASONS.index(reason) for reason in reasons], dtype=np.uint8)


def test_a_first_look_removes_nothing_as_unusual(explored: Explored) -> None:
    decided = explored.decide(explored.start)
    assert not (decided.codes == REASONS.index("outlier")).any()
    assert explored.farthest >= explored.base.distances.max()


def test_codes_equal_a_selection_from_scratch(explored: Explored, strict: Limits) -> None:
    decided = explored.decide(strict)
    assert set(np.unique(decided.codes)) == {0, 1, 2, 3}
    assert np.array_equal(decided.codes, from_scratch(explored, strict))
    assert decided.kept_count == int(decided.kept.sum())


def test_going_there_and_back_gives_the_same_codes(explored: Explored, strict: Limits) -> None:
    first = explored.decide(strict)
    for epsilon in (0.2, 0.5, 2.0, strict.epsilon):
        last = explored.decide(replace(strict, epsilon=epsilon))
    assert np.array_equal(first.codes, last.codes)
    assert first.scores_id == last.scores_id


@pytest.mark.parametrize("keep", [0.1, 0.25, 0.5])
def test_an_exact_share_is_exact_and_equals_the_method(explored: Explored, strict: Limits, keep: float) -> None:
    limits = replace(strict, mode=SHARE, keep=keep)
    decided = explored.decide(limits)
    assert decided.kept_count == round(keep * len(decided))
    assert np.array_equal(decided.codes, from_scratch(explored, limits, keep=keep))
    kept_scores = decided.scores.insertion_similarity[decided.kept]
    assert decided.eta == kept_scores.max()


def test_a_share_above_what_may_be_kept_keeps_all_that_may(explored: Explored, strict: Limits) -> None:
    decided = explored.decide(replace(strict, mode=SHARE, keep=1.0))
    assert decided.kept_count == int((decided.scores.outside == 0).sum()) < len(decided)


def test_a_share_of_less_than_a_frame_keeps_one(explored: Explored, strict: Limits) -> None:
    assert explored.decide(replace(strict, mode=SHARE, keep=1e-6)).kept_count == 1


def test_limits_that_remove_everything_leave_nothing_and_break_nothing(explored: Explored) -> None:
    for mode in ("similar", SHARE):
        decided = explored.decide(Limits(mode=mode, eta=0.5, epsilon=2.0, invalid=0.0, keep=0.5))
        assert decided.kept_count == 0
        assert (decided.codes == REASONS.index("invalid")).all()


ODD = [
    "",
    "abc",
    "nan",
    "inf",
    "1e999",
    "-1",
    "0.5",
    True,
    None,
    [0.5],
    {},
    10**400,
    -3,
    0,
    1,
    0.25,
    math.nan,
    math.inf,
]


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(["mode", "eta", "epsilon", "invalid", "keep", "other"]),
        st.one_of(st.sampled_from(ODD), st.floats()),
    )
)
def test_limits_from_a_link_are_always_usable(given_: dict[str, object]) -> None:
    limits = Limits.read(given_, START)
    assert limits.mode in ("similar", SHARE)
    assert -1 <= limits.eta <= 1
    assert 0 <= limits.epsilon <= 2
    assert 0 <= limits.invalid <= 1
    assert 0 < limits.keep <= 1
    assert all(math.isfinite(one) for one in (limits.eta, limits.epsilon, limits.invalid, limits.keep))


def test_limits_survive_the_way_through_a_link() -> None:
    limits = Limits("share", 0.8123456789, 0.3, 0.61, 0.05)
    assert Limits.read({name: str(value) for name, value in vars(limits).items()}, START) == limits
    assert Limits.read("nonsense", limits) == limits


@pytest.mark.parametrize("mode", ["similar", SHARE])
def test_the_command_line_shown_gives_what_the_page_saves(
    workspace: Workspace, explored: Explored, strict: Limits, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    decided = explored.decide(replace(strict, mode=mode, keep=0.123))
    saved = saving.save(workspace, explored, decided, "from the page")
    argv = saving.command(explored, decided, "from a shell")
    assert main([*argv, f"--workspace={workspace.root}", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    other = workspace.selection(told["selection"])
    assert other.record.params == saved.record.params
    assert other.decisions.equals(saved.decisions)
    assert told["kept"] == saved.record.kept == decided.kept_count


def test_too_many_numbers_are_not_clustered_in_the_server(
    workspace: Workspace, open_way: Callable[..., Explored], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(family, "AT_ONCE", 100)
    with pytest.raises(NotScored):
        open_way(k=7)
    dataset = workspace.datasets()[0]
    pool = pool_of(workspace, dataset, workspace.embedding(dataset))
    Way(k=7).selector().score(pool, seed=0)  # as the job does
    assert open_way(k=7).base.k == 7


def test_browsers_find_the_newest_scores_and_old_ones_are_forgotten(explored: Explored) -> None:
    known = family._Known(most=2)
    for name in ("a", "b", "c"):
        known.put(name, "family", explored.base, explored.pool.frame_ids)
    assert known.get("a") is None
    assert known.get("c") is not None
    assert known.newest("family") is explored.base
    assert known.newest("other") is None
