"""What goes into an export's files: image files byte for byte, video frames as PNG, masks as they are."""

import hashlib
import io
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from dataeff_core.errors import BadInput
from dataeff_core.exporting.base import VANISHED, Subset
from dataeff_core.workspace.originals import read_originals


def pictures(subset: Subset, rows: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """(row, content of its file) for these kept rows; images first, in order, then each video decoded once.

    What is no longer what was imported is noted in `subset.failures` and passed over.
    """
    videos: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    kinds, sources, paths = (subset.kept[name].tolist() for name in ("kind", "source", "path_bytes"))
    for row in rows:
        if kinds[row] == "video":
            videos[sources[row], paths[row]].append(row)
            continue
        content = image_file(subset, row)
        if content is not None:
            yield row, content
    for one_video in videos.values():
        yield from _video_frames(subset, one_video)


def image_file(subset: Subset, row: int) -> bytes | None:
    """An image's bytes, held against the hash that was noted at import; None and a failure when they differ."""
    content = _read(lambda: subset.original(row), lambda why: subset.fail(row, why))
    if content is not None and hashlib.sha256(content).hexdigest() != subset.cell(row, "sha256"):
        subset.fail(row, "has changed since it was imported")
        return None
    return content


def mask_file(subset: Subset, row: int) -> bytes | None:
    """A mask's bytes; None and a failure when it is gone."""

    def place() -> Path:
        path = subset.mask(row)
        if path is None:
            raise FileNotFoundError
        return path

    return _read(place, lambda why: subset.fail(row, why, mask=True))


def writing_order(subset: Subset) -> list[int]:
    """All kept rows in the order in which `pictures` gives them when nothing fails."""
    kept = subset.kept
    videos: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    images = []
    for row, (kind, source, path) in enumerate(zip(kept["kind"], kept["source"], kept["path_bytes"], strict=True)):
        if kind == "video":
            videos[source, path].append(row)
        else:
            images.append(row)
    return images + [row for rows in videos.values() for row in _by_index(subset, rows)]


def png(rgb: np.ndarray) -> bytes:
    """(h, w, 3) uint8 as PNG, lossless."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "PNG", compress_level=4)
    return out.getvalue()


def _by_index(subset: Subset, rows: Sequence[int]) -> list[int]:
    return sorted(rows, key=lambda row: int(subset.cell(row, "frame_index")))


def _video_frames(subset: Subset, rows: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """The frames of one video, decoded in its order; frames with equal pixels are interchangeable."""
    ordered = _by_index(subset, rows)
    part = subset.kept.iloc[ordered]
    waiting: dict[str, list[int]] = defaultdict(list)
    for row, key in zip(ordered, part["sha256"], strict=True):
        waiting[key].append(row)
    root = subset.dataset.record.sources[int(part["source"].iloc[0])].root
    indices = [int(index) for index in part["frame_index"]]
    for key, picture in read_originals(root, "video", part["path_bytes"].tolist(), indices, part["sha256"].tolist()):
        row = waiting[key].pop(0)
        if isinstance(picture, str):
            subset.fail(row, f"cannot be read: {picture}")
        else:
            yield row, png(picture)


def _read(place: Callable[[], Path], fail: Callable[[str], None]) -> bytes | None:
    try:
        return place().read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        fail(VANISHED)
    except BadInput as error:  # a link that now leads out of the source folder
        fail(str(error))
    except PermissionError as error:
        fail(f"cannot be read: {os.strerror(error.errno or 0)}")
    return None
