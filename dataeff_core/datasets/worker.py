"""One decoding process: takes files on standard input, gives what it found in them on standard output.

`python -m dataeff_core.datasets.worker THUMBNAILS_FOLDER`; one JSON object a line, both ways. A process of its
own, so that a file that makes a decoder crash or take all memory ends this process and not the import. It ends
when its input does, so it does not outlive the import.

In:  {"path", "kind", "fps"}.
Out: {"event": "ready"}; then for each file: {"event": "expect", "frames"} (videos), {"event": "frame", ...} each,
     and {"event": "done", "file_sha256", "reason"}, or {"event": "storage", "message"}.
"""

import hashlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dataeff_core.datasets.decoding import Undecodable, decode_image, reason_of
from dataeff_core.datasets.quality import measure
from dataeff_core.datasets.videos import Clip
from dataeff_core.errors import StorageFailed
from dataeff_core.workspace.storage import file_sha256
from dataeff_core.workspace.thumbnails import shrink, write_thumbnail

Emit = Callable[..., None]
CHANGED = "the file was changed while it was read; import again when it is complete"


def thumbnail_place(thumbnails: Path, key: str) -> Path:
    """Where a thumbnail lies below the workspace's thumbnail folder."""
    return thumbnails / key[:2] / f"{key}.webp"


def pixels_sha256(rgb: np.ndarray) -> str:
    """sha256 (hex) of a decoded frame: its size and its RGB bytes."""
    digest = hashlib.sha256(f"{rgb.shape[1]}x{rgb.shape[0]} rgb24\n".encode())
    digest.update(np.ascontiguousarray(rgb).data)
    return digest.hexdigest()


def read_image(path: str, thumbnails: Path, emit: Emit) -> None:
    """Decode one image in full and emit its facts; its thumbnail is written."""
    try:
        before = _state(path)
        rgb = decode_image(path)
        sha256 = file_sha256(Path(path))
        if _state(path) != before:
            raise Undecodable(CHANGED)
    except (Undecodable, OSError) as error:
        emit("done", file_sha256=None, reason=reason_of(error))
        return
    except MemoryError:
        emit("done", file_sha256=None, reason="there is not enough memory to decode it")
        return
    emit("frame", index=0, time_s=None, sha256=sha256, **_facts(rgb, sha256, thumbnails))
    emit("done", file_sha256=sha256, reason=None)


def read_video(path: str, fps: float | None, thumbnails: Path, emit: Emit) -> None:
    """Decode one video to its end and emit the facts of each wanted frame as it comes."""
    try:
        before = _state(path)
        with Clip(path) as clip:
            emit("expect", frames=_wanted(clip, fps))
            for frame in clip.frames(fps):
                sha256 = pixels_sha256(frame.rgb)
                facts = _facts(frame.rgb, sha256, thumbnails)
                emit("frame", index=frame.index, time_s=frame.time_s, sha256=sha256, **facts)
            reason = clip.fault()
        sha256 = file_sha256(Path(path))
        emit("done", file_sha256=sha256, reason=reason if _state(path) == before else CHANGED)
    except StorageFailed:
        raise
    except (Undecodable, OSError) as error:
        emit("done", file_sha256=None, reason=reason_of(error))
    except MemoryError:
        emit("done", file_sha256=None, reason="there is not enough memory to decode it")


def _state(path: str) -> tuple[int, int]:
    state = Path(path).stat()
    return state.st_size, state.st_mtime_ns


def _wanted(clip: Clip, fps: float | None) -> int:
    return clip.expected if fps is None else min(clip.expected, round(clip.expected / clip.rate_hz * fps))


def _facts(rgb: np.ndarray, sha256: str, thumbnails: Path) -> dict[str, Any]:
    small = shrink(rgb)
    write_thumbnail(thumbnail_place(thumbnails, sha256), small)
    quality = {f"q_{name}": value for name, value in measure(small).items()}
    return {"width": rgb.shape[1], "height": rgb.shape[0], "quality": quality}


def serve(thumbnails: Path) -> None:
    """Work through standard input; standard output is kept for answers alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the import decides
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)

    def emit(event: str, **facts: Any) -> None:
        answers.write(json.dumps({"event": event, **facts}) + "\n")
        answers.flush()

    emit("ready")
    for line in sys.stdin:
        task = json.loads(line)
        try:
            if task["kind"] == "image":
                read_image(task["path"], thumbnails, emit)
            else:
                read_video(task["path"], task["fps"], thumbnails, emit)
        except StorageFailed as error:
            emit("storage", message=str(error))


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
