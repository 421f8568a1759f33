"""The report's view: what it says before there is anything, what it starts, what it hands out, and who may."""

import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dataeff_core import access, jobs
from dataeff_core.report.writing import reports, write_report
from dataeff_core.review import pinning, sampling
from dataeff_core.ui.review import report_view
from dataeff_core.workspace import Workspace
from tests.pages.conftest import texts

Open = Callable[..., AppTest]


def button(app: AppTest, key: str) -> Any:
    return next(one for one in app.button if one.key == key)


def finished(workspace: Workspace, verb: str) -> jobs.Job:
    job = next(one for one in jobs.jobs(workspace) if one.verb == verb)
    deadline = time.monotonic() + 90
    while job.status.state not in jobs.ENDED and time.monotonic() < deadline:
        time.sleep(0.1)
    return job


@pytest.fixture
def view(filled: Workspace, open_page: Open) -> AppTest:
    app = open_page("review", review="Report")
    assert not app.exception
    return app


def test_what_is_missing_is_said_first(view: AppTest) -> None:
    said = texts(view)
    assert "No blind audit yet" in said
    assert "Whether the same frames would be chosen again is not known yet" in said
    assert "No removal has been decided on by people yet" in said
    assert "No report on this selection yet" in said
    assert "python -m dataeff_core report" in view.code[0].value


def test_a_report_is_made_in_the_background_and_handed_out(filled: Workspace, view: AppTest) -> None:
    button(view, "report-go").click().run()
    job = finished(filled, "report")
    assert job.status.state == "done", job.log_tail()
    view.run()
    assert not view.exception
    (made,) = reports(filled, filled.selections()[-1])
    assert "Report of today" in texts(view)
    with zipfile.ZipFile(io.BytesIO(report_view.zipped(made.out, "x"))) as archive:
        assert {"x/report.html", "x/decisions.csv", "x/SHA256SUMS"} <= set(archive.namelist())
        assert archive.read("x/report.html") == report_view.read(made.out / "report.html")


def test_the_selection_is_made_again_in_the_background(filled: Workspace, view: AppTest) -> None:
    button(view, "stability-go").click().run()
    assert not view.exception
    job = next(one for one in jobs.jobs(filled) if one.verb == "stability")
    assert job.argv == ["stability", filled.selections()[-1].id, "--seeds=5"]
    assert finished(filled, "stability").status.state == "done"


def test_what_came_since_a_report_is_said(filled: Workspace, open_page: Open) -> None:
    saved = filled.selections()[-1]
    made = write_report(filled, saved)
    assert report_view.outdated(made, filled.selection(saved.id)) == ""
    frame = str(saved.machine["frame_id"].iat[0])
    pinning.pin(filled, saved, [frame], "keep", reviewer="Ada")
    app = open_page("review", review="Report")
    assert "Since then came 1 decision or marks of people" in texts(app)


def test_who_judges_in_a_blind_audit_is_not_told_what_others_judged(filled: Workspace) -> None:
    saved = filled.selections()[-1]
    dataset = filled.dataset(saved.record.dataset)
    write_report(filled, saved)
    record = sampling.draw(dataset, saved, size=4)
    for at, item in enumerate(record.items):
        assert report_view.is_judging(dataset, saved, "Ada") == (at > 0)
        sampling.mark(dataset, record, item.frame_id, sampling.NEEDED, reviewer="Ada")
        if at == 0:
            said, buttons = opened_as("Ada")
            assert "You are in the middle of a blind audit" in said
            assert "of the removals are wrong" not in said
            assert "report-go" not in buttons
    assert not report_view.is_judging(dataset, saved, "Ada")
    said, buttons = opened_as("Ada")
    assert "of the removals are wrong" in said
    assert "report-go" in buttons


def test_another_sample_hides_no_result_and_ends_no_judging(filled: Workspace) -> None:
    saved = filled.selections()[-1]
    dataset = filled.dataset(saved.record.dataset)
    bad = sampling.draw(dataset, saved, size=4)
    removed = [one.frame_id for one in bad.items if one.stratum >= 0]
    for at, frame in enumerate(removed):
        sampling.mark(dataset, bad, frame, sampling.UNSURE if at == 0 else sampling.NEEDED, reviewer="Ada")
    sampling.draw(dataset, saved, size=4, seed=1)
    pinning.pin(filled, saved, [removed[1]], "keep", reviewer="Ben")
    assert report_view.is_judging(dataset, saved, "Ada")
    said = report_view.facts(dataset, filled.selection(saved.id))[2]
    assert "About 100.0\u202f% of the removals are wrong" in said
    assert "by a blind audit of 3. Of 1 more nobody could tell" in said
    assert "people decided on 1 of its frames. 2 blind audits were drawn." in said


def opened_as(name: str) -> tuple[str, list[str | None]]:
    """What the view says to this visitor, and the buttons he has."""
    app = as_visitor(name)
    said = texts(app) + "".join(one.value for one in app.info)
    return said, [one.key for one in app.button]


def as_visitor(name: str) -> AppTest:
    app = AppTest.from_file(str(Path(__file__).parents[2] / "app.py"), default_timeout=30)
    app.query_params["review"] = "Report"
    app.session_state["visitor-name"] = name
    app.run()
    app.switch_page("pages/review.py").run()
    assert not app.exception
    return app


def test_a_viewer_may_look_and_start_nothing(filled: Workspace, open_page: Open) -> None:
    (filled.root / access.FILE).write_text('others = "viewer"\n')
    app = open_page("review", review="Report")
    assert not app.exception
    found = {one.key: one.disabled for one in app.button if one.key in ("report-go", "stability-go")}
    assert found in ({}, {"report-go": True, "stability-go": True})


def test_a_reviewer_may_make_a_report_and_no_job(filled: Workspace, open_page: Open) -> None:
    (filled.root / access.FILE).write_text('[roles]\n"Ada" = "reviewer"\n')
    app = as_visitor("Ada")
    assert not button(app, "report-go").disabled
    assert button(app, "stability-go").disabled
    button(app, "report-go").click().run()
    assert not app.exception
    assert finished(filled, "report").status.state == "done"
