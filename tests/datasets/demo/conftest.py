"""One tiny demo dataset for the whole folder."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from dataeff_core.datasets.demo import DemoVideos, generate, read_truth
from dataeff_core.datasets.demo.video import Footage, VideoPlan, stage

SIZE = 96


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoVideos:
    return generate(tmp_path_factory.mktemp("demo") / "made", frames=60, seed=4, size=SIZE, workers=1)


@pytest.fixture(scope="session")
def truth(demo: DemoVideos) -> pd.DataFrame:
    return read_truth(demo.truth)


@pytest.fixture(scope="session")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Footage]:
    plan = VideoPlan(Path(tmp_path_factory.mktemp("footage")), "colonoscopy_01", 0, 48, SIZE, 4)
    yield stage(plan)
