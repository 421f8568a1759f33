"""One visit from beginning to end: import, embed, explore, why, save, export, check, compare, on real frames where
there are any ($DATAEFF_TEST_DATA, else ../shared/data), with a picture of each station kept."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from dataeff_core.workspace import Workspace
from tests.browser.conftest import ROOT, settled
from tests.fabrication import picture

pytestmark = pytest.mark.browser
DATA = Path(os.environ.get("DATAEFF_TEST_DATA") or ROOT.parent / "shared" / "data")
FRAMES = 48
LONG_MS = 240_000  # jobs wait for their turn, and this machine may have little to give


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder of two patients: FRAMES frames, every third with a slightly changed copy, and one broken file."""
    found = sorted((DATA / "endoscopy_pool" / "images").glob("*.jpg"))
    step = max(1, len(found) // FRAMES)
    frames = [Image.open(path).convert("RGB") for path in found[::step][:FRAMES]]
    frames = frames or [Image.fromarray(picture(number)) for number in range(FRAMES)]
    folder = tmp_path / "frames & <b>bold, 'quoted'"
    for number, frame in enumerate(frames):
        patient = folder / f"patient {number * 2 // len(frames) + 1}"
        patient.mkdir(parents=True, exist_ok=True)
        frame.save(patient / f"{number:03d}.png")
        if number % 3 == 0:
            ImageEnhance.Brightness(frame).enhance(1.05).save(patient / f"{number:03d} again.jpg", quality=80)
    (folder / "patient 1" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    return folder


def main_button(page, name: str):
    return page.get_by_test_id("stMainBlockContainer").get_by_role("button", name=name, exact=False)


def go_to(page, name: str) -> None:
    from playwright.sync_api import TimeoutError as TooLong

    link, heading = (
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=name),
        page.get_by_role("heading", name=name, exact=True),
    )
    link.click()
    try:
        heading.first.wait_for()
    except TooLong:  # Streamlit may fold the step into a look of the jobs panel of the same moment: one clicks again
        link.click()
        heading.first.wait_for(timeout=LONG_MS)
    settled(page)


def test_from_a_folder_to_a_checked_export(page, server, source: Path, shot) -> None:
    page.set_default_timeout(60_000)  # a visit of many steps, beside jobs that take both processors
    workspace = Workspace.open(server.workspace)
    page.goto(server.url)
    settled(page)
    shot("1-first-visit")

    go_to(page, "Data")
    page.get_by_role("textbox", name="Folder or video").fill(str(source))
    page.get_by_text(f"{FRAMES + FRAMES // 3 + 1} images").wait_for()
    shot("2-import")
    main_button(page, "Import").click()
    main_button(page, "Prepare for exploring").wait_for(timeout=LONG_MS)
    settled(page)
    dataset = workspace.datasets()[0]
    assert len(dataset.frames) == FRAMES + FRAMES // 3
    assert dataset.frames["group"].unique().tolist() == ["patient 1", "patient 2"]
    main_button(page, "Show").first.click()
    page.get_by_role("heading", name="Cannot be read: 1").wait_for()
    shot("3-health")

    main_button(page, "Prepare for exploring").click()
    page.locator(".st-key-step-explore button").wait_for(timeout=LONG_MS)
    shot("4-prepared")
    page.locator(".st-key-step-explore button").click()
    page.wait_for_selector(".explorer[data-state=ready]", timeout=LONG_MS)
    settled(page)
    shot("5-explore")

    from playwright.sync_api import expect

    before = page.locator(".explorer").get_attribute("data-removed")
    page.locator("#limit-eta").focus()
    page.keyboard.press("Home")
    expect(page.locator(".explorer")).not_to_have_attribute("data-removed", before)
    page.keyboard.press("PageUp")
    page.wait_for_selector(".explorer:not(.rough)")
    settled(page)

    page.locator(".st-key-explore-removed .tile").first.click()
    image = page.locator(".why .pictures img").first
    image.wait_for()
    page.wait_for_function("(one) => one.naturalWidth > 0", arg=image.element_handle())
    assert "Removed" in page.locator(".st-key-why-card-box").inner_text()
    shot("6-why")

    # read now and not after the keys: each of them repaints, and the last may not have had its turn by then
    kept = json.loads(page.locator(".explorer").get_attribute("data-removed"))[0]
    assert 0 < kept < len(dataset.frames)
    main_button(page, "Save selection").click()
    page.wait_for_selector(".st-key-explore-saved-note")
    saved = workspace.selection("latest", dataset)
    assert saved.record.kept == kept

    go_to(page, "Export")
    page.get_by_text("Copies of the kept images and their masks").click()
    settled(page)
    page.locator(".st-key-export-go button").click()
    main_button(page, "Check, and make it again").wait_for(timeout=LONG_MS)
    out = next((workspace.root / "exports").iterdir())
    assert len([path for path in (out / "images").rglob("*") if path.is_file()]) == kept
    main_button(page, "Check, and make it again").click()
    page.get_by_text("every decision came out the same").wait_for(timeout=LONG_MS)
    shot("7-export-checked")

    go_to(page, "Compare")
    page.get_by_role("button", name="Make one here").or_(page.get_by_role("button", name="Make another one")).click()
    page.get_by_role("button", name="Make it").click()
    page.get_by_text("Both keep").wait_for(timeout=LONG_MS)
    settled(page)
    page.wait_for_timeout(1000)
    shot("8-compare")
    a, b = workspace.selections(dataset)
    both = np.intersect1d(*(one.decisions.query("decision == 'kept'")["frame_id"] for one in (a, b)))
    assert page.get_by_test_id("stMetricValue").all_inner_texts()[1] == str(len(both))
