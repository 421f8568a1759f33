"""The curves beside the map: whose they are, and that they end where everything is kept."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from dataeff_core.benchmarking import tables
from dataeff_core.evaluation.published import table3
from dataeff_core.ui.explore import prices
from dataeff_core.workspace import Dataset, Workspace
from tests.fabricated_runs import fabricate_benchmark, fabricate_evaluation, fabricate_mosaics, fabricate_run
from tests.fabricated_scores import fabricate_patches, fabricate_scores
from tests.fabrication import fabricate, fabricate_selection


@pytest.fixture
def own(tmp_path: Path) -> tuple[Workspace, Dataset, Dataset]:
    """A workspace, the dataset that is explored and the downstream one."""
    workspace, on, _, _ = fabricate(tmp_path / "workspace", frames=24, name="downstream", thumbnails=False)
    _, dataset, _, _ = fabricate(tmp_path / "workspace", frames=40, seed=1, name="explored", thumbnails=False)
    return workspace, dataset, on


def series(found: dict | None, name: str) -> dict:
    assert found is not None
    return next(one for one in found["series"] if one["name"] == name)


def test_nothing_scored_is_nothing_drawn(own: tuple[Workspace, Dataset, Dataset]) -> None:
    workspace, dataset, on = own
    fabricate_benchmark(workspace, dataset, on, done=0)
    assert prices.prices(workspace, dataset) is None
    fabricate_run(workspace, dataset)
    assert prices.prices(workspace, dataset) is None


def test_a_benchmark_s_means_with_their_intervals(own: tuple[Workspace, Dataset, Dataset]) -> None:
    workspace, dataset, on = own
    benchmark = fabricate_benchmark(workspace, dataset, on, keeps=(0.2, 0.5))
    found = prices.prices(workspace, dataset)
    line = series(found, "MedDEL")
    summary = tables.summary(benchmark).query("method == 'meddel'").sort_values("retained")
    for value in ("miou", "normdel"):
        drawn = [point[1:] for point in line[value][:2]]
        wanted = summary[[f"{value}_{stat}" for stat in ("mean", "low", "high")]].to_numpy().tolist()
        assert drawn == [pytest.approx(one, abs=1e-5) for one in wanted]
    assert [point[0] for point in line["miou"]] == [0.2, 0.5, 1.0]
    assert line["miou"][-1] == series(found, "all frames")["miou"][0]
    assert line["follow"]
    assert series(found, "all frames")["flat"]
    assert prices.prices(workspace, on) is None  # it is scored on this one, not trained on it


def test_the_newest_benchmark_with_a_finished_cell_counts(own: tuple[Workspace, Dataset, Dataset]) -> None:
    workspace, dataset, on = own
    fabricate_benchmark(workspace, dataset, on, keeps=(0.5,), seeds=(0,), name="older")
    fabricate_benchmark(workspace, dataset, on, keeps=(0.5,), seeds=(0,), name="not begun", done=0)
    found = prices.prices(workspace, dataset)
    assert found is not None
    assert "older" in found["source"]
    assert series(found, "random")["miou"][0][2:] == [None, None]  # one seed has no interval


def test_single_evaluations_stand_in_for_a_benchmark(own: tuple[Workspace, Dataset, Dataset]) -> None:
    workspace, dataset, on = own
    embedding = workspace.embedding(dataset)
    saved = fabricate_selection(dataset, embedding, keep=0.3, name="third")
    run = fabricate_run(workspace, dataset, selection=saved)
    fabricate_evaluation(workspace, run, on, score=0.5)
    fabricate_evaluation(workspace, run, on, score=0.4, epoch=10)  # half-way: no curve of finished networks
    fabricate_evaluation(workspace, run, on, score=0.2, untrained=True)
    fabricate_evaluation(workspace, fabricate_run(workspace, dataset, seed=1), on, score=0.6)
    scored, name = prices.evaluated(workspace, dataset)
    assert name == "downstream"
    assert sorted(zip(scored["method"], scored["miou"], strict=True)) == [("full", 0.6), ("meddel", 0.5)]
    found = prices.prices(workspace, dataset)
    assert [point[:2] for point in series(found, "MedDEL")["miou"]] == [[0.3, 0.5], [1.0, 0.6]]
    shutil.rmtree(workspace.runs_folder / run.id)
    assert len(prices.evaluated(workspace, dataset)[0]) == 1


def test_published_curves_are_the_paper_s() -> None:
    found = {one["name"]: one for one in prices.published()}
    rows = table3()
    assert set(found) == set(rows["dataset"])
    assert sum(len(one["miou"]) for one in found.values()) == 48
    etis = rows.query("dataset == 'ETIS' and retained == 0.2")
    assert [0.2, etis["normdel"].item()] in found["ETIS"]["normdel"]


def test_without_a_subset_nothing_is_followed() -> None:
    table = pd.DataFrame([("full", 1.0, 0, 1.0, 0.6, 0.55)], columns=list(prices.COLUMNS))
    found = prices.as_data(table, "x")
    assert [one["follow"] for one in found["series"]] == [False]


def test_mosaics_are_a_line_of_their_own_and_no_share_of_the_map(own: tuple[Workspace, Dataset, Dataset]) -> None:
    workspace, dataset, on = own
    fabricate_scores(dataset, fabricate_patches(dataset))
    run = fabricate_run(workspace, dataset, mosaics=fabricate_mosaics(dataset, count=10))
    fabricate_evaluation(workspace, run, on, score=0.4)
    fabricate_evaluation(workspace, fabricate_run(workspace, dataset), on, score=0.6)
    found = prices.prices(workspace, dataset)
    line = series(found, "mosaics of hard patches (OptiDEL)")
    assert [point[:2] for point in line["miou"]] == [[0.25, 0.4], [1.0, 0.6]]
    assert not line["follow"]
    assert series(found, "all frames")["miou"][0][1] == 0.6
