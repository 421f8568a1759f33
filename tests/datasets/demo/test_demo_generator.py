import os
import re
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dataeff_core.datasets.demo import DemoVideos, generate
from dataeff_core.datasets.demo.generator import plan_videos
from dataeff_core.datasets.demo.truth import COLUMNS
from dataeff_core.datasets.demo.video import FRAMES_PER_SECOND, SMALLEST_POLYP, Footage, draw_frame
from dataeff_core.errors import BadInput, Conflict, StorageFailed


def decode(video: Path) -> tuple[np.ndarray, list[float]]:
    with av.open(str(video)) as container:
        frames = list(container.decode(video=0))
    return np.stack([frame.to_ndarray(format="rgb24") for frame in frames]), [float(frame.time) for frame in frames]


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("frames", [1, 2, 7, 11, 12, 13, 99, 100, 101, 150, 599, 600, 601, 12_345])
def test_plan_adds_up_to_the_frames_asked_for(frames: int) -> None:
    plans = plan_videos(Path("x"), frames=frames, seed=0, size=384)
    lengths = [plan.frames for plan in plans]
    assert sum(lengths) == frames
    assert min(lengths) >= 1
    assert max(lengths) - min(lengths) <= 1
    assert len({plan.name for plan in plans}) == len(plans)
    assert [plan.name for plan in plans] == sorted(plan.name for plan in plans)


def test_600_frames_are_six_videos_of_a_hundred() -> None:
    plans = plan_videos(Path("x"), frames=600, seed=0, size=384)
    assert [plan.frames for plan in plans] == [100] * 6
    assert plans[0].name == "colonoscopy_01"


def test_videos_have_the_frames_and_times_of_the_truth(demo: DemoVideos, truth: pd.DataFrame) -> None:
    assert tuple(truth.columns) == COLUMNS
    assert len(truth) == demo.frames == 60
    assert [video.stem for video in demo.videos] == list(dict.fromkeys(truth["video"]))
    for video in demo.videos:
        rows = truth[truth["video"] == video.stem]
        pictures, times = decode(video)
        assert pictures.shape == (len(rows), 96, 96, 3)
        assert list(rows["frame_index"]) == list(range(len(rows)))
        assert times == pytest.approx(list(rows["time_s"]))
        assert times == pytest.approx(np.arange(len(rows)) / FRAMES_PER_SECOND)


def test_every_frame_has_a_mask_that_holds_pixels_if_and_only_if_the_truth_names_polyps(
    demo: DemoVideos, truth: pd.DataFrame
) -> None:
    names = {path.name for path in demo.masks.iterdir()}
    assert names == {f"{row.video}_{row.frame_index:06d}.png" for row in truth.itertuples()}
    assert (truth["polyps"] != "").any()
    assert (truth["polyps"] == "").any()
    for row in truth.itertuples():
        mask = np.asarray(Image.open(demo.folder / str(row.mask)))
        assert mask.shape == (96, 96)
        assert mask.dtype == np.uint8
        assert set(np.unique(mask)) <= {0, 255}
        assert (mask > 0).any() == (row.polyps != "")
        if row.polyps:
            assert (mask > 0).mean() >= SMALLEST_POLYP


def test_frames_decode_to_what_was_drawn(footage: Footage, tmp_path: Path) -> None:
    made = generate(tmp_path / "set", frames=11, seed=4, size=96, workers=1)
    pictures, _ = decode(made.videos[0])
    from dataeff_core.datasets.demo.video import VideoPlan, stage

    again = stage(VideoPlan(tmp_path, "colonoscopy_01", 0, 11, 96, 4))
    for index in (0, 5, 10):
        drawn = draw_frame(again, index).image.astype(float)
        assert np.abs(pictures[index] - drawn).mean() < 4


def test_same_arguments_same_files_whatever_the_number_of_workers(tmp_path: Path) -> None:
    seen: list[int] = []
    one = generate(tmp_path / "one", frames=14, seed=9, size=64, workers=1)
    two = generate(tmp_path / "two", frames=14, seed=9, size=64, workers=2, progress=seen.append)
    other = generate(tmp_path / "other", frames=14, seed=10, size=64, workers=1)
    assert everything(one.folder) == everything(two.folder)
    assert everything(one.folder) != everything(other.folder)
    assert seen == sorted(seen)
    assert seen[-1] == 14
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "other", "two"]


def test_a_frame_can_be_drawn_alone(footage: Footage) -> None:
    first = draw_frame(footage, 7)
    draw_frame(footage, 3)
    again = draw_frame(footage, 7)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.mask, again.mask)


def test_surround_is_black_and_tissue_is_red(footage: Footage) -> None:
    clean = next(index for index in range(48) if index not in footage.faults)
    image = draw_frame(footage, clean).image.astype(float)
    outside = footage.lens.alpha == 0
    outside[:24, :24] = False  # the overlay's corner
    assert outside.any()
    assert image[outside].max() == 0
    red, green, blue = image[footage.lens.alpha == 1].mean(0)
    assert red > 1.3 * green
    assert green > blue
    assert 60 < red < 230


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"frames": 0}, "frames 0 is not in 1.."),
        ({"frames": -3}, "frames -3"),
        ({"size": 63}, "size 63"),
        ({"size": 97}, "size 97 is not an even number"),
        ({"size": 10_000}, "size 10000"),
        ({"seed": -1}, "seed -1 is negative"),
        ({"workers": 0}, "workers 0"),
    ],
)
def test_options_out_of_range_are_named(tmp_path: Path, wrong: dict[str, int], words: str) -> None:
    with pytest.raises(BadInput, match=re.escape(words)):
        generate(tmp_path / "set", **wrong)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.txt").write_text("mine")
    with pytest.raises(Conflict, match="is not empty"):
        generate(tmp_path / "set", frames=1, size=64)
    assert everything(tmp_path) == {"set/mine.txt": b"mine"}


def test_a_file_in_the_way_is_a_conflict(tmp_path: Path) -> None:
    (tmp_path / "set").write_text("mine")
    with pytest.raises(Conflict, match="is not a folder"):
        generate(tmp_path / "set", frames=1, size=64)


def test_a_parent_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StorageFailed):
        generate(tmp_path / "file" / "set", frames=1, size=64)


def test_an_empty_folder_and_missing_parents_are_taken(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert generate(tmp_path / "empty", frames=1, size=64, workers=1).truth.is_file()
    assert generate(tmp_path / "a" / "b", frames=1, size=64, workers=1).truth.is_file()


@pytest.mark.parametrize("workers", [1, 2])
def test_stopping_leaves_nothing_behind(tmp_path: Path, workers: int) -> None:
    class StoppedError(Exception):
        pass

    def stop(done: int) -> None:
        if done >= 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        generate(tmp_path / "set", frames=400, size=64, workers=workers, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / ".set.partial-999999999").mkdir()
    (tmp_path / f".set.partial-{os.getppid()}").mkdir()  # another run, still at work
    generate(tmp_path / "set", frames=1, size=64, workers=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".set.partial-{os.getppid()}", "set"]
