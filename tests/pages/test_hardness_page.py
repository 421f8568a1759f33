"""The Hardness page: what is missing is said and offered, numbers agree with the core, jobs are what they say."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dataeff_core import jobs
from dataeff_core.access import FILE
from dataeff_core.hardness.choosing import PatchRules, Ranked
from dataeff_core.mosaics.layout import MosaicRules
from dataeff_core.mosaics.saving import save_mosaics
from dataeff_core.selection.saving import select
from dataeff_core.selection.vinformation import VInformation
from dataeff_core.ui.hardness import opening, pictures, saving, selecting, sheet
from dataeff_core.workspace import Workspace
from tests.fabricated_scores import fabricate_patches, fabricate_scores
from tests.pages.conftest import texts

Open = Callable[..., AppTest]


@pytest.fixture
def scored(filled: Workspace) -> Workspace:
    """`filled` with scored patches: 40 frames, 160 patches."""
    dataset = filled.datasets()[0]
    fabricate_scores(dataset, fabricate_patches(dataset))
    return filled


def shown_of(workspace: Workspace, rules: PatchRules) -> opening.Shown:
    dataset = workspace.datasets()[0]
    return opening.Shown(workspace, dataset, opening.opened(opening.fitting(dataset)[0], dataset), rules)


def used(app: AppTest) -> int:
    """How many patches the page says that its mosaics are of."""
    found = re.search(r"pixels from (\d+) patch", texts(app))
    return int(found[1]) if found else 0


def move(app: AppTest, lower: float, upper: float) -> AppTest:
    """Type exact margins; one of them may have to make room for the other."""
    app.number_input(key="hardness-upper").set_value(1.0).run()
    app.number_input(key="hardness-lower").set_value(lower).run()
    return app.number_input(key="hardness-upper").set_value(upper).run()


def test_without_frames_it_says_to_import_some(empty: Workspace, open_page: Open) -> None:
    app = open_page("hardness")
    assert not app.exception
    assert "Import frames first" in texts(app)


def test_without_patches_and_network_all_that_is_missing_is_offered(filled: Workspace, open_page: Open) -> None:
    app = open_page("hardness")
    assert not app.exception
    assert "No scored patches yet" in texts(app)
    assert "Pre-train a masked autoencoder" in texts(app)
    app.button(key="hardness-all-go").click().run()
    started = list(reversed(jobs.jobs(filled)))
    for job in started:
        job.cancel(grace=0)
    assert [job.verb for job in started] == ["patches", "pretrain", "hardness"]
    assert not app.exception


def test_patches_that_are_there_are_not_proposed_again(filled: Workspace, open_page: Open) -> None:
    fabricate_patches(filled.datasets()[0])
    app = open_page("hardness")
    assert "**Patches**: 160 by grid" in texts(app)
    told = "\n".join(one.value for one in app.code)
    assert "dataeff_core patches" not in told.split("pretrain")[0]
    assert "hardness fabricated-000001" in told


def test_where_no_patch_was_found_others_are_to_be_proposed(filled: Workspace, open_page: Open) -> None:
    fabricate_patches(filled.datasets()[0], count=0)
    app = open_page("hardness")
    assert not app.exception
    assert "none found in 40 frames by grid" in texts(app)
    assert "hardness-all-go" not in {one.key for one in app.button}
    assert not app.button(key="hardness-patches-go").disabled


def test_a_viewer_can_start_nothing(scored: Workspace, open_page: Open) -> None:
    (scored.root / FILE).write_text('others = "viewer"\n')
    app = open_page("hardness")
    app.session_state[selecting.OPEN] = True
    app.run()
    assert not app.exception
    starting = [one for one in app.button if str(one.key).endswith("-go")]
    assert len(starting) >= 3
    assert all(one.disabled for one in starting)


def test_the_counts_are_those_of_the_core(scored: Workspace, open_page: Open) -> None:
    app = open_page("hardness")
    assert not app.exception
    assert not app.error
    ranked = Ranked.of(opening.fitting(scored.datasets()[0])[0], scored.datasets()[0])
    assert used(app) == ranked.counts(PatchRules()).allowed // 4 * 4
    move(app, 0.25, 0.75)
    assert used(app) == ranked.counts(PatchRules(lower=0.25, upper=0.75)).allowed == 80


def test_a_limit_for_each_frame_and_a_budget_count(scored: Workspace, open_page: Open) -> None:
    app = open_page("hardness")
    move(app, 0.0, 1.0)
    app.number_input(key="hardness-per_frame").set_value(1).run()
    assert used(app) == 40
    app.number_input(key="hardness-budget").set_value(12).run()
    assert used(app) == 12
    assert not app.error


def test_a_budget_that_cannot_be_filled_is_one_sentence(scored: Workspace, open_page: Open) -> None:
    app = open_page("hardness")
    app.number_input(key="hardness-budget").set_value(5000).run()
    assert not app.exception
    assert "asked for and only" in app.warning[0].value
    assert "hardness-mosaics-go" not in {one.key for one in app.button}


def test_margins_on_one_spot_are_said_and_break_nothing(scored: Workspace, open_page: Open) -> None:
    app = open_page("hardness")
    app.session_state[selecting.OPEN] = True
    move(app, 0.5, 0.5)
    assert not app.exception
    assert "No patch lies between the margins" in app.warning[0].value
    assert "hardness-save-go" not in {one.key for one in app.button}


def test_hard_only_on_scarce_data_is_warned_of(scored: Workspace, open_page: Open) -> None:
    app = open_page("hardness")
    app.number_input(key="hardness-budget").set_value(3).run()
    assert any("the perceptron theory expects" in one.value.replace("\\", "") for one in app.warning)
    move(app, 0.0, 1.0)
    assert app.warning
    app.segmented_control(key="hardness-take").set_value("random").run()
    assert not app.warning
    assert not app.exception


def test_frames_are_saved_with_these_margins(scored: Workspace, open_page: Open) -> None:
    app = open_page("hardness")
    app.session_state[selecting.OPEN] = True
    move(app, 0.25, 1.0)
    app.text_input(key="hardness-name").set_value("-hard").run()
    app.button(key="hardness-save-go").click().run()
    started = jobs.jobs(scored)[0]
    started.cancel(grace=0)
    assert started.argv == [
        "select", "fabricated-000001", "--method=vinformation", "--set=lower=0.25", "--set=upper=1",
        "--set=hardest=3", "--set=hardness=hardness-fabricated0", "--name=-hard",
    ]  # fmt: skip


def test_mosaics_are_made_as_a_dataset_of_a_new_name(scored: Workspace, open_page: Open) -> None:
    app = open_page("hardness")
    app.text_input(key="hardness-as").set_value("fabricated").run()
    assert "there is a dataset 'fabricated' already" in texts(app).replace("\\", "")
    assert "hardness-mosaics-go" not in {one.key for one in app.button}
    app.text_input(key="hardness-as").set_value("hard ones").run()
    app.button(key="hardness-mosaics-go").click().run()
    started = jobs.jobs(scored)[0]
    started.cancel(grace=0)
    assert started.argv == [
        "mosaics", "fabricated-000001", "--hardness=hardness-fabricated0",
        f"--out={scored.root / 'exports' / 'hard-ones'}", "--import=hard ones", "--seed=0",
    ]  # fmt: skip


def test_the_rules_of_patches_and_mosaics_reach_the_command(scored: Workspace) -> None:
    shown = shown_of(scored, PatchRules(lower=0.2, upper=None, per_frame=2))
    argv = saving.assembling(shown, MosaicRules(grid=3), out=scored.root / "x", name="n", number=4, seed=7)
    assert {"--set=lower=0.2", "--set=upper=", "--set=per_frame=2", "--set=grid=3", "--count=4"} <= set(argv)


def test_a_link_restores_margins_and_scoring(scored: Workspace, open_page: Open) -> None:
    dataset = scored.datasets()[0]
    fabricate_scores(dataset, opening.fitting_patches(dataset)[0], seed=1)
    app = open_page("hardness")
    assert app.selectbox(key="scored").value == "hardness-fabricated1"
    app.selectbox(key="scored").select("hardness-fabricated0").run()
    assert not app.exception
    assert app.selectbox(key="scored").value == "hardness-fabricated0"


def test_scores_of_other_frames_are_not_shown(scored: Workspace, open_page: Open) -> None:
    scored_one = opening.fitting(scored.datasets()[0])[0]
    file = scored_one.folder / "hardness.json"
    file.write_text(file.read_text().replace(scored_one.record.dataset_fingerprint, "0" * 64))
    app = open_page("hardness")
    assert not app.exception
    assert "has changed since its patches were scored" in texts(app)


def test_another_draw_is_the_next_seed_and_what_is_saved(scored: Workspace, open_page: Open) -> None:
    app = open_page("hardness")
    app.button(key="hardness-draw").click().run()
    app.button(key="hardness-others").click().run()
    assert not app.exception
    assert app.number_input(key="hardness-seed").value == 1
    app.button(key="hardness-set-go").click().run()
    assert scored.mosaic_sets()[0].record.seed == 1


@pytest.mark.parametrize(
    ("rules", "number"),
    [
        (PatchRules(lower=0.2, upper=0.9), None),
        (PatchRules(lower=0.2, upper=0.9), 9),
        (PatchRules(lower=0.2, upper=0.9, take="random"), 9),
        (PatchRules(lower=0.2, upper=None, per_frame=1, usable=False), 6),
    ],
)
def test_the_mosaics_shown_are_those_that_are_saved(scored: Workspace, rules: PatchRules, number: int | None) -> None:
    dataset, asked = scored.datasets()[0], MosaicRules(aspect="pad")
    opened = opening.opened(opening.fitting(dataset)[0], dataset, usable=rules.usable)
    shown = opening.Shown(scored, dataset, opened, rules)
    layout = opened.layout(dataset, rules, asked, number=number, seed=3)
    told = sheet.component_data(shown, asked, layout, first=len(layout) - 2)
    kept = save_mosaics(dataset, opened.scored, rules, asked, count=number, seed=3)
    assert kept.record.mosaics == len(layout)
    assert [one["number"] for one in told["mosaics"]][:3] == [len(layout) - 2, len(layout) - 1, 0]
    patches = shown.opened.scored.table["patch_id"]
    for one in told["mosaics"]:
        saved = kept.manifest[kept.manifest["mosaic"] == one["number"]]
        assert [patches.iat[cell["row"]] for cell in one["cells"]] == saved["patch_id"].tolist()
        assert [cell["band"] for cell in one["cells"]] == saved["band"].tolist()
        frame = shown.dataset.frame(saved["frame_id"].iat[0])
        top, left = saved["top"].iat[0] / frame["height"], saved["left"].iat[0] / frame["width"]
        assert one["cells"][0]["box"][:2] == [top, left]


@pytest.mark.parametrize(("grid", "number"), [(1, 8), (2, 8), (4, 4), (8, 1)])
def test_of_many_cells_fewer_mosaics_are_shown(scored: Workspace, grid: int, number: int) -> None:
    shown, rules = shown_of(scored, PatchRules(lower=0, upper=None)), MosaicRules(grid=grid)
    layout = shown.opened.layout(shown.dataset, shown.rules, rules, number=None, seed=0)
    assert len(sheet.component_data(shown, rules, layout, 0)["mosaics"]) == number


def test_a_patch_is_outlined_where_it_lies() -> None:
    box = pictures.box_in((100, 200, 300, 400), (400, 400), (100, 50, 3))
    assert box == (25, 25, 75, 50)
    drawn = pictures.boxed(np.zeros((100, 50, 3), np.uint8), box, "#FF0000")
    marked = np.argwhere(drawn.any(axis=2))
    assert marked.min(axis=0).tolist() == [25, 25]
    assert marked.max(axis=0).tolist() == [74, 49]
    assert not drawn[30:70, 30:45].any()
    assert (drawn[25, 25:50] == 255).all()
    assert (drawn == (255, 0, 0)).all(axis=2).any()


@pytest.mark.parametrize("box", [(0, 0, 1, 1), (0, 0, 400, 1), (399, 399, 400, 400)])
def test_a_tiny_box_is_drawn_without_complaint(box: tuple[int, int, int, int]) -> None:
    pictures.boxed(np.zeros((40, 40, 3), np.uint8), pictures.box_in(box, (400, 400), (40, 40, 3)), "#0072B2")


def test_mosaics_are_saved_listed_and_sent_to_pre_training(scored: Workspace, open_page: Open) -> None:
    app = open_page("hardness")
    move(app, 0.25, 0.75)
    app.number_input(key="hardness-number").set_value(7)
    app.text_input(key="hardness-set-name").set_value("<b>:red[hard]</b>").run()
    app.button(key="hardness-set-go").click().run()
    assert not app.exception
    assert not app.error
    (kept,) = scored.mosaic_sets()
    assert (kept.record.name, kept.record.mosaics, kept.record.seed) == ("<b>:red[hard]</b>", 7, 0)
    assert (kept.record.patches["lower"], kept.record.patches["upper"]) == (0.25, 0.75)
    said = texts(app)
    assert "Saved as" in said
    assert "7 mosaics of 28 patches" in said
    assert ":red[hard]" not in said
    app.button(key=f"hardness-train-{kept.id}").click().run()
    assert app.session_state["pretrain-on"] == kept.id


def test_saving_again_makes_no_second_set(scored: Workspace, open_page: Open) -> None:
    app = open_page("hardness")
    for _ in range(2):
        app.button(key="hardness-set-go").click().run()
    (kept,) = scored.mosaic_sets()
    assert kept.record.name == "hard 50-98 %"
    assert any("--name=hard 50-98 %" in one.value for one in app.code)


def test_a_set_of_frames_that_have_changed_since_is_out_of_date(scored: Workspace, open_page: Open) -> None:
    app = open_page("hardness")
    app.button(key="hardness-set-go").click().run()
    file = scored.mosaic_sets()[0].folder / "mosaics.json"
    file.write_text(file.read_text().replace(scored.datasets()[0].fingerprint, "0" * 64))
    app.run()
    assert "out of date" in texts(app)
    assert f"hardness-train-{scored.mosaic_sets()[0].id}" not in {one.key for one in app.button}


def test_a_viewer_cannot_save(scored: Workspace, open_page: Open) -> None:
    (scored.root / FILE).write_text('others = "viewer"\n')
    assert open_page("hardness").button(key="hardness-set-go").disabled


@pytest.mark.parametrize(("hardest", "keep"), [(1, None), (3, None), (3, 0.3), (4, 1.0)])
def test_the_frames_that_would_be_kept_are_those_that_are(
    scored: Workspace, hardest: int, keep: float | None
) -> None:
    shown = shown_of(scored, PatchRules(lower=0.2, upper=0.9))
    told = selecting.frames_kept(shown, hardest=hardest, keep=keep)
    selector = VInformation(lower=0.2, upper=0.9, hardest=hardest, hardness=shown.opened.scored.id)
    saved = select(scored, shown.dataset, selector, keep=keep)
    assert saved.record.kept == told


def test_how_many_follows_what_the_margins_leave(scored: Workspace, open_page: Open) -> None:
    app = open_page("hardness")
    app.number_input(key="hardness-number").set_value(15).run()
    assert used(app) == 60
    move(app, 0.8, 0.9)
    assert not app.exception
    assert used(app) == 16
    assert app.number_input(key="hardness-number").value == 4
