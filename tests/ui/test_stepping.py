"""Stepping through: what the browser is told is what the method and the trail say, and every decision that it sends
is on the trail once, or is answered with one sentence."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dataeff_core.errors import Stale
from dataeff_core.review.pinning import pin
from dataeff_core.review.queue import enough_reviewed, queue_of, still_needed
from dataeff_core.ui.review import step_saving
from dataeff_core.ui.review.step_queue import CHUNK, Steps, _nearer
from dataeff_core.ui.review.step_saving import Wish, read
from dataeff_core.workspace import Dataset, SavedSelection, Workspace
from dataeff_core.workspace.trail import trail_of
from tests.fabrication import fabricate, fabricate_selection


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    workspace, dataset, embedding, _ = fabricate(tmp_path / "w", frames=60, thumbnails=False)
    fabricate_selection(dataset, embedding, keep=0.2)
    return workspace


@pytest.fixture
def dataset(space: Workspace) -> Dataset:
    return space.dataset("latest")


@pytest.fixture
def saved(space: Workspace) -> SavedSelection:
    return space.selection("latest")


@pytest.fixture
def steps(dataset: Dataset, saved: SavedSelection) -> Steps:
    return Steps(dataset, saved)


def wish(frame: str, action: str = "keep", *, number: int = 0, **more: str) -> dict[str, str]:
    return {"key": f"key-{number:016d}", "action": action, "frame": frame} | more


def write(space: Workspace, saved: SavedSelection, *told: object, reviewer: str = "Dr A") -> dict[str, str]:
    return step_saving.write(space, saved, read({"wishes": list(told)}), reviewer=reviewer)


def frame_at(steps: Steps, position: int) -> str:
    return steps.items(position, 1)[0]["id"]


def test_every_removal_once_in_the_order_of_the_queue(steps: Steps, saved: SavedSelection) -> None:
    told = [one for first in range(0, len(steps), CHUNK) for one in steps.items(first, CHUNK)]
    queue = queue_of(saved.machine)
    assert [one["id"] for one in told] == saved.machine["frame_id"].iloc[queue.rows].tolist()
    assert [one["at"] for one in told] == list(range(len(steps)))
    json.dumps(told, allow_nan=False)
    assert steps.items(len(steps), 5) == []
    assert len(steps.items(0, 10_000)) == CHUNK


def test_a_frame_is_told_with_its_stand_in_its_sentence_and_how_close_it_was(
    steps: Steps, saved: SavedSelection
) -> None:
    machine = saved.machine.set_index("frame_id")
    told = [one for first in range(0, len(steps), CHUNK) for one in steps.items(first, CHUNK)]
    for one in told:
        said = machine.loc[one["id"]]
        assert one["sentence"].startswith("Removed")
        if said["reason"] == "duplicate":
            assert one["partner"]["id"] == said["representative_id"]
            assert machine.loc[one["partner"]["id"], "decision"] == "kept"
            assert one["state"] == "Removed: nearly the same"
    alike = sorted(machine.loc[(machine["reason"] == "duplicate") & machine["score"].notna(), "score"])
    first = next(one for one in told if machine.loc[one["id"], "score"] == alike[0])
    assert first["nearer"] == 0
    assert "none of those removed as “nearly the same” was closer" in first["close"]
    last = next(one for one in told if machine.loc[one["id"], "score"] == alike[-1])
    assert last["nearer"] == pytest.approx((len(alike) - 1) / len(alike))
    assert last["close"].startswith("Clearly removed")


def test_where_nothing_stands_for_a_frame_the_kept_one_most_like_it_is_shown(
    space: Workspace, dataset: Dataset, saved: SavedSelection
) -> None:
    embedding = space.embedding(dataset)
    steps = Steps(dataset, saved, embedding)
    told = {one["id"]: one for first in range(0, len(steps), CHUNK) for one in steps.items(first, CHUNK)}
    vectors = dict(zip(embedding.frame_ids, embedding.vectors.astype(np.float64), strict=True))
    kept = saved.machine.loc[saved.machine["decision"] == "kept", "frame_id"].tolist()
    alone = saved.machine.loc[
        (saved.machine["decision"] == "dropped") & saved.machine["representative_id"].isna(), "frame_id"
    ]
    assert len(alone)
    for one in alone:
        likeness = [vectors[one] @ vectors[other] for other in kept]
        assert told[one]["partner"]["id"] == kept[int(np.argmax(likeness))]
        assert not told[one]["partner"]["stands"]
    assert sum(one["partner"]["stands"] for one in told.values()) == len(told) - len(alone)
    without = Steps(dataset, saved)
    assert all(not one["partner"] for one in without.items(0, CHUNK) if one["id"] in set(alone))


def test_no_symbols_on_this_page(steps: Steps) -> None:
    from dataeff_core.ui.review.step_words import WORDS, reasons

    said = json.dumps([steps.items(0, CHUNK), WORDS, reasons()], ensure_ascii=False)
    assert not [letter for letter in said if "\u0370" <= letter <= "\u03ff"]


def test_marks_count_people_not_rules_and_a_review_goes_on_where_it_stopped(
    space: Workspace, saved: SavedSelection, steps: Steps
) -> None:
    assert steps.marks().first_open == 0
    assert write(space, saved, wish(frame_at(steps, 0)), wish(frame_at(steps, 1), "drop", number=1)) == {
        "key-0000000000000000": "",
        "key-0000000000000001": "",
    }
    pin(space, saved, [frame_at(steps, 3)], "keep", reviewer="Dr B")
    marks = steps.marks()
    assert (marks.tally.reviewed, marks.tally.kept, marks.first_open) == (3, 2, 2)
    assert "have 2 kept" in marks.overruling.replace("reviewers ", "")
    assert steps.changes(0)["whole"]
    assert set(steps.changes(2)["marks"]) == {frame_at(steps, 3)}
    assert steps.changes(3)["marks"] == {}


def test_a_list_sent_twice_counts_once_and_in_its_order(
    space: Workspace, dataset: Dataset, saved: SavedSelection, steps: Steps
) -> None:
    frame = frame_at(steps, 0)
    told = [
        wish(frame, "keep", reason="finding", why="  =SUM(A1) <b>polyp</b> "),
        wish(frame, "undo", number=1, of=f"key-{0:016d}:{frame}"),
        wish(frame, "drop", number=2, reason="alike"),
    ]
    for _ in range(2):
        assert set(write(space, saved, *told).values()) == {""}
    entries = trail_of(dataset.folder).entries()
    assert [(one.action, one.reason, one.why) for one in entries] == [
        ("keep", "finding", "=SUM(A1) <b>polyp</b>"),
        ("undo", "", ""),
        ("drop", "alike", ""),
    ]
    assert steps.changes(0)["marks"][frame]["because"] == "the same as another kept frame"


def test_two_reviewers_at_the_same_moment(
    space: Workspace, dataset: Dataset, saved: SavedSelection, steps: Steps
) -> None:
    frames = [frame_at(steps, one) for one in range(8)]

    def review(who: int) -> dict[str, str]:
        told = [wish(one, "keep" if who else "drop", number=100 * who + at) for at, one in enumerate(frames)]
        return write(space, saved, *told, reviewer=f"Dr {who}")

    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(review, range(2)))
    assert all(set(one.values()) == {""} for one in answers)
    entries = trail_of(dataset.folder).entries(machine=False)
    assert len(entries) == 16
    for frame in frames:
        newest = [one for one in entries if one.frame_id == frame][-1]
        assert steps.changes(0)["marks"][frame]["by"] == newest.reviewer


def test_what_is_anothers_is_not_taken_back(space: Workspace, saved: SavedSelection, steps: Steps) -> None:
    frame = frame_at(steps, 0)
    [entry] = pin(space, saved, [frame], "keep", reviewer="Dr <B>")
    [told] = write(space, saved, wish(frame, "undo", of=entry.key)).values()
    assert told == "Dr <B> decided on this frame; decide otherwise instead of taking that back"
    [told] = write(space, saved, wish(frame, "undo", of="never-was")).values()
    assert "nothing to take back" in told
    assert steps.marks().tally.kept == 1


def test_one_wrong_decision_does_not_stop_the_others(space: Workspace, saved: SavedSelection, steps: Steps) -> None:
    answers = write(space, saved, wish("f" * 16), wish(frame_at(steps, 0), number=1))
    assert "no frame of fabricated fit" in answers["key-0000000000000000"]
    assert answers["key-0000000000000001"] == ""


def test_a_decision_under_another_name_is_not_written(space: Workspace, saved: SavedSelection, steps: Steps) -> None:
    [told] = write(space, saved, wish(frame_at(steps, 0), by="Dr Before")).values()
    assert told == "Dr Before took this decision, and now Dr A reviews; decide again"
    assert steps.marks().tally.reviewed == 0


def test_a_trail_that_cannot_be_written_is_said_for_each_and_nothing_is_counted(
    space: Workspace, dataset: Dataset, saved: SavedSelection, steps: Steps
) -> None:
    file = trail_of(dataset.folder).file
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"no database at all, but long enough to be looked at as one" * 20)
    answers = write(space, saved, *(wish(frame_at(steps, one), number=one) for one in range(3)))
    assert len(set(answers.values())) == 1
    assert len(answers) == 3
    assert "is damaged" in answers["key-0000000000000000"]


@pytest.mark.parametrize(
    "told",
    [
        None,
        7,
        "keep",
        [],
        {},
        {"wishes": "all"},
        {"wishes": [None, 3, {}, []]},
        {"wishes": [{"key": "short", "action": "keep", "frame": "0" * 16}]},
        {"wishes": [{"key": "k" * 20, "action": "delete", "frame": "0" * 16}]},
        {"wishes": [{"key": "k" * 20, "action": "keep", "frame": "../../etc/passwd"}]},
        {"wishes": [{"key": "k" * 20, "action": "keep", "frame": 5}]},
    ],
)
def test_what_is_no_decision_is_left_out(told: object) -> None:
    assert read(told) == []


def test_reasons_of_the_other_side_and_long_words_are_cut() -> None:
    [one] = read({"wishes": [wish("0" * 16, "drop", reason="finding", why="x" * 9000)]})
    assert one == Wish("key-0000000000000000", "drop", "0" * 16, "", "x" * 2000)


def test_a_selection_of_other_frames_is_refused(
    space: Workspace, dataset: Dataset, saved: SavedSelection, tmp_path: Path
) -> None:
    other = fabricate(tmp_path / "v", frames=30, thumbnails=False)[1]
    with pytest.raises(Stale, match="run `select"):
        Steps(other, saved)


@pytest.mark.parametrize("keep", [0.02, 0.999])
def test_few_or_no_removals(tmp_path: Path, keep: float) -> None:
    _, dataset, embedding, _ = fabricate(tmp_path / "few", frames=40, groups=40, thumbnails=False)
    steps = Steps(dataset, fabricate_selection(dataset, embedding, keep=keep))
    assert len(steps) == 40 - max(1, round(keep * 40))
    assert len(steps.items(0, CHUNK)) == min(CHUNK, len(steps))
    assert steps.marks().first_open == 0


def test_the_trail_is_asked_again_after_pictures_moved(
    space: Workspace, dataset: Dataset, saved: SavedSelection, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decision on a picture that stood elsewhere: its mark is on the frame that has the picture now."""
    from dataeff_core.review.pinning import put
    from dataeff_core.workspace.trail import Decision

    row = int(steps.queue.rows[4])
    gone = Decision(reviewer="Dr A", action="keep", content=str(steps.contents[row]), frame_id="0" * 16)
    trail_of(dataset.folder).append([gone])
    assert steps.changes(0)["marks"][str(steps.ids[row])]["at"] == 4
    put(dataset, [Decision(reviewer="Dr A", action="drop", content=gone.content, frame_id=str(steps.ids[row]))])
    later = steps.changes(1)
    assert later["whole"]
    assert later["marks"][str(steps.ids[row])]["action"] == "drop"


@pytest.mark.parametrize(
    ("removed", "reviewed", "harmful", "limit"), [(80, 12, 0, 0.05), (500, 30, 2, 0.02), (9, 0, 0, 0.5)]
)
def test_how_many_more_would_be_enough(removed: int, reviewed: int, harmful: int, limit: float) -> None:
    more = still_needed(removed=removed, reviewed=reviewed, harmful=harmful, limit=limit)
    told = [
        enough_reviewed(removed=removed, reviewed=reviewed + one, harmful=harmful, limit=limit).enough
        for one in range(removed - reviewed + 1)
    ]
    assert told.index(True) == more


def test_enough_already() -> None:
    assert still_needed(removed=0, reviewed=0, harmful=0, limit=0.01) == 0
    assert still_needed(removed=50, reviewed=50, harmful=7, limit=0.01) == 0


@pytest.fixture
def told_order(steps: Steps) -> Callable[[], np.ndarray]:
    return lambda: np.array([one["id"] for one in steps.items(0, CHUNK)])


def test_the_order_stays_while_decisions_come(
    space: Workspace, saved: SavedSelection, steps: Steps, told_order: Callable[[], np.ndarray]
) -> None:
    before = told_order()
    write(space, saved, *(wish(one, number=at) for at, one in enumerate(before[:5])))
    assert (told_order() == before).all()


def test_frames_kept_many_at_once_are_marked_but_still_to_be_looked_at(
    space: Workspace, saved: SavedSelection, steps: Steps
) -> None:
    many = [one["id"] for one in steps.items(0, 6)]
    pin(space, saved, many, "keep", reviewer="Dr A", key="lasso")
    told = steps.changes(0)["marks"]
    assert set(told) == set(many)
    assert not any(one["seen"] for one in told.values())
    marks = steps.marks()
    assert (marks.tally.reviewed, marks.first_open) == (0, 0)
    write(space, saved, wish(many[0], "keep"))
    assert steps.changes(0)["marks"][many[0]]["seen"]
    assert steps.marks().first_open == 1


def test_how_close_a_too_easy_frame_was_counts_from_below_its_limit() -> None:
    machine = pd.DataFrame(
        {
            "frame_id": list("abc"),
            "decision": "dropped",
            "reason": "too_easy",
            "representative_id": None,
            "score": [0.1, 0.49, 0.3],
        }
    )
    queue = queue_of(machine)
    assert machine["frame_id"].iloc[queue.rows].tolist() == ["b", "c", "a"]
    assert _nearer(machine, queue).tolist() == pytest.approx([0, 1 / 3, 2 / 3])
