"""The timeline: strips by hand, the longest stretch against a slow reference, and groups of every odd kind."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataeff_core.review.timeline import CODES, Strip, lasting, longest, order_of, sentence, strips
from dataeff_core.selection import make
from dataeff_core.selection.saving import select
from tests.fabrication import fabricate


def strip_of(
    kept: list[bool], at: list[float] | None = None, reasons: list[str] | None = None, video: str = ""
) -> Strip:
    n = len(kept)
    codes = [CODES[one] for one in reasons] if reasons else [0 if one else 1 for one in kept]
    return Strip(
        group="p1",
        video=video,
        name="p1",
        rows=np.arange(n),
        at=np.arange(n, dtype=float) if at is None else np.array(at, float),
        timed=at is not None,
        codes=np.array(codes, np.uint8),
        kept=np.array(kept, bool),
        decider=np.zeros(n, np.uint8),
    )


def tables(rows: list[tuple]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(group, kind, path, time, kept) a frame -> frames and decisions."""
    frames = pd.DataFrame(rows, columns=["group", "kind", "path", "time_s", "kept"])
    frames["source"] = 0
    decisions = pd.DataFrame(
        {
            "decision": np.where(frames["kept"], "kept", "dropped"),
            "reason": np.where(frames["kept"], "kept", "duplicate"),
        }
    )
    return frames.drop(columns="kept"), decisions


def test_the_longest_stretch_lies_between_kept_frames() -> None:
    gap = strip_of([True, False, False, True, False, True], [0, 1, 2, 3, 10, 21.4]).gap
    assert gap is not None
    assert (gap.first, gap.last, gap.start, gap.end) == (4, 4, 3, 21.4)
    assert gap.frames == 1
    assert gap.sentence == "18 s without a kept frame"
    assert gap.long


@pytest.mark.parametrize(
    ("strip", "long"),
    [
        (strip_of([True, False, True, *[True] * 300], [0, 5, 10, *range(11, 311)]), True),  # 10 s of five minutes
        (strip_of([True, False, True, *[True] * 300], [0, 5, 9, *range(10, 310)]), False),
        (strip_of([True, False, *[True] * 4], [0, 1, 2.9, 5.8, 8.7, 11.6]), False),  # a quarter, but of little
        (strip_of([True, False, *[True] * 4], [0, 1, 3, 6, 9, 12]), True),
        (strip_of([True, *[False] * 4, True]), False),
        (strip_of([True, *[False] * 5, True]), True),
        (strip_of([True, *[False] * 5, *[True] * 60]), False),
    ],
)
def test_what_catches_the_eye(strip: Strip, long: bool) -> None:
    assert strip.gap is not None
    assert strip.gap.long == long


def test_before_the_first_and_after_the_last_kept_frame_count_too() -> None:
    first = strip_of([False, False, True, False], [0, 5, 9, 10]).gap
    assert first is not None
    assert (first.first, first.last, first.start, first.end) == (0, 1, 0, 9)
    last = strip_of([True, True, False, False], [0, 1, 2, 9]).gap
    assert last is not None
    assert (last.first, last.last, last.start, last.end) == (2, 3, 1, 9)


def test_without_times_frames_are_counted() -> None:
    gap = strip_of([True, False, True, False, False, True, False]).gap
    assert gap is not None
    assert (gap.first, gap.last, gap.length) == (3, 4, 2)
    assert gap.sentence == "2 frames without a kept one"


def test_of_equal_stretches_the_first_is_told() -> None:
    gap = strip_of([True, False, True, False, True], [0, 1, 2, 3, 4]).gap
    assert gap is not None
    assert gap.first == 1


@pytest.mark.parametrize(
    ("strip", "said"),
    [
        (strip_of([False, False], [0, 30]), "no frame stays in 30 s"),
        (strip_of([False, False, False]), "no frame stays in 3 frames"),
        (strip_of([False]), "its only frame is removed"),
        (strip_of([False], [7.5]), "its only frame is removed"),
        (strip_of([False, False], [3, 3]), "no frame stays in 0.0 s"),
    ],
)
def test_a_strip_that_keeps_nothing_says_so(strip: Strip, said: str) -> None:
    assert strip.gap is not None
    assert strip.gap.whole
    assert strip.gap.long
    assert strip.gap.sentence == said


def test_where_every_frame_stays_there_is_no_stretch() -> None:
    assert strip_of([True, True]).gap is None
    assert strip_of([True]).gap is None
    assert sentence([strip_of([True])]) == "Every frame stays."


def test_a_hole_in_time_is_a_stretch_though_no_frame_of_it_was_removed() -> None:
    strip = strip_of([True] * 4, [0, 1, 61, 62])
    gap = strip.gap
    assert gap is not None
    assert (gap.first, gap.last, gap.frames, gap.start, gap.end) == (2, 1, 0, 1, 61)
    assert gap.long
    assert not gap.whole
    assert gap.sentence == "1 min without a kept frame; there are no frames to choose from in it"
    assert sentence([strip]) == (
        "The longest stretch is 1 min without a kept frame, in p1; there are no frames to choose from in it."
    )


def test_of_a_hole_and_a_removed_stretch_the_longer_is_told() -> None:
    at = [0, 1, 2, 3, 4, 5, 45, 46]
    both = strip_of([True, False, False, False, True, True, True, True], at).gap
    assert both is not None
    assert (both.start, both.end, both.frames) == (5, 45, 0)
    beside = strip_of([True] * 5 + [False, True, True], at).gap
    assert beside is not None
    assert (beside.start, beside.end, beside.frames) == (4, 45, 1)
    assert beside.sentence == "41 s without a kept frame"


def test_a_video_whose_first_frames_are_not_there_begins_with_a_hole() -> None:
    strip = strip_of([True] * 4, [30, 31, 32, 33], video="a.mp4")
    assert strip.gap is not None
    assert (strip.gap.start, strip.gap.end, strip.gap.first, strip.gap.frames) == (0, 30, 0, 0)
    assert strip.reach[0] == 0
    assert strip_of([True] * 4, [30, 31, 32, 33]).gap is None  # images of a group may be of any time


@pytest.mark.parametrize("at", [[0, 60], [0, 1, 2, 4, 6], [0, 30, 61, 90], [3, 3, 3], [3, 3, 3, 4, 4, 4, 5]])
def test_usual_steps_are_no_hole(at: list[float]) -> None:
    assert strip_of([True] * len(at), at).gap is None


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 100)), min_size=1, max_size=40), st.booleans())
def test_no_stretch_is_longer_than_the_one_told(frames: list[tuple[bool, float]], timed: bool) -> None:
    kept = [one for one, _ in frames]
    at = sorted(time for _, time in frames)
    gap = strip_of(kept, at if timed else None).gap
    lengths, run = [], []
    steps = [after - before for before, after in pairwise(at)]
    usual = [step for step in steps if step > 0]
    if timed and len(usual) > 1:
        both = [step for step, *pair in zip(steps, kept, kept[1:], strict=False) if all(pair)]
        lengths = [step for step in both if step > 3 * np.median(usual)]
    for place in range(len(kept)):
        if kept[place]:
            run = []
            continue
        run.append(place)
        before, after = run[0] - 1, place + 1
        while after < len(kept) and not kept[after]:
            after += 1
        seconds = at[min(after, len(at) - 1)] - at[max(before, 0)]
        lengths.append(seconds if timed else after - before - 1)
    if not lengths:
        assert gap is None
        return
    assert gap is not None
    assert gap.length == max(lengths)
    assert not any(kept[gap.first : gap.last + 1])
    assert all(kept[one] for one in (gap.first - 1, gap.last + 1) if 0 <= one < len(kept))
    assert gap.whole == (not any(kept))


@given(st.lists(st.sampled_from([*CODES]), min_size=1, max_size=60), st.integers(1, 80), st.integers(0, 3))
def test_densities_count_every_frame_once(reasons: list[str], bins: int, spread: int) -> None:
    kept = [one == "kept" for one in reasons]
    times = [float(place // (spread + 1)) for place in range(len(reasons))]
    strip = strip_of(kept, times, reasons)
    counts = strip.density(bins)
    assert counts.shape == (5, min(bins, len(reasons)))
    assert counts[:3].sum() == len(reasons)
    assert counts[0].sum() == sum(kept)
    assert counts[2].sum() == reasons.count("invalid")


def test_of_few_frames_each_has_a_part_of_its_own() -> None:
    counts = strip_of([True, False, True, False]).density(1000)
    assert counts[0].tolist() == [1, 0, 1, 0]
    assert counts[1].tolist() == [0, 1, 0, 1]


def test_whose_pin_holds_is_counted_agreements_too() -> None:
    frames, decisions = tables([("p", "image", f"{i}.png", np.nan, i % 2 == 0) for i in range(6)])
    decisions["reviewer"] = pd.Series(["Ada", "Bo", "rule:never lose a group", None, None, "Bo"], dtype="string")
    (found,) = strips(frames, decisions)
    assert found.decider.tolist() == [1, 1, 2, 0, 0, 1]
    counts = found.density(6)
    assert counts[3].tolist() == [1, 1, 0, 0, 0, 1]
    assert counts[4].tolist() == [0, 0, 1, 0, 0, 0]


def test_each_video_and_the_images_of_a_group_are_strips() -> None:
    frames, decisions = tables(
        [
            ("p1", "image", "p1/a.png", np.nan, True),
            ("p1", "image", "p1/b.png", np.nan, False),
            ("p1", "video", "p1/one.mp4", 0.0, False),
            ("p1", "video", "p1/one.mp4", 0.5, True),
            ("p1", "video", "p1/two.mp4", 0.0, False),
            ("p2.mp4", "video", "p2.mp4", 0.0, True),
        ]
    )
    found = strips(frames, decisions)
    assert [one.name for one in found] == ["p1 · images", "p1 · p1/one.mp4", "p1 · p1/two.mp4", "p2.mp4"]
    assert [one.timed for one in found] == [False, True, True, True]
    assert [one.rows.tolist() for one in found] == [[0, 1], [2, 3], [4], [5]]
    assert sorted(np.concatenate([one.rows for one in found])) == list(range(6))


def test_a_video_goes_by_its_times_whatever_the_tables_order() -> None:
    frames, decisions = tables(
        [("v", "video", "v.mp4", 2.0, True), ("v", "video", "v.mp4", 0.0, False), ("v", "video", "v.mp4", 1.0, False)]
    )
    (found,) = strips(frames, decisions)
    assert found.rows.tolist() == [1, 2, 0]
    assert found.at.tolist() == [0, 1, 2]
    assert found.kept.tolist() == [False, False, True]


def test_one_time_that_is_missing_makes_a_strip_count_frames() -> None:
    frames, decisions = tables([("v", "video", "v.mp4", 0.0, True), ("v", "video", "v.mp4", np.nan, False)])
    (found,) = strips(frames, decisions)
    assert not found.timed
    assert found.at.tolist() == [0, 1]


def test_groups_of_one_frame_and_no_frames_at_all() -> None:
    frames, decisions = tables([(f"p{i}", "image", f"{i}.png", np.nan, i > 0) for i in range(3)])
    found = strips(frames, decisions)
    assert len(found) == 3
    assert sentence(found) == "No frame stays of 1 of 3 groups and videos. Every other frame stays."
    assert strips(*(table.iloc[:0] for table in (frames, decisions))) == ()
    assert sentence(()) == "Every frame stays."


def test_a_methods_own_reason_is_drawn_as_removed() -> None:
    frames, decisions = tables([("p", "image", "a", np.nan, True), ("p", "image", "b", np.nan, False)])
    decisions.loc[1, "reason"] = "of the moon"
    assert strips(frames, decisions)[0].codes.tolist() == [0, 1]


def test_the_worst_strip_is_told_and_comes_first() -> None:
    bare, short, long = (
        strip_of([False, False], [0, 1]),
        strip_of([True, False, True], [0, 1, 2]),
        strip_of([True, False, True], [0, 9, 20]),
    )
    full, untimed = strip_of([True]), strip_of([True, *[False] * 50])
    ranked = sorted([full, untimed, short, long, bare], key=order_of, reverse=True)
    assert ranked == [bare, long, short, untimed, full]
    assert longest([full]) is None
    assert sentence([full, short, long]) == "The longest stretch is 20 s without a kept frame, in p1."
    assert sentence([bare, long]).startswith(
        "No frame stays of 1 of 2 groups and videos. The longest stretch is 20 s"
    )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (4.24, "4.2 s"), (9.97, "10 s"), (59.6, "1 min"), (95, "1 min 35 s"), (3723, "1 h 2 min 3 s")],
)
def test_lengths_of_time_are_never_coarser_than_a_second(seconds: float, said: str) -> None:
    assert lasting(seconds) == said


def test_a_real_selection_is_all_on_its_strips(tmp_path: Path) -> None:
    workspace, dataset, _, _ = fabricate(tmp_path / "w", frames=60, thumbnails=False)
    saved = select(workspace, dataset, make("meddel", {"k": "3", "eta": "0.9"}), keep=0.2)
    found = strips(dataset.frames, saved.decisions)
    assert sum(int(one.kept.sum()) for one in found) == saved.record.kept
    assert sorted(np.concatenate([one.rows for one in found])) == list(range(60))
