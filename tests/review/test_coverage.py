"""Nothing lost: units by hand, lesions from drawn masks, and the rule that brings back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dataeff_core.review.coverage import Coverage, coverage, lost_among
from dataeff_core.review.lesions import SIDE, Lesions, grid_of, lesions_of, overlap, track
from dataeff_core.review.pinning import pin, take_back
from dataeff_core.review.rules import State, lift, never_lose, not_taken_back, preference, rule_name, state_of
from dataeff_core.selection import make
from dataeff_core.selection.saving import select
from dataeff_core.workspace import Dataset, SavedSelection, Workspace
from dataeff_core.workspace.trail import trail_of
from tests.fabrication import fabricate

FRAMES = pd.DataFrame(
    {
        "frame_id": list("abcdef"),
        "group": ["p1", "p1", "p1", "p2", "p2", "p2"],
        "kind": "image",
        "source": 0,
        "path": list("abcdef"),
        "label_finding": ["polyp", None, "polyp", "normal", "normal", None],
    }
)
DECISIONS = pd.DataFrame(
    {
        "frame_id": list("abcdef"),
        "decision": ["kept", "dropped", "dropped", "dropped", "dropped", "dropped"],
        "representative_id": [None, "a", "a", None, "a", "a"],
        "similarity": [np.nan, 0.9, 0.7, np.nan, 0.8, 0.95],
    }
)


def unit(found: Coverage, name: str) -> tuple[int, int, int, list[int]]:
    (one,) = [unit for unit in found.units if unit.name == name]
    return len(one.rows), one.kept, one.worst, one.alone.tolist()


def test_units_by_hand() -> None:
    lesions = Lesions(np.array(["c", "d", "a"], object), np.array([0, 0, 1]), unusable=1)
    found = coverage(FRAMES, DECISIONS, lesions)
    assert unit(found, "p1") == (3, 1, 2, [])
    assert unit(found, "p2") == (3, 0, 4, [3])
    assert unit(found, "finding = polyp") == (2, 1, 2, [])
    assert unit(found, "finding = normal") == (2, 0, 4, [3])
    assert unit(found, "lesion 1") == (2, 0, 2, [3])
    assert unit(found, "lesion 2") == (1, 1, -1, [])
    assert [one.name for one in found.lost] == ["p2", "finding = normal", "lesion 1"]
    assert found.units[0].worst_similarity == 0.8
    assert found.sentence == (
        "No frame stays of: p2, finding = normal, lesion 1 (1 of 2 groups, 1 of 2 labels, 1 of 2 lesions)."
    )
    assert found.unusable_masks == 1
    kept = (DECISIONS["decision"] == "kept").to_numpy()
    assert lost_among(FRAMES, lesions)(kept) == [("group", "p2"), ("label", "finding = normal"), ("lesion", "1")]


def test_nothing_lost_is_said() -> None:
    found = coverage(FRAMES[:3].drop(columns="label_finding"), DECISIONS[:3])
    assert found.sentence == "No group has lost all its frames (1 group)."


def test_videos_count_beside_patients_only_where_they_differ() -> None:
    frames = FRAMES.assign(kind="video", path=["v1", "v1", "v2", "v3", "v3", "v3"]).drop(columns="label_finding")
    assert [one.name for one in coverage(frames, DECISIONS).units if one.kind == "video"] == ["v2", "v3", "v1"]
    same = frames.assign(path=["v1"] * 3 + ["v2"] * 3)
    assert {one.kind for one in coverage(same, DECISIONS).units} == {"group"}


# ---- lesions -----------------------------------------------------------------------------------------------------


def disc(*centres: tuple[int, int], radius: int = 8) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.any([(y - cy) ** 2 + (x - cx) ** 2 <= radius**2 for cy, cx in centres], axis=0)


def test_a_lesion_is_followed_and_a_jump_is_another() -> None:
    grids = [disc((20, 20)), disc((21, 22)), disc((45, 45)), np.zeros((SIDE, SIDE), bool), disc((45, 45))]
    assert list(track(grids, ["g"] * 5)) == [[0], [0], [1], [], [2]]
    assert list(track([grids[0], None, grids[0]], ["g"] * 3)) == [[0], [], [1]]
    assert list(track([grids[0], grids[0]], ["g", "h"])) == [[0], [1]]


def test_two_lesions_in_one_frame() -> None:
    both = disc((15, 15), (45, 45))
    assert list(track([disc((15, 15)), both, disc((45, 45))], ["g"] * 3)) == [[0], [0, 1], [1]]


def test_a_small_lesion_is_not_lost_on_the_grid() -> None:
    mask = np.zeros((1080, 1920), bool)
    mask[500, 900] = True
    grid = grid_of(mask)
    assert grid.sum() == 1
    assert list(track([grid], ["g"])) == [[0]]
    assert overlap(grid, grid) == 1


def foreground(path: Path) -> np.ndarray | None:
    return None if "000003" in path.name else np.asarray(Image.open(path)) > 127


def test_lesions_of_a_dataset_are_read_once(tmp_path: Path) -> None:
    _, dataset, *_ = fabricate(tmp_path / "w", frames=12, groups=2, masks=True)
    found = lesions_of(dataset, foreground)
    assert found is not None
    assert found.unusable == 1
    empty = [dataset.frames["frame_id"][int(row)] for row in (0, 8) if row < 12]
    assert set(found.frame_ids).isdisjoint(empty) or found.count > 0

    def never(path: Path) -> np.ndarray | None:
        raise AssertionError(path)

    again = lesions_of(dataset, never)
    assert again is not None
    assert again.frame_ids.tolist() == found.frame_ids.tolist()
    assert again.lesions.tolist() == found.lesions.tolist()
    mask = dataset.mask_file(dataset.frames.iloc[1])
    assert mask is not None
    mask.write_bytes(mask.read_bytes() + b"\0")
    with pytest.raises(AssertionError):
        lesions_of(dataset, never)  # a mask has changed


def test_no_masks_no_lesions(dataset: Dataset) -> None:
    assert lesions_of(dataset, foreground) is None


# ---- the rule ----------------------------------------------------------------------------------------------------


def of(dataset: Dataset, saved: SavedSelection) -> Coverage:
    return coverage(dataset.frames, saved.decisions)


def kept_groups(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> set[str]:
    decisions = workspace.selection(saved.id).decisions
    return set(dataset.frames.loc[(decisions["decision"] == "kept").to_numpy(), "group"])


def test_never_lose_a_group(workspace: Workspace, dataset: Dataset) -> None:
    few = select(workspace, dataset, make("random", {}), keep=1 / 60)
    assert len(of(dataset, few).lost) == 2
    done = never_lose(dataset, few, of(dataset, few), kind="group", by="Ada")
    assert (len(done.entries), done.brought_back, done.impossible) == (3, 2, ())
    assert {entry.reviewer for entry in done.entries} == {"rule:never lose a group"}
    assert all("set by Ada" in entry.why for entry in done.entries)
    everyone = {"patient-001", "patient-002", "patient-003"}
    assert kept_groups(workspace, dataset, few) == everyone
    other = select(workspace, dataset, make("random", {}), keep=1 / 60, seed=5)
    assert kept_groups(workspace, dataset, other) == everyone
    assert other.record.kept >= 3
    now = workspace.selection(few.id)
    again = never_lose(dataset, now, of(dataset, now), kind="group", by="Ada")
    assert again.entries == ()
    assert len(lift(dataset, kind="group", by="Ada")) == 3
    assert len(kept_groups(workspace, dataset, few)) == 1


def test_a_rule_never_brings_back_what_a_person_dropped(workspace: Workspace, dataset: Dataset) -> None:
    few = select(workspace, dataset, make("random", {}), keep=1 / 60)
    lost = of(dataset, few).lost[0]
    ids = dataset.frames["frame_id"].iloc[lost.rows].tolist()
    pin(workspace, few, ids[1:], "drop", reviewer="Bob")
    now = workspace.selection(few.id)
    done = never_lose(dataset, now, of(dataset, now), kind="group", by="Ada")
    assert ids[0] in {entry.frame_id for entry in done.entries}
    pin(workspace, few, ids[:1], "drop", reviewer="Bob")
    now = workspace.selection(few.id)
    done = never_lose(dataset, now, of(dataset, now), kind="group", by="Ada")
    assert [one.name for one in done.impossible] == [lost.name]
    assert f"reviewers dropped every frame of {lost.name}" in done.sentence
    assert {one.action for one in trail_of(dataset.folder).entries() if one.frame_id == ids[0]} == {"keep", "drop"}


def test_a_lifted_rule_does_not_come_back_from_below_a_persons_decision(
    workspace: Workspace, dataset: Dataset
) -> None:
    few = select(workspace, dataset, make("random", {}), keep=1 / 60)
    done = never_lose(dataset, few, of(dataset, few), kind="group", by="Ada")
    brought = next(
        one for one in done.entries if few.machine.set_index("frame_id")["decision"][one.frame_id] != "kept"
    )
    drop = pin(workspace, few, [brought.frame_id], "drop", reviewer="Bob", reason="unusable")[0]
    lifted = lift(dataset, kind="group", by="Ada")
    assert {one.undoes for one in lifted} == {one.seq for one in done.entries}
    take_back(dataset, drop, reviewer="Bob")
    assert workspace.selection(few.id).pins.standing == ()
    assert lift(dataset, kind="group", by="Ada") == []


def test_a_rule_is_told_with_its_date_and_the_units_without_a_pin(workspace: Workspace, dataset: Dataset) -> None:
    few = select(workspace, dataset, make("random", {}), keep=1 / 60)
    units = list(of(dataset, few).units)
    name = rule_name("group")

    def state() -> State | None:
        pins = not_taken_back(trail_of(dataset.folder).entries()).get(name, ())
        return state_of(pins, workspace.selection(few.id), units)

    assert state() is None
    done = never_lose(dataset, few, replace(of(dataset, few), units=tuple(units[:2])), kind="group", by="Ada")
    assert state() == State(done.entries[0].at, 2, 3, without=1, overruled=0)
    pin(workspace, few, [done.entries[0].frame_id], "drop", reviewer="Bob", reason="unusable")
    assert state() == State(done.entries[0].at, 2, 3, without=1, overruled=1)
    now = workspace.selection(few.id)
    never_lose(dataset, now, of(dataset, now), kind="group", by="Ada")
    assert state() == State(done.entries[0].at, 4, 3, without=0, overruled=0)
    lift(dataset, kind="group", by="Ada")
    assert state() is None


def test_the_most_usable_frame_is_preferred() -> None:
    frames = pd.DataFrame({"invalid_score": [0.5, 0.1, 0.1, np.nan]})
    assert preference(frames, np.array([False, False, False, True])).tolist() == [3, 1, 2, 0]
    assert preference(pd.DataFrame(index=range(2)), np.array([False, False])).tolist() == [0, 1]


def test_a_rules_name_fits_the_trail() -> None:
    assert len(rule_name("label", "x" * 500)) <= 100
