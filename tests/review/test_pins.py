"""Pins: by content, over everything a selection does, and through re-selection, re-embedding and re-import."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dataeff_core.datasets.importing import import_frames
from dataeff_core.encoders import make as encoder
from dataeff_core.encoders.embedding import embed
from dataeff_core.errors import BadInput, NotFound, Stale
from dataeff_core.review.pinning import pin, take_back, unpin
from dataeff_core.selection import make
from dataeff_core.selection.explaining import explain
from dataeff_core.selection.saving import select, select_again
from dataeff_core.workspace import Dataset, SavedSelection, Workspace
from dataeff_core.workspace.datasets import save_frames
from dataeff_core.workspace.pins import Pins, overrides_fingerprint, overruled
from dataeff_core.workspace.trail import Entry, trail_of
from tests.fabrication import fabricate_selection, picture


def dropped_of(saved: SavedSelection, count: int = 1) -> list[str]:
    return saved.machine.loc[saved.machine["reason"] == "duplicate", "frame_id"].tolist()[:count]


def anew(workspace: Workspace, saved: SavedSelection) -> SavedSelection:
    return workspace.selection(saved.id)


def decision_on(saved: SavedSelection, frame: str) -> tuple[str, str]:
    row = saved.decisions.set_index("frame_id").loc[frame]
    return str(row["decision"]), str(row["reason"])


def entry(seq: int, action: str, frame: str = "f", content: str = "c", undoes: int | None = None) -> Entry:
    return Entry("Ada", action, content, frame, undoes=undoes, seq=seq, at=f"t{seq}", key=str(seq))  # type: ignore[arg-type]


# ---- the fold ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actions", "standing"),
    [
        ([("keep", None)], 1),
        ([("keep", None), ("drop", None)], 2),
        ([("keep", None), ("drop", None), ("undo", 2)], 1),
        ([("keep", None), ("drop", None), ("undo", 1)], 2),
        ([("keep", None), ("drop", None), ("undo", None)], None),
        ([("keep", None), ("undo", None), ("drop", None)], 3),
        ([("keep", None), ("mark", None)], 1),
        ([("keep", None), ("undo", 1), ("undo", 1)], None),
    ],
)
def test_what_stands(actions: list[tuple[str, int | None]], standing: int | None) -> None:
    entries = [entry(seq, action, undoes=undoes) for seq, (action, undoes) in enumerate(actions, 1)]
    pins = Pins.of(entries)
    assert [one.seq for one in pins.standing] == ([standing] if standing else [])
    assert pins.last == len(actions)


def test_a_pin_stays_on_its_frame_and_moves_where_that_is_gone() -> None:
    pins = Pins.of([entry(1, "keep", "a", "x"), entry(2, "drop", "gone1", "x"), entry(3, "keep", "gone2", "y")])
    placed = pins.on(["b", "a", "c", "d"], ["x", "x", "x", "z"])
    assert {row: one.seq for row, one in placed.rows.items()} == {1: 1, 0: 2}
    assert [one.seq for one in placed.gone] == [3]
    assert "pinned (gone2) is not in the dataset" in placed.gone_sentence
    assert placed.codes(4).tolist() == [2, 1, 0, 0]
    changed = pins.on(["a"], ["new"])  # the same place, another picture
    assert changed.rows == {}
    assert len(changed.gone) == 3


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xy"), st.sampled_from(["keep", "drop"])), max_size=8)
)
def test_no_two_pins_on_one_frame_and_none_lost(said: list[tuple[str, str, str]]) -> None:
    pins = Pins.of(entry(seq, action, frame, content) for seq, (frame, content, action) in enumerate(said, 1))
    ids, contents = ["a", "b", "e", "g"], ["x", "x", "y", "x"]
    placed = pins.on(ids, contents)
    assert len(placed.rows) + len(placed.gone) == len(pins.standing)
    assert all(one.content == contents[row] for row, one in placed.rows.items())
    assert {one.seq for one in placed.gone} | {one.seq for one in placed.rows.values()} == {
        one.seq for one in pins.standing
    }


def test_overruled_by_hand() -> None:
    table = pd.DataFrame(
        {
            "frame_id": list("abcde"),
            "decision": ["kept", "dropped", "dropped", "kept", "dropped"],
            "reason": ["kept", "duplicate", "duplicate", "kept", "invalid"],
            "representative_id": [None, "a", "d", None, None],
            "similarity": [np.nan, 0.9, 0.8, np.nan, np.nan],
            "override": ["dropped", None, "kept", None, "dropped"],
        }
    )
    done = overruled(table)
    assert done["decision"].tolist() == ["dropped", "dropped", "kept", "kept", "dropped"]
    assert done["reason"].tolist() == ["pinned", "duplicate", "pinned", "kept", "invalid"]
    assert done["representative_id"].isna().all()
    assert done["similarity"].isna().all()
    pd.testing.assert_frame_equal(overruled(done), done)
    assert table["decision"].tolist()[0] == "kept"  # the given one stays


# ---- a selection obeys -------------------------------------------------------------------------------------------


def test_every_selection_obeys_and_the_method_stays_as_it_was(workspace: Workspace, saved: SavedSelection) -> None:
    older = fabricate_selection(workspace.dataset("latest"), workspace.embedding(workspace.dataset("latest")))
    machine = saved.machine.copy()
    (frame,) = dropped_of(saved)
    (made,) = pin(workspace, saved, [frame], "keep", reviewer="Ada", why="=rare", reason="rare")
    now = anew(workspace, saved)
    assert decision_on(now, frame) == ("kept", "pinned")
    row = now.decisions.set_index("frame_id").loc[frame]
    assert (row["override"], row["reviewer"], row["reviewed_at"]) == ("kept", "Ada", made.at)
    assert pd.isna(row["representative_id"])
    assert (now.decisions["decision"] == "kept").sum() == saved.record.kept + 1
    pd.testing.assert_frame_equal(now.machine, machine)
    pd.testing.assert_frame_equal(select_again(workspace, now), machine)
    assert decision_on(anew(workspace, older), frame)[0] == "kept"
    assert made.machine["selection"] == saved.id
    assert (made.machine["decision"], made.machine["reason"]) == ("dropped", "duplicate")
    assert made.machine["similarity"] == pytest.approx(float(machine.set_index("frame_id").loc[frame, "similarity"]))


def test_a_dropped_frame_stands_for_nobody(workspace: Workspace, saved: SavedSelection) -> None:
    stand_in = str(saved.machine["representative_id"].dropna().iloc[0])
    pin(workspace, saved, [stand_in], "drop", reviewer="Ada")
    now = anew(workspace, saved)
    assert decision_on(now, stand_in) == ("dropped", "pinned")
    assert stand_in not in set(now.decisions["representative_id"].dropna())
    kept = set(now.decisions.loc[now.decisions["decision"] == "kept", "frame_id"])
    assert set(now.decisions["representative_id"].dropna()) <= kept


def test_undo_and_unpin(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    (frame,) = dropped_of(saved)
    pin(workspace, saved, [frame], "keep", reviewer="Ada")
    (second,) = pin(workspace, saved, [frame], "drop", reviewer="Bob")
    assert decision_on(anew(workspace, saved), frame) == ("dropped", "duplicate")
    take_back(dataset, second, reviewer="Bob")
    assert decision_on(anew(workspace, saved), frame) == ("kept", "pinned")
    unpin(workspace, saved, frame, reviewer="Bob")
    assert decision_on(anew(workspace, saved), frame) == ("dropped", "duplicate")
    assert anew(workspace, saved).decisions["override"].isna().all()
    with pytest.raises(NotFound, match="is not pinned"):
        unpin(workspace, saved, frame, reviewer="Bob")
    assert [one.action for one in trail_of(dataset.folder).entries()] == ["keep", "drop", "undo", "undo"]


def test_the_same_call_twice_counts_once(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    frames = dropped_of(saved, 3)
    first = pin(workspace, saved, frames, "keep", reviewer="Ada", key="press-1")
    assert pin(workspace, saved, frames, "keep", reviewer="Ada", key="press-1") == first
    assert trail_of(dataset.folder).last == 3


def test_new_thresholds_and_a_broken_budget(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    frames = dropped_of(saved, 2)
    pin(workspace, saved, frames, "keep", reviewer="Ada")
    again = select(workspace, dataset, make("random", {}), keep=0.05)
    assert set(frames) <= set(again.decisions.loc[again.decisions["decision"] == "kept", "frame_id"])
    changed = int((again.decisions["reason"] == "pinned").sum())
    assert again.record.kept == (again.decisions["decision"] == "kept").sum() == 3 + changed
    assert again.record.notes["pins"] == (
        f"Against the method, reviewers have {changed} kept; {3 + changed} frames are kept, {changed} more than "
        "the 3 that a share of 0.05 allows"
    )
    pd.testing.assert_frame_equal(select_again(workspace, again), again.machine)


def test_explained_with_both_sides(workspace: Workspace, saved: SavedSelection) -> None:
    (frame,) = dropped_of(saved)
    method = explain(workspace, saved, frame).sentence
    pin(workspace, saved, [frame], "keep", reviewer="Ada", why="a rare polyp.")
    told = explain(workspace, anew(workspace, saved), frame)
    assert told.sentence == f"Kept by decision of Ada (a rare polyp). The method had said: {method}"
    assert (told.decision, told.reason, told.override, told.reviewer) == ("kept", "pinned", "kept", "Ada")
    pin(workspace, saved, [frame], "drop", reviewer="Bob")
    assert explain(workspace, anew(workspace, saved), frame).sentence == f"{method} So decided Bob, too."


@pytest.mark.parametrize(
    ("frame", "options", "sentence"),
    [
        ("nonsense", {}, "no frame of fabricated fit 'nonsense'"),
        ("", {}, "no frame"),
        (None, {"reviewer": ""}, "name is empty"),
        (None, {"reviewer": "rule:mine"}, "begins like a rule's"),
        (None, {"reason": "mood"}, "reason 'mood' is not one of"),
    ],
)
def test_what_cannot_be_pinned(
    workspace: Workspace, saved: SavedSelection, frame: str | None, options: dict[str, str], sentence: str
) -> None:
    frames = dropped_of(saved) if frame is None else [*dropped_of(saved), frame]
    with pytest.raises((NotFound, BadInput), match=sentence):
        pin(workspace, saved, frames, "keep", **{"reviewer": "Ada", **options})  # type: ignore[arg-type]
    assert trail_of(saved.folder.parent.parent).last == 0


def test_a_pinned_frame_whose_file_is_gone(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    frame, other = dropped_of(saved, 2)
    pin(workspace, saved, [frame], "keep", reviewer="Ada")
    frames = dataset.all_frames.copy()
    frames.loc[frames["frame_id"].isin([frame, other]), "present"] = False
    save_frames(dataset.folder, dataset.record, frames, dataset.unreadable)
    with pytest.raises(NotFound, match=r"the file of frame .* is gone; put it back and import again first"):
        pin(workspace, saved, [other], "keep", reviewer="Ada")
    later = select(workspace, workspace.dataset(dataset.id), make("random", {}), keep=0.5)
    assert "Ada pinned" in later.record.notes["pins_gone"]
    assert decision_on(anew(workspace, saved), frame) == ("kept", "pinned")  # it was there then
    unpin(workspace, saved, frame, reviewer="Ada")
    assert Pins.of(trail_of(dataset.folder).entries()).standing == ()


def test_a_frame_that_came_after_the_selection(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    frames = dataset.all_frames.copy()
    frames.loc[0, "frame_id"] = "f" * 16
    save_frames(dataset.folder, dataset.record, frames, dataset.unreadable)
    with pytest.raises(Stale, match="made before frame ffffffffffffffff came"):
        pin(workspace, saved, ["f" * 16], "keep", reviewer="Ada")


def test_the_fingerprint_is_of_the_pins_alone(workspace: Workspace, saved: SavedSelection) -> None:
    def mark(table: SavedSelection) -> str:
        return overrides_fingerprint(table.decisions.assign(sha256="s"))

    before = mark(saved)
    pin(workspace, saved, dropped_of(saved), "keep", reviewer="Ada")
    after = mark(anew(workspace, saved))
    assert before != after
    shuffled = anew(workspace, saved).decisions.assign(sha256="s").sample(frac=1, random_state=1)
    assert overrides_fingerprint(shuffled) == after


# ---- through a second import and other vectors -------------------------------------------------------------------


def write_frames(folder: Path, names: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(number, 48, 56)).save(path)


def test_pins_outlive_another_embedding_and_moved_files(tmp_path: Path) -> None:
    workspace, source = Workspace.open(tmp_path / "w"), tmp_path / "source"
    write_frames(source, [f"p{number % 2}/{number}.png" for number in range(8)])
    import_frames(workspace, source, name="d", workers=1)
    dataset = workspace.dataset("d")
    embed(workspace, dataset, encoder("descriptor"), workers=0)
    first = select(workspace, dataset, make("random", {}), keep=0.25)
    frame = str(first.machine.loc[first.machine["decision"] == "dropped", "frame_id"].iat[0])
    content = str(dataset.frame(frame)["sha256"])
    pin(workspace, first, [frame], "keep", reviewer="Ada")

    embed(workspace, dataset, encoder("descriptor"), workers=0)
    assert decision_on(select(workspace, dataset, make("random", {}), keep=0.25), frame)[0] == "kept"

    path = str(dataset.frame(frame)["path"])
    (source / "moved").mkdir()
    shutil.move(source / path, source / "moved" / "new name.png")
    import_frames(workspace, source, name="d", workers=1)
    moved = workspace.dataset("d")
    (now,) = moved.frames.loc[moved.frames["sha256"] == content, "frame_id"]
    assert now != frame
    later = select(workspace, moved, make("random", {}), keep=0.25, seed=1)
    assert later.decisions.set_index("frame_id").loc[now, "override"] == "kept"

    pin(workspace, later, [now], "drop", reviewer="Bob")  # on the picture where it stands now
    assert decision_on(anew(workspace, later), now)[0] == "dropped"
    unpin(workspace, later, now, reviewer="Bob")
    assert anew(workspace, later).decisions["override"].isna().all()


def test_a_copy_is_another_frame(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    frames = dataset.all_frames.copy()
    frames.loc[1, "sha256"] = frames.loc[0, "sha256"]
    save_frames(dataset.folder, dataset.record, frames, dataset.unreadable)
    twin, other = frames["frame_id"][:2]
    chosen = select(workspace, workspace.dataset(dataset.id), make("random", {}), keep=1.0)
    pin(workspace, chosen, [twin], "drop", reviewer="Ada")
    assert decision_on(anew(workspace, chosen), twin)[0] == "dropped"
    assert decision_on(anew(workspace, chosen), other)[0] == "kept"
