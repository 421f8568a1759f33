"""Videos: which frames come out, when they are shown, and what is said of broken ones."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from dataeff_core.datasets.decoding import Undecodable
from dataeff_core.datasets.videos import Clip
from tests.datasets.making import clip, counting_frame, cut, number_of, sound_only

KINDS = [
    ("a.mp4", "libx264", "yuv420p"),
    ("a.mkv", "libx264", "yuv420p"),
    ("a.avi", "mpeg4", "yuv420p"),
    ("a.mov", "mjpeg", "yuvj420p"),
]


def read(path: Path, fps: float | None = None) -> tuple[list[tuple[int, float, int]], str | None]:
    """(index, time, the number seen in the picture) of each frame, and the fault."""
    with Clip(path) as opened:
        return [(f.index, f.time_s, number_of(f.rgb)) for f in opened.frames(fps)], opened.fault()


@pytest.mark.parametrize(("name", "codec", "pixels"), KINDS)
def test_every_frame_with_its_index_and_time(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    frames, fault = read(clip(tmp_path / name, 30, codec=codec, pixels=pixels))
    assert fault is None
    assert [index for index, _, _ in frames] == list(range(30))
    assert [number for _, _, number in frames] == list(range(30))
    assert np.allclose([time for _, time, _ in frames], np.arange(30) / 10, atol=1e-3)


@pytest.mark.parametrize("fps", [1, 2, 3, 10, 50])
def test_sampling_takes_the_first_frame_at_or_after_each_tick(tmp_path: Path, fps: float) -> None:
    frames, fault = read(clip(tmp_path / "a.mp4", 30), fps)
    times = np.arange(30) / 10
    ticks = np.arange(0, 3 * fps) / fps
    wanted = sorted({int(np.argmax(times >= tick - 1e-9)) for tick in ticks if tick <= times[-1] + 1e-9})
    assert [index for index, _, _ in frames] == wanted
    assert [number for _, _, number in frames] == wanted
    assert fault is None


def test_uneven_frame_times_are_kept(tmp_path: Path) -> None:
    times_ms = [0, 40, 400, 1000, 1010, 2500]
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, time_ms in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(counting_frame(number), format="rgb24")
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    frames, _ = read(tmp_path / "a.mkv")
    assert np.allclose([time * 1000 for _, time, _ in frames], times_ms, atol=1)
    assert [index for index, _, _ in read(tmp_path / "a.mkv", 1)[0]] == [0, 3, 5]


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4")])
def test_a_video_cut_off_midway_gives_its_frames_so_far_and_says_so(tmp_path: Path, name: str, codec: str) -> None:
    path = cut(clip(tmp_path / name, 100, codec=codec, options={"movflags": "faststart"}), 0.6)
    frames, fault = read(path)
    assert 20 <= len(frames) < 90
    assert [number for _, _, number in frames][:20] == list(range(20))
    assert fault is not None and "cut off after frame" in fault


def test_whole_videos_are_not_called_cut_off(tmp_path: Path) -> None:
    for frames in (1, 2, 7, 100):
        for name, codec in (("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4")):
            assert read(clip(tmp_path / name, frames, codec=codec))[1] is None


def test_what_is_no_video(tmp_path: Path) -> None:
    broken = {"text.mp4": b"not a video at all" * 100, "empty.mkv": b""}
    for name, data in broken.items():
        (tmp_path / name).write_bytes(data)
    without_index = cut(clip(tmp_path / "a.mp4", 50), 0.7)
    for path, words in (
        (tmp_path / "text.mp4", "not a video"),
        (tmp_path / "empty.mkv", "zero bytes"),
        (without_index, "cut off before its index"),
        (sound_only(tmp_path / "sound.mp4"), "no video stream"),
        (tmp_path / "gone.mp4", "vanished"),
    ):
        with pytest.raises(Undecodable, match=words):
            Clip(path)


def test_any_frame_is_found_again_by_seeking(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", 60, gop=10)
    with Clip(path) as opened:
        times = {frame.index: frame.time_s for frame in opened.frames()}
    for index in (0, 1, 9, 10, 11, 35, 59):
        for seek in (True, False):
            with Clip(path) as opened:
                rgb = opened.shown_at(times[index], index, seek=seek)
            assert rgb is not None and number_of(rgb) == index


def test_a_turned_video_comes_out_upright(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", 5)
    with Clip(path) as opened:
        straight = next(opened.frames()).rgb
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 44  # as a telephone held upright writes it: a quarter turn clockwise
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 48 << 16, 0, 1 << 30)
    path.write_bytes(data)
    with Clip(path) as opened:
        turned = next(opened.frames()).rgb
    assert np.array_equal(turned, np.rot90(straight, -1))
