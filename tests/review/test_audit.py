"""The blind audit: what is drawn, what a reviewer sees, and what comes out; intervals and kappa against others."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score

from dataeff_core.errors import BadInput, Conflict, NotFound
from dataeff_core.review import sampling
from dataeff_core.review.agreement import clopper_pearson, cohens_kappa, wrong_rate
from dataeff_core.review.drawing import allocate, strata_of
from dataeff_core.review.outcome import AuditResult, majority, result
from dataeff_core.review.pinning import take_back
from dataeff_core.review.sampling import draw, mark, shown_to
from dataeff_core.selection import make
from dataeff_core.selection.saving import select
from dataeff_core.workspace import Dataset, SavedSelection, Workspace
from dataeff_core.workspace.trail import Decision, trail_of
from tests.fabrication import fabricate

# ---- numbers -----------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 500), st.data())
def test_clopper_pearson_against_scipy(judged: int, data: st.DataObject) -> None:
    wrong = data.draw(st.integers(0, judged))
    reference = binomtest(wrong, judged).proportion_ci(0.95, "exact")
    np.testing.assert_allclose(clopper_pearson(wrong, judged), reference, atol=1e-9)


def test_clopper_pearson_by_hand() -> None:
    low, high = clopper_pearson(0, 100)
    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 100))  # all right with probability (1 - p)^100
    assert clopper_pearson(100, 100)[0] == pytest.approx(0.025 ** (1 / 100))
    assert clopper_pearson(0, 0) == (0, 1)
    with pytest.raises(BadInput, match="3 wrong of 2 judged"):
        clopper_pearson(3, 2)


def test_the_rate_of_a_proportional_sample_is_the_plain_one() -> None:
    rate = wrong_rate([100, 200, 300], [10, 20, 30], [1, 0, 2])
    assert rate.rate == pytest.approx(3 / 60)
    assert rate.effective == pytest.approx(60)
    np.testing.assert_allclose((rate.low, rate.high), clopper_pearson(3, 60))


def test_the_rate_is_weighted_by_hand() -> None:
    rate = wrong_rate([900, 100], [10, 10], [1, 5])
    assert rate.rate == pytest.approx(0.9 * 0.1 + 0.1 * 0.5)
    assert rate.effective == pytest.approx(1 / (0.81 / 10 + 0.01 / 10))
    np.testing.assert_allclose((rate.low, rate.high), clopper_pearson(rate.rate * rate.effective, rate.effective))
    assert (rate.wrong, rate.judged, rate.unjudged) == (6, 20, 0)


def test_strata_that_nobody_judged_are_said() -> None:
    rate = wrong_rate([900, 100], [10, 0], [1, 0])
    assert (rate.rate, rate.unjudged) == (0.1, 100)
    nothing = wrong_rate([5], [0], [0])
    assert math.isnan(nothing.rate)
    assert (nothing.low, nothing.high, nothing.unjudged) == (0, 1, 5)
    with pytest.raises(BadInput, match="do not fit"):
        wrong_rate([5], [6], [0])


MARKS = st.sampled_from(["needed", "not_needed", "unsure"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(MARKS, MARKS), min_size=1, max_size=60))
@pytest.mark.filterwarnings("ignore")
def test_kappa_against_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    a, b = zip(*pairs, strict=True)
    reference = cohen_kappa_score(a, b)
    found = cohens_kappa(a, b)
    assert (math.isnan(found) and math.isnan(reference)) or found == pytest.approx(reference, abs=1e-12)


def test_kappa_by_hand() -> None:
    # 20 both yes, 5 and 10 in dispute, 15 both no: p_o = .7, p_e = .5 * .6 + .5 * .4 = .5
    a = ["yes"] * 25 + ["no"] * 25
    b = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert cohens_kappa(a, b) == pytest.approx(0.4)
    assert math.isnan(cohens_kappa([], []))
    assert math.isnan(cohens_kappa(["yes"], ["yes"]))
    with pytest.raises(BadInput, match="1 and 2 marks"):
        cohens_kappa(["yes"], ["yes", "no"])


# ---- drawing -----------------------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=8), st.integers(1, 300))
def test_what_is_drawn_from_each_stratum(sizes: list[int], total: int) -> None:
    drawn = allocate(sizes, total)
    assert sum(drawn) == min(max(total, len(sizes)), sum(sizes))
    assert all(1 <= count <= size for count, size in zip(drawn, sizes, strict=True))
    for count, size in zip(drawn, sizes, strict=True):
        assert count <= max(1, math.ceil(total * size / sum(sizes)))


def test_proportional_where_it_can_be() -> None:
    assert allocate([100, 200, 300], 60) == [10, 20, 30]
    assert allocate([1, 999], 10) == [1, 9]


def test_strata_become_coarser_where_they_are_many() -> None:
    reason = np.array(["duplicate", "invalid"] * 4, object)
    group = np.array([f"p{number}" for number in range(8)], object)
    removed = np.ones(8, bool)
    assert len(set(strata_of(reason, group, removed, most=8))) == 8
    assert set(strata_of(reason, group, removed, most=7)) == {"duplicate", "invalid"}
    assert set(strata_of(reason, group, removed, most=1)) == {"removed"}


def test_what_is_drawn_is_blind_and_the_same_again(dataset: Dataset, saved: SavedSelection) -> None:
    record = draw(dataset, saved, size=20, seed=4)
    again = draw(dataset, saved, size=20, seed=4)
    assert record.items == again.items
    assert record.items != draw(dataset, saved, size=20, seed=5).items
    assert sampling.audit(dataset, record.id) == record
    decision = dict(zip(saved.decisions["frame_id"], saved.decisions["decision"], strict=True))
    drawn = [item for item in record.items if item.stratum >= 0]
    assert len(drawn) == 20 == sum(one.drawn for one in record.strata)
    assert sum(one.removed for one in record.strata) == 48
    assert {decision[item.frame_id] for item in drawn} == {"dropped"}
    mixed = [item for item in record.items if item.stratum < 0]
    assert len(mixed) == 10
    assert {decision[item.frame_id] for item in mixed} == {"kept"}
    assert all(item.beside is None or decision[item.beside] == "kept" for item in record.items)
    assert all(item.beside != item.frame_id for item in record.items)
    shown = shown_to(dataset, record, "Ada")
    assert {tuple(vars(one)) for one in shown} == {("frame_id", "beside", "verdict")}
    flat = [item.stratum >= 0 for item in record.items]
    assert flat != sorted(flat)
    assert flat != sorted(flat, reverse=True)


def test_partners_tell_nothing(tmp_path: Path) -> None:
    """Neither its partner's group nor showing up beside another item gives away what is removed and what is kept."""
    workspace, dataset, embedding, _ = fabricate(tmp_path / "w", frames=1200, groups=10, thumbnails=False)
    vectors = np.random.default_rng(0).permutation(np.load(embedding.folder / embedding.VECTORS))
    np.save(embedding.folder / embedding.VECTORS, vectors)  # what is alike now lies in other groups
    saved = select(workspace, dataset, make("meddel", {"k": "3", "eta": "0.9"}), keep=0.3, encoder=embedding.id)
    group = dict(zip(dataset.frames["frame_id"], dataset.frames["group"], strict=True))
    elsewhere: dict[bool, list[bool]] = {True: [], False: []}
    for seed in range(4):
        record = draw(dataset, saved, size=60, seed=seed)
        shown_beside = {item.beside for item in record.items}
        assert not shown_beside & {item.frame_id for item in record.items}
        for item in record.items:
            assert item.beside is not None
            elsewhere[item.stratum >= 0].append(group[item.beside] != group[item.frame_id])
    removed, kept = np.mean(elsewhere[True]), np.mean(elsewhere[False])
    assert removed > 0.7  # else this says nothing
    assert abs(removed - kept) < 0.1, (removed, kept)


def test_a_kept_frame_stands_beside_the_most_alike_other_one(dataset: Dataset, saved: SavedSelection) -> None:
    embedding = Workspace.open(dataset.folder.parent.parent).embedding(dataset, saved.record.embedding or "")
    vectors, ids = embedding.vectors.astype(np.float32), list(embedding.frame_ids)
    record = draw(dataset, saved, size=4, seed=2)
    mixed = [item for item in record.items if item.stratum < 0]
    judged = {item.frame_id for item in mixed}
    kept = [one for one in saved.decisions.query("decision == 'kept'")["frame_id"] if one not in judged]
    for item in mixed:
        likeness = {one: float(vectors[ids.index(one)] @ vectors[ids.index(item.frame_id)]) for one in kept}
        assert likeness[item.beside or ""] == pytest.approx(max(likeness.values()), abs=1e-3)


def test_partners_where_vectors_are_gone_or_nothing_else_is_kept(
    workspace: Workspace, dataset: Dataset, saved: SavedSelection
) -> None:
    shutil.rmtree(dataset.folder / "embeddings")
    record = draw(dataset, saved, size=20)
    group = dict(zip(dataset.frames["frame_id"], dataset.frames["group"], strict=True))
    mixed = [item for item in record.items if item.stratum < 0]
    assert all(item.beside is None or group[item.beside] == group[item.frame_id] for item in mixed)
    one = draw(dataset, select(workspace, dataset, make("random", {}), keep=1 / 60), size=10)
    assert [item.beside for item in one.items if item.stratum < 0] == [None]


def test_all_are_drawn_where_there_are_few(workspace: Workspace, dataset: Dataset) -> None:
    most = select(workspace, dataset, make("random", {}), keep=0.95)
    record = draw(dataset, most, size=100)
    assert sum(item.stratum >= 0 for item in record.items) == 3
    everything = select(workspace, dataset, make("random", {}), keep=1.0)
    with pytest.raises(BadInput, match="removes no frame"):
        draw(dataset, everything)


@pytest.mark.parametrize(
    ("options", "sentence"), [({"size": 0}, "size 0 is below 1"), ({"kept_share": -1}, "is not in 0..10")]
)
def test_what_cannot_be_drawn(
    dataset: Dataset, saved: SavedSelection, options: dict[str, int], sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        draw(dataset, saved, **options)  # type: ignore[arg-type]


# ---- marks -------------------------------------------------------------------------------------------------------


def test_a_whole_audit_by_two_reviewers(dataset: Dataset, saved: SavedSelection) -> None:
    record = draw(dataset, saved, size=10, seed=1)
    for number, item in enumerate(record.items):
        mark(dataset, record, item.frame_id, "needed" if number % 5 == 0 else "not_needed", reviewer="Ada")
        mark(dataset, record, item.frame_id, "needed" if number % 3 == 0 else "not_needed", reviewer="Bob")
    own = {one.frame_id: one.verdict for one in shown_to(dataset, record, "Ada")}
    assert own == {item.frame_id: "needed" if n % 5 == 0 else "not_needed" for n, item in enumerate(record.items)}
    assert {one.verdict for one in shown_to(dataset, record, "Eve")} == {None}
    found = result(dataset, record)
    wrong = [n % 5 == 0 for n, item in enumerate(record.items) if item.stratum >= 0]
    assert (found.rates["Ada"].wrong, found.rates["Ada"].judged) == (sum(wrong), 10)
    kept = [n % 3 == 0 for n, item in enumerate(record.items) if item.stratum < 0]
    assert found.kept_needed["Bob"] == (sum(kept), 5)
    kappa, both = found.kappa["Ada", "Bob"]
    assert both == 15
    assert kappa == pytest.approx(cohen_kappa_score([n % 5 == 0 for n in range(15)], [n % 3 == 0 for n in range(15)]))
    either = [n % 5 == 0 or n % 3 == 0 for n, item in enumerate(record.items) if item.stratum >= 0]
    assert found.rates[AuditResult.ALL].wrong == sum(either)  # a draw between two counts as wrong


def test_a_mark_is_changed_and_taken_back(dataset: Dataset, saved: SavedSelection) -> None:
    record = draw(dataset, saved, size=5)
    frame = record.items[0].frame_id
    mark(dataset, record, frame, "needed", reviewer="Ada", key="press")
    mark(dataset, record, frame, "needed", reviewer="Ada", key="press")
    second = mark(dataset, record, frame, "unsure", reviewer="Ada")
    assert shown_to(dataset, record, "Ada")[0].verdict == "unsure"
    take_back(dataset, second, reviewer="Ada")
    assert shown_to(dataset, record, "Ada")[0].verdict == "needed"
    assert saved.pins.standing == ()  # a mark is no pin
    with pytest.raises(NotFound, match="is not part of the audit"):
        mark(dataset, record, "nothing", "needed", reviewer="Ada")
    with pytest.raises(BadInput, match="verdict 'perhaps' is not one of"):
        mark(dataset, record, frame, "perhaps", reviewer="Ada")


def test_who_is_through_changes_nothing_any_more(dataset: Dataset, saved: SavedSelection) -> None:
    record = draw(dataset, saved, size=4)
    for item in record.items:
        mark(dataset, record, item.frame_id, "needed", reviewer="Ada")
    mark(dataset, record, record.items[0].frame_id, "unsure", reviewer="Bob")
    trail = trail_of(dataset.folder)
    entries = trail.entries()
    before = sampling.marks_of(entries, record)
    last = next(one for one in reversed(entries) if one.reviewer == "Ada")
    with pytest.raises(Conflict, match="your answers no longer change"):
        mark(dataset, record, record.items[0].frame_id, "not_needed", reviewer=" Ada ")
    again = mark(dataset, record, last.frame_id, "needed", reviewer="Ada", key=last.key)  # sent twice
    assert again.seq == last.seq
    take_back(dataset, last, reviewer="Ada")
    trail.append([replace(Decision("Ada", "mark", last.content, last.frame_id), sample=record.id, verdict="unsure")])
    assert sampling.marks_of(trail.entries(), record) == before
    assert [one.verdict for one in shown_to(dataset, record, "Ada")] == ["needed"] * len(record.items)
    mark(dataset, record, record.items[0].frame_id, "needed", reviewer="Bob")
    assert shown_to(dataset, record, "Bob")[0].verdict == "needed"


def test_majority() -> None:
    assert majority([{"f": "needed"}, {"f": "not_needed"}], "f") == "needed"
    assert majority([{"f": "needed"}, {"f": "not_needed"}, {"f": "not_needed"}], "f") == "not_needed"
    assert majority([{"f": "unsure"}, {}], "f") is None


def test_no_decision_stands_where_a_reviewer_may_look(dataset: Dataset, saved: SavedSelection) -> None:
    record = draw(dataset, saved, size=5)
    told = json.dumps([vars(one) for one in shown_to(dataset, record, "Ada")])
    assert "dropped" not in told
    assert "stratum" not in told
