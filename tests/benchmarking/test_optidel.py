"""Mosaics of hard patches as a method of the matrix."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dataeff_core import jobs
from dataeff_core.benchmarking import tables
from dataeff_core.benchmarking.cells import run_cell
from dataeff_core.benchmarking.planning import plan
from dataeff_core.benchmarking.subsets import OptiDEL
from dataeff_core.errors import BadInput, DataEffError, NotFound, Stale
from dataeff_core.review.pinning import pin
from dataeff_core.workspace import Cell, Dataset, Workspace
from dataeff_core.workspace.datasets import save_frames
from tests.benchmarking.conftest import with_masks
from tests.fabricated_scores import fabricate_patches, fabricate_scores
from tests.fabrication import fabricate

NETWORK = {"model": "vit_tiny_patch16_224", "depth": 1, "image_size": 32, "patch_size": 16, "batch_size": 4}
TINY = NETWORK | {"decoder_dim": 32, "decoder_depth": 1}
Scored = tuple[Workspace, Dataset, Dataset]


@pytest.fixture
def scored(tmp_path: Path) -> Iterator[Scored]:
    """24 frames with 96 scored patches, and the same frames with masks."""
    workspace, dataset, _, _ = fabricate(tmp_path / "w", frames=24, groups=6)
    _, on, _, _ = fabricate(tmp_path / "w", frames=24, groups=6, name="downstream")
    fabricate_scores(dataset, fabricate_patches(dataset))
    yield workspace, dataset, with_masks(workspace, on)
    for job in jobs.jobs(workspace):
        job.cancel(grace=0.2)


def test_a_cell_trains_on_as_many_mosaics_as_a_selection_keeps_frames(scored: Scored) -> None:
    workspace, dataset, on = scored
    benchmark = plan(
        workspace,
        dataset,
        on,
        methods=["optidel", "random", "full"],
        keeps=[0.25],
        seeds=[0],
        selection_params={"optidel": {"lower": "0.2", "upper": "0.9", "grid": "2"}},
        params=TINY,
        images_seen=24,
        evaluation_params={"epochs": 1},
    )
    assert [cell.id for cell in benchmark.record.cells] == ["full-1-0", "optidel-0.25-0", "random-0.25-0"]
    assert benchmark.record.selection_params["optidel"] == {
        "lower": 0.2, "upper": 0.9, "grid": 2, "hardness": "hardness-fabricated0",
    }  # fmt: skip
    mosaics, chance = (run_cell(workspace, benchmark, cell, device="cpu") for cell in benchmark.record.cells[1:])
    assert (mosaics.images, mosaics.retained, mosaics.selection) == (6, 0.25, None)
    assert (chance.images, chance.retained, chance.mosaics) == (6, 0.25, None)
    assert mosaics.images_seen == chance.images_seen
    made = workspace.mosaic_set(str(mosaics.mosaics))
    assert made.record.name == "optidel 25 %, seed 0, grid 2, lower 0.2, upper 0.9"
    assert made.record.patches["budget"] == 24
    table = dataset_scores(dataset)
    inside = table.iloc[int(0.2 * 96) : 96 - 9]  # of 96 patches floor(0.1 x 96) = 9 lie above the upper margin
    assert set(made.manifest["patch_id"]) == set(inside["patch_id"].iloc[-24:]), "the hardest between the margins"
    used = dataset.frames[dataset.frames["frame_id"].isin(set(made.manifest["frame_id"]))]
    assert mosaics.bytes == used["file_bytes"].sum()

    benchmark.cell_file(benchmark.record.cells[1]).unlink()
    again = run_cell(workspace, benchmark, benchmark.record.cells[1], device="cpu")
    assert (again.run, again.mosaics, again.evaluation) == (mosaics.run, mosaics.mosaics, mosaics.evaluation)
    assert set(tables.table(benchmark)["method"]) == {"optidel", "random"}


def dataset_scores(dataset: Dataset):
    from dataeff_core.hardness.stored import hardness_of

    return hardness_of(dataset).table.sort_values("hardness", kind="stable")


def test_a_seed_draws_the_places_and_not_the_patches(scored: Scored) -> None:
    workspace, dataset, on = scored
    asked = {"params": TINY, "images_seen": 8, "evaluation_params": {"epochs": 1}}
    benchmark = plan(workspace, dataset, on, methods=["optidel"], keeps=[0.25], seeds=[0, 1], **asked)  # type: ignore[arg-type]
    one, other = (
        workspace.mosaic_set(str(run_cell(workspace, benchmark, cell, device="cpu").mosaics)).manifest
        for cell in benchmark.record.cells
    )
    assert set(one["patch_id"]) == set(other["patch_id"])
    assert one["patch_id"].tolist() != other["patch_id"].tolist()


def test_all_cells_take_the_scoring_of_the_plan_and_leave_reviewers_aside(scored: Scored) -> None:
    workspace, dataset, on = scored
    asked = {"params": TINY, "images_seen": 8, "evaluation_params": {"epochs": 1}}
    benchmark = plan(workspace, dataset, on, methods=["optidel", "vinformation"], keeps=[0.25], seeds=[0, 1], **asked)  # type: ignore[arg-type]
    assert {one["hardness"] for one in benchmark.record.selection_params.values()} == {"hardness-fabricated0"}
    cells = {cell.id: cell for cell in benchmark.record.cells}
    first = {
        name: run_cell(workspace, benchmark, cells[f"{name}-0.25-0"], device="cpu")
        for name in ("optidel", "vinformation")
    }
    fabricate_scores(dataset, fabricate_patches(dataset, count=3), seed=1)
    mosaics = workspace.mosaic_set(str(first["optidel"].mosaics))
    selection = workspace.selection(str(first["vinformation"].selection))
    pin(workspace, selection, mosaics.manifest["frame_id"].unique().tolist(), "drop", reviewer="A", reason="private")
    other = {name: run_cell(workspace, benchmark, cells[f"{name}-0.25-1"], device="cpu") for name in first}
    again = workspace.mosaic_set(str(other["optidel"].mosaics))
    assert set(again.manifest["patch_id"]) == set(mosaics.manifest["patch_id"])
    kept = [
        workspace.selection(str(one["vinformation"].selection)).machine["decision"].tolist() for one in (first, other)
    ]
    assert kept[0] == kept[1]
    assert other["optidel"].images == first["optidel"].images == 6
    anew = plan(workspace, dataset, on, methods=["vinformation"], keeps=[0.25], seeds=[0], **asked)  # type: ignore[arg-type]
    assert anew.record.selection_params == {"vinformation": {"hardness": "hardness-fabricated1"}}
    assert run_cell(workspace, anew, anew.record.cells[0], device="cpu").selection != selection.id


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"keeps": [0.25, 0.9]}, r"optidel at keep 0\.9 takes 88 patches for 22 mosaics, and 47 pass"),
        ({"selection_params": {"optidel": {"budget": "8"}}}, "budget 8 follows from the kept fraction"),
        ({"selection_params": {"optidel": {"lower": "2"}}}, "above 1"),
        ({"selection_params": {"optidel": {"magic": "2"}}}, "magic"),
        ({"selection_params": {"optidel": {"hardness": "magic"}}}, "no hardness is called 'magic'"),
        (
            {"methods": ["vinformation"], "selection_params": {"vinformation": {"hardness": "magic"}}},
            "is called 'magic'",
        ),
        (
            {"selection_params": {"optidel": {"grid": "3", "lower": "0"}}},
            "cut in 3 does not end on patches of 16 pixels",
        ),
        (
            {"methods": ["random"], "selection_params": {"optidel": {"lower": "0"}}},
            "'optidel', which is not compared",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(
    scored: Scored, changed: dict[str, object], sentence: str
) -> None:
    workspace, dataset, on = scored
    asked = {"methods": ["optidel"], "keeps": [0.25], "params": TINY} | changed
    with pytest.raises(DataEffError, match=sentence):
        plan(workspace, dataset, on, **asked)  # type: ignore[arg-type]
    assert workspace.benchmarks() == []


def test_scores_are_needed_and_must_fit(scored: Scored) -> None:
    workspace, dataset, on = scored
    with pytest.raises(NotFound, match="has no scored patches yet; run `patches"):
        plan(workspace, on, on, methods=["optidel"], keeps=[0.25], params=TINY)
    save_frames(dataset.folder, dataset.record, dataset.all_frames.iloc[1:], dataset.unreadable)
    with pytest.raises(Stale, match="was scored before fabricated changed"):
        plan(workspace, workspace.dataset(dataset.id), on, methods=["optidel"], keeps=[0.25], params=TINY)


def test_the_rules_are_those_of_patches_and_mosaics() -> None:
    asked = OptiDEL.of({"alike": "0.9", "aspect": "pad", "per_frame": "2", "hardness": "h"})
    assert (asked.patches.alike, asked.patches.per_frame, asked.mosaic.aspect, asked.hardness) == (0.9, 2, "pad", "h")
    assert asked.patches_for(5) == 20
    with pytest.raises(BadInput, match="optidel"):
        OptiDEL.of({"alike": "much"})
    assert Cell(method="optidel", keep=0.05, seed=2).id == "optidel-0.05-2"
