"""The original picture of a frame at full size, read again from its file."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from dataeff_core.datasets.decoding import Undecodable, decode_image
from dataeff_core.datasets.videos import Clip
from dataeff_core.datasets.worker import pixels_sha256
from dataeff_core.errors import NotFound
from dataeff_core.workspace.datasets import Dataset
from dataeff_core.workspace.storage import file_sha256


def read_original(dataset: Dataset, frame: pd.Series, *, check_content: bool = False) -> np.ndarray:
    """The picture of `frame` (a row of `dataset.frames`), (h, w, 3) uint8 RGB, upright.

    A video's frame is sought by its time and known by its pixels. Raises NotFound when the file is gone, or has
    changed since it was imported: by its size, and with `check_content` by an image's sha256; BadInput when the
    path leads out of its source.
    """
    path = dataset.file(frame)
    try:
        size = path.stat().st_size
    except OSError as error:
        raise NotFound(f"the file {frame['path']} is not there any more; bring it back, or import again") from error
    if size != int(frame["file_bytes"]):
        raise _changed(frame)
    try:
        if frame["kind"] == "video":
            return _video_frame(path, frame)
        if check_content and file_sha256(path) != frame["sha256"]:
            raise _changed(frame)
        return decode_image(path)
    except (Undecodable, OSError) as error:
        if isinstance(error, NotFound):
            raise
        raise NotFound(f"the file {frame['path']} cannot be read any more ({error}); import again") from error


def _changed(frame: pd.Series) -> NotFound:
    return NotFound(f"the file {frame['path']} has changed since it was imported; import its folder again")


def _video_frame(path: Path, frame: pd.Series) -> np.ndarray:
    """The frame whose pixels are the imported ones: near its time if seeking lands there, else from the start on."""
    for seek in (True, False):
        with Clip(os.fspath(path)) as clip:
            found = clip.shown_at(float(frame["time_s"]), int(frame["frame_index"]), seek=seek)
        if found is not None and pixels_sha256(found) == frame["sha256"]:
            return found
    raise _changed(frame)
