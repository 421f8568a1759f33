"""How the Hardness page begins: proposers and their weights, jobs that came to nothing, bad input in sentences."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dataeff_core import jobs
from dataeff_core.errors import BadInput
from dataeff_core.hardness.stored import Hardness
from dataeff_core.patches.stored import PatchSet
from dataeff_core.ui.hardness import opening, proposing, selecting
from dataeff_core.workspace import Workspace
from tests.fabricated_scores import fabricate_patches, fabricate_scores
from tests.fabrication import fabricate
from tests.pages.conftest import texts
from tests.patches.making import write_sam

Open = Callable[..., AppTest]
LAX = {
    "points_per_side": 2, "pred_iou_thresh": 0.0, "stability_score_thresh": 0.0, "min_side": 1, "lit": 0.0,
    "max_area": 1.0,
}  # fmt: skip


def plain(app: AppTest) -> str:
    return texts(app).replace("\\", "").replace("\u200b", "")


def with_sam(app: AppTest, weights: Path) -> AppTest:
    """The form of proposing with SAM, with these weights."""
    app.radio(key="hardness-proposer").set_value("sam").run()
    return app.text_input(key="hardness-sam-weights").set_value(str(weights)).run()


def ended(workspace: Workspace, seconds: float = 180) -> jobs.Job:
    """The newest job, when it has ended."""
    job = jobs.jobs(workspace)[0]
    deadline = time.monotonic() + seconds
    while job.status.state in ("queued", "running") and time.monotonic() < deadline:
        time.sleep(0.2)
    return job


def change(scored: Hardness, **columns: object) -> None:
    """Put other columns into the scores on disk."""
    file = scored.folder / Hardness.TABLE
    pd.read_parquet(file).assign(**columns).to_parquet(file)


def test_sam_without_weights_asks_for_them(filled: Workspace, open_page: Open) -> None:
    app = open_page("hardness")
    app.radio(key="hardness-proposer").set_value("sam").run()
    assert not app.exception
    assert "This needs its weights" in plain(app)
    assert "hardness-patches-go" not in {one.key for one in app.button}


@pytest.mark.parametrize("made", ["none", "folder", "empty", "outside"])
def test_weights_that_cannot_be_are_said_at_once(
    filled: Workspace, open_page: Open, tmp_path: Path, made: str
) -> None:
    path = {"outside": Path("/etc/hostname"), "folder": tmp_path}.get(made, tmp_path / "sam.pth")
    if made == "empty":
        path.touch()
    app = with_sam(open_page("hardness"), path)
    assert not app.exception
    told = {"none": "is not there", "folder": "is not there", "empty": "is empty", "outside": "outside the allowed"}
    assert told[made].replace("is not", "are not") in plain(app) or told[made] in plain(app)
    assert "hardness-patches-go" not in {one.key for one in app.button}


@pytest.mark.parametrize("typed", ["", "   ", "../x.pth", "a\0b"])
def test_a_path_that_is_none_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    monkeypatch.setenv("DATAEFF_ROOTS", str(tmp_path))
    with pytest.raises(BadInput) as told:
        proposing.usable_weights(typed)
    assert "\n" not in str(told.value)


def test_a_damaged_checkpoint_is_said_where_it_was_asked_for(
    filled: Workspace, open_page: Open, tmp_path: Path
) -> None:
    broken = tmp_path / "sam_vit_b_01ec64.pth"
    broken.write_bytes(b"PK\x03\x04 no weights")
    app = with_sam(open_page("hardness"), broken)
    app.button(key="hardness-patches-go").click().run()
    assert ended(filled).status.state == "failed"
    app.run()
    assert not app.exception
    (said,) = (one.value.replace("\\", "") for one in app.error)
    assert said.startswith("**Propose patches**")
    assert "sam_vit_b_01ec64.pth" in said


def test_a_small_random_sam_proposes_from_the_page(empty: Workspace, open_page: Open, tmp_path: Path) -> None:
    _, dataset, _, _ = fabricate(empty.root, frames=3)
    app = with_sam(open_page("hardness"), write_sam(tmp_path / "tiny.pth", seed=1))
    for name, value in LAX.items():
        field = f"hardness-sam-{name}"
        kind = "slider" if field in {one.key for one in app.slider} else "number_input"
        getattr(app, kind)(key=field).set_value(value)
    app.run()
    app.button(key="hardness-patches-go").click().run()
    job = ended(empty)
    assert job.status.state == "done", job.log_tail(20)
    assert f"--checkpoint={tmp_path / 'tiny.pth'}" in job.argv
    found = opening.fitting_patches(dataset)[0]
    assert found.record.proposer == "sam"
    fabricate_scores(dataset, found)
    app.run()
    assert not app.exception
    assert "not the published SAM" in plain(app)


def test_frames_without_a_patch_are_told(filled: Workspace, open_page: Open) -> None:
    dataset = filled.datasets()[0]
    patches = fabricate_patches(dataset)
    note = {"without": "nothing that passes the rules was found in 3 frames"}
    patches.record.model_copy(update={"notes": note}).write(patches.folder)
    fabricate_scores(dataset, PatchSet(patches.folder, patches.record))
    assert "Nothing that passes the rules was found in 3 frames." in plain(open_page("hardness"))


def test_patches_of_one_frame_only_are_warned_of(filled: Workspace, open_page: Open) -> None:
    dataset = filled.datasets()[0]
    scored = fabricate_scores(dataset, fabricate_patches(dataset))
    first = dataset.frames.iloc[20]
    change(scored, frame_id=first["frame_id"], sha256=first["sha256"], group=first["group"])
    app = open_page("hardness")
    assert not app.exception
    assert any("one frame" in one.value for one in app.warning)


def test_patches_of_one_colour_throughout_break_nothing(filled: Workspace, open_page: Open) -> None:
    dataset = filled.datasets()[0]
    scored = fabricate_scores(dataset, fabricate_patches(dataset))
    m = len(scored.table)
    change(scored, hardness=np.zeros(m, np.float32), squared_error=np.zeros(m), constant=True)
    app = open_page("hardness")
    assert not app.exception
    assert not app.error


def test_fewer_patches_than_a_mosaic_takes_are_one_sentence(filled: Workspace, open_page: Open) -> None:
    dataset = filled.datasets()[0]
    fabricate_scores(dataset, fabricate_patches(dataset))
    app = open_page("hardness")
    app.number_input(key="hardness-budget").set_value(3).run()
    assert not app.exception
    assert any("3 patches are fewer than the 4" in one.value.replace("\\", "") for one in app.error)
    assert "hardness-set-go" not in {one.key for one in app.button}


def test_more_frames_than_there_are_cannot_be_asked_for(filled: Workspace, open_page: Open) -> None:
    dataset = filled.datasets()[0]
    fabricate_scores(dataset, fabricate_patches(dataset))
    app = open_page("hardness")
    app.session_state[selecting.OPEN] = True
    app.run()
    app.number_input(key="hardness-keep").set_value(100.0).run()
    assert not app.exception
    assert "Save selection" in {one.label for one in app.button} or "cannot be kept" in plain(app)


def test_one_patch_alone_is_shown(filled: Workspace, open_page: Open) -> None:
    dataset = filled.datasets()[0]
    patches = fabricate_patches(dataset)
    file = patches.folder / PatchSet.PATCHES
    pd.read_parquet(file).head(1).to_parquet(file)
    fabricate_scores(dataset, PatchSet(patches.folder, patches.record))
    app = open_page("hardness")
    assert not app.exception
    assert any("fewer than the 4" in one.value for one in app.error)
