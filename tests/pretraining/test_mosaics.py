"""Training on mosaics that are put together while the network trains."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from dataeff_core import leakage
from dataeff_core.cli import main
from dataeff_core.cli.pretraining import _source
from dataeff_core.errors import BadInput, Cancelled, NotFound, Stale
from dataeff_core.frame_reading.cutting import fitted, resized
from dataeff_core.hardness.choosing import PatchRules
from dataeff_core.hardness.scoring import Scorer, score
from dataeff_core.mosaics.layout import MosaicRules
from dataeff_core.mosaics.saving import save_mosaics
from dataeff_core.pretraining.augmentations import NUMBERS
from dataeff_core.pretraining.base import PretrainingMethod
from dataeff_core.pretraining.cells import CellStore, cell_side, check_seams, small_cells
from dataeff_core.pretraining.images import Images
from dataeff_core.pretraining.pretraining import pretrain, resume
from dataeff_core.pretraining.sources import images_of
from dataeff_core.reporting import Reporter
from dataeff_core.review.pinning import pin
from dataeff_core.selection import make as make_selector
from dataeff_core.selection.saving import select
from dataeff_core.workspace import Dataset, EvaluationRecord, MosaicSet, Run, Workspace
from dataeff_core.workspace.mosaics import Tiling
from tests.hardness.making import scored_workspace
from tests.pretraining.making import Stopping, small

Scored = tuple[Workspace, Dataset]
ALL = PatchRules(lower=0, upper=None)
PART = {"patch_size": 8}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with 10 frames of 64 x 64 pixels, their quarters scored."""
    folder = tmp_path_factory.mktemp("mosaics")
    workspace, dataset, patches, _ = scored_workspace(folder)
    score(workspace, dataset, patches, Scorer(), device="cpu", workers=0)
    return folder


@pytest.fixture
def scored(base: Path, tmp_path: Path) -> Scored:
    """A copy that a test may change; its originals are the base's."""
    shutil.copytree(base / "w", tmp_path / "w")
    workspace = Workspace.open(tmp_path / "w")
    return workspace, workspace.dataset("planted")


def saved(dataset: Dataset, *, name: str = "hard", choice: PatchRules = ALL, **rules: object) -> MosaicSet:
    from dataeff_core.hardness.stored import hardness_of

    return save_mosaics(dataset, hardness_of(dataset), choice, MosaicRules.model_validate(rules), name=name)


def trained(scored: Scored, mosaics: MosaicSet, method: PretrainingMethod, **asked: object) -> Run:
    return pretrain(scored[0], mosaics, method, device="cpu", workers=0, **({"epochs": 2} | asked))  # type: ignore[arg-type]


def picture_of(dataset: Dataset, frame_id: str) -> np.ndarray:
    frame = dataset.frames.set_index("frame_id").loc[frame_id]
    return np.asarray(Image.open(dataset.file(frame)).convert("RGB"))


@pytest.mark.parametrize("aspect", ["crop", "pad", "squash"])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (96, 64)])
def test_images_are_their_sources_crops_in_the_manifests_places(
    scored: Scored, aspect: str, height: int, width: int
) -> None:
    workspace, dataset = scored
    mosaics = saved(dataset, aspect=aspect, height=height, width=width)
    method = small("mae", crop=1, **PART)
    run = trained(scored, mosaics, method)
    images = images_of(workspace, run, method, Reporter())
    taken = images.take(np.arange(len(images)))
    assert taken.shape == (10, 32, 32, 3)
    tall, wide = mosaics.record.tiling.cell
    for cell in mosaics.manifest.itertuples():
        crop = picture_of(dataset, cell.frame_id)[cell.top : cell.bottom, cell.left : cell.right]
        down, across = cell.cell_top * 2 // height, cell.cell_left * 2 // width
        seen = taken[cell.mosaic][16 * down : 16 * down + 16, 16 * across : 16 * across + 16]
        if aspect == "squash":
            expected = resized(np.ascontiguousarray(crop), 16, 16)
        else:
            expected = resized(fitted(np.ascontiguousarray(crop), tall, wide, aspect), 16, 16)  # type: ignore[arg-type]
        np.testing.assert_array_equal(seen, expected)


def test_cells_stand_where_they_belong() -> None:
    pixels = np.arange(9, dtype=np.uint8)[:, None, None, None] * np.ones((9, 2, 2, 3), np.uint8)
    images = Images(pixels, np.array([[0, 1, 2, 3, 4, 5, 6, 7, 8], [8, 7, 6, 5, 4, 3, 2, 1, 0]]), 3)
    one, other = images.take(np.array([0, 1]))
    np.testing.assert_array_equal(one[::2, ::2, 0], np.arange(9).reshape(3, 3))
    np.testing.assert_array_equal(other, one[::-1, ::-1])


@pytest.mark.parametrize("name", ["mae", "simclr"])
def test_no_crop_turn_or_blur_moves_a_seam(name: str) -> None:
    """Cells of one colour stay cells of one colour, whatever is drawn, in every view."""
    method = small(name, crop=0.2, rotate=True, blur=0.05, brightness=0.5, **PART)
    colours = torch.randint(0, 256, (5, 2, 1, 2, 1, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    mosaics = colours.expand(5, 2, 20, 2, 20, 3).reshape(5, 40, 40, 3)
    numbers = torch.rand(5, method.VIEWS, NUMBERS, generator=torch.Generator().manual_seed(1))
    views = method.augment(mosaics, numbers, grid=2)
    assert views.shape == (5, method.VIEWS, 3, 32, 32)
    cells = views.reshape(5, method.VIEWS, 3, 2, 16, 2, 16)
    spread = cells.amax(dim=(4, 6)) - cells.amin(dim=(4, 6))
    assert float(spread.max()) < 1e-5
    across = method.augment(mosaics, numbers)  # as if it were one picture: then seams do move
    assert (
        float((across[:, :, :, :16, :16].amax(dim=(3, 4)) - across[:, :, :, :16, :16].amin(dim=(3, 4))).max()) > 0.1
    )


def test_a_mosaic_alone_is_the_mosaic_in_a_batch() -> None:
    method = small("mae", crop=0.3, rotate=True, **PART)
    mosaics = torch.randint(0, 256, (4, 40, 40, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    numbers = torch.rand(4, 1, NUMBERS, generator=torch.Generator().manual_seed(1))
    together = method.augment(mosaics, numbers, grid=2)
    for at in range(4):
        assert torch.equal(method.augment(mosaics[at : at + 1], numbers[at : at + 1], grid=2)[0], together[at])


@pytest.mark.parametrize("name", ["mae", "simclr"])
def test_a_stopped_run_goes_on_to_the_same_end_also_without_its_set_and_its_cache(scored: Scored, name: str) -> None:
    workspace, dataset = scored
    mosaics, method = saved(dataset), small(name, **PART)
    whole = trained(scored, mosaics, method, epochs=6)
    stop = Stopping(3)
    with pytest.raises(Cancelled):
        trained(scored, mosaics, method, epochs=6, reporter=stop)
    shutil.rmtree(mosaics.folder)
    shutil.rmtree(workspace.root / "prepared")
    again = resume(workspace, workspace.runs()[-1], device="cpu")
    columns = ["step", "loss", "gradient_norm"]
    pd.testing.assert_frame_equal(again.metrics[columns], whole.metrics[columns], check_exact=True)
    assert again.result is not None
    assert whole.result is not None
    assert again.result.weights == whole.result.weights


def test_the_record_tells_what_it_trained_on(scored: Scored) -> None:
    _, dataset = scored
    mosaics = saved(dataset, name="hardest")
    run = trained(scored, mosaics, small("mae", **PART))
    record = run.record
    assert (record.mosaics, record.mosaics_name, record.selection) == (mosaics.id, "hardest", None)
    assert (record.images, record.retained) == (10, 1.0)
    assert record.tiling == mosaics.record.tiling
    assert set(run.frames["frame_id"]) == set(mosaics.manifest["frame_id"])
    assert run.cells is not None
    assert len(run.cells) == 40


def test_a_frame_that_cannot_be_read_takes_its_mosaics_along(scored: Scored, tmp_path: Path) -> None:
    workspace, dataset = scored
    folder = tmp_path / "frames"
    shutil.copytree(dataset.record.sources[0].root, folder)
    mosaics = saved(dataset)
    text = (dataset.folder / "dataset.json").read_text().replace(dataset.record.sources[0].root, str(folder))
    (dataset.folder / "dataset.json").write_text(text)
    lost = mosaics.manifest["frame_id"].iloc[0]
    (folder / str(dataset.frames.set_index("frame_id").loc[lost, "path"])).write_bytes(b"no picture")
    run = trained((workspace, dataset), mosaics, small("mae", batch_size=4, **PART))
    of_it = mosaics.manifest.loc[mosaics.manifest["frame_id"] == lost, "mosaic"].nunique()
    assert run.record.images == 10 - of_it
    assert run.record.notes["left_out"].startswith(f"{of_it} of 10 mosaics are left out, as 1 of their frames cannot")
    assert lost in run.record.notes["left_out"]
    assert lost not in set(run.frames["frame_id"])


def test_what_a_reviewer_removed_since_is_not_trained_on_nor_written(scored: Scored, tmp_path: Path) -> None:
    workspace, dataset = scored
    mosaics = saved(dataset)
    selection = select(workspace, dataset, make_selector("every_nth", {"n": 1}))
    gone = mosaics.manifest["frame_id"].iloc[0]
    with_it = set(mosaics.manifest.loc[mosaics.manifest["frame_id"] == gone, "mosaic"])
    assert 0 < len(with_it) < 8
    pin(workspace, selection, [gone], "drop", reviewer="Dr A", reason="private")
    run = trained((workspace, dataset), mosaics, small("mae", batch_size=2, **PART), epochs=1)
    assert run.record.images == 10 - len(with_it)
    assert gone not in set(run.frames["frame_id"])
    assert run.record.notes["removed_since"].startswith(f"{len(with_it)} of 10 mosaics are left out, as reviewers")
    written = tmp_path / "written"
    assert (
        main(["mosaics", "planted", "--saved", "hard", "--out", str(written), "--workspace", str(workspace.root)])
        == 0
    )
    assert gone not in set(pd.read_parquet(written / "manifest.parquet")["frame_id"])
    assert "reviewers have removed 1" in json.loads((written / "mosaics.json").read_text())["notes"]["removed_since"]
    as_saved = trained((workspace, dataset), mosaics, small("mae", **PART), epochs=1, overruled=False)
    assert as_saved.record.images == 10


def test_more_mosaics_than_frames_can_be_evaluated(scored: Scored) -> None:
    from dataeff_core.cli.evaluating import summary

    _, dataset = scored
    mosaics = saved(dataset, grid=1)
    assert (mosaics.record.mosaics, mosaics.record.retained) == (40, 4.0)
    run = trained(scored, mosaics, small("mae", **PART), epochs=1)
    assert run.record.retained == 4.0
    record = EvaluationRecord.model_construct(
        task="segmentation", retained=run.record.retained, encoder="", headline="miou", metrics={"miou": 0.5},
        intervals={}, counts={}, leaks={}, notes={}, seconds=0.0,
    )  # fmt: skip
    evaluation = SimpleNamespace(id="e", record=record, per_image=pd.DataFrame({"frame_id": [], "iou": []}))
    assert summary(evaluation)["normdel"] is None  # type: ignore[arg-type]


def test_a_name_of_two_kinds_is_asked_for_again(scored: Scored, capsys: pytest.CaptureFixture[str]) -> None:
    workspace, dataset = scored
    mosaics = saved(dataset, name="planted")
    assert main(["pretrain", "planted", "--epochs", "1", "--workspace", str(workspace.root)]) == 2
    assert f"is the name of a dataset ({dataset.id}) and a set of mosaics ({mosaics.id})" in capsys.readouterr().err
    assert _source(workspace, mosaics.id).record.id == mosaics.id
    short = saved(dataset, name=dataset.id[:4])
    assert _source(workspace, dataset.id[:4]).record.id == short.id, "a whole name before the beginning of an id"


def test_too_many_mosaics_lost_is_said_with_the_reason(scored: Scored) -> None:
    workspace, dataset = scored
    mosaics = saved(dataset)
    selection = select(workspace, dataset, make_selector("every_nth", {"n": 1}))
    pin(workspace, selection, [mosaics.manifest["frame_id"].iloc[0]], "drop", reviewer="Dr A", reason="private")
    with pytest.raises(BadInput, match="do not fill a batch of 10"):
        trained((workspace, dataset), mosaics, small("mae", batch_size=10, **PART))
    assert not list((workspace.root / "prepared").glob("cells*")), "before anything is cut"


def test_large_sets_are_looked_up_at_once() -> None:
    """Not a pass over all cells for each one that is missing: 400,000 cells would take hours."""
    store = CellStore(
        Workspace(Path("nowhere")), Tiling(grid=2, height=64, width=64, aspect="crop"), small("mae", **PART)
    )
    cells = pd.DataFrame(
        {"sha256": ["0" * 64] * 60_000, "top": np.arange(60_000), "left": 0, "bottom": 9, "right": 9}
    )
    assert store.missing(cells).all()


def test_seams_must_lie_between_the_networks_patches() -> None:
    check_seams(2, small("mae", **PART))
    check_seams(2, small("mae", image_size=96, patch_size=12))
    with pytest.raises(BadInput, match=r"48 pixels cut in 2 does not end on patches of 16 pixels.*use image_size 64"):
        check_seams(2, small("mae", image_size=48))
    with pytest.raises(BadInput, match=r"cut in 3 does not end on patches of 16 pixels.*use image_size 240"):
        check_seams(3, small("mae", image_size=224))


def test_what_cannot_be_trained_is_said_before_anything_is_cut(scored: Scored) -> None:
    workspace, dataset = scored
    mosaics = saved(dataset)
    with pytest.raises(BadInput, match="use image_size 64"):
        trained(scored, mosaics, small("mae", image_size=48))
    with pytest.raises(BadInput, match="10 images do not fill a batch of 16"):
        trained(scored, mosaics, small("mae", batch_size=16, **PART))
    assert not list((workspace.root / "prepared").glob("cells*"))
    stale = MosaicSet(mosaics.folder, mosaics.record.model_copy(update={"dataset_fingerprint": "0"}))
    with pytest.raises(Stale, match="were laid out before planted changed"):
        trained(scored, stale, small("mae", **PART))


def test_equal_sets_are_one_and_other_rules_make_another(scored: Scored) -> None:
    workspace, dataset = scored
    one = saved(dataset)
    assert saved(dataset).id == one.id
    others = [
        saved(dataset, name="another"),
        saved(dataset, name="padded", aspect="pad"),
        saved(dataset, name="fewer", choice=PatchRules(lower=0.2)),
    ]
    assert len({one.id, *(other.id for other in others)}) == 4
    assert [each.id for each in workspace.mosaic_sets(dataset)] == [one.id, *(other.id for other in others)]
    assert workspace.mosaic_set("hard").id == one.id
    with pytest.raises(NotFound, match="no set of mosaics is called"):
        workspace.mosaic_set("nothing")


def test_cells_of_a_store_are_cut_once(scored: Scored) -> None:
    workspace, dataset = scored
    method = small("mae", **PART)
    store = CellStore(workspace, saved(dataset).record.tiling, method)
    first, second = saved(dataset), saved(dataset, choice=PatchRules(lower=0.2, upper=None))
    store.fill(dataset, first.manifest, workers=0, reporter=Reporter())
    assert not store.missing(second.manifest).any()
    assert store.store.side == cell_side(method, 2) == 20
    wider = saved(dataset, height=64, width=96)
    assert CellStore(workspace, wider.record.tiling, method).missing(wider.manifest).all(), "another shape"
    assert small_cells(first.manifest, 32) == 0
    assert small_cells(first.manifest, 33) == 40


def test_leaks_are_found_in_the_frames_that_mosaics_are_of(scored: Scored) -> None:
    workspace, dataset = scored
    mosaics = saved(dataset, choice=PatchRules(lower=0.8, upper=None))
    run = trained(scored, mosaics, small("mae", batch_size=2, **PART))
    used = set(mosaics.manifest["frame_id"])
    assert len(used) < len(dataset.frames)
    found = leakage.find_leaks(workspace, dataset, dataset.frames, run, Reporter())
    assert found.checked
    assert set(found.pairs.loc[found.pairs["kind"] == "exact", "frame_id"]) == used


def test_the_verbs(scored: Scored, capsys: pytest.CaptureFixture[str]) -> None:
    workspace, dataset = scored

    def tell(*words: str, status: int = 0) -> dict[str, object]:
        capsys.readouterr()
        assert main([*words, "--json", "--workspace", str(workspace.root)]) == status
        told: dict[str, object] = json.loads(capsys.readouterr().out)
        return told

    told = tell("mosaics", dataset.id, "--name", "mine", "--set", "lower=0", "--set", "upper=1", "--count", "9")
    assert told["mosaics"] == 9
    listed = tell("list", "mosaics")["items"]
    assert [(one["id"], one["name"], one["mosaics"]) for one in listed] == [(told["mosaic_set"], "mine", 9)]  # type: ignore[attr-defined]
    settings = [f"--set={key}={value}" for key, value in small("mae", **PART).model_dump(exclude_none=True).items()]
    again = tell("mosaics", dataset.id, "--saved", "mine", "--out", str(workspace.root / "again"))
    assert (again["mosaics"], again["mosaic_set"]) == (9, told["mosaic_set"])
    written = pd.read_parquet(workspace.root / "again" / "manifest.parquet")
    kept = workspace.mosaic_set("mine").manifest
    pd.testing.assert_frame_equal(written[list(kept)], kept, check_dtype=False)
    assert {key: again[key] for key in ("nothing", "given")} == {key: told[key] for key in ("nothing", "given")}
    assert main(["mosaics", dataset.id, "--saved", "mine", "--count", "3", "--workspace", str(workspace.root)]) == 2
    assert "has rules of its own; leave --count out" in capsys.readouterr().err
    run = tell("pretrain", "mine", *settings, "--epochs", "1", "--device", "cpu")
    assert (run["mosaics"], run["images"], run["selection"]) == (told["mosaic_set"], 9, None)
    assert main(["pretrain", "nothing", "--workspace", str(workspace.root)]) == 2
    said = capsys.readouterr().err
    assert "no dataset is called 'nothing'" in said
    assert "no set of mosaics is called 'nothing'" in said
