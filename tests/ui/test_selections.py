"""What saved selections are called in lists, and so in addresses."""

from pathlib import Path

from dataeff_core.ui.selections import label
from tests.fabrication import fabricate, fabricate_selection


def test_a_selection_is_called_the_same_tomorrow(tmp_path: Path) -> None:
    workspace, *_ = fabricate(tmp_path, frames=12, dim=8, thumbnails=False)
    dataset = workspace.datasets()[0]
    record = fabricate_selection(dataset, workspace.embedding(dataset), keep=0.25, name="first").record
    assert label(record).startswith("first · keeps 3 (25.0\u202f%) · 20")
    assert "today" not in label(record)
