"""How hard frames are: the mean of the hardest patches, by the newest scoring that fits, or a sentence why not."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dataeff_core.hardness.stored import Hardness
from dataeff_core.ui import frame_hardness
from dataeff_core.ui.frame_hardness import KNOTS, FrameHardness, figure
from dataeff_core.workspace import Dataset, Workspace
from tests.fabricated_scores import fabricate_patches, fabricate_scores
from tests.fabrication import fabricate

Scored = tuple[Workspace, Dataset, Hardness]


@pytest.fixture
def scored(tmp_path: Path) -> Scored:
    workspace, dataset, _, _ = fabricate(tmp_path / "workspace", frames=30, thumbnails=False)
    return workspace, dataset, fabricate_scores(dataset, fabricate_patches(dataset))


def change(scored: Hardness, how: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    how(scored.table).to_parquet(scored.folder / Hardness.TABLE)
    # another record, as other numbers have
    scored.record.model_copy(update={"created": "2031-01-01T00:00:00+00:00"}).write(scored.folder)


def test_a_frame_is_as_hard_as_its_three_hardest_patches(scored: Scored) -> None:
    workspace, dataset, hardness = scored
    known = frame_hardness.known(workspace, dataset)
    assert known.state == "known"
    assert known.frames is not None
    by_frame = hardness.table.groupby("frame_id")["hardness"]
    for row, frame_id in enumerate(dataset.frames["frame_id"]):
        expected = np.sort(by_frame.get_group(frame_id).to_numpy(np.float64))[-3:].mean()
        assert known.frames.score[row] == pytest.approx(expected, rel=1e-6)
    assert known.frames.without == 0


def test_patches_without_a_number_say_nothing(scored: Scored) -> None:
    workspace, dataset, hardness = scored
    ids = dataset.frames["frame_id"].to_list()

    def spoil(table: pd.DataFrame) -> pd.DataFrame:
        values = table["hardness"].to_numpy(copy=True)
        first = np.flatnonzero(table["frame_id"] == ids[0])
        values[first[0]], values[first[1]] = np.nan, np.inf
        values[table["frame_id"] == ids[1]] = np.nan
        return table.assign(hardness=values)[table["frame_id"] != ids[2]]

    change(hardness, spoil)
    frames = frame_hardness.known(workspace, dataset).frames
    assert frames is not None
    left = hardness.table[hardness.table["frame_id"] == ids[0]]["hardness"].to_numpy()[2:]
    assert frames.score[0] == pytest.approx(left.mean(), rel=1e-6)
    assert np.isnan(frames.score[[1, 2]]).all()
    assert frames.without == 2
    assert "no patch of this frame" in frames.said(1)
    assert frames.figure(1) == "–"
    assert np.isnan(frames.easier(1))


def test_the_newest_scoring_that_fits_is_taken_and_named(scored: Scored) -> None:
    workspace, dataset, _ = scored
    newer = fabricate_scores(dataset, fabricate_patches(dataset, count=2), seed=1)
    newer.record.model_copy(update={"created": "2031-01-01T00:00:00+00:00"}).write(newer.folder)
    stale = fabricate_scores(dataset, fabricate_patches(dataset, count=3), seed=2)
    update = {"created": "2032-01-01T00:00:00+00:00", "dataset_fingerprint": "f" * 64}
    stale.record.model_copy(update=update).write(stale.folder)
    known = frame_hardness.known(workspace, dataset)
    assert known.record is not None
    assert known.record.id == newer.id
    assert "the newest of 2 scorings" in known.told
    assert "scored by fabricated on 2031-01-01" in known.told


def test_why_nothing_is_known(scored: Scored) -> None:
    workspace, dataset, hardness = scored
    change(hardness, lambda table: table.assign(hardness=np.float32(np.nan)))
    known = frame_hardness.known(workspace, dataset)
    assert (known.state, known.record, known.frames) == ("empty", None, None)
    hardness.record.model_copy(update={"patches": 0}).write(hardness.folder)
    assert frame_hardness.known(workspace, dataset).state == "empty"
    hardness.record.model_copy(update={"dataset_fingerprint": "f" * 64}).write(hardness.folder)
    known = frame_hardness.known(workspace, dataset)
    assert (known.state, known.frames) == ("changed", None)
    assert "have changed" in known.told
    shutil.rmtree(hardness.folder)
    assert frame_hardness.known(workspace, dataset).state == "none"


def test_a_scoring_that_was_cut_short_is_none(scored: Scored) -> None:
    workspace, dataset, hardness = scored
    (hardness.folder / Hardness.TABLE).unlink()
    assert frame_hardness.known(workspace, dataset).state == "none"


def test_knots_are_quantiles_and_a_place_is_a_share() -> None:
    frames = FrameHardness(np.array([np.nan, 3, 1, 2, 2, np.nan, 5], np.float32))
    assert len(frames.knots) == KNOTS
    assert frames.knots[[0, 32, -1]].tolist() == [1, 2, 5]
    assert [frames.easier(row) for row in (1, 2, 3, 6)] == [3 / 5, 0, 1 / 5, 4 / 5]
    assert not len(FrameHardness(np.full(3, np.nan, np.float32)).knots)


def test_numbers_are_short() -> None:
    assert [figure(one) for one in (0, 3e-7, 0.04512, 12.345)] == ["0", "< 0.0001", "0.0451", "12.3"]


def _opened() -> None:
    """What the dialog test runs as a page."""
    from dataeff_core.ui import frame_dialog, state

    dataset = state.workspace().datasets()[0]
    frame_dialog.show(dataset, str(dataset.frames["frame_id"].iat[1]))


def test_the_dialog_of_a_frame_says_it_where_it_is_known(scored: Scored, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, _, hardness = scored
    monkeypatch.setenv("DATAEFF_WORKSPACE", str(workspace.root))
    app = AppTest.from_function(_opened, default_timeout=60).run()
    assert not app.exception
    assert any("harder than" in one.value for one in app.caption)
    shutil.rmtree(hardness.folder)
    app = AppTest.from_function(_opened, default_timeout=60).run()
    assert not app.exception
    assert not any("How hard" in one.value for one in app.caption)
