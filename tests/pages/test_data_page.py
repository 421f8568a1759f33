"""The Data page: import form, three steps, health report, frames, list of datasets."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dataeff_core import jobs
from dataeff_core.errors import BadInput
from dataeff_core.ui import frames_browser, health_cards, import_form, import_preview, steps
from dataeff_core.workspace import Workspace
from tests.fabricated_runs import fabricate_run
from tests.fabrication import picture
from tests.pages.conftest import texts

Open = Callable[..., AppTest]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images of <b>patients</b>"
    for group in ("p1", "p2"):
        (folder / group).mkdir(parents=True)
        for number in range(3):
            Image.fromarray(picture(number)).save(folder / group / f"{group}x_{number:03d}.png")
    return folder


def field(app: AppTest, label: str):
    return next(one for one in app.text_input if one.label == label)


def button(app: AppTest, key: str):
    return next(one for one in app.button if one.key == key)


def wait_for(done: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


def test_an_import_from_the_form_arrives_on_the_page(images: Path, empty: Workspace, open_page: Open) -> None:
    app = open_page("data")
    assert button(app, "import-go").disabled
    field(app, "Folder or video").set_value(str(images)).run()
    assert field(app, "Name of the dataset").value == images.name
    assert "6 images" in texts(app)
    assert "2 groups" in texts(app)
    button(app, "import-go").click().run()
    assert not app.exception
    started = jobs.jobs(empty)[0]
    assert started.argv == ["import", str(images), f"--name={images.name}"]
    wait_for(lambda: started.status.state in jobs.ENDED)
    assert started.status.state == "done", started.log_tail()
    app.run()
    assert not app.exception
    assert "6 frames" in texts(app)


def test_the_preview_shows_how_names_would_be_grouped(images: Path, empty: Workspace, open_page: Open) -> None:
    app = open_page("data")
    field(app, "Folder or video").set_value(str(images)).run()
    how = next(one for one in app.segmented_control if one.key == "import-groups-how")
    how.set_value(import_form.BY_NAME).run()
    field(app, "Pattern of the file names").set_value("{group}x_{order}").run()
    shown = app.dataframe[0].value
    assert set(shown["Group"]) == {"p1", "p2"}
    assert shown["Number"].tolist()[:3] == [0, 1, 2]


@pytest.mark.parametrize(
    ("label", "value", "says"),
    [
        ("Folder or video", "/etc", "outside the allowed folders"),
        ("Folder or video", "{root}/../x", "'..'"),
        ("Folder or video", "{root}/absent", "is not there"),
        ("Folder or video", "{root}/note.txt", "neither an image nor a video"),
        ("Folder or video", "{root}/nothing", "no images or videos"),
        ("Folder or video", "nul\0byte", "cannot be a path"),
        ("Folder of masks", "/etc", "outside the allowed folders"),
        ("Folder of masks", "{root}/note.txt", "is no folder"),
        ("Table of labels", "{root}/absent.csv", "is not there"),
        ("Table of labels", "{root}/note.txt", "no CSV file"),
    ],
)
def test_bad_input_is_one_sentence_and_no_import(
    label: str, value: str, says: str, empty: Workspace, open_page: Open
) -> None:
    tmp_path = empty.root.parent
    (tmp_path / "note.txt").write_text("")
    (tmp_path / "nothing").mkdir()
    app = open_page("data")
    field(app, label).set_value(value.replace("{root}", str(tmp_path))).run()
    assert not app.exception
    red = [one.value for one in app.markdown if one.value.startswith(":red[")]
    assert len(red) == 1
    assert says in red[0].replace("\\", "").replace("\u200b", "")
    assert button(app, "import-go").disabled
    assert not jobs.jobs(empty)


@pytest.mark.parametrize(
    ("pattern", "says"), [("", "empty"), ("{patient}_*", "{patient}"), ("zzz{group}", "fits none")]
)
def test_a_groups_pattern_that_cannot_work_is_one_sentence(
    pattern: str, says: str, images: Path, empty: Workspace, open_page: Open
) -> None:
    app = open_page("data")
    field(app, "Folder or video").set_value(str(images)).run()
    next(one for one in app.segmented_control if one.key == "import-groups-how").set_value(import_form.BY_NAME).run()
    field(app, "Pattern of the file names").set_value(pattern).run()
    red = [one.value.replace("\\", "") for one in app.markdown if one.value.startswith(":red[")]
    assert len(red) == 1
    assert says in red[0]
    assert button(app, "import-go").disabled


def test_a_name_that_begins_with_a_dash_is_a_value() -> None:
    argv = import_form.import_command("/data", " -x --json ", fps=0.0, groups=None, masks="", labels="")
    assert argv == ["import", "/data", "--name=-x --json", "--fps=0"]


def test_the_steps_say_what_is_missing(filled: Workspace, open_page: Open) -> None:
    dataset = filled.datasets()[0]
    found = steps.steps_of(filled, dataset)
    assert found.embedding is not None
    assert found.mapped
    assert found.missing() == ([] if found.calibrated else ["calibrate"])
    commands = steps.commands(dataset, steps.PREPARING, "timm:x", "/weights.pth")
    assert commands[0] == ["embed", dataset.id, "--encoder=timm:x", "--checkpoint=/weights.pth"]
    assert commands[2] == ["map", dataset.id, "--encoder=timm:x"]


def test_preparing_starts_what_is_missing(filled: Workspace, open_page: Open) -> None:
    app = open_page("data")
    button(app, "step-prepare").click().run()
    assert not app.exception
    verbs = [job.verb for job in reversed(jobs.jobs(filled))]
    assert verbs == steps.steps_of(filled, filled.datasets()[0]).missing() or verbs == ["calibrate"]
    for job in jobs.jobs(filled):
        job.cancel(grace=0)
    wait_for(lambda: all(job.status.state in jobs.ENDED for job in jobs.jobs(filled)))


def test_health_cards_count_what_the_report_counts(filled: Workspace, open_page: Open) -> None:
    dataset = filled.datasets()[0]
    cards = health_cards.cards_of(health_cards.health_report(dataset))
    assert [card.name for card in cards] == ["unreadable", "copies", "dark", "bright", "blurred", "blank", "size"]
    assert cards[0].count == 2
    app = open_page("data")
    button(app, "health-unreadable").click().run()
    table = app.dataframe[0].value
    assert table["File"].tolist() == dataset.unreadable["path"].tolist()
    assert table["Why it cannot be read"].notna().all()


def test_the_browser_filters_and_sorts(filled: Workspace) -> None:
    dataset = filled.datasets()[0]
    group = str(dataset.frames["group"].iat[0])
    rows = frames_browser.rows_of(dataset, group, frames_browser.IN_ORDER)
    assert (dataset.frames["group"].iloc[rows] == group).all()
    assert len(rows) == (dataset.frames["group"] == group).sum()
    by_sharpness = frames_browser.rows_of(dataset, None, "sharpness")
    assert dataset.frames["q_sharpness"].iloc[by_sharpness].is_monotonic_increasing
    by_glare = frames_browser.rows_of(dataset, None, "glare")
    assert dataset.frames["q_glare"].iloc[by_glare].is_monotonic_decreasing


@pytest.mark.parametrize("view", ["Health", "Frames", "All datasets", "Import"])
def test_every_view_opens_by_link(view: str, filled: Workspace, open_page: Open) -> None:
    app = open_page("data", view=view)
    assert not app.exception
    assert next(one for one in app.segmented_control if one.key == "view").value == view


def test_the_preview_reads_no_further_than_it_needs(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number:02d}.jpg").write_bytes(b"")
    (tmp_path / ".hidden.jpg").write_bytes(b"")
    (tmp_path / "loop").symlink_to(tmp_path)
    found = import_preview.preview_of(tmp_path, most=10)
    assert len(found.files) == 10
    assert found.more
    assert len(import_preview.preview_of(tmp_path).files) == 30


def test_a_folder_outside_is_never_completed(empty: Workspace, open_page: Open) -> None:
    with pytest.raises(BadInput):
        import_form.roots.complete("/etc/", import_form.roots.allowed_roots())


def test_a_finished_run_is_among_the_encoders(filled: Workspace, open_page: Open) -> None:
    dataset = filled.datasets()[0]
    assert "Pre-trained here" not in " ".join(open_page("data").radio(key="encoder-kind").options)
    run = fabricate_run(filled, dataset, name="mine <b>")
    fabricate_run(filled, dataset, seed=1, finished=False)
    app = open_page("data")
    radio = app.radio(key="encoder-kind")
    radio.set_value(next(one for one in radio.options if one.startswith("Pre-trained here"))).run()
    assert not app.exception
    assert app.selectbox(key="encoder-run").options == [
        f"mine <b>: mae on 40 frames of {dataset.record.name}, 1600 images seen, seed 0"
    ]
    button(app, "encoder-go").click().run()
    assert not app.exception
    embed, calibrate, drawn = reversed(jobs.jobs(filled)[:3])
    assert embed.argv == ["embed", dataset.id, f"--encoder=run:{run.id}"]
    assert (calibrate.after, drawn.after) == (embed, calibrate)
    for job in (drawn, calibrate, embed):
        job.cancel(grace=0.2)
