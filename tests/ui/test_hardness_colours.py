"""Hardness as the map gets it: the very numbers, on demand, of just these frames, and with the token."""

import shutil
from collections.abc import Iterator

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dataeff_core.hardness.stored import Hardness, hardness_folder
from dataeff_core.patches.stored import patches_folder
from dataeff_core.ui import frame_hardness, routes
from dataeff_core.ui.explore import hardness_colours
from dataeff_core.ui.explore.explored import Explored, Limits
from dataeff_core.ui.explore.galleries import EASIEST, HARDEST, Filter, shown_rows
from dataeff_core.ui.frame_hardness import FrameHardness
from dataeff_core.workspace import Workspace
from tests.fabricated_scores import fabricate_patches, fabricate_scores
from tests.ui.test_explorer_payload import unpack


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=routes.routes()))


@pytest.fixture
def hardness(explored: Explored) -> Iterator[Hardness]:
    """Scores of the fabricated dataset, taken away again; the first five frames have none."""
    dataset = explored.dataset
    made = fabricate_scores(dataset, fabricate_patches(dataset))
    some = made.table[~made.table["frame_id"].isin(dataset.frames["frame_id"].iloc[:5])]
    some.to_parquet(made.folder / Hardness.TABLE)
    yield made
    for folder in (hardness_folder(dataset), patches_folder(dataset)):
        shutil.rmtree(folder)


def test_nothing_is_offered_where_nothing_is_scored(workspace: Workspace, explored: Explored) -> None:
    known = frame_hardness.known(workspace, explored.dataset)
    assert known.state == "none"
    assert hardness_colours.colours_of(explored.dataset, known) is None


def test_the_browser_gets_every_frame_once(
    client: TestClient, workspace: Workspace, explored: Explored, hardness: Hardness
) -> None:
    known = frame_hardness.known(workspace, explored.dataset)
    offered = hardness_colours.colours_of(explored.dataset, known)
    assert offered is not None
    assert known.frames is not None
    assert offered["told"] == known.told
    header, got = unpack(client.get(offered["url"]).content)
    assert (header["n"], header["without"]) == (240, 5)
    assert np.array_equal(got["hardness"], known.frames.score, equal_nan=True)
    assert np.isnan(got["hardness"][:5]).all()
    assert np.array_equal(got["knots"], known.frames.knots)
    ends = known.frames.ascending[[0, -1]]
    assert [header["marks"][0], header["marks"][-1]] == [frame_hardness.figure(float(one)) for one in ends]
    assert client.get(offered["url"].split("?", maxsplit=1)[0]).status_code == 403


def test_numbers_of_other_frames_or_another_scoring_are_refused(
    client: TestClient, workspace: Workspace, explored: Explored, hardness: Hardness
) -> None:
    offered = hardness_colours.colours_of(explored.dataset, frame_hardness.known(workspace, explored.dataset))
    assert offered is not None
    assert client.get(offered["url"].replace("fabricated0", "other")).status_code == 404
    hardness.record.model_copy(update={"dataset_fingerprint": "f" * 64}).write(hardness.folder)
    answer = client.get(offered["url"])
    assert answer.status_code == 404
    assert "reload the page" in answer.text


def test_galleries_by_hardness_end_with_what_is_not_known(explored: Explored, strict: Limits) -> None:
    decided = explored.decide(strict)
    score = np.random.default_rng(0).random(len(decided)).astype(np.float32)
    score[::7] = np.nan
    frames = FrameHardness(score)
    for order, sign in ((HARDEST, -1), (EASIEST, 1)):
        for rows in shown_rows(explored, decided, Filter(order=order), frames):
            told = score[rows]
            ordered = told[~np.isnan(told)]
            assert (np.diff(sign * ordered) >= 0).all()
            assert np.isnan(told[len(ordered) :]).all()
            assert len(ordered) < len(told)
    every = np.concatenate(shown_rows(explored, decided, Filter(order=HARDEST), frames))
    assert np.array_equal(np.sort(every), np.arange(len(decided)))
