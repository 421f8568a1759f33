"""Hardness in a real browser: both margins are moved from the keyboard, and all that hangs on them follows."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dataeff_core.hardness.choosing import PatchRules, Ranked
from tests.browser.conftest import Server, settled
from tests.fabricated_scores import fabricate_patches, fabricate_scores
from tests.fabrication import fabricate

pytestmark = pytest.mark.browser


@pytest.fixture
def workspace_root(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    _, dataset, _, _ = fabricate(root, frames=40, hostile_names=True)
    fabricate_scores(dataset, fabricate_patches(dataset))
    return root


def numbers(page) -> list[str]:
    return [one.inner_text() for one in page.get_by_test_id("stMetricValue").all()]


def test_a_margin_moves_counts_histogram_and_address(
    server: Server, page, shot: Callable[[str], Path], workspace_root: Path
) -> None:
    from dataeff_core.hardness.stored import hardness_of
    from dataeff_core.workspace import Workspace

    dataset = Workspace.open(workspace_root).dataset("latest")
    ranked = Ranked.of(hardness_of(dataset), dataset)
    page.goto(f"{server.url}/hardness?margins=0.25&margins=0.9")
    page.wait_for_selector('[data-testid="stMetricValue"]')
    settled(page)
    before = ranked.counts(PatchRules(lower=0.25, upper=0.9))
    assert numbers(page) == [str(before.too_easy), str(before.useful), str(before.suspicious), str(before.allowed)]
    page.wait_for_selector(f"text=lower margin {before.lower:.3g}")
    page.get_by_role("slider").first.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    after = ranked.counts(PatchRules(lower=0.3, upper=0.9))
    page.wait_for_selector(f"text=lower margin {after.lower:.3g}")
    settled(page)
    assert numbers(page) == [str(after.too_easy), str(after.useful), str(after.suspicious), str(after.allowed)]
    assert "margins=0.3&" in page.url
    pictures = page.locator("[data-testid=stImage] img, [data-testid=stImageContainer] img")
    assert pictures.count() >= 18 + 4
    assert all(pictures.nth(at).evaluate("one => one.naturalWidth") > 0 for at in range(pictures.count()))
    shot("margins")
