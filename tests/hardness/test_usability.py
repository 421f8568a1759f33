"""Patches of unusable and of removed frames stay out, against a plain loop over frames."""

import math
from pathlib import Path

import numpy as np
import pytest

from dataeff_core.errors import BadInput
from dataeff_core.hardness.choosing import PatchRules, Ranked
from dataeff_core.hardness.information import terms
from dataeff_core.hardness.stored import Hardness
from dataeff_core.hardness.usability import COPY, PINNED, UNUSABLE, frames_left_out, patches_left_out
from dataeff_core.mosaics.exporting import plan
from dataeff_core.mosaics.layout import MosaicRules
from dataeff_core.suppliers import Suppliers
from dataeff_core.workspace import Dataset
from dataeff_core.workspace.datasets import save_frames
from dataeff_core.workspace.trail import Decision, trail_of
from tests.fabricated_scores import fabricate_patches, fabricate_scores
from tests.fabrication import fabricate

LIMIT = 0.5


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """24 frames of 12 pictures; the scores of three are above the dataset's limit, one of them at NaN."""
    workspace, made, *_ = fabricate(tmp_path / "w", frames=24, distinct=12, thumbnails=False)
    score = np.linspace(0.1, 0.4, 24, dtype=np.float32)
    score[[3, 9, 17]], score[20] = (0.9, 0.7, 0.6), np.nan
    save_frames(made.folder, made.record, made.frames.assign(invalid_score=score), made.unreadable)
    return workspace.dataset(made.id)


@pytest.fixture
def scored(dataset: Dataset) -> Hardness:
    return fabricate_scores(dataset, fabricate_patches(dataset))


def says(dataset: Dataset, row: int, action: str, **told: object) -> None:
    frame = dataset.frames.iloc[row]
    machine = {"decision": "kept", "reason": "kept"} | told.pop("machine", {})  # type: ignore[operator]
    decision = Decision("Ada", action, frame["sha256"], frame["frame_id"], machine=machine, **told)  # type: ignore[arg-type]
    trail_of(dataset.folder).append([decision])


def copies(dataset: Dataset, row: int) -> list[int]:
    return np.flatnonzero((dataset.frames["sha256"] == dataset.frames["sha256"][row]).to_numpy()).tolist()


def test_the_datasets_own_limit_decides(dataset: Dataset) -> None:
    score = dataset.frames["invalid_score"].to_numpy(np.float32)
    expected = [UNUSABLE if not math.isnan(one) and one > LIMIT else "" for one in score.tolist()]
    assert frames_left_out(dataset).tolist() == expected
    assert expected.count(UNUSABLE) == 3
    assert not frames_left_out(dataset, usable=False).any()
    assert not frames_left_out(dataset, suppliers=Suppliers(invalid_limit=None)).any()
    strict = Suppliers(invalid_limit=lambda scores: 0.65)
    assert frames_left_out(dataset, suppliers=strict).tolist().count(UNUSABLE) == 2


def test_a_removed_picture_stays_out_with_its_exact_copies_unless_one_is_kept(dataset: Dataset) -> None:
    row = next(at for at in range(24) if len(copies(dataset, at)) == 2)
    twin = next(at for at in copies(dataset, row) if at != row)
    says(dataset, row, "drop", reason="private")
    assert [frames_left_out(dataset, usable=False)[at] for at in (row, twin)] == [PINNED, PINNED]
    says(dataset, twin, "keep")
    assert [frames_left_out(dataset, usable=False)[at] for at in (row, twin)] == [PINNED, ""]
    says(dataset, row, "undo")
    assert not frames_left_out(dataset, usable=False).any()


def test_a_drop_as_alike_is_of_one_frame_and_one_that_only_agrees_of_none(dataset: Dataset) -> None:
    row = next(at for at in range(24) if len(copies(dataset, at)) == 2)
    says(dataset, row, "drop", reason="alike", why="the other is sharper")
    assert np.flatnonzero(frames_left_out(dataset, usable=False)).tolist() == [row]
    other = next(at for at in range(24) if at not in copies(dataset, row))
    says(dataset, other, "drop", machine={"decision": "dropped", "reason": "duplicate"})
    assert np.flatnonzero(frames_left_out(dataset, usable=False)).tolist() == [row]
    says(dataset, other, "drop", machine={"decision": "dropped", "reason": "invalid"})
    assert frames_left_out(dataset, usable=False)[other] == PINNED


def test_a_keep_brings_an_unusable_frame_back(dataset: Dataset) -> None:
    row = int(np.flatnonzero(frames_left_out(dataset) == UNUSABLE)[0])
    says(dataset, row, "keep")
    assert frames_left_out(dataset)[row] == ""
    assert (frames_left_out(dataset) == UNUSABLE).sum() == 2


@pytest.mark.parametrize("usable", [True, False])
@pytest.mark.parametrize("limits", [{}, {"per_frame": 2, "per_group": 9, "budget": 7}])
def test_choosing_is_that_among_the_others_against_a_plain_loop(
    dataset: Dataset, scored: Hardness, usable: bool, limits: dict[str, int]
) -> None:
    says(dataset, 0, "drop", reason="outside")
    left_out = dict(zip(dataset.frames["frame_id"], frames_left_out(dataset, usable=usable), strict=True))
    table = scored.table
    rows, shown, twice = [], set(), []
    for at, row in enumerate(table.to_dict("records")):
        pixels = (row["sha256"], row["top"], row["left"], row["bottom"], row["right"])
        if left_out[row["frame_id"]] == "":
            (twice if pixels in shown else rows).append(at)
            shown.add(pixels)
    assert twice, "the frames hold exact copies"
    rows.sort(key=lambda at: table["hardness"][at])
    easy, hard = math.floor(0.25 * len(rows)), math.floor(0.1 * len(rows) + 1e-9)
    frames: dict[str, int] = {}
    groups: dict[str, int] = {}
    expected = []
    for at in rows[easy : len(rows) - hard][::-1]:
        frame, group = table["frame_id"][at], table["group"][at]
        frames[frame] = frames.get(frame, 0) + 1
        if frames[frame] > limits.get("per_frame", 99):
            continue
        groups[group] = groups.get(group, 0) + 1
        if groups[group] <= limits.get("per_group", 999):
            expected.append(at)
    rules = PatchRules(lower=0.25, upper=0.9, usable=usable, **limits)  # type: ignore[arg-type]
    ranked = Ranked.of(scored, dataset, usable=usable)
    choice, counts = ranked.choose(rules), ranked.counts(rules)
    assert choice.rows.tolist() == expected[: limits.get("budget")]
    assert counts.allowed == len(choice.rows)
    assert (counts.too_easy, counts.suspicious) == (easy, hard)
    out = patches_left_out(dataset, table, usable=usable)
    assert np.flatnonzero(out == COPY).tolist() == twice
    assert choice.reason[out != ""].tolist() == out[out != ""].tolist()
    assert (counts.unusable, counts.pinned, counts.copies) == tuple(
        (choice.reason == one).sum() for one in (UNUSABLE, PINNED, COPY)
    )
    assert sum((counts.too_easy, counts.useful, counts.suspicious, (out != "").sum())) == len(table)
    assert choice.terms.given == pytest.approx(terms(scored.moments, choice.rows).given)
    for band in ("too_easy", "useful", "suspicious"):
        assert set(ranked.gallery(rules, band, most=99).tolist()) <= set(rows)


def test_what_is_left_out_is_told(dataset: Dataset, scored: Hardness) -> None:
    says(dataset, 0, "drop", reason="outside")
    ranked = Ranked.of(scored, dataset)
    assert "12 patches are left out as their frames stand out" in ranked.notes()[UNUSABLE]
    assert ranked.notes()[PINNED].startswith(f"{4 * len(copies(dataset, 0))} patches")
    planned = plan(dataset, scored, PatchRules(), MosaicRules())
    assert ranked.notes().items() <= planned.notes.items()
    used = set(scored.table["frame_id"][planned.layout.rows.ravel()])
    out = dict(zip(dataset.frames["frame_id"], frames_left_out(dataset), strict=True))
    assert not any(out[frame] for frame in used)


def test_nothing_left_is_one_sentence_and_other_rules_are_refused(dataset: Dataset, scored: Hardness) -> None:
    table, m = scored.table, len(scored.table)
    every = np.full(m, UNUSABLE, dtype=object)
    every[:3] = PINNED
    columns = (table["hardness"].to_numpy(), table["frame_id"].to_numpy(object), table["group"].to_numpy(object))
    with pytest.raises(BadInput, match=f"{m - 3} are of frames that stand out as unusable and 3 of frames that rev"):
        Ranked(*columns, scored.moments, left_out=every)
    with pytest.raises(ValueError, match="rank them again"):
        Ranked.of(scored, dataset).counts(PatchRules(usable=False))
    broken = columns[0].copy()
    broken[5] = np.nan
    with pytest.raises(BadInput, match="1 patches have no hardness"):
        Ranked(broken, *columns[1:], scored.moments)
