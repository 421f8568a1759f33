"""The Export page: what it starts, what it refuses, what it shows of what was written."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dataeff_core import jobs
from dataeff_core.exporting import FORMATS
from dataeff_core.ui import exports
from dataeff_core.workspace import Workspace
from tests.pages.conftest import texts

Open = Callable[..., AppTest]


def button(app: AppTest, key: str):
    return next(one for one in app.button if one.key == key)


def place(app: AppTest):
    return next(one for one in app.text_input if one.label == "Folder to write to")


def finished(job: jobs.Job) -> str:
    deadline = time.monotonic() + 60
    while job.status.state not in jobs.ENDED and time.monotonic() < deadline:
        time.sleep(0.1)
    return job.status.state


def test_every_format_has_its_sentence(filled: Workspace, open_page: Open) -> None:
    app = open_page("export")
    options = next(one for one in app.radio if one.key == "export-format").options
    assert len(options) == len(FORMATS)
    for one, option in zip(FORMATS, options, strict=True):
        assert one.TITLE in option
        assert one.NAME in option


def test_an_export_is_written_checked_and_found_damaged(filled: Workspace, open_page: Open) -> None:
    app = open_page("export")
    out = Path(place(app).value)
    assert out.parent == filled.root / "exports"
    button(app, "export-go").click().run()
    assert finished(jobs.jobs(filled)[0]) == "done", jobs.jobs(filled)[0].log_tail()
    app.run()
    assert str(out) in texts(app).replace("\\", "")
    assert place(app).value == f"{out}-2"
    button(app, f"verify-{out}").click().run()
    assert finished(jobs.jobs(filled)[0]) == "done"
    app.run()
    assert "just as they were written" in app.success[0].value
    with (out / "manifest.parquet").open("ab") as stream:
        stream.write(b"x")
    button(app, f"verify-{out}").click().run()
    assert finished(jobs.jobs(filled)[0]) == "failed"
    app.run()
    assert not app.exception
    assert "Not as it was written" in app.error[0].value
    assert "manifest" in app.error[0].value


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "is empty"),
        ("/etc/x", "outside the allowed folders"),
        ("{root}/../x", "'..'"),
        ("a\0b", "cannot be a path"),
    ],
)
def test_a_place_that_cannot_be_used_is_one_sentence(
    value: str, says: str, tmp_path: Path, filled: Workspace, open_page: Open
) -> None:
    app = open_page("export")
    place(app).set_value(value.replace("{root}", str(tmp_path))).run()
    assert not app.exception
    red = [one.value.replace("\\", "").replace("\u200b", "") for one in app.markdown if one.value.startswith(":red[")]
    assert len(red) == 1
    assert says in red[0]
    assert button(app, "export-go").disabled


def test_a_folder_in_use_wants_a_tick(filled: Workspace, tmp_path: Path, open_page: Open) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all my work")
    app = open_page("export")
    place(app).set_value(str(tmp_path / "mine")).run()
    assert button(app, "export-go").disabled
    app.checkbox(key="export-force").check().run()
    button(app, "export-go").click().run()
    assert finished(jobs.jobs(filled)[0]) == "failed"
    app.run()
    assert not app.exception
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "all my work"
    assert "not an export" in texts(app)


def test_a_selection_can_be_linked_to(filled: Workspace, open_page: Open) -> None:
    first = filled.selections()[0]
    app = open_page("export")
    app.selectbox(key="selection").select(first.id).run()
    assert first.id in str(exports.default_target(filled, first, "manifest"))
    assert first.id in place(app).value


def test_a_name_of_hostile_letters_makes_a_harmless_folder(filled: Workspace) -> None:
    first = filled.selections()[0]
    assert first.record.name == "<b>first</b>"
    assert exports.default_target(filled, first, "zip").name == f"b-first-b-{first.id}-zip"
