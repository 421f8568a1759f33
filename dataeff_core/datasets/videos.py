"""A video's frames, one after another, each with its original index and presentation time.

A frame's index counts the frames that come out of the decoder, from 0, in the order they are shown, so it is the
same whether all frames are wanted or one a second.
"""

import contextlib
import math
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dataeff_core.datasets.decoding import Undecodable, check_size

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

LOST_SHARE = 0.02  # a video counts as cut off when more than this share of it is missing at its end,
LOST_SECONDS = 0.5  # and more than this many seconds: containers round their durations


@dataclass(frozen=True)
class ClipFrame:
    """One frame of a video."""

    index: int
    time_s: float  # presentation time; by the frame rate where the file has none
    rgb: np.ndarray  # (h, w, 3) uint8, upright


class Clip:
    """An open video. Iterate `frames` to the end, then ask `fault`."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Raises Undecodable when the file is no video or has no video stream."""
        import av

        self.path = path
        self.decoded = 0
        self.damaged = 0
        self.last_time_s = 0.0
        try:
            self.container: InputContainer = av.open(os.fspath(path), metadata_errors="ignore")
        except (av.FFmpegError, OSError) as error:
            raise Undecodable(_open_reason(error, path)) from error
        try:
            self.stream = _video_stream(self.container)
            check_size(self.stream.codec_context.width or 1, self.stream.codec_context.height or 1)
        except Undecodable:
            self.container.close()
            raise
        self.stream.thread_type = "AUTO"
        rate = self.stream.average_rate or self.stream.base_rate
        self.rate_hz = float(rate) if rate else 25.0

    def __enter__(self) -> "Clip":
        return self

    def __exit__(self, *_: object) -> None:
        self.container.close()

    @property
    def expected(self) -> int:
        """How many frames the file says it has, or an estimate by its duration; 0 when it does not say."""
        if self.stream.frames:
            return self.stream.frames
        seconds = self.seconds
        return round(seconds * self.rate_hz) if seconds else 0

    @property
    def seconds(self) -> float | None:
        """The video's length as the file states it."""
        if self.stream.duration and self.stream.time_base:
            return float(self.stream.duration * self.stream.time_base)
        stated = _clock_seconds(self.stream.metadata.get("DURATION", ""))
        if stated:
            return stated
        if self.container.duration and len(self.container.streams) == 1:
            return self.container.duration / 1_000_000
        return None

    def frames(self, fps: float | None = None) -> Iterator[ClipFrame]:
        """All frames, or with `fps` the first at or after each tick of 1/fps seconds from the first frame on."""
        first_s: float | None = None
        next_tick = 0
        for index, frame in enumerate(self._decoded()):
            time_s = self._time_s(frame, index)
            self.last_time_s = max(self.last_time_s, time_s)
            if frame.is_corrupt:
                self.damaged += 1
                continue
            first_s = time_s if first_s is None else first_s
            if fps is not None:
                ticks = (time_s - first_s) * fps + 1e-6
                if ticks < next_tick:
                    continue
                next_tick = math.floor(ticks) + 1
            yield ClipFrame(index, time_s, upright(frame))

    def at(self, indices: Collection[int]) -> Iterator[ClipFrame]:
        """The frames with these indices, in the video's order; none is converted that is not wanted."""
        wanted, last = frozenset(indices), max(indices, default=-1)
        for index, frame in enumerate(self._decoded()):
            if index in wanted:
                yield ClipFrame(index, self._time_s(frame, index), upright(frame))
            if index >= last:
                return

    def shown_at(self, time_s: float, index: int, *, seek: bool) -> np.ndarray | None:
        """The frame shown at `time_s`, (h, w, 3) uint8: sought, or counted from the start as frame `index`.

        None when there is none. Seeking may land beside it where a file's index is poor: check what you get.
        """
        if seek:
            self._seek(time_s - 1 / self.rate_hz)
        for number, frame in enumerate(self._decoded()):
            if not seek and number == index:
                return upright(frame)
            if seek and frame.time is not None and abs(float(frame.time) - time_s) < 1e-6:
                return upright(frame)
            if seek and frame.time is not None and float(frame.time) > time_s + 1:
                return None
        return None

    def _seek(self, time_s: float) -> None:
        """Go to the last key frame at or before `time_s`; stay at the start where the file cannot be sought."""
        import av

        if self.stream.time_base is None:
            return
        with contextlib.suppress(av.FFmpegError):
            self.container.seek(max(0, int(time_s / self.stream.time_base)), stream=self.stream, backward=True)

    def _decoded(self) -> Iterator["VideoFrame"]:
        """Every frame the decoder gives; damaged packets are counted and passed over."""
        import av

        packets = self.container.demux(self.stream)
        while True:
            try:
                packet = next(packets, None)
                frames = packet.decode() if packet is not None else []
            except (av.FFmpegError, OSError):
                self.damaged += 1
                if self.damaged > 1000:
                    return
                continue
            if packet is None:
                return
            for frame in frames:
                check_size(frame.width, frame.height)
                self.decoded += 1
                yield frame

    def _time_s(self, frame: "VideoFrame", index: int) -> float:
        return index / self.rate_hz if frame.time is None else float(frame.time)

    def fault(self) -> str | None:
        """What was wrong with the video, once `frames` was read to its end; None when it was whole."""
        if not self.decoded:
            return "the video holds no frame that can be decoded"
        parts = []
        if self._cut_off():
            parts.append(f"cut off after frame {self.decoded - 1}; the frames before are kept")
        if self.damaged:
            parts.append(f"{self.damaged} damaged parts were left out")
        return "the video is " + "; ".join(parts) if parts else None

    def _cut_off(self) -> bool:
        if self.stream.frames:
            missing = self.stream.frames - self.decoded
            return missing > max(self.stream.frames * LOST_SHARE, LOST_SECONDS * self.rate_hz)
        seconds = self.seconds
        if not seconds:
            return False
        start = self.stream.start_time or 0
        start_s = float(start * self.stream.time_base) if self.stream.time_base else 0.0
        missing_s = seconds - (self.last_time_s - start_s + 1 / self.rate_hz)
        return missing_s > max(seconds * LOST_SHARE, LOST_SECONDS)


def upright(frame: "VideoFrame") -> np.ndarray:
    """(h, w, 3) uint8 RGB of `frame`, turned as the file's display matrix says."""
    rgb = frame.to_ndarray(format="rgb24")
    quarter_turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, quarter_turns)) if quarter_turns else rgb


def _video_stream(container: "InputContainer") -> "VideoStream":
    import av

    for stream in container.streams.video:
        if stream.disposition & av.stream.Disposition.attached_pic:
            continue  # the picture on a sound file's cover
        if stream.codec_context is None:
            raise Undecodable("its video is in a coding that is not known here, or its header is damaged")
        return stream
    raise Undecodable("the file has no video stream (sound or data only)")


def _open_reason(error: Exception, path: str | os.PathLike[str]) -> str:
    if isinstance(error, FileNotFoundError):
        return "the file vanished during the import"
    if isinstance(error, PermissionError):
        return "no permission to read the file"
    if Path(path).stat().st_size == 0:
        return "the file is empty (zero bytes)"
    return f"not a video, or cut off before its index ({getattr(error, 'strerror', None) or error})"


def _clock_seconds(text: str) -> float | None:
    """'00:01:02.500000000' -> 62.5."""
    try:
        hours, minutes, seconds = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None
