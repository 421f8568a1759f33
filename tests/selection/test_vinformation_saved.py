"""A saved selection by hardness in everything that reads selections: why, review, repeat, export, report."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dataeff_core.cli import main
from dataeff_core.review.queue import reviewing
from dataeff_core.selection import make
from dataeff_core.selection.explaining import explain
from dataeff_core.selection.saving import select, select_again
from dataeff_core.workspace import Dataset, SavedSelection, Workspace
from dataeff_core.workspace.datasets import save_frames
from tests.fabricated_scores import fabricate_patches, fabricate_scores
from tests.fabrication import fabricate


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """40 frames, the first of them unusable, the second without any patch."""
    workspace, dataset, *_ = fabricate(tmp_path / "w", frames=40)
    score = np.full(40, 0.1, np.float32)
    score[0] = 0.9
    frames = dataset.frames.assign(invalid_score=score, invalid_measure="sharpness:low")
    save_frames(dataset.folder, dataset.record, frames, dataset.unreadable)
    dataset = workspace.dataset(dataset.id)
    scored = fabricate_scores(dataset, fabricate_patches(dataset))
    without = dataset.frames["frame_id"][1]
    table = scored.table[scored.table["frame_id"] != without].reset_index(drop=True)
    table.to_parquet(scored.folder / scored.TABLE)
    return workspace


@pytest.fixture
def dataset(workspace: Workspace) -> Dataset:
    return workspace.dataset("latest")


@pytest.fixture
def saved(workspace: Workspace, dataset: Dataset) -> SavedSelection:
    return select(workspace, dataset, make("vinformation", {"lower": "0.4", "upper": "0.9"}))


def first(saved: SavedSelection, reason: str, *, least: bool = True) -> str:
    """The frame with the least (or largest) score of those with this reason."""
    table = saved.machine[saved.machine["reason"] == reason].sort_values("score", ascending=least)
    return str(table["frame_id"].iloc[0])


def test_each_reason_is_explained_with_its_numbers(workspace: Workspace, saved: SavedSelection) -> None:
    easy = explain(workspace, saved, first(saved, "too_easy", least=False))
    assert (easy.threshold, easy.score) == (0.4, pytest.approx(14.5 / 39))
    assert easy.sentence == (
        "Removed as too easy: only 37.2 % of the usable frames are easier to draw for the network, and those up to "
        "40 % are left out."
    )
    hard = explain(workspace, saved, first(saved, "too_hard"))
    assert (hard.threshold, hard.score) == (0.9, pytest.approx(36.5 / 39))
    assert "93.6 % of the usable frames are easier" in hard.sentence
    assert "beyond 90 %" in hard.sentence
    kept = explain(workspace, saved, first(saved, "kept"))
    assert kept.threshold is None
    assert kept.sentence.startswith("Kept: it is one of the frames chosen; 39.7 %")  # at the margin, rounded down
    inside = saved.machine["frame_id"][saved.machine["score"].between(0.7, 0.71)].iloc[0]
    assert explain(workspace, saved, inside).sentence.startswith("Kept between 40 % and 90 %: 70.5 % of the usable")
    unusable = explain(workspace, saved, str(saved.machine["frame_id"][0]))
    assert (unusable.reason, unusable.score, unusable.threshold) == ("invalid", pytest.approx(0.9), 0.5)
    assert "blurrier" in unusable.sentence
    without = explain(workspace, saved, str(saved.machine["frame_id"][1]))
    assert (without.reason, without.score) == ("too_easy", None)
    assert without.sentence == "Removed as too easy: no part of it stands out enough to be judged."


def test_over_the_number_asked_for(workspace: Workspace, dataset: Dataset) -> None:
    saved = select(workspace, dataset, make("vinformation", {"lower": "0.4", "upper": "0.9"}), keep=0.2)
    over = explain(workspace, saved, first(saved, "budget", least=False))
    assert over.threshold is None
    assert "enough harder ones were chosen" in over.sentence


def test_review_begins_at_the_margins(dataset: Dataset, saved: SavedSelection) -> None:
    queue, _ = reviewing(dataset, saved)
    decided = saved.machine.iloc[queue.rows].assign(closeness=queue.closeness)
    for reason, least in (("too_easy", False), ("too_hard", True)):
        some = decided[(decided["reason"] == reason) & decided["score"].notna()]
        assert some["frame_id"].iloc[0] == first(saved, reason, least=least)
        assert some["closeness"].iloc[0] == 1
        assert some["closeness"].is_monotonic_decreasing
    assert (decided["closeness"][decided["score"].isna()] == 0.5).all()


def test_the_recipe_makes_it_again(workspace: Workspace, saved: SavedSelection) -> None:
    pd.testing.assert_frame_equal(select_again(workspace, saved), saved.machine)


def test_every_verb_that_reads_selections_takes_it(
    workspace: Workspace, saved: SavedSelection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def asked(*arguments: str) -> dict:
        assert main([*arguments, "--workspace", str(workspace.root), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    out = tmp_path / "out"
    asked("export", saved.id, str(out))
    scores = pd.read_parquet(next(out.rglob("scores.parquet")))
    assert list(scores.columns) == ["frame_id", "hardness", "quantile"]
    assert asked("verify", str(out), "--rerun")["ok"] is True
    assert len(asked("queue", saved.id)["items"]) > 0
    assert main(["stability", saved.id, "--workspace", str(workspace.root)]) == 2
    assert "leaves nothing to chance" in capsys.readouterr().err
    asked("report", saved.id, "--out", str(tmp_path / "report"))
    told = "\n".join(path.read_text() for path in tmp_path.rglob("*.html"))
    assert "judged by how hard their parts are" in told
    assert "Nothing was left to chance" in told
    assert "of the usable frames are easier to draw" in told
