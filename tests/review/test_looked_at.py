"""What counts as a removal looked at, and that agreeing with one selection's removals does no harm to another."""

import numpy as np
import pytest

from dataeff_core.review.pinning import pin, take_back
from dataeff_core.review.queue import reviewing
from dataeff_core.selection import make
from dataeff_core.selection.saving import select
from dataeff_core.workspace import Dataset, SavedSelection, Workspace


@pytest.fixture
def first(workspace: Workspace, dataset: Dataset) -> SavedSelection:
    return select(workspace, dataset, make("meddel", {"k": "3", "eta": "0.9"}))


@pytest.fixture
def other(workspace: Workspace, dataset: Dataset) -> SavedSelection:
    return select(workspace, dataset, make("meddel", {"k": "3", "eta": "0.9"}), seed=1)


def alike(saved: SavedSelection) -> list[str]:
    return saved.machine.loc[saved.machine["reason"] == "duplicate", "frame_id"].tolist()


def kept(saved: SavedSelection) -> set[str]:
    return set(saved.decisions.loc[saved.decisions["decision"] == "kept", "frame_id"])


def looked(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> int:
    return int(reviewing(dataset, workspace.selection(saved.id))[0].reviewed.sum())


def test_agreeing_with_removals_removes_nothing_elsewhere(
    workspace: Workspace, dataset: Dataset, first: SavedSelection, other: SavedSelection
) -> None:
    contested = kept(other) & set(alike(first))
    assert contested
    for frame in alike(first):
        pin(workspace, first, [frame], "drop", reviewer="Ada")
    assert kept(workspace.selection(other.id)) == kept(other)
    assert kept(workspace.selection(first.id)) == kept(first)
    later = select(workspace, dataset, make("meddel", {"k": "3", "eta": "0.9"}), seed=2)
    assert kept(later) == set(later.machine.loc[later.machine["decision"] == "kept", "frame_id"])
    assert later.record.kept == len(kept(later))


@pytest.mark.parametrize(("reason", "why"), [("private", ""), ("unusable", ""), ("", "shows the patient's face")])
def test_a_drop_for_what_the_picture_is_holds_everywhere(
    workspace: Workspace, first: SavedSelection, other: SavedSelection, reason: str, why: str
) -> None:
    frame = sorted(kept(other) & set(alike(first)))[0]
    pin(workspace, first, [frame], "drop", reviewer="Ada", reason=reason, why=why)
    assert frame not in kept(workspace.selection(other.id))
    pin(workspace, first, [frame], "drop", reviewer="Ben", reason="alike")  # agrees, and makes that no weaker
    assert frame not in kept(workspace.selection(other.id))


def test_a_drop_of_what_the_method_keeps_holds_everywhere(
    workspace: Workspace, first: SavedSelection, other: SavedSelection
) -> None:
    frame = sorted(kept(first) & kept(other))[0]
    pin(workspace, first, [frame], "drop", reviewer="Ada", reason="alike")
    assert frame not in kept(workspace.selection(other.id))


def test_many_at_a_time_are_not_looked_at(workspace: Workspace, dataset: Dataset, first: SavedSelection) -> None:
    removed = first.machine.loc[first.machine["decision"] == "dropped", "frame_id"].tolist()
    pin(workspace, first, removed[2:], "drop", reviewer="Ada")
    assert looked(workspace, dataset, first) == 0
    entries = pin(workspace, first, removed[:1], "drop", reviewer="Ada")
    pin(workspace, first, removed[2:3], "drop", reviewer="Ada")
    assert looked(workspace, dataset, first) == 2
    take_back(dataset, entries[0], reviewer="Ada")
    assert looked(workspace, dataset, first) == 1


def test_another_selection_counts_only_what_it_has_in_common(
    workspace: Workspace, dataset: Dataset, first: SavedSelection, other: SavedSelection
) -> None:
    for frame in alike(first):
        pin(workspace, first, [frame], "drop", reviewer="Ada")
    both = first.machine.merge(other.machine, on="frame_id")
    removed = (both[["reason_x", "reason_y"]] == "duplicate").all(axis=1)
    same = removed & (both["representative_id_x"] == both["representative_id_y"])
    assert 0 < same.sum() < removed.sum()
    assert looked(workspace, dataset, other) == int(same.sum())
    assert looked(workspace, dataset, first) == len(alike(first))


def test_a_removal_found_harmful_counts_wherever_it_is_one(
    workspace: Workspace, dataset: Dataset, first: SavedSelection, other: SavedSelection
) -> None:
    frame = sorted(set(alike(first)) & set(alike(other)))[0]
    pin(workspace, first, [frame], "keep", reviewer="Ada")
    queue, harmful = reviewing(dataset, workspace.selection(other.id))
    assert (int(np.sum(queue.reviewed)), harmful) == (1, 1)
