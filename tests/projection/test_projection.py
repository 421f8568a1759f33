import json
from pathlib import Path

import numpy as np
import pytest

from dataeff_core.errors import BadInput, Cancelled, Stale
from dataeff_core.projection import NEIGHBOURS, into_square, layout, project
from dataeff_core.projection.neighbours import nearest
from dataeff_core.projection.pca import along, principal_axes
from dataeff_core.projection.umap_layout import umap_layout
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.datasets import save_frames
from tests.fabrication import fabricate
from tests.projection.measures import trustworthiness, unit, walks


def axes_of(vectors: np.ndarray, count: int = 96) -> np.ndarray:
    return principal_axes(vectors, count, reporter=Reporter())[1]


def test_a_map_is_made_once_and_joins_by_frame(tmp_path: Path) -> None:
    workspace, dataset, embedding, _ = fabricate(tmp_path / "w", frames=60)
    made = project(workspace, dataset, embedding)
    assert made.table["frame_id"].tolist() == embedding.frame_ids.tolist()
    xy = made.table[["x", "y"]].to_numpy()
    assert xy.dtype == np.float32 and np.abs(xy).max() == 1
    np.testing.assert_array_equal(made.coordinates(embedding.frame_ids[[7, 3]]), xy[[7, 3]])
    assert project(workspace, dataset, embedding).record == made.record
    other = project(workspace, dataset, embedding, seed=1)
    assert other.record.id != made.record.id
    assert (other.table[["x", "y"]].to_numpy() != xy).any()
    quick = project(workspace, dataset, embedding, method="pca")
    assert project(workspace, dataset, embedding, method="pca", seed=5).record == quick.record, "PCA needs no seed"


def test_what_cannot_be_mapped_is_one_sentence(tmp_path: Path) -> None:
    workspace, dataset, embedding, _ = fabricate(tmp_path / "w", frames=20)
    with pytest.raises(BadInput, match=r"'tsne' is not one of umap, pca"):
        project(workspace, dataset, embedding, method="tsne")
    for seed in (-1, 2**32):
        with pytest.raises(BadInput, match=rf"seed {seed} is not in"):
            project(workspace, dataset, embedding, seed=seed)
    frames = dataset.all_frames.copy()
    frames.loc[3, "present"] = False
    save_frames(dataset.folder, dataset.record, frames, dataset.unreadable)
    with pytest.raises(Stale, match="embed"):
        project(workspace, workspace.dataset(dataset.id), embedding)


def test_the_command_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from dataeff_core.cli import main

    workspace, dataset, _, _ = fabricate(tmp_path / "w", frames=20)
    there = ["--workspace", str(workspace.root), "--json"]
    assert main(["map", dataset.id, "--method", "umap", *there]) == 0
    result = json.loads(capfd.readouterr().out)
    assert {"map", "frames", "seconds"} <= set(result) and result["frames"] == 20
    for wrong in (["--method", "tsne"], ["--seed", "-1"], ["--encoder", "timm"]):
        assert main(["map", dataset.id, *wrong, *there]) == 2
        assert "Traceback" not in capfd.readouterr().err


def test_stopping(tmp_path: Path) -> None:
    class Stopping(Reporter):
        def stop_asked(self) -> bool:
            return self.phase_name == "layout" and self.done >= 3

    workspace, dataset, embedding, _ = fabricate(tmp_path / "w", frames=60)
    before = [one.record.id for one in workspace.maps(dataset)]
    with pytest.raises(Cancelled, match="layout"):
        project(workspace, dataset, embedding, reporter=Stopping())
    assert [one.record.id for one in workspace.maps(dataset)] == before
    project(workspace, dataset, embedding)


@pytest.mark.parametrize("method", ["umap", "pca"])
@pytest.mark.parametrize("n", [1, 2, 3, NEIGHBOURS - 1, NEIGHBOURS, NEIGHBOURS + 1, 40])
def test_few_equal_and_empty_vectors(method: str, n: int) -> None:
    rng = np.random.default_rng(n)
    some = unit(rng.normal(size=(n, 8))).astype(np.float16)
    kinds = {
        "different": some,
        "equal": np.repeat(some[:1], n, axis=0),
        "zero": np.zeros((n, 8), np.float16),
        "two places": some[np.arange(n) % min(n, 2)],
        "one number": some[:, :1],
    }
    for kind, vectors in kinds.items():
        xy = layout(vectors, method=method)
        assert xy.shape == (n, 2) and xy.dtype == np.float32, kind
        assert np.isfinite(xy).all() and np.abs(xy).max() <= 1, kind


def test_far_groups_of_equal_frames_stay_apart() -> None:
    centres = unit(np.random.default_rng(0).normal(size=(6, 32)))
    label = np.repeat(np.arange(6), 50)
    xy = layout(centres[label].astype(np.float16), method="umap")
    middle = np.stack([xy[label == one].mean(axis=0) for one in range(6)])
    within = max(np.linalg.norm(xy[label == one] - middle[one], axis=1).max() for one in range(6))
    between = min(np.linalg.norm(middle[i] - middle[j]) for i in range(6) for j in range(i))
    assert within < between / 2


def test_equal_seeds_give_equal_maps_on_any_number_of_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = walks(400, dim=32)
    first = layout(vectors, seed=3)
    np.testing.assert_array_equal(layout(vectors, seed=3), first)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0}, raising=False)
    np.testing.assert_array_equal(layout(vectors, seed=3), first)
    assert (layout(vectors, seed=4) != first).any()


def test_umap_keeps_neighbours_that_two_axes_cannot() -> None:
    vectors = walks(1500, dim=64)
    assert trustworthiness(vectors, layout(vectors, method="umap")) > 0.97
    assert trustworthiness(vectors, layout(vectors, method="pca")) < 0.9


def test_into_square_keeps_the_aspect() -> None:
    xy = np.array([[10.0, 5.0], [20.0, 5.0], [14.0, 7.0]])
    np.testing.assert_allclose(into_square(xy), [[-1, -0.2], [1, -0.2], [-0.2, 0.2]], atol=1e-6)
    assert (into_square(np.full((3, 2), 7.0)) == 0).all()


def test_principal_axes_are_scikit_learns() -> None:
    from sklearn.decomposition import PCA

    vectors = walks(5000, dim=20).astype(np.float32)
    mean, axes = principal_axes(vectors, 4, reporter=Reporter())
    theirs = PCA(4).fit(vectors)
    np.testing.assert_allclose(mean, theirs.mean_, atol=1e-5)
    np.testing.assert_allclose(np.abs((axes * theirs.components_.T).sum(axis=0)), 1, atol=1e-4)
    mine, others = along(vectors, mean, axes), theirs.transform(vectors)[:, :2]
    np.testing.assert_allclose(np.abs(mine), np.abs(others), atol=1e-3)
    sampled, _ = principal_axes(vectors, 4, reporter=Reporter(), fit_rows=1000)
    np.testing.assert_allclose(sampled, mean, atol=0.05)


def test_neighbours_are_the_true_ones_itself_first() -> None:
    vectors = walks(700, dim=24).astype(np.float16)
    indices, distances = nearest(vectors, 10, axes=axes_of(vectors))
    rows = unit(vectors.astype(np.float64))
    true = 1 - rows @ rows.T
    np.fill_diagonal(true, -1)
    assert (indices[:, 0] == np.arange(700)).all() and (distances[:, 0] == 0).all()
    np.testing.assert_allclose(distances[:, 1:], np.sort(true, axis=1)[:, 1:10], atol=1e-3)


def test_many_equal_rows_do_not_crowd_a_row_out_of_its_own_list() -> None:
    vectors = np.repeat(unit(np.random.default_rng(0).normal(size=(2, 8))), 40, axis=0)
    indices, distances = nearest(vectors, 5, axes=axes_of(vectors))
    assert (indices[:, 0] == np.arange(80)).all()
    np.testing.assert_allclose(distances, 0, atol=1e-6)
    vectors[7] = 0
    indices, distances = nearest(vectors, 5, axes=axes_of(vectors))
    assert (distances[7, 1:] == 1).all()


@pytest.mark.parametrize("half_precision", [False, True])
@pytest.mark.parametrize("kind", ["walks", "no structure"])
def test_a_search_in_cells_finds_neighbours_as_near_as_the_true(
    kind: str, half_precision: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dataeff_core.projection.neighbours.EXACT_UP_TO", 1000)
    if half_precision:
        monkeypatch.setattr("dataeff_core.projection.neighbours.FLOAT16_FROM", 2000)
    vectors = walks(3000, dim=128) if kind == "walks" else unit(np.random.default_rng(0).normal(size=(3000, 128)))
    vectors = vectors.astype(np.float16)
    indices, distances = nearest(vectors, 15, axes=axes_of(vectors))
    rows = unit(vectors.astype(np.float64))
    true = np.sort(1 - rows @ rows.T, axis=1)[:, :15]
    farther = distances[:, 1:].mean(axis=1) / true[:, 1:].mean(axis=1)
    assert (farther < 1.1).mean() > 0.9
    assert (indices[:, 0] == np.arange(3000)).all()
    np.testing.assert_array_equal(nearest(vectors, 15, axes=axes_of(vectors))[0], indices)


def test_two_points_that_are_tied_come_near_and_strangers_part() -> None:
    n = 60
    pairs = np.arange(n) ^ 1
    indices = np.stack([np.arange(n), pairs], axis=1)
    distances = np.tile(np.array([0.0, 0.1], np.float32), (n, 1))
    start = np.random.default_rng(0).uniform(-1, 1, (n, 2))
    xy = umap_layout(indices, distances, start=start)
    own = np.linalg.norm(xy - xy[pairs], axis=1)
    others = np.median(np.linalg.norm(xy[:, None] - xy[None], axis=2))
    assert np.median(own) < others / 10
