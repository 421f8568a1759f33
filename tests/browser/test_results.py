"""Results in a real browser: a whole benchmark of tiny cells from the form to the chart, and the mark on Explore that
follows a limit while it is dragged."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataeff_core import jobs
from dataeff_core.benchmarking import tables
from dataeff_core.benchmarking.verdict import difference, sentence
from dataeff_core.datasets.importing import import_frames
from dataeff_core.encoders import make
from dataeff_core.encoders.embedding import embed
from dataeff_core.ui.explore import prices
from dataeff_core.workspace import Workspace
from tests.browser.conftest import Server, settled, start_server
from tests.fabricated_runs import fabricate_benchmark
from tests.fabrication import fabricate, picture

pytestmark = pytest.mark.browser
LONG_MS = 600_000  # jobs wait for their turn, and this machine may have little to give
PATIENTS, FRAMES = 6, 4


def draw_frames(folder: Path, first: int, *, masks: bool) -> None:
    """PATIENTS folders of FRAMES pictures each; with masks, a disc in each."""
    for number in range(PATIENTS * FRAMES):
        name = Path(f"patient {number // FRAMES}") / f"{number}.png"
        file = folder / "images" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(first + number, 96, 96)).save(file)
        if masks:
            y, x = np.mgrid[:96, :96]
            disc = (y - 30 - number) ** 2 + (x - 48) ** 2 < 400
            (folder / "masks" / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((255 * disc).astype(np.uint8)).save(folder / "masks" / name)


@pytest.fixture
def workspace_root(tmp_path: Path) -> Path:
    """Frames to train on, compared with each other, and others with masks to score on."""
    root = tmp_path / "workspace"
    workspace = Workspace.open(root)
    for name, first in (("polyps", 500), ("frames", 0)):
        draw_frames(tmp_path / name, first, masks=name == "polyps")
        masks = tmp_path / name / "masks" if name == "polyps" else None
        import_frames(workspace, tmp_path / name / "images", name=name, masks=masks, workers=1)
    embed(workspace, workspace.dataset("frames"), make("descriptor"), workers=1)
    return root


@pytest.fixture
def stopped(server: Server) -> Iterator[None]:
    """Whatever the test started is stopped when it ends, however it ends."""
    yield
    for job in jobs.jobs(Workspace.open(server.workspace)):
        job.cancel(grace=0)


def calm(page) -> None:
    """Wait until what was done has been answered: a run begins a moment after it."""
    page.wait_for_timeout(250)
    settled(page, timeout_ms=LONG_MS)


@pytest.mark.usefixtures("stopped")
def test_a_whole_benchmark_from_the_form_to_the_chart(page, server: Server, shot: Callable[[str], Path]) -> None:
    page.set_default_timeout(LONG_MS)
    stop = page.get_by_test_id("stMainBlockContainer").get_by_role("button", name="Stop", exact=True)
    page.goto(f"{server.url}/results")
    page.get_by_role("heading", name="Does a subset train as good a model as everything?").wait_for()
    calm(page)
    shot("1-form")
    for name, value in (("How often, with other random numbers", "2"), ("Passes over all 24 frames", "1")):
        page.get_by_role("spinbutton", name=name).fill(value)
        page.get_by_role("spinbutton", name=name).press("Enter")
        calm(page)
    page.get_by_role("button", name="random", exact=True).click()
    page.get_by_text("2 models × 2 seeds = 4 cells").wait_for()
    calm(page)
    page.locator(".st-key-benchmark-go button").click()
    stop.wait_for()
    shot("2-running")
    workspace = Workspace.open(server.workspace)
    page.locator(".js-plotly-plot").first.wait_for()
    shot("3-partial")
    page.get_by_text("over 2 seeds").first.wait_for()
    stop.wait_for(state="detached")
    settled(page)
    page.wait_for_timeout(1000)
    shot("4-done")

    (benchmark,) = workspace.benchmarks()
    table = tables.table(benchmark)
    assert len(table) == 4
    assert table["miou"].between(0, 1).all()
    assert table["images_seen"].nunique() == 1
    found = difference(table, ("meddel", 0.5))
    assert found is not None
    verdict = page.locator(".st-key-results-verdict").inner_text().replace("\u200b", "")
    assert sentence(found, names={"meddel": "MedDEL"}) in verdict
    drawn = page.evaluate("() => [...document.querySelectorAll('.js-plotly-plot')].map((one) => one.data)")
    line = next(one for one in drawn[0] if one.get("name", "").startswith("MedDEL ("))
    assert line["name"] == "MedDEL (2 seeds)"
    with page.expect_download() as download:
        page.get_by_role("button", name="Every cell as CSV").click()
    written = download.value.path().read_text()
    assert written.splitlines()[0].startswith("cell,method,keep,seed,retained")
    assert len(written.splitlines()) == 5
    with page.expect_download() as picture_:
        page.locator(".modebar-btn[data-title*='Download']").first.click()
    assert picture_.value.suggested_filename == "frames-on-polyps-miou.svg"


@pytest.fixture
def priced(browser, tmp_path: Path):
    """Explore on a fabricated workspace with a finished benchmark, and that workspace."""
    root = tmp_path / "priced" / "workspace"
    root.parent.mkdir()
    fabricate(root, frames=24, name="downstream", thumbnails=False)
    workspace, dataset, _, _ = fabricate(root, frames=300, groups=4, dim=16, seed=1, name="explored")
    fabricate_benchmark(workspace, dataset, workspace.dataset("downstream"))
    with start_server(root, tmp_path / "priced.log") as running:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        tab = context.new_page()
        tab.set_default_timeout(LONG_MS)
        tab.goto(running.url)
        tab.wait_for_selector(".explorer[data-state=ready]", timeout=LONG_MS)
        calm(tab)
        yield tab, workspace
        context.close()


def mark(page) -> tuple[float, float, float]:
    """Share, mIoU and NormDEL where the mark stands; NaN where it stands on no line."""
    told = page.locator(".prices").evaluate("(one) => ({...one.dataset})")
    return float(told["share"]), float(told["miou"] or "nan"), float(told["normdel"] or "nan")


def test_the_mark_follows_the_limit_while_it_is_dragged(priced) -> None:
    page, workspace = priced
    found = prices.prices(workspace, workspace.dataset("explored"))
    assert found is not None
    line = next(one for one in found["series"] if one["follow"])
    slider = page.locator("#limit-eta")
    box = slider.bounding_box()
    low, high = float(slider.get_attribute("min")), float(slider.get_attribute("max"))
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 8 + (float(slider.input_value()) - low) / (high - low) * (box["width"] - 16), y)
    page.mouse.down()
    seen = []
    for share in (0.8, 0.9, 0.97, 0.99):
        page.mouse.move(box["x"] + 8 + share * (box["width"] - 16), y, steps=4)
        page.wait_for_timeout(150)
        kept = json.loads(page.locator(".explorer").get_attribute("data-removed"))[0]
        at, miou, normdel = mark(page)
        assert at == pytest.approx(kept / 300)
        for value, told in (("miou", miou), ("normdel", normdel)):
            points = np.array([point[:2] for point in line[value]])
            if points[0, 0] <= at <= 1:
                assert told == pytest.approx(float(np.interp(at, *points.T)), abs=6e-5)
        seen.append(at)
    assert len(set(seen)) > 2  # before the button is let go
    page.mouse.up()
    settled(page)
    assert mark(page)[0] == seen[-1]


def test_published_curves_can_be_switched_on(priced) -> None:
    page, _ = priced
    canvas = page.locator(".prices canvas").first
    before = canvas.evaluate("(one) => one.toDataURL()")
    page.locator(".prices select").select_option(label="published: Kvasir-SEG")
    page.wait_for_timeout(100)
    assert canvas.evaluate("(one) => one.toDataURL()") != before
