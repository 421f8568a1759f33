"""Small encoders whose vectors can be computed by hand, importable by worker processes."""

import os
import signal
import time
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from dataeff_core.encoders.base import Encoder, LoadedEncoder


def mean_colours(image: np.ndarray) -> np.ndarray:
    """(48,) float32: the mean colour of each of 4 x 4 cells."""
    rows = [cell for band in np.array_split(image, 4, axis=0) for cell in np.array_split(band, 4, axis=1)]
    return np.concatenate([row.reshape(-1, 3).mean(axis=0) for row in rows]).astype(np.float32) / 255


class LoadedGrid(LoadedEncoder):
    weights = "none"
    preprocessing = "grid-1"
    feature_dim = 48

    def __init__(self, pause_s: float = 0.0) -> None:
        self.pause_s = pause_s

    def features(self, images: Sequence[np.ndarray]) -> np.ndarray:
        time.sleep(self.pause_s * len(images))
        return np.stack([mean_colours(image) for image in images])


class Grid(Encoder):
    NAME: ClassVar[str] = "grid"
    TITLE: ClassVar[str] = "mean colours"
    READS: ClassVar[Literal["thumbnail", "original"]] = "thumbnail"
    pause_s: float = 0.0

    def params(self) -> dict[str, Any]:
        return {}

    def load(self, *, device: str = "auto") -> LoadedEncoder:
        return LoadedGrid(self.pause_s)


class GridOfOriginals(Grid):
    NAME: ClassVar[str] = "originals"
    READS: ClassVar[Literal["thumbnail", "original"]] = "original"


class LoadedBroken(LoadedGrid):
    preprocessing = "broken-1"

    def features(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """NaN where the picture's first cell is darkest of all, zero where it is black."""
        features = super().features(images)
        features[features.max(axis=1) > 0.97] = np.nan
        return features


class Broken(Grid):
    NAME: ClassVar[str] = "broken"

    def load(self, *, device: str = "auto") -> LoadedEncoder:
        return LoadedBroken()


class LoadedDeadly(LoadedGrid):
    def features(self, images: Sequence[np.ndarray]) -> np.ndarray:
        os.kill(os.getpid(), signal.SIGKILL)
        return super().features(images)


class Deadly(Grid):
    NAME: ClassVar[str] = "deadly"

    def load(self, *, device: str = "auto") -> LoadedEncoder:
        return LoadedDeadly()


class LoadedBuggy(LoadedGrid):
    def features(self, images: Sequence[np.ndarray]) -> np.ndarray:
        raise KeyError("a bug")


class Buggy(Grid):
    NAME: ClassVar[str] = "buggy"

    def load(self, *, device: str = "auto") -> LoadedEncoder:
        return LoadedBuggy()
