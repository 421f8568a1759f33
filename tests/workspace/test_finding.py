"""How what the user types finds a record, and what the workspace says when it cannot."""

from pathlib import Path

import pytest

from dataeff_core.errors import BadInput, NotFound, StorageFailed
from dataeff_core.workspace import Workspace
from dataeff_core.workspace.maps import MapRecord
from dataeff_core.workspace.records import find, fresh_id, slug


def record(identifier: str, created: str) -> MapRecord:
    return MapRecord(
        id=identifier,
        created=created,
        dataset="d",
        dataset_fingerprint="f",
        embedding="e",
        method="pca",
        params={},
        frames=1,
        seconds=0.0,
    )


RECORDS = [record("umap-aa11", "2026-01-01"), record("umap-ab22", "2026-01-02"), record("pca-cc33", "2026-01-03")]


@pytest.mark.parametrize(
    ("typed", "found"),
    [("umap-aa11", "umap-aa11"), ("umap-ab", "umap-ab22"), ("p", "pca-cc33"), ("latest", "pca-cc33")],
)
def test_ids_prefixes_and_latest(typed: str, found: str) -> None:
    assert find(RECORDS, typed, kind="map").id == found


def test_what_is_missing_or_ambiguous_is_said_with_what_there_is() -> None:
    with pytest.raises(BadInput, match=r"'umap-a' fits 2 maps \(umap-aa11, umap-ab22\)"):
        find(RECORDS, "umap-a", kind="map")
    with pytest.raises(NotFound, match=r"no map is called 'x'; there are: umap-aa11"):
        find(RECORDS, "x", kind="map")
    with pytest.raises(NotFound, match="no map is called ''"):
        find(RECORDS, "", kind="map")
    with pytest.raises(NotFound, match="there is no map yet"):
        find([], "latest", kind="map")


def test_records_round_trip_and_refuse_what_they_do_not_know(tmp_path: Path) -> None:
    RECORDS[0].write(tmp_path)
    assert MapRecord.read(tmp_path) == RECORDS[0]
    path = tmp_path / MapRecord.FILE
    path.write_text(path.read_text().replace('"method"', '"mehtod"'))
    with pytest.raises(StorageFailed, match="does not fit this version"):
        MapRecord.read(tmp_path)


def test_names_become_safe_folder_names() -> None:
    assert slug("Zürich  Klinik/../x") == "z-rich-klinik-x"
    assert slug("<<>>") == "unnamed"
    assert fresh_id("a") != fresh_id("a")


def test_the_workspace_comes_from_the_option_then_the_variable(tmp_path: Path) -> None:
    assert Workspace.open(tmp_path / "a", {"DATAEFF_WORKSPACE": str(tmp_path / "b")}).root == tmp_path / "a"
    assert Workspace.open(None, {"DATAEFF_WORKSPACE": str(tmp_path / "b")}).root == tmp_path / "b"
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="is a file; name a folder"):
        Workspace.open(tmp_path / "file")


def test_a_workspace_that_cannot_be_made_is_one_sentence() -> None:
    with pytest.raises((StorageFailed, BadInput)):
        Workspace.open("/proc/1/dataeff")


def test_thumbnails_are_asked_for_by_hash_alone(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path)
    assert workspace.thumbnail("a" * 64).is_relative_to(tmp_path)
    for bad in ("../../etc/passwd", "A" * 64, "a" * 63, "a" * 62 + "/.", ""):
        with pytest.raises(BadInput, match="not a frame's sha256"):
            workspace.thumbnail(bad)


def test_dataset_names_that_are_paths_find_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        Workspace.open(tmp_path).dataset("../datasets")
