"""The jobs panel: what it says of a job in each state, and that its buttons do what they say."""

import shlex
import time
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from dataeff_core import jobs
from dataeff_core.ui import commands, jobs_panel
from dataeff_core.workspace import Workspace
from tests.pages.conftest import texts

Open = Callable[..., AppTest]


def wait_for(job: jobs.Job, *states: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while job.status.state not in states:
        assert time.monotonic() < deadline, job.log_tail()
        time.sleep(0.05)


def keys(app: AppTest) -> list[str]:
    return [one.key for one in app.button]


def test_without_jobs_it_says_what_it_is_for(empty: Workspace, open_page: Open) -> None:
    assert "Nothing has run yet" in texts(open_page("data"))


def test_a_running_and_a_waiting_job_can_be_stopped_and_gone_on_with(empty: Workspace, open_page: Open) -> None:
    first = jobs.start(empty, ["demo", "--frames=5000"])
    second = jobs.start(empty, ["demo", "--frames=4000"])
    try:
        wait_for(first, "running")
        app = open_page("export")
        assert {f"stop-{first.id}", f"stop-{second.id}"} <= set(keys(app))
        app.button(key=f"stop-{second.id}").click().run()
        app.button(key=f"stop-{first.id}").click().run()
        assert not app.exception
        wait_for(first, "cancelled")
        wait_for(second, "cancelled")
        app.run()
        assert "stopped" in texts(app)
        app.button(key=f"resume-{second.id}").click().run()
        assert second.attempt == 2
        wait_for(second, "running", "queued")
    finally:
        first.cancel(grace=0)
        second.cancel(grace=0)
        wait_for(first, *jobs.ENDED)
        wait_for(second, *jobs.ENDED)


def test_a_failed_job_says_its_sentence_and_shows_log_and_command(empty: Workspace, open_page: Open) -> None:
    job = jobs.start(empty, ["embed", "<b>absent</b> [x](http://evil)"])
    wait_for(job, "failed")
    app = open_page("data")
    assert not app.exception
    said = texts(app)
    assert "](http" not in said
    assert "failed" in said
    assert f"resume-{job.id}" in keys(app)


def test_a_damaged_job_leaves_the_page_standing(filled: Workspace, open_page: Open) -> None:
    folder = filled.jobs_folder / "import-abcdef"
    folder.mkdir()
    (folder / "job.json").write_text("{")
    app = open_page("export")
    assert not app.exception
    assert any("damaged" in one.value for one in app.error)


def test_the_same_command_is_not_started_twice(empty: Workspace, open_page: Open) -> None:
    app = open_page("data")
    for _ in range(2):
        pressed = [one for one in app.button if one.key == "demo-go"]
        if pressed:
            pressed[0].click()
        app.run()
    under_way = jobs.jobs(empty)
    assert len(under_way) == 1
    under_way[0].cancel(grace=0)
    wait_for(under_way[0], *jobs.ENDED)


@pytest.mark.parametrize("argv", [["import", "/a b/'c\"", "--name=-x; rm -rf ~"], ["map", "$(id)", "--method=pca"]])
def test_the_command_line_shown_is_the_one_that_ran(argv: list[str], empty: Workspace) -> None:
    typed = shlex.split(commands.command_line(empty, argv))
    assert typed == ["python", "-m", "dataeff_core", *argv, f"--workspace={empty.root}"]


def test_jobs_are_known_by_the_dataset_they_are_about(empty: Workspace) -> None:
    found = [
        jobs.start(empty, argv) for argv in (["embed", "one-1"], ["map", "two-2"], ["import", "/x", "--name=one"])
    ]
    try:
        assert jobs_panel.of_dataset(found, "one-1", "one") == [found[0], found[2]]
        assert jobs_panel.of_dataset(found, "one-1") == [found[0]]
        assert jobs_panel.of_dataset(found, "") == []
    finally:
        for job in found:
            wait_for(job, *jobs.ENDED)
