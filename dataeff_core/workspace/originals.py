"""Original pictures read again in bulk: the same content as import saw, or the reason why not.

It stands here, and not with the readers it uses, so that encoders need not know datasets.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from dataeff_core.errors import BadInput
from dataeff_core.workspace.storage import file_sha256, inside

CHANGED = "the file has changed since it was imported"
GONE = "the file is no longer there"


def read_originals(
    root: str, kind: str, paths: Sequence[bytes], indices: Sequence[int], keys: Sequence[str]
) -> Iterator[tuple[str, np.ndarray | str]]:
    """For each of these frames its key and either its picture (h, w, 3) uint8 RGB or why it cannot be read.

    `root` is the source's folder (or single file), `paths` are relative to it, `keys` the sha256 that import
    noted. The frames are images, or all of one video and in its order (`indices`); a video is decoded once.
    """
    if kind == "image":
        for path, key in zip(paths, keys, strict=True):
            yield key, _image(root, path, key)
    elif paths:
        yield from _video(root, paths[0], dict(zip(indices, keys, strict=True)))


def pixels_sha256(rgb: np.ndarray) -> str:
    """sha256 (hex) of a decoded picture (h, w, 3) uint8: what a video frame is known by, see FRAME_COLUMNS."""
    from dataeff_core.datasets.worker import pixels_sha256 as of

    return of(rgb)


def _file(root: str, path: bytes) -> Path:
    folder = Path(root)
    return folder if folder.is_file() else inside(folder, os.fsdecode(path))


def _image(root: str, path: bytes, key: str) -> np.ndarray | str:
    from dataeff_core.datasets.decoding import Undecodable, decode_image

    try:
        file = _file(root, path)
        if file_sha256(file) != key:
            return CHANGED
        return decode_image(file)
    except FileNotFoundError:
        return GONE
    except (Undecodable, BadInput, OSError) as error:
        return str(error)


def _video(root: str, path: bytes, keys: dict[int, str]) -> Iterator[tuple[str, np.ndarray | str]]:
    from dataeff_core.datasets.decoding import Undecodable
    from dataeff_core.datasets.videos import Clip
    from dataeff_core.datasets.worker import pixels_sha256

    missing, reason = dict(keys), CHANGED
    try:
        with Clip(_file(root, path)) as clip:
            for frame in clip.at(keys):
                same = pixels_sha256(frame.rgb) == keys[frame.index]
                yield missing.pop(frame.index), frame.rgb if same else CHANGED
    except FileNotFoundError:
        reason = GONE
    except (Undecodable, BadInput, OSError) as error:
        reason = str(error)
    for key in missing.values():
        yield key, reason
