"""Kept results are listed and found by the base that they share."""

from pathlib import Path

import pytest

from dataeff_core.errors import BadInput, NotFound
from dataeff_core.workspace.maps import MapRecord
from dataeff_core.workspace.results import Result
from tests.workspace.test_finding import record


class Kept(Result[MapRecord]):
    RECORD = MapRecord


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    for number, (name, method) in enumerate((("umap-aa", "umap"), ("pca-bb", "pca"), ("umap-ac", "umap"))):
        (tmp_path / name).mkdir()
        record(name, f"2026-01-0{number + 1}").model_copy(update={"method": method}).write(tmp_path / name)
    (tmp_path / "half-made").mkdir()
    (tmp_path / ".umap-dd.tmp").mkdir()
    return tmp_path


def test_all_complete_ones_are_there_oldest_first(parent: Path) -> None:
    assert [one.id for one in Kept.all_in(parent)] == ["umap-aa", "pca-bb", "umap-ac"]
    assert Kept.all_in(parent / "nowhere") == []
    assert Kept.all_in(parent)[1].folder == parent / "pca-bb"


def test_one_is_found_by_field_id_prefix_or_as_the_latest(parent: Path) -> None:
    assert Kept.one_in(parent, "umap", by=["method"]).id == "umap-ac"
    assert Kept.one_in(parent, "pca").record.method == "pca"
    assert Kept.one_in(parent, "latest").id == "umap-ac"
    with pytest.raises(BadInput, match="fits 2 maps"):
        Kept.one_in(parent, "umap")
    with pytest.raises(NotFound, match="nothing was mapped yet"):
        Kept.one_in(parent / "nowhere", "latest", none="nothing was mapped yet")
    with pytest.raises(NotFound, match="there is no map yet"):
        Kept.one_in(parent / "nowhere", "latest")
