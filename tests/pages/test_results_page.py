"""The Results page: empty, running, stopped, failed and done; the form; single evaluations; hostile names."""

import shutil
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from dataeff_core import jobs
from dataeff_core.benchmarking import tables
from dataeff_core.benchmarking.verdict import difference, sentence
from dataeff_core.evaluation.normdel import normdel
from dataeff_core.jobs import Job
from dataeff_core.jobs.processes import ProcessIdentity
from dataeff_core.ui.quantities import literal
from dataeff_core.ui.results import (
    benchmark_card,
    benchmark_form,
    benchmark_verdict,
    benchmark_views,
    cells,
    evaluation_card,
    evaluations,
)
from dataeff_core.workspace import Benchmark, Workspace
from dataeff_core.workspace.storage import exclusive, write_json
from tests.fabricated_runs import fabricate_benchmark, fabricate_evaluation, fabricate_run
from tests.fabrication import hostile_fragments
from tests.pages.conftest import texts

Open = Callable[..., AppTest]


def benchmark_in(workspace: Workspace, **options: object) -> Benchmark:
    return fabricate_benchmark(workspace, workspace.dataset("frames"), workspace.dataset("polyps"), **options)  # type: ignore[arg-type]


def note_job(workspace: Workspace, argv: list[str], *, state: str, error: str = "", phase: str = "") -> Job:
    """A job made by hand, so that nothing runs: ended in `state`, or without any process where that is ''."""
    job = Job(workspace.jobs_folder / f"benchmark-{len(jobs.jobs(workspace)):06x}")
    job.folder.mkdir(parents=True)
    asked = {"schema_version": 1, "verb": argv[0], "argv": argv, "created": "2026-01-01T00:00:00+00:00"}
    write_json(job.folder / "job.json", asked | {"cwd": str(workspace.root), "attempt": 1, "after": None})
    ended = {"state": state, "started": None, "finished": None, "seconds": 1.0, "result": None, "error": error}
    if state:
        write_json(job.folder / "status.json", ended)
    if phase:
        write_json(job.folder / "progress.json", {"phase": phase, "done": 3, "total": 9, "eta_seconds": 60.0})
    return job


def test_without_frames_it_says_where_to_begin(empty: Workspace, open_page: Open) -> None:
    app = open_page("results")
    assert not app.exception
    assert "Import frames first" in texts(app)


def test_without_masks_anywhere_it_says_what_is_needed(filled: Workspace, open_page: Open) -> None:
    app = open_page("results")
    assert not app.exception
    assert "masks or labels" in texts(app)


def test_one_press_starts_the_usual_benchmark(two: Workspace, open_page: Open) -> None:
    app = open_page("results")
    assert not app.exception
    assert "Does a subset train as good a model as everything?" in texts(app)
    assert "**21 cells**" in texts(app)
    shown = next(one.value for one in app.code if "benchmark" in one.value)
    app.button(key="benchmark-go").click().run()
    assert not app.exception
    (job,) = jobs.jobs(two)
    job.cancel(grace=0)
    assert job.argv[:3] == ["benchmark", two.dataset("frames").id, f"--on={two.dataset('polyps').id}"]
    assert {"--methods=full,meddel,random", "--keep=0.05,0.2,0.5", "--seeds=3", "--preset=tiny"} <= set(job.argv)
    assert "--set=batch_size=8" in job.argv  # 5 % of 200 frames are 10, which do not fill a batch of 64
    assert all(one in shown for one in job.argv)


def test_a_share_that_cannot_be_used_is_one_sentence(two: Workspace, open_page: Open) -> None:
    app = open_page("results")
    assert benchmark_form.shares(["20", "5 %", "12,5"]) == ((0.05, 0.125, 0.2), "")
    assert "not between" in benchmark_form.shares(["100"])[1]
    assert "not a number" in benchmark_form.shares(["many"])[1]
    app.multiselect(key="benchmark-keeps").set_value([]).run()
    assert not app.exception
    assert "no share is chosen" in texts(app)
    assert app.button(key="benchmark-go").disabled


def test_a_share_below_one_batch_is_said_before_anything_runs(two: Workspace, open_page: Open) -> None:
    app = open_page("results")
    app.multiselect(key="benchmark-keeps").set_value(["0.5"]).run()  # one frame of 200
    assert not app.exception
    assert literal("0.5 % of 200 frames is no more than one") in texts(app)
    assert app.button(key="benchmark-go").disabled


def test_the_usual_shares_leave_enough_to_train_on() -> None:
    assert benchmark_form.usual_shares(892) == [0.05, 0.2, 0.5]
    assert benchmark_form.usual_shares(24) == [0.5]
    assert benchmark_form.usual_shares(3) == [0.5]


@pytest.mark.parametrize(("images", "batch"), [(64, 64), (1000, 64), (63, 32), (10, 8), (2, 2), (1, 2)])
def test_a_step_takes_no_more_than_the_smallest_subset_has(images: int, batch: int) -> None:
    assert benchmark_form.fitting_batch(64, images) == batch


def test_the_verdict_is_that_of_the_paired_differences(two: Workspace, open_page: Open) -> None:
    benchmark = benchmark_in(two)
    app = open_page("results")
    assert not app.exception
    found = difference(tables.table(benchmark), ("meddel", 0.2))
    assert found is not None
    assert literal(sentence(found, names={"meddel": "MedDEL"})) in texts(app)
    assert "Stopped at" not in texts(app)
    app.segmented_control(key=f"verdict-keep-{benchmark.id}").set_value(0.05).run()
    assert literal("At 5 % MedDEL") in texts(app)


def test_more_is_said_about_it_in_five_views(two: Workspace, open_page: Open) -> None:
    benchmark = benchmark_in(two, snapshots=(0.5,))
    app = open_page("results")
    shown = app.dataframe[0].value
    summary = tables.summary(benchmark)
    assert shown["Overlap (mIoU)"].tolist() == pytest.approx(summary["miou_mean"].tolist())
    assert {"Share kept", "Discounted overlap (DEL)", "Overlap for its size (NormDEL)"} <= set(shown.columns)
    wanted = {
        benchmark_views.CHEAPEST: "is the smallest",
        benchmark_views.LAST: "Fig. 4",
        benchmark_views.LENGTH: "mean over the seeds",
        benchmark_views.CELLS: "",
    }
    for view, said in wanted.items():
        app.segmented_control(key=f"more-{benchmark.id}").set_value(view).run()
        assert not app.exception
        assert said in texts(app)


def test_alpha_changes_the_table_and_what_is_said(two: Workspace, open_page: Open) -> None:
    benchmark = benchmark_in(two)
    app = open_page("results")
    assert "exceeds 0.39" in texts(app)
    app.slider(key=f"alpha-{benchmark.id}").set_value(0.0).run()
    assert not app.exception
    assert "the share does not count" in texts(app)


def test_what_is_done_can_be_seen_while_the_rest_waits(two: Workspace, open_page: Open) -> None:
    benchmark = benchmark_in(two, done=8)
    app = open_page("results")
    assert not app.exception
    assert "Stopped at 8 of 21 cells" in texts(app)
    grid = app.dataframe[0].value
    assert grid.shape == (3, 7)
    assert (grid.map(lambda text: text.startswith("✓")).sum().sum()) == 8
    app.button(key=f"benchmark-resume-{benchmark.id}").click().run()
    (job,) = jobs.jobs(two)
    job.cancel(grace=0)
    assert job.argv == ["benchmark", f"--resume={benchmark.id}"]


def test_one_that_a_shell_sees_to_is_not_called_stopped(two: Workspace, open_page: Open) -> None:
    benchmark = benchmark_in(two, done=8)
    with exclusive(benchmark.lock_file):
        app = open_page("results")
        assert not app.exception
        assert "Stopped" not in texts(app)
        assert not [one for one in app.button if one.label in ("Go on", "Stop")]


def test_a_cell_that_failed_says_why(two: Workspace, open_page: Open) -> None:
    benchmark = benchmark_in(two, done=2)
    cell = benchmark.record.cells[2]
    why = "the memory of cpu does not suffice; lower <b>batch_size</b>"
    job = note_job(two, ["benchmark", "--resume", benchmark.id, "--cell", cell.id], state="failed", error=why)
    benchmark.note_job(cell, job.id)
    found = cells.states(two, benchmark)
    assert [one.state for one in found[:4]] == [cells.DONE, cells.DONE, cells.FAILED, cells.WAITING]
    assert list(cells.failures(found)) == [why]
    app = open_page("results")
    assert not app.exception
    assert any(literal(why) in one.value for one in app.error)
    assert "<b>" not in texts(app).replace(r"\<b\>", "")


def test_the_job_of_a_benchmark_is_known_by_what_it_says(two: Workspace) -> None:
    benchmark = benchmark_in(two, done=0)
    other = benchmark_in(two, done=0, name="other")
    begun = note_job(two, ["benchmark", "frames", "--on=polyps"], state="lost", phase=f"comparing in {benchmark.id}")
    resumed = note_job(two, ["benchmark", f"--resume={benchmark.id}"], state="lost")
    cell = note_job(two, ["benchmark", "--resume", benchmark.id, "--cell", "full-1-0"], state="lost")
    assert [benchmark_card.is_of(one, benchmark) for one in (begun, resumed, cell)] == [True, True, False]
    assert not any(benchmark_card.is_of(one, other) for one in (begun, resumed, cell))


def test_progress_shows_the_whole_and_can_be_stopped(two: Workspace, open_page: Open) -> None:
    benchmark = benchmark_in(two, done=3)
    job = note_job(two, ["benchmark", "frames"], state="", phase=f"comparing in {benchmark.id}")
    ProcessIdentity.of_self().write(job.folder)  # as long as this process lives, so does the job
    write_json(job.folder / "running.json", {"started": job.created})
    app = open_page("results")
    assert not app.exception
    assert app.button(key=f"benchmark-stop-{benchmark.id}")
    assert any("60 s left" in str(one.proto) for one in app.get("progress"))
    assert app.dataframe[0].value.shape == (3, 7)


def test_single_evaluations_name_the_three_kinds_apart(two: Workspace, open_page: Open) -> None:
    run = fabricate_run(two, two.dataset("frames"), name="<b>bold</b>")
    fabricate_evaluation(two, run, two.dataset("polyps"), score=0.61, leaks=2)
    app = open_page("results", results="Single evaluations")
    assert not app.exception
    told = {one.label: one.value for one in app.metric}
    assert told["Overlap, mean of the images"] == "0.610"
    assert told["Overlap, all pixels together"] == "0.630"
    assert told["Overlap, finding and background"] == "0.785"
    assert told["Overlap for its size (NormDEL)"] == f"{normdel(0.61, 1.0):.3f}"
    assert "2 images of polyps have near-duplicates" in app.warning[0].value
    assert not any(one in texts(app) for one in hostile_fragments())
    assert "<b>" not in texts(app).replace(r"\<b\>", "")


def test_leaks_are_said_as_they_are(two: Workspace) -> None:
    run = fabricate_run(two, two.dataset("frames"))
    on = two.dataset("polyps")
    none = fabricate_evaluation(two, run, on, score=0.5).record
    one = fabricate_evaluation(two, run, on, score=0.51, leaks=1).record
    unknown = one.model_copy(update={"leaks": {"checked": False}})
    assert evaluation_card.leak_sentence(none) == ""
    assert "1 image of polyps has a near-duplicate" in evaluation_card.leak_sentence(one)
    assert "Not checked" in evaluation_card.leak_sentence(unknown)


def test_a_further_run_is_evaluated_from_the_form(two: Workspace, open_page: Open) -> None:
    run = fabricate_run(two, two.dataset("frames"))
    app = open_page("results", results="Single evaluations")
    assert "No encoder has been evaluated yet" in texts(app)
    app.segmented_control(key="evaluation-how").set_value("untrained, to compare with").run()
    app.button(key="evaluation-go").click().run()
    assert not app.exception
    (job,) = jobs.jobs(two)
    job.cancel(grace=0)
    on = two.dataset("polyps").id
    wanted = ["evaluate", f"--encoder=untrained:{run.id}", f"--on={on}", "--task=segmentation", "--seed=0"]
    assert job.argv == wanted


def test_evaluations_are_listed_with_what_they_scored(two: Workspace) -> None:
    dataset, on = two.dataset("frames"), two.dataset("polyps")
    run = fabricate_run(two, dataset, name="first")
    fabricate_evaluation(two, run, on, score=0.5)
    fabricate_evaluation(two, run, on, score=0.4, epoch=10)
    fabricate_evaluation(two, run, on, score=0.2, untrained=True)
    runs = {run.id: run}
    found = evaluations.newest_first(two, dataset, runs)
    listed = evaluations.table(found, runs)
    assert listed["Encoder"].tolist() == ["first, untrained", "first, after epoch 10", "first"]
    assert listed["Score"].tolist() == [0.2, 0.4, 0.5]
    assert evaluations.newest_first(two, on, runs) == found or len(evaluations.newest_first(two, on, runs)) == 3


def test_a_run_that_is_gone_leaves_its_evaluation_readable(two: Workspace, open_page: Open) -> None:
    run = fabricate_run(two, two.dataset("polyps"))
    fabricate_evaluation(two, run, two.dataset("frames"), score=0.5)
    shutil.rmtree(run.folder)
    app = open_page("results", results="Single evaluations")
    assert not app.exception
    assert next(one.value for one in app.metric) == "0.500"


def test_the_saving_is_said_as_it_is(two: Workspace) -> None:
    benchmark = benchmark_in(two, seeds=(0,))
    told = benchmark_verdict.saved_sentence(tables.saved(benchmark), 0.2, "images_seen")
    assert "takes" in told
    assert "every model sees equally many images" in told
    without = benchmark_in(two, methods=("meddel",), seeds=(1,), name="no full")
    assert benchmark_verdict.saved_sentence(tables.saved(without), 0.2, "images_seen") == ""


def test_symbols_instead_of_plain_words(two: Workspace, open_page: Open) -> None:
    benchmark_in(two, seeds=(0,))
    app = open_page("results", words="symbols")
    assert not app.exception
    assert {"R (retained)", "mIoU", "DEL", "NormDEL"} <= set(app.dataframe[0].value.columns)
