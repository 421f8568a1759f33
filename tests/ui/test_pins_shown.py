"""Reviewers' decisions as the map gets them: as they stand, at another address after each, and with the token."""

from pathlib import Path

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from dataeff_core.review.pinning import pin, unpin
from dataeff_core.ui import routes
from dataeff_core.ui.explore import pins_shown
from dataeff_core.ui.explore.pins_shown import AGREED, DROPPED, KEPT
from dataeff_core.workspace import Dataset, SavedSelection, Workspace
from dataeff_core.workspace.trail import trail_of
from tests.fabrication import fabricate, fabricate_selection
from tests.pages.conftest import APP, texts
from tests.ui.test_explorer_payload import unpack

Reviewed = tuple[Workspace, Dataset, SavedSelection]


@pytest.fixture
def reviewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reviewed:
    monkeypatch.setenv("DATAEFF_WORKSPACE", str(tmp_path / "workspace"))
    workspace, dataset, embedding, _ = fabricate(tmp_path / "workspace", frames=24, groups=2, dim=8)
    fabricate_selection(dataset, embedding, keep=0.25)
    return workspace, dataset, workspace.selection("latest", dataset)


def test_keeps_drops_and_agreements_are_told_apart(reviewed: Reviewed) -> None:
    workspace, dataset, saved = reviewed
    ids = dataset.frames["frame_id"].tolist()
    gone = np.flatnonzero((saved.machine["reason"] == "duplicate").to_numpy(bool))[:3]
    assert len(gone) == 3
    first, second, third = (ids[row] for row in gone)
    pin(workspace, saved, [first], "keep", reviewer="Anna", reason="rare")
    pin(workspace, saved, [second], "drop", reviewer="Anna", reason="unusable")
    pin(workspace, saved, [third], "drop", reviewer="Anna", reason="alike")
    rows, codes = pins_shown.pinned(dataset, 3)
    assert rows.tolist() == sorted(gone.tolist())
    assert codes.tolist() == [KEPT, DROPPED, AGREED]
    rows, codes = pins_shown.pinned(dataset, 1)  # as it was then
    assert (rows.tolist(), codes.tolist()) == ([gone[0]], [KEPT])


def test_each_decision_has_an_address_of_its_own(reviewed: Reviewed) -> None:
    workspace, dataset, saved = reviewed
    client = TestClient(Starlette(routes=routes.routes()))
    assert pins_shown.pins_address(dataset) is None
    frame = str(dataset.frames["frame_id"].iat[2])
    pin(workspace, saved, [frame], "keep", reviewer="Anna")
    first = pins_shown.pins_address(dataset)
    assert first is not None
    header, got = unpack(client.get(first).content)
    assert (header["n"], got["rows"].tolist(), got["codes"].tolist()) == (24, [2], [KEPT])
    unpin(workspace, saved, frame, reviewer="Anna")
    second = pins_shown.pins_address(dataset)
    assert second not in (None, first)
    _, got = unpack(client.get(str(second)).content)
    assert not len(got["rows"])
    assert client.get(first.split("?", maxsplit=1)[0]).status_code == 403
    assert client.get(first.replace(dataset.fingerprint[:16], "0" * 16)).status_code == 404


def test_a_damaged_trail_leaves_the_map(reviewed: Reviewed) -> None:
    workspace, dataset, saved = reviewed
    pin(workspace, saved, [str(dataset.frames["frame_id"].iat[2])], "keep", reviewer="Anna")
    trail_of(dataset.folder).file.write_bytes(b"no database at all" * 100)
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not app.exception
    assert any("What reviewers decided is not shown" in one.value for one in app.warning)
    assert "#### Kept (" in texts(app)
