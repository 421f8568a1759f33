"""Which cells there are, how long they train, and what is refused before anything runs."""

from typing import Any

import pytest

from dataeff_core.benchmarking.cells import bytes_of, cell_named
from dataeff_core.benchmarking.planning import length_of, plan
from dataeff_core.benchmarking.subsets import subset_name
from dataeff_core.cli.benchmarking import by_method, fractions, words
from dataeff_core.errors import BadInput, DataEffError, NotFound
from dataeff_core.pretraining.budgets import DEFAULT_EPOCHS, epochs_for
from dataeff_core.workspace import Cell, Dataset, Workspace
from tests.fabrication import fabricate

Made = tuple[Workspace, Dataset, Dataset]
TINY = {"model": "vit_tiny_patch16_224", "depth": "1", "image_size": "32", "batch_size": "3"}


def test_the_cells_of_a_matrix(made: Made) -> None:
    workspace, dataset, on = made
    benchmark = plan(workspace, dataset, on, keeps=(0.05, 0.5), seeds=(0, 1), params=TINY, name="cells")
    cells = benchmark.record.cells
    assert [cell.id for cell in cells[:5]] == [
        "full-1-0",
        "meddel-0.05-0",
        "random-0.05-0",
        "meddel-0.5-0",
        "random-0.5-0",
    ]
    assert len(cells) == 2 * 5
    assert cell_named(benchmark, "random-0.5-1") == Cell(method="random", keep=0.5, seed=1)
    with pytest.raises(NotFound, match="has no cell 'x'; it has: full-1-0"):
        cell_named(benchmark, "x")
    assert benchmark.record.encoder == "descriptor-000001"
    assert benchmark.record.params == {"model": "vit_tiny_patch16_224", "depth": 1, "image_size": 32, "batch_size": 3}


def test_equal_images_seen_is_the_papers_epochs() -> None:
    """Table 2: 200 epochs of everything are 4,000 of 5 % and 1,000 of 20 %."""
    seen = length_of(1000, "images_seen", epochs=200)["images_seen"]
    assert seen == 200_000
    assert [epochs_for(seen, images) for images in (50, 200, 1000)] == [4000, 1000, 200]
    assert length_of(1000, "images_seen", images_seen=7) == {"images_seen": 7, "epochs": None}
    assert length_of(1000, "images_seen") == {"images_seen": 1000 * DEFAULT_EPOCHS, "epochs": None}
    assert length_of(1000, "epochs", epochs=3) == {"images_seen": None, "epochs": 3}


def test_the_same_plan_is_the_same_benchmark(made: Made) -> None:
    workspace, dataset, on = made
    first = plan(workspace, dataset, on, params=TINY)
    assert plan(workspace, dataset, on, params=TINY).id == first.id
    assert plan(workspace, dataset, on, params=TINY, name="another").id != first.id
    assert plan(workspace, dataset, on, params=TINY, seeds=(0, 1)).id != first.id
    assert plan(
        workspace, dataset, on, params=TINY, selection_params={"meddel": {"k": "4"}}
    ).record.selection_params == {"meddel": {"k": 4}}


def test_full_alone_needs_no_embedding_and_no_fraction(made: Made) -> None:
    workspace, dataset, on = made
    alone = plan(workspace, dataset, on, methods=["full"], params=TINY)
    assert [cell.id for cell in alone.record.cells] == ["full-1-0", "full-1-1", "full-1-2"]
    assert (alone.record.keeps, alone.record.encoder) == ((), "")
    assert plan(workspace, on, on, methods=["random", "full"], params=TINY).record.encoder == ""
    with pytest.raises(NotFound, match="has no embedding yet; run `embed"):
        plan(workspace, on, on, params=TINY)


REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"methods": ["magic"]},
        "there is no method 'magic'; choose meddel, random, every_nth, vinformation, opt",
    ),
    ({"methods": []}, "needs a method"),
    ({"methods": ["full", "full"]}, "full stands twice among the methods"),
    ({"keeps": []}, "needs a method, a kept fraction"),
    ({"keeps": [0.2, 0.2]}, "0.2 stands twice"),
    ({"keeps": [20]}, r"keep 20 is not in \(0, 1\)"),
    ({"keeps": [1]}, "for everything add 'full'"),
    ({"keeps": [float("nan")]}, "keep nan is not in"),
    ({"keeps": [0.01]}, "keep 0.01 of 60 frames comes to 1, and one step takes 3"),
    ({"keeps": [0.001]}, "comes to none"),
    ({"params": TINY | {"batch_size": "64"}}, "one step takes 64"),
    ({"seeds": []}, "a seed at least"),
    ({"seeds": [-1]}, "seed -1 is below 0"),
    ({"snapshots": [1.0]}, r"snapshot 1 is not in \(0, 1\)"),
    ({"epochs": 3, "images_seen": 3}, "say two lengths"),
    ({"epochs": 0}, "epochs 0 is below 1"),
    ({"images_seen": -5}, "images seen -5 is below 1"),
    ({"images_seen": 5, "budget": "epochs"}, "cannot be equal when the epochs are"),
    ({"pretraining": "magic"}, "there is no method 'magic'; choose mae"),
    ({"preset": "magic"}, "there is no preset 'magic'"),
    ({"params": {"magic": "1"}}, "magic"),
    ({"task": "magic"}, "there is no task 'magic'"),
    ({"evaluation_params": {"epochs": "many"}}, "epochs"),
    ({"selection_params": {"magic": {"a": "1"}}}, "'magic', which is not compared; compared are: meddel, random"),
    ({"selection_params": {"meddel": {"eta": "9"}}}, r"eta=9 is not in \[-1, 1\]"),
    ({"encoder": "magic"}, "no embedding is called 'magic'"),
]


@pytest.mark.parametrize(("changed", "sentence"), REFUSED)
def test_what_cannot_be_is_refused_and_leaves_nothing(made: Made, changed: dict[str, Any], sentence: str) -> None:
    workspace, dataset, on = made
    before = len(workspace.benchmarks())
    with pytest.raises(DataEffError, match=sentence):
        plan(workspace, dataset, on, **({"params": TINY} | changed))
    assert len(workspace.benchmarks()) == before


def test_a_downstream_set_without_masks_is_refused(made: Made) -> None:
    workspace, dataset, _ = made
    with pytest.raises(BadInput, match="mask"):
        plan(workspace, dataset, dataset, params=TINY)


def test_lists_as_typed() -> None:
    assert words(" meddel, full,") == ["meddel", "full"]
    assert fractions("--keep", "0.05,.2") == [0.05, 0.2]
    assert by_method(["meddel.eta=0.8", "meddel.k = 3"]) == {"meddel": {"eta": "0.8", "k": "3"}}
    with pytest.raises(BadInput, match="--keep 'half' is not a list of fractions"):
        fractions("--keep", "half")
    with pytest.raises(BadInput, match=r"--select-set meddel\.eta=0\.8"):
        by_method(["eta=0.8"])


def test_names_of_selections_tell_their_recipe() -> None:
    cell = Cell(method="meddel", keep=0.05, seed=2)
    assert subset_name(cell, {}) == "meddel 5 %, seed 2"
    assert subset_name(cell, {"rule": "leader", "eta": 0.8}) == "meddel 5 %, seed 2, eta 0.8, rule leader"


def test_bytes_are_of_the_files_and_a_videos_are_shared_out(tmp_path: Any) -> None:
    _, dataset, _, _ = fabricate(tmp_path / "w", frames=10)
    frames = dataset.frames
    some = frames["frame_id"][[1, 4, 7]]
    assert bytes_of(dataset, frames["frame_id"]) == frames["file_bytes"].sum()
    assert bytes_of(dataset, some) == frames["file_bytes"][[1, 4, 7]].sum()
    dataset.__dict__["frames"] = frames.assign(kind="video", path_bytes=b"one.mp4", file_bytes=1000)
    assert (bytes_of(dataset, frames["frame_id"]), bytes_of(dataset, some)) == (1000, 300)
