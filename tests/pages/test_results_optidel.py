"""Mosaics of hard patches in benchmarks: offered where patches are scored, refused before they fail, read well."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from dataeff_core import jobs
from dataeff_core.benchmarking import tables
from dataeff_core.benchmarking.planning import plan
from dataeff_core.cli.benchmarking import by_method
from dataeff_core.hardness.stored import Hardness, HardnessRecord
from dataeff_core.ui.results import benchmark_verdict, benchmark_views, cells, hard_patches
from dataeff_core.ui.results.styles import MOSAICS_TOLD, name, spoken
from dataeff_core.workspace import Workspace
from tests.fabricated_runs import fabricate_benchmark
from tests.fabricated_scores import fabricate_patches, fabricate_scores
from tests.pages.conftest import texts

Open = Callable[..., AppTest]
METHODS = "benchmark-methods"


@pytest.fixture
def scored(two: Workspace) -> Hardness:
    """800 scored patches of the 200 frames."""
    dataset = two.dataset("frames")
    return fabricate_scores(dataset, fabricate_patches(dataset))


def pills(app: AppTest):
    return app.button_group(key=METHODS)


def choose(app: AppTest, *methods: str) -> AppTest:
    return pills(app).set_value(list(methods)).run()


def shares(app: AppTest, *typed: str) -> AppTest:
    return app.multiselect(key="benchmark-keeps").set_value(list(typed)).run()


def unfold(app: AppTest, part: str) -> AppTest:
    """Open a section of the mosaics' settings, and let it stay so."""
    app.session_state[f"benchmark-optidel-{part}-section-"] = True
    return app.run()


def red(app: AppTest) -> list[str]:
    return [one.value.replace("\\", "") for one in app.markdown if one.value.startswith(":red[")]


def command(app: AppTest) -> list[str]:
    """Start, and hand back what was started."""
    app.button(key="benchmark-go").click().run()
    assert not app.exception
    (job,) = jobs.jobs(Workspace.open())
    job.cancel(grace=0)
    return job.argv


def test_without_scored_patches_it_says_how_to_get_some(two: Workspace, open_page: Open) -> None:
    app = open_page("results")
    assert not app.exception
    assert not any("OptiDEL" in one or "V-information" in one for one in pills(app).options)
    said = texts(app)
    assert "Not to be chosen yet" in said
    assert name("optidel") in said
    assert name("vinformation") in said
    assert "Hardness page" in said
    assert not app.button(key="benchmark-go").disabled


def test_patches_of_other_frames_have_to_be_scored_again(two: Workspace, scored: Hardness, open_page: Open) -> None:
    scored.record.model_copy(update={"dataset_fingerprint": "0" * 64}).write(scored.folder)
    app = open_page("results")
    assert "before the frames changed" in texts(app)
    assert HardnessRecord.read(scored.folder).dataset_fingerprint == "0" * 64


def test_the_command_holds_what_was_chosen_and_the_plan_takes_it(
    two: Workspace, scored: Hardness, open_page: Open
) -> None:
    app = shares(choose(open_page("results"), "full", "random", "optidel"), "5", "20")
    assert not app.exception
    assert red(app) == []
    assert MOSAICS_TOLD in texts(app)
    app = unfold(app, "patches")
    next(one for one in app.number_input if one.key == "benchmark-optidel-patches-lower").set_value(0.3).run()
    app = unfold(app, "mosaic")
    app.segmented_control(key="benchmark-optidel-mosaic-aspect").set_value("pad").run()
    argv = command(app)
    assert "--methods=full,random,optidel" in argv
    given = [one.removeprefix("--select-set=") for one in argv if one.startswith("--select-set=")]
    assert given == [f"optidel.hardness={scored.id}", "optidel.lower=0.3", "optidel.aspect=pad"]
    planned = plan(
        two,
        two.dataset("frames"),
        two.dataset("polyps"),
        methods=("full", "random", "optidel"),
        keeps=(0.05, 0.2),
        selection_params=by_method(given),
        preset="tiny",
        params={"batch_size": 8},
        epochs=1,
    )
    assert planned.record.selection_params["optidel"] == {"hardness": scored.id, "lower": 0.3, "aspect": "pad"}


def test_no_upper_margin_is_a_choice_that_reaches_the_plan(two: Workspace, scored: Hardness, open_page: Open) -> None:
    app = unfold(shares(choose(open_page("results"), "optidel"), "20"), "patches")
    app.toggle(key="benchmark-optidel-patches-upper-own").set_value(False).run()
    argv = command(app)
    assert "--select-set=optidel.upper=" in argv
    given = by_method([one.removeprefix("--select-set=") for one in argv if one.startswith("--select-set=")])
    assert hard_patches.OptiDEL.of(given["optidel"]).patches.upper is None


def test_frames_by_hardness_name_their_scoring(two: Workspace, scored: Hardness, open_page: Open) -> None:
    app = choose(open_page("results"), "full", "vinformation")
    assert not app.exception
    assert MOSAICS_TOLD not in texts(app)
    argv = command(app)
    assert f"--select-set=vinformation.hardness={scored.id}" in argv
    assert not any("optidel" in one for one in argv)


def test_more_mosaics_than_patches_are_refused_before_anything_runs(
    two: Workspace, scored: Hardness, open_page: Open
) -> None:
    app = choose(open_page("results"), "full", "optidel")  # half of 200 frames are 100 mosaics of 400 patches
    assert not app.exception
    (said,) = red(app)
    assert "optidel at keep 0.5 takes 400 patches for 100 mosaics" in said
    assert app.button(key="benchmark-go").disabled
    app = shares(app, "5", "20")
    assert red(app) == []
    assert not app.button(key="benchmark-go").disabled


def test_patches_too_alike_are_counted_too(two: Workspace, scored: Hardness, open_page: Open) -> None:
    app = unfold(shares(choose(open_page("results"), "optidel"), "20"), "patches")
    assert red(app) == []
    app.toggle(key="benchmark-optidel-patches-alike-own").set_value(True).run()
    next(one for one in app.slider if one.key == "benchmark-optidel-patches-alike").set_value(0.0).run()
    assert not app.exception
    assert "optidel at keep 0.2 takes 160 patches" in red(app)[0]
    assert app.button(key="benchmark-go").disabled


def test_seams_within_the_networks_patches_are_refused(two: Workspace, scored: Hardness, open_page: Open) -> None:
    app = unfold(shares(choose(open_page("results"), "optidel"), "5"), "mosaic")
    next(one for one in app.number_input if one.key == "benchmark-optidel-mosaic-grid").set_value(5).run()
    (said,) = red(app)
    assert "seams would run through" in said
    assert "use image_size 120" in said
    assert app.button(key="benchmark-go").disabled


def test_margins_that_contradict_each_other_are_one_sentence(
    two: Workspace, scored: Hardness, open_page: Open
) -> None:
    app = unfold(choose(open_page("results"), "optidel"), "patches")
    next(one for one in app.number_input if one.key == "benchmark-optidel-patches-lower").set_value(0.99).run()
    assert not app.exception
    assert "lower 0.99 is above upper 0.98" in "".join(red(app))
    assert app.button(key="benchmark-go").disabled


def test_a_dataset_without_scores_forgets_what_was_chosen_on_another(
    two: Workspace, scored: Hardness, open_page: Open
) -> None:
    app = choose(open_page("results"), "full", "optidel")
    app.selectbox(key="dataset").select(two.dataset("polyps").id).run()
    assert not app.exception
    assert "Not to be chosen yet" in texts(app)
    assert "optidel" not in pills(app).value


def test_a_finished_one_is_read_with_the_mosaics_shares_explained(
    two: Workspace, scored: Hardness, open_page: Open
) -> None:
    benchmark = fabricate_benchmark(
        two,
        two.dataset("frames"),
        two.dataset("polyps"),
        methods=("full", "optidel", "meddel", "random"),
        keeps=(0.05, 0.2),
    )
    app = open_page("results")
    assert not app.exception
    said = texts(app).replace("\\", "")
    assert "At 20 % OptiDEL scores" in said
    assert "for random" in said
    assert "Mosaics at 20 % are cut from files of" in said
    assert MOSAICS_TOLD in texts(app)
    table = app.dataframe[0].value
    assert "mosaics of hard patches (OptiDEL), 20 %" in table["Kept"].tolist()
    assert "Images" in table.columns
    assert "Frames" not in table.columns
    shown = cells.grid(cells.states(two, benchmark))
    assert "OptiDEL, 20 %" in shown.columns
    assert shown.shape == (3, 7)
    app.segmented_control(key=f"more-{benchmark.id}").set_value(benchmark_views.CHEAPEST).run()
    assert not app.exception


def test_storage_of_frames_and_of_mosaics_is_told_apart(two: Workspace, scored: Hardness) -> None:
    frames, polyps = two.dataset("frames"), two.dataset("polyps")
    methods = ("full", "optidel", "random")
    both = tables.saved(fabricate_benchmark(two, frames, polyps, methods=methods, keeps=(0.2,), seeds=(0,)))
    of_random = both[both["method"] == "random"]
    told = benchmark_verdict.saved_sentence(both, 0.2, "images_seen")
    only = benchmark_verdict.saved_sentence(both[both["method"] != "random"], 0.2, "images_seen")
    assert told == f"{benchmark_verdict.saved_sentence(both[both['method'] != 'optidel'], 0.2, 'images_seen')} {only}"
    assert len(of_random) == 1
    assert only.startswith("Mosaics at 20 % are cut from files of")


def test_every_method_has_a_name_in_words() -> None:
    assert name("vinformation") == "hard frames (V-information)"
    assert spoken("optidel") == "OptiDEL"
    assert spoken("full") == "all frames"
    assert spoken("new_one") == "new one"
