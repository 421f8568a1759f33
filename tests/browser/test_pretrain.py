"""Pre-training through the page: a real run of a tiny network is started, watched, stopped and gone on with."""

import time
from pathlib import Path

import pytest

from dataeff_core import jobs
from dataeff_core.workspace import Workspace
from dataeff_core.workspace.storage import exclusive
from tests.browser import conftest
from tests.fabricated_runs import fabricate_mosaics, fabricate_run
from tests.fabricated_scores import fabricate_patches, fabricate_scores
from tests.fabrication import fabricate, fabricate_selection

pytestmark = pytest.mark.browser
LINE = ".mark-line path"
FRAMES = 12
PASSES = 600
LONG_MS = 240_000  # torch takes long to load, and this machine may have little to give


@pytest.fixture
def workspace_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # so small a network is faster so
    root = tmp_path / "workspace"
    fabricate(root, frames=FRAMES)
    return root


def settled(page) -> None:
    conftest.settled(page, timeout_ms=LONG_MS)


def set_number(page, name: str, value: int) -> None:
    field = page.get_by_role("spinbutton", name=name, exact=True)
    field.fill(str(value))
    field.press("Enter")
    settled(page)


def open_section(page, name: str) -> None:
    page.get_by_test_id("stExpander").locator("summary").get_by_text(name, exact=True).click()
    settled(page)


def start_button(page):
    return page.locator(".st-key-pretrain-go button")


def main_button(page, name: str):
    return page.get_by_test_id("stMainBlockContainer").get_by_role("button", name=name, exact=False)


def labels(chart) -> list[str]:
    """Of both axes."""
    return chart.locator(".role-axis-label text").all_text_contents()


def zoom_in(page, chart) -> None:
    before = labels(chart)
    box = chart.bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 60)
    page.keyboard.down("Alt")
    page.mouse.wheel(0, -600)
    deadline = time.monotonic() + 20
    while labels(chart) == before and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    page.keyboard.up("Alt")


def test_a_run_is_started_watched_stopped_and_gone_on_with(page, server, shot) -> None:
    page.set_default_timeout(LONG_MS)
    workspace = Workspace.open(server.workspace)
    page.goto(f"{server.url}/pretrain")
    settled(page)
    assert start_button(page).is_disabled()
    page.get_by_text("do not fill a batch").wait_for()
    open_section(page, "Training")
    set_number(page, "Images a step", 4)
    open_section(page, "Training")
    open_section(page, "Network")
    set_number(page, "Image size", 32)
    set_number(page, "Patch size", 8)
    set_number(page, "Blocks", 1)
    set_number(page, "Decoder width", 32)
    set_number(page, f"Passes over all {FRAMES} frames", PASSES)
    shot("1-form")
    start_button(page).click()

    loss = page.get_by_test_id("stVegaLiteChart").first
    loss.locator(LINE).wait_for(timeout=LONG_MS, state="attached")
    picture = page.locator(".gallery.large img")
    picture.wait_for(timeout=LONG_MS)
    page.wait_for_function("one => one.complete && one.naturalWidth > 0", arg=picture.element_handle())
    (run,) = workspace.runs()
    assert run.state == "running"
    assert run.record.params["batch_size"] == 4
    assert f"run={run.id}" in page.url

    whole = labels(loss)
    zoom_in(page, loss)
    zoomed = labels(loss)
    assert zoomed != whole
    steps = len(run.metrics)
    line = loss.locator(LINE).get_attribute("d")
    page.wait_for_function(
        "([path, before]) => document.querySelector(path).getAttribute('d') !== before",
        arg=[f"[data-testid=stVegaLiteChart] {LINE}", line],
        timeout=LONG_MS,
    )
    assert len(run.metrics) > steps
    assert labels(loss) == zoomed
    shot("2-running")

    page.locator(f".st-key-run-stop-{run.id}").get_by_role("button").click()
    page.get_by_text("Stopped at").wait_for(timeout=LONG_MS)
    assert run.state == "stopped"
    reached = int(run.metrics["step"].iloc[-1])
    assert reached < run.record.steps
    shot("3-stopped")

    page.locator(f".st-key-run-resume-{run.id}").get_by_role("button").click()
    main_button(page, "Use as encoder").wait_for(timeout=LONG_MS)
    settled(page)
    shot("4-done")
    assert run.state == "done"
    assert run.metrics["step"].is_monotonic_increasing
    assert run.metrics["step"].is_unique
    assert int(run.metrics["step"].iloc[-1]) == run.record.steps
    assert len(workspace.runs()) == 1
    assert jobs.jobs(workspace)[0].argv == ["pretrain", f"--resume={run.id}"]


def test_every_state_and_view_is_drawn_whole(page, server, shot) -> None:
    page.set_default_timeout(LONG_MS)
    workspace = Workspace.open(server.workspace)
    dataset = workspace.datasets()[0]
    saved = fabricate_selection(dataset, workspace.embedding(dataset), keep=0.5, name="<img src=x onerror=alert(1)>")
    fabricate_run(workspace, dataset, name="<img src=x onerror=alert(1)> everything")
    fabricate_run(workspace, dataset, selection=saved, method="simclr", seed=1)
    stopped = fabricate_run(workspace, dataset, finished=False, seed=2, problem="the disk is full; free some space")
    fabricate_scores(dataset, fabricate_patches(dataset))
    mosaics = fabricate_mosaics(dataset, count=8, name="<img src=x onerror=alert(1)> mosaics")
    on_mosaics = fabricate_run(workspace, dataset, mosaics=mosaics, seed=3)
    alarms: list[str] = []
    page.on("dialog", lambda dialog: (alarms.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: alarms.append(str(error)))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for view in ("Runs", "New run", "Compare runs"):
            page.goto(f"{server.url}/pretrain?view={view}")
            settled(page)
            drawn = {"Runs": LINE, "Compare runs": ".js-plotly-plot .scatterlayer path.js-line"}.get(view)
            if drawn is not None:
                page.locator(drawn).first.wait_for(state="attached")
            shot(f"{view}-{scheme}")
            assert page.get_by_test_id("stException").count() == 0
            assert page.locator("img[onerror]").count() == 0
    page.goto(f"{server.url}/pretrain?run={on_mosaics.id}")
    page.get_by_text("What it trains on", exact=True).click()
    preview = page.get_by_alt_text("mosaic 1 of those shown")
    preview.wait_for()
    page.wait_for_function("one => one.complete && one.naturalWidth > 0", arg=preview.element_handle())
    settled(page)
    shot("mosaics")
    assert page.locator("img[onerror]").count() == 0
    page.goto(f"{server.url}/pretrain?run={stopped.id}")
    page.get_by_text("the disk is full").wait_for()
    with exclusive(stopped.lock_file):
        page.goto(f"{server.url}/pretrain?run={stopped.id}")
        page.locator(LINE).first.wait_for(state="attached")
        page.get_by_text("images a second", exact=False).first.wait_for()
        settled(page)
        shot("running")
    page.get_by_text("the disk is full").wait_for()  # the page notices by itself
    assert not alarms
