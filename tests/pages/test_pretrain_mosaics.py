"""The Pre-train page and mosaics: chosen in the form, refused where they cannot be trained on, said on runs."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from dataeff_core import jobs
from dataeff_core.encoders.from_run import FromRun
from dataeff_core.hardness.choosing import PatchRules
from dataeff_core.hardness.stored import hardness_of
from dataeff_core.mosaics.layout import MosaicRules
from dataeff_core.mosaics.saving import save_mosaics
from dataeff_core.pretraining import make
from dataeff_core.review.pinning import pin
from dataeff_core.ui.pretrain import comparing, entries, estimate, mosaic_sets, subjects
from dataeff_core.ui.results import evaluation_card, evaluation_form, evaluations
from dataeff_core.workspace import Dataset, MosaicRecord, MosaicSet, Run, Workspace
from dataeff_core.workspace.datasets import save_frames
from tests.fabricated_runs import fabricate_evaluation, fabricate_mosaics, fabricate_run
from tests.fabricated_scores import fabricate_patches, fabricate_scores
from tests.pages.conftest import texts
from tests.pages.test_pretrain_page import button, codes, number, small_steps

Open = Callable[..., AppTest]
HOSTILE = "<b>hard</b> [x](http://evil)"


@pytest.fixture
def dataset(filled: Workspace) -> Dataset:
    """40 frames with 160 scored patches."""
    found = filled.datasets()[0]
    fabricate_scores(found, fabricate_patches(found))
    return found


@pytest.fixture
def mosaics(dataset: Dataset) -> MosaicSet:
    """20 mosaics of 80 patches."""
    return fabricate_mosaics(dataset, count=20, name=HOSTILE)


def chosen_as(app: AppTest, wanted: str) -> AppTest:
    return next(one for one in app.selectbox if one.key == "pretrain-on").select(wanted).run()


def red(app: AppTest) -> list[str]:
    return [one.value.replace("\\", "") for one in app.markdown if one.value.startswith(":red[")]


def test_the_button_starts_a_run_on_the_mosaics(filled: Workspace, mosaics: MosaicSet, open_page: Open) -> None:
    app = small_steps(chosen_as(open_page("pretrain"), mosaics.id))
    number(app, "pretrain-passes").set_value(6).run()
    assert not app.exception
    said = texts(app)
    assert "2 × 2 patches" in said
    assert "as many images as 50 % of the frames" in said.replace("\\", "")
    captions = "\n".join(app.radio(key="pretrain-equal").proto.captions)
    assert "over 20 mosaics" in captions
    assert "frames" not in captions
    expected = ["pretrain", mosaics.id, "--method=mae", "--preset=tiny", "--set=batch_size=4", "--images-seen=240"]
    assert " ".join(expected) in codes(app)
    button(app, "pretrain-go").click().run()
    assert not app.exception
    (job,) = jobs.jobs(filled)
    job.cancel(grace=0)
    assert job.argv == [*expected, "--seed=0"]
    assert any(one.job is not None and one.job.id == job.id for one in entries.entries(filled, filled.datasets()[0]))


def test_a_name_is_shown_as_it_was_typed(mosaics: MosaicSet, open_page: Open) -> None:
    app = chosen_as(open_page("pretrain"), mosaics.id)
    assert "](http" not in texts(app)
    assert "<b>" not in texts(app)
    assert any(HOSTILE in one for one in next(one for one in app.selectbox if one.key == "pretrain-on").options)


def test_what_another_page_sends_is_chosen(filled: Workspace, mosaics: MosaicSet, open_page: Open) -> None:
    fabricate_run(filled, filled.datasets()[0])
    app = open_page("pretrain")
    assert app.segmented_control(key="view").value == "Runs"
    app.session_state[subjects.SOURCE] = mosaics.id
    app.run()
    assert not app.exception
    assert app.segmented_control(key="view").value == "New run"
    field = next(one for one in app.selectbox if one.key == "pretrain-on")
    assert field.value == mosaics.id
    assert subjects.SOURCE not in app.session_state
    assert chosen_as(app, subjects.EVERYTHING).segmented_control(key="view").value == "New run"
    app.session_state[subjects.SOURCE] = "mosaics-that-are-gone"
    app.run()
    assert not app.exception
    assert next(one for one in app.selectbox if one.key == "pretrain-on").value == subjects.EVERYTHING


def test_seams_within_the_networks_patches_are_said_with_the_size_that_would_do(
    dataset: Dataset, open_page: Open
) -> None:
    rules = PatchRules(lower=0, upper=None, usable=False)
    thirds = save_mosaics(dataset, hardness_of(dataset), rules, MosaicRules(grid=3), count=8)
    app = small_steps(chosen_as(open_page("pretrain"), thirds.id))
    (said,) = red(app)
    assert "seams would run through" in said
    assert "use image_size 108" in said
    assert button(app, "pretrain-go").disabled
    app.session_state["pretrain-mae-tiny-section-network"] = True
    app.run()
    number(app, "pretrain-mae-tiny-image_size").set_value(108).run()
    assert red(app) == []
    assert f"pretrain {thirds.id} " in codes(app)


def test_mosaics_of_other_frames_cannot_be_started(
    filled: Workspace, dataset: Dataset, mosaics: MosaicSet, open_page: Open
) -> None:
    frames = dataset.all_frames.copy()
    frames.loc[0, "present"] = False
    save_frames(dataset.folder, dataset.record, frames, dataset.unreadable)
    app = chosen_as(open_page("pretrain"), mosaics.id)
    assert not app.exception
    assert "out of date" in "".join(red(app))
    assert button(app, "pretrain-go").disabled


def test_too_few_mosaics_for_a_step_are_one_sentence(mosaics: MosaicSet, open_page: Open) -> None:
    app = chosen_as(open_page("pretrain"), mosaics.id)
    assert any("20 images do not fill a batch of 64" in one for one in red(app))
    assert button(app, "pretrain-go").disabled


def test_small_patches_are_warned_of(mosaics: MosaicSet) -> None:
    large = make("mae", {"image_size": 256})
    (said,) = estimate.cell_warnings(large, mosaics.manifest, 2)
    assert said.startswith("80 patches of 80 are smaller than their cell of")
    assert estimate.cell_warnings(make("mae", {"image_size": 32}), mosaics.manifest, 2) == []


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"lower": 0.5, "upper": 0.98, "by": "quantile"}, "hardness from 50 to 98 %"),
        ({"lower": 0.25, "upper": None, "by": "quantile"}, "hardest 75 %"),
        ({"lower": 0.0, "upper": None, "by": "quantile"}, "of any hardness"),
        ({"lower": 0.01, "upper": None, "by": "value"}, "hardness from 0.01"),
        ({"lower": 0.01, "upper": 0.2, "by": "value"}, "hardness from 0.01 to 0.2"),
        ({"lower": 0.5, "upper": 0.98, "take": "random"}, "hardness from 50 to 98 %, drawn at random"),
    ],
)
def test_margins_are_told_in_words(rules: dict[str, object], told: str) -> None:
    assert mosaic_sets.margins(rules) == told


def test_sets_of_one_name_are_told_apart(filled: Workspace, dataset: Dataset, open_page: Open) -> None:
    both = [fabricate_mosaics(dataset, count=20, seed=seed, name="twice") for seed in (0, 1)]
    for one in both:
        record = one.record.model_copy(update={"created": "2026-01-01T00:00:00+00:00"})
        record.write(one.folder)
    app = open_page("pretrain")
    options = next(one for one in app.selectbox if one.key == "pretrain-on").options
    assert len(set(options)) == len(options)
    assert MosaicRecord.read(both[0].folder).created.startswith("2026-01-01")


def test_a_run_on_mosaics_never_speaks_of_frames(
    filled: Workspace, dataset: Dataset, mosaics: MosaicSet, open_page: Open
) -> None:
    run = fabricate_run(filled, dataset, mosaics=mosaics)
    app = open_page("pretrain")
    assert not app.exception
    said = texts(app).replace("\\", "")
    assert "20 mosaics of 80 patches" in said
    assert "passes over 20 mosaics" in said
    assert "as many images as 50.0" in said
    assert "hidden mosaics" in said
    assert "the mosaic itself" in said
    assert not [one for one in ("20 frames", "hidden frames", "frame itself", "from frames") if one in said]
    app.session_state[f"run-mosaics-{run.id}"] = True
    app.run()
    assert not app.exception
    assert "Some of the mosaics" in texts(app)


def test_mosaics_whose_frames_are_gone_leave_the_card_readable(
    filled: Workspace, dataset: Dataset, mosaics: MosaicSet, open_page: Open
) -> None:
    run = fabricate_run(filled, dataset, mosaics=mosaics)
    for file in filled.root.glob("thumbnails/*/*.webp"):
        file.unlink()
    app = open_page("pretrain")
    app.session_state[f"run-mosaics-{run.id}"] = True
    app.run()
    assert not app.exception
    assert "no longer here" in texts(app)


def test_lists_and_tables_name_the_mosaics(filled: Workspace, dataset: Dataset, mosaics: MosaicSet) -> None:
    plain = fabricate_mosaics(dataset, count=10)
    on_named, on_plain = (fabricate_run(filled, dataset, mosaics=one) for one in (mosaics, plain))
    whole = fabricate_run(filled, dataset, seed=1)
    assert entries.title(on_named) == f"{HOSTILE}: 20 mosaics of 80 patches"
    assert entries.title(on_plain) == "10 mosaics of 40 patches"
    assert entries.called(on_plain.record) == f"mae on mosaics of {dataset.record.name}"
    assert "20 mosaics of 80 patches" in evaluation_form._told(on_named)
    table = comparing.table_of([on_named, whole], comparing.names_of([on_named, whole]))
    assert table.loc["Images"].tolist()[:2] == ["20 mosaics of 80 patches", "40 frames"]
    scored = fabricate_evaluation(filled, on_named, dataset, score=0.4)
    assert "pre-trained on 20 mosaics of 80 patches" in evaluation_card._facts(scored.record, on_named)
    assert "pre-trained on 50.0" in evaluation_card._facts(scored.record, None)
    assert evaluations.encoder_title(scored, {on_named.id: on_named}) == f"mae on mosaics {HOSTILE}"
    labels = {name.removeprefix("run:"): label for name, label in FromRun.offered(filled)}
    assert f"20 mosaics of 80 patches of {dataset.record.name}" in labels[on_named.id]
    assert f"40 frames of {dataset.record.name}" in labels[whole.id]


def test_notes_of_what_was_left_out_stand_on_the_card(
    filled: Workspace, dataset: Dataset, mosaics: MosaicSet, open_page: Open
) -> None:
    run = fabricate_run(filled, dataset, mosaics=mosaics)
    noted = {"left_out": "1 of 21 mosaics are left out, as 1 of their frames cannot be read: <b>a</b>", "small": 3}
    run.record.model_copy(update={"notes": noted}).write(run.folder)
    app = open_page("pretrain")
    assert not app.exception
    assert "1 of 21 mosaics are left out" in texts(app).replace("\\", "")
    assert "<b>a" not in texts(app)
    assert Run(run.folder, run.record).cells is not None


def test_mosaics_with_frames_that_reviewers_removed_are_left_out_and_counted_so(
    filled: Workspace, dataset: Dataset, mosaics: MosaicSet, open_page: Open
) -> None:
    gone = str(mosaics.manifest["frame_id"].iloc[0])
    pin(filled, filled.selections()[0], [gone], "drop", reviewer="Dr A", reason="private")
    lost = int(mosaics.manifest.loc[mosaics.manifest["frame_id"] == gone, "mosaic"].nunique())
    app = small_steps(chosen_as(open_page("pretrain"), mosaics.id))
    assert not app.exception
    assert any(f"{lost} of 20 mosaics are left out" in one.value.replace("\\", "") for one in app.warning)
    captions = "\n".join(app.radio(key="pretrain-equal").proto.captions)
    assert f"over {20 - lost} mosaics" in captions
