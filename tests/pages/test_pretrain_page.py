"""The Pre-train page: what the form would start, what it says of runs in every state, and runs side by side."""

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dataeff_core import jobs
from dataeff_core.pretraining import METHODS, PRESETS, budgets, make
from dataeff_core.ui.pretrain import comparing, entries, estimate, figures, metrics, run_card, start_form, subjects
from dataeff_core.ui.quantities import literal
from dataeff_core.workspace import Dataset, Run, Workspace
from dataeff_core.workspace.runs import METRICS
from dataeff_core.workspace.storage import exclusive
from tests.fabricated_runs import fabricate_evaluation, fabricate_run
from tests.fabrication import fabricate
from tests.pages.conftest import texts

Open = Callable[..., AppTest]


@pytest.fixture
def dataset(filled: Workspace) -> Dataset:
    return filled.datasets()[0]


@pytest.fixture
def clean_jobs(filled: Workspace) -> Iterator[Workspace]:
    """`filled`; jobs that a test started are stopped."""
    yield filled
    for job in jobs.jobs(filled):
        job.cancel(grace=0)
    deadline = time.monotonic() + 30
    while any(job.status.state not in jobs.ENDED for job in jobs.jobs(filled)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def button(app: AppTest, key: str):
    return next(one for one in app.button if one.key == key)


def number(app: AppTest, key: str):
    return next(one for one in app.number_input if one.key == key)


def codes(app: AppTest) -> str:
    return "\n".join(one.value for one in app.code)


def test_without_frames_it_says_what_it_is_for_and_what_to_do(empty: Workspace, open_page: Open) -> None:
    app = open_page("pretrain")
    assert not app.exception
    assert "Nothing to train on yet" in texts(app)
    assert "without any labels" in texts(app)


def test_without_runs_the_form_stands_there(filled: Workspace, open_page: Open) -> None:
    app = open_page("pretrain")
    assert not app.exception
    said = texts(app)
    assert "without any labels" in said
    assert not button(app, "pretrain-go").disabled or "do not fill a batch" in said.replace("\\", "")
    assert not any(letter in said for letter in "αβηε")


def small_steps(app: AppTest, method: str = "mae") -> AppTest:
    """Settings that fit 40 frames: the folded section is opened, and folded again."""
    section = f"pretrain-{method}-tiny-section-training"
    app.session_state[section] = True
    app.run()
    number(app, f"pretrain-{method}-tiny-batch_size").set_value(4).run()
    app.session_state[section] = False
    return app.run()


def test_too_few_frames_for_a_step_are_one_sentence(filled: Workspace, open_page: Open) -> None:
    app = open_page("pretrain")
    red = [one.value.replace("\\", "") for one in app.markdown if one.value.startswith(":red[")]
    assert len(red) == 1
    assert "do not fill a batch of 64" in red[0]
    assert button(app, "pretrain-go").disabled


def test_the_button_starts_what_the_command_line_says(clean_jobs: Workspace, open_page: Open) -> None:
    workspace = clean_jobs
    saved = next(one for one in workspace.selections() if one.record.name == "<b>first</b>")
    app = open_page("pretrain")
    next(one for one in app.selectbox if one.key == "pretrain-on").select(saved.id).run()
    small_steps(app)
    number(app, "pretrain-passes").set_value(6).run()
    seen = 6 * 40
    shown = codes(app)
    expected = [
        "pretrain", saved.id, "--method=mae", "--preset=tiny", "--set=batch_size=4", f"--images-seen={seen}",
        "--seed=0",
    ]  # fmt: skip
    assert " ".join(expected) in shown
    button(app, "pretrain-go").click().run()
    assert not app.exception
    assert jobs.jobs(workspace)[0].argv == expected
    assert next(one for one in app.segmented_control if one.key == "view").value == "Runs"
    assert "starting" in texts(app) or "waits" in texts(app) or app.radio(key="run").value


def test_equal_passes_are_asked_for_as_epochs(clean_jobs: Workspace, open_page: Open) -> None:
    app = open_page("pretrain")
    small_steps(app)
    number(app, "pretrain-passes").set_value(7).run()
    length = app.radio(key="pretrain-equal")
    length.set_value(start_form.EQUAL_PASSES).run()
    assert "--epochs=7" in codes(app)
    assert "--images-seen" not in codes(app)


def test_all_frames_have_one_length_only(filled: Workspace, open_page: Open) -> None:
    app = open_page("pretrain")
    next(one for one in app.selectbox if one.key == "pretrain-on").select(subjects.EVERYTHING).run()
    small_steps(app)
    assert not [one for one in app.radio if one.key == "pretrain-equal"]
    assert f"pretrain {filled.datasets()[0].id} " in codes(app)
    assert f"--epochs={budgets.DEFAULT_EPOCHS}" in codes(app)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.NAME)
@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_method_and_preset_begins_with_the_presets_values(
    method, preset, dataset: Dataset, open_page: Open
) -> None:
    app = open_page("pretrain")
    app.radio(key="pretrain-method").set_value(method.NAME).run()
    next(one for one in app.segmented_control if one.key == "pretrain-preset").set_value(preset.name).run()
    next(one for one in app.selectbox if one.key == "pretrain-on").select(subjects.EVERYTHING).run()
    assert not app.exception
    usual = make(method.NAME, preset=preset.name)
    if usual.batch_size <= len(dataset.frames):
        assert "--set" not in codes(app)
        assert f"--method={method.NAME} --preset={preset.name}" in codes(app)


def test_sections_keep_what_was_chosen_while_they_are_folded(filled: Workspace, open_page: Open) -> None:
    app = small_steps(open_page("pretrain"))
    assert not [one for one in app.number_input if one.key == "pretrain-mae-tiny-batch_size"]
    assert "--set=batch_size=4" in codes(app)
    app.session_state["pretrain-mae-tiny-section-network"] = True
    app.run()
    number(app, "pretrain-mae-tiny-depth").set_value(2).run()
    assert "--set=depth=2" in codes(app)
    assert "--set=batch_size=4" in codes(app)


def test_weights_that_are_not_there_are_one_sentence(filled: Workspace, open_page: Open) -> None:
    app = small_steps(open_page("pretrain"))
    app.session_state["pretrain-mae-tiny-section-network"] = True
    app.run()
    app.toggle(key="pretrain-mae-tiny-start_from-own").set_value(True).run()
    assert button(app, "pretrain-go").disabled
    app.text_input(key="pretrain-mae-tiny-start_from").set_value("/etc/passwd").run()
    red = [one.value.replace("\\", "") for one in app.markdown if one.value.startswith(":red[")]
    assert "outside the allowed folders" in red[0]
    assert button(app, "pretrain-go").disabled


def test_patches_that_do_not_divide_the_image_are_one_sentence(filled: Workspace, open_page: Open) -> None:
    app = small_steps(open_page("pretrain"))
    app.session_state["pretrain-mae-tiny-section-network"] = True
    app.run()
    number(app, "pretrain-mae-tiny-patch_size").set_value(7).run()
    red = [one.value.replace("\\", "") for one in app.markdown if one.value.startswith(":red[")]
    assert "is not a multiple of the patch size 7" in red[0]
    assert button(app, "pretrain-go").disabled


def test_small_frames_are_warned_of(dataset: Dataset) -> None:
    method = make("mae", {"image_size": 208})
    assert "are smaller than 208 pixels" in estimate.warnings(method, dataset.frames)[0]
    assert estimate.warnings(make("mae", {"image_size": 96}), dataset.frames) == []


def test_a_selection_of_other_frames_is_one_sentence(filled: Workspace, open_page: Open) -> None:
    for saved in filled.selections():
        record = saved.folder / "selection.json"
        record.write_text(record.read_text().replace(saved.record.dataset_fingerprint, "0" * 64))
    app = open_page("pretrain")
    assert "choose frames again" in texts(app)
    assert button(app, "pretrain-go").disabled


def test_a_finished_run_shows_its_result_and_ways_on(filled: Workspace, dataset: Dataset, open_page: Open) -> None:
    saved = filled.selections()[0]
    run = fabricate_run(filled, dataset, selection=saved, name="<b>mine</b> [x](http://evil)")
    fabricate_evaluation(filled, run, dataset, score=0.5)
    app = open_page("pretrain")
    assert not app.exception
    said = texts(app)
    assert "](http" not in said
    assert "0.500" in said
    result = run.result
    assert result is not None
    assert f"**{literal(f'{result.final_loss:.4g}')}**" in said
    assert f"encoder-go-{run.id}" in [one.key for one in app.button]
    assert app.session_state["pretrain-picture-newest-" + run.id] == max(run.reconstructions)


def test_a_stopped_run_says_why_and_can_go_on(clean_jobs: Workspace, dataset: Dataset, open_page: Open) -> None:
    workspace = clean_jobs
    run = fabricate_run(
        workspace, dataset, finished=False, problem="the loss became NaN at step 12; lower learning_rate"
    )
    app = open_page("pretrain")
    assert not app.exception
    assert any("became NaN" in one.value.replace("\\", "") for one in app.error)
    button(app, f"run-resume-{run.id}").click().run()
    assert not app.exception
    assert jobs.jobs(workspace)[0].argv == run_card.resume_command(run) == ["pretrain", f"--resume={run.id}"]


def test_a_running_run_tells_how_far_it_is(filled: Workspace, dataset: Dataset, open_page: Open) -> None:
    run = fabricate_run(filled, dataset, finished=False, epochs=40)
    with exclusive(run.lock_file):
        app = open_page("pretrain")
        assert not app.exception
        found = entries.entries(filled, dataset)
        assert [one.state for one in found] == ["running"]
    assert "running" in "\n".join(app.radio(key="run").proto.captions)


def test_runs_and_jobs_are_joined(clean_jobs: Workspace, dataset: Dataset) -> None:
    workspace = clean_jobs
    run = fabricate_run(workspace, dataset, finished=False)
    other = fabricate_run(workspace, dataset, seed=1)
    first = jobs.start(workspace, ["pretrain", f"--resume={run.id}"])
    second = jobs.start(workspace, ["pretrain", dataset.id, "--method=nonsense"])
    found = {one.id: one for one in entries.entries(workspace, dataset)}
    assert set(found) == {run.id, other.id, second.id}
    assert found[run.id].job == first
    assert found[other.id].state == "done"
    other.note_job(second.id)
    assert {one.id for one in entries.entries(workspace, dataset)} == {run.id, other.id}


def test_a_job_that_failed_before_its_run_says_its_sentence(
    clean_jobs: Workspace, dataset: Dataset, open_page: Open
) -> None:
    workspace = clean_jobs
    job = jobs.start(workspace, ["pretrain", dataset.id, "--method=nonsense"])
    deadline = time.monotonic() + 60
    while job.status.state not in jobs.ENDED:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    app = open_page("pretrain")
    assert not app.exception
    assert job.status.error is not None
    assert "nonsense" in texts(app)


def test_another_dataset_has_its_own_runs(filled: Workspace, dataset: Dataset, open_page: Open) -> None:
    fabricate_run(filled, dataset)
    _, other, _, _ = fabricate(filled.root, frames=12, name="other", seed=3)
    app = open_page("pretrain", dataset=other.id)
    assert "without any labels" in texts(app)
    fabricate_run(filled, other)
    app = open_page("pretrain", dataset=other.id)
    assert "1 run of other datasets" in texts(app)


def test_runs_side_by_side_show_what_differs(filled: Workspace, dataset: Dataset, open_page: Open) -> None:
    saved = filled.selections()[0]
    fabricate_run(filled, dataset, name="everything")
    fabricate_run(filled, dataset, selection=saved, name="subset", seed=1)
    fabricate_run(filled, dataset, method="simclr", name="other way")
    app = open_page("pretrain", view="Compare runs")
    assert not app.exception
    assert "different methods" in texts(app)
    app.multiselect(key="compare-runs").set_value([run.id for run in filled.runs()[:2]]).run()
    assert not app.exception
    table = app.dataframe[0].value
    assert {"Trained on", "Share kept", "Starting number"} <= set(table.index)
    assert "Preset" not in table.index
    app.multiselect(key="compare-runs").set_value([]).run()
    assert "one more run" in texts(app)


def test_one_run_cannot_be_compared(filled: Workspace, dataset: Dataset, open_page: Open) -> None:
    fabricate_run(filled, dataset)
    assert "Two runs are needed" in texts(open_page("pretrain", view="Compare runs"))


def test_runs_of_the_same_name_are_told_apart(filled: Workspace, dataset: Dataset) -> None:
    runs = [fabricate_run(filled, dataset, name="twice", seed=seed) for seed in (0, 1)]
    assert len(set(comparing.names_of(runs).values())) == 2


def test_runs_of_equal_names_can_each_be_looked_at(filled: Workspace, dataset: Dataset, open_page: Open) -> None:
    methods = {"mae": (0, 1), "simclr": (0,)}
    runs = [fabricate_run(filled, dataset, method=one, seed=seed) for one, seeds in methods.items() for seed in seeds]
    shown = entries.labels(entries.entries(filled, dataset))
    assert len(set(shown.values())) == len(runs)
    assert all(text.startswith("all 40 frames · ") for text in shown.values())
    app = open_page("pretrain")
    for run in runs:
        app.radio(key="run").set_value(run.id).run()
        assert not app.exception
        assert app.radio(key="run").value == run.id
        assert f"encoder-go-{run.id}" in [one.key for one in app.button]
    app.session_state["pretrain-run-next"] = runs[0].id
    app.run()
    assert app.radio(key="run").value == runs[0].id
    assert not any("default value" in one.value for one in app.warning)


def test_every_setting_is_in_the_table_once(filled: Workspace, dataset: Dataset) -> None:
    runs = [fabricate_run(filled, dataset, seed=seed, params={"mask_ratio": 0.5 + seed / 10}) for seed in (0, 1)]
    table = comparing.table_of(runs, comparing.names_of(runs))
    assert table.index.is_unique
    differing = set(table.index[table["differs"]])
    assert differing == {"Starting number", "Hidden share"}


def test_the_evaluation_that_is_started(clean_jobs: Workspace, dataset: Dataset, open_page: Open) -> None:
    workspace = clean_jobs
    run = fabricate_run(workspace, dataset)
    _, marked, _, _ = fabricate(workspace.root, frames=16, groups=4, masks=True, name="marked", seed=4)
    app = open_page("pretrain")
    app.selectbox(key="dataset").select(dataset.id).run()
    assert not app.exception
    button(app, f"evaluate-go-{run.id}").click().run()
    assert not app.exception
    assert [job.argv[1] for job in jobs.jobs(workspace)] == [f"--encoder=run:{run.id}"]
    app.checkbox(key=f"evaluate-both-{run.id}").check().run()
    button(app, f"evaluate-go-{run.id}").click().run()
    assert {job.argv[1] for job in jobs.jobs(workspace)} == {
        f"--encoder={kind}:{run.id}" for kind in ("run", "untrained")
    }
    argv = jobs.jobs(workspace)[-1].argv
    assert argv == ["evaluate", f"--encoder=run:{run.id}", f"--on={marked.id}", "--task=segmentation", "--seed=0"]


def test_the_encoder_jobs_that_are_started(clean_jobs: Workspace, dataset: Dataset, open_page: Open) -> None:
    workspace = clean_jobs
    run = fabricate_run(workspace, dataset)
    app = open_page("pretrain")
    button(app, f"encoder-go-{run.id}").click().run()
    started = [job.argv for job in reversed(jobs.jobs(workspace))]
    assert started == [[verb, dataset.id, f"--encoder=run:{run.id}"] for verb in ("embed", "calibrate", "map")]


def test_metrics_are_read_on_from_where_the_last_look_ended(tmp_path: Path) -> None:
    file = tmp_path / Run.METRICS_FILE
    reader = metrics.MetricsReader(file)
    assert reader.read().empty
    rows = [json.dumps(dict.fromkeys(METRICS, float(number))) + "\n" for number in range(6)]
    file.write_text("".join(rows[:2]) + rows[2][:7])
    assert reader.read()["loss"].tolist() == [0, 1]
    file.write_text("".join(rows[:4]))
    assert reader.read()["loss"].tolist() == [0, 1, 2, 3]
    again = json.dumps(dict.fromkeys(METRICS, 9.0)) + "\n"
    file.write_text(rows[0] + again * 5)  # cut off at a checkpoint, then longer than before
    assert reader.read()["loss"].tolist() == [0, 9, 9, 9, 9, 9]
    file.write_text(rows[0])
    assert reader.read()["loss"].tolist() == [0]
    file.unlink()
    assert reader.read().empty


def test_a_curve_stays_the_same_view_while_rows_are_added(filled: Workspace, dataset: Dataset) -> None:
    """Only then the browser keeps zoom and pan: the specification holds no data, and the axis goes to the end."""
    run = fabricate_run(filled, dataset, finished=False, epochs=40)
    drawn = figures.curve("loss", until=float(run.record.epochs), height=100)
    assert drawn == figures.curve("loss", until=40.0, height=100)
    assert "data" not in drawn
    assert drawn["encoding"]["x"]["scale"]["domain"] == [0, 40]


def test_a_damaged_run_leaves_one_sentence(filled: Workspace, dataset: Dataset, open_page: Open) -> None:
    run = fabricate_run(filled, dataset)
    (run.folder / "run.json").write_text("{")
    app = open_page("pretrain")
    assert not app.exception
    assert any("damaged" in one.value for one in app.error)
    with contextlib.suppress(OSError):
        shutil.rmtree(run.folder)
