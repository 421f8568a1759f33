"""From an encoder's name to a saved evaluation, as a careless or hostile user would ask for it."""

import json
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dataeff_core import cli
from dataeff_core.errors import BadInput, Cancelled, Conflict, DataEffError, MissingWeights, NotFound
from dataeff_core.evaluation import make_task
from dataeff_core.evaluation.evaluating import evaluate
from dataeff_core.evaluation.normdel import normdel
from dataeff_core.evaluation.splits import SPLITS
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset, Evaluation, Workspace
from tests.evaluation.making import TINY, discs, make_dataset, make_run, scene

torch = pytest.importorskip("torch")
torch.set_num_threads(1)
QUICK = make_task("segmentation", {"epochs": 2, "batch_size": 8, "hidden": 8, "last_epochs": 2})
SMALL = "test_vit"  # a timm model of 64 numbers a token


@pytest.fixture
def place(tmp_path: Path) -> tuple[Workspace, Dataset]:
    workspace, dataset = discs(tmp_path / "ws", 20)
    _, source = make_dataset(tmp_path / "ws", [scene(500 + one)[0] for one in range(6)], name="source")
    make_run(workspace, source, retained=0.25, snapshots=(2, 5))
    return workspace, dataset


def scored(place: tuple[Workspace, Dataset], encoder: str = "run:mae-000001", **options: Any) -> Evaluation:
    return evaluate(place[0], encoder, place[1], options.pop("task", QUICK), device="cpu", **options)


def test_the_folder_explains_itself(place: tuple[Workspace, Dataset]) -> None:
    found = place[0].evaluation(scored(place, name="first").id)
    record = found.record
    assert (record.encoder, record.run, record.name) == ("run:mae-000001", "mae-000001", "first")
    assert (record.retained, record.task, record.label, record.epoch) == (0.25, "segmentation", None, None)
    assert record.headline == "fg_iou_mean_per_image"
    assert 0 <= record.score <= 1
    assert record.params == QUICK.model_dump(mode="json")
    splits = found.splits
    assert record.counts == {one: int((splits["split"] == one).sum()) for one in SPLITS} | {"left_out": 0}
    assert set(splits["frame_id"]) == set(place[1].frames["frame_id"])
    test = set(splits[splits["split"] == "test"]["frame_id"])
    assert set(found.per_image["frame_id"]) == test
    assert set(record.intervals) == set(record.metrics)
    assert found.per_epoch["epoch"].tolist() == [1, 2]
    assert found.left_out.empty
    assert record.leaks["checked"] is True
    names = [path.stem for paths in found.overlays.values() for path in paths]
    assert len(names) == len(set(names)) == 6
    assert {name.split("-", 2)[2] for name in names} <= test
    with Image.open(found.overlays["best"][0]) as image:
        assert image.size == (64, 64)


def test_an_equal_evaluation_is_not_made_twice(place: tuple[Workspace, Dataset]) -> None:
    first = scored(place)
    assert scored(place).id == first.id
    assert scored(place, seed=1).id != first.id
    assert scored(place, task=QUICK.model_copy(update={"epochs": 1})).id != first.id
    assert scored(place, epoch=2).id != first.id
    mask = next(Path(str(place[1].record.sources[0].masks)).iterdir())
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(mask)
    assert scored(place).id != first.id
    assert len(place[0].evaluations()) == 5


def test_snapshots_and_untrained_twins_have_their_own_weights(place: tuple[Workspace, Dataset]) -> None:
    made = [scored(place), scored(place, epoch=5), *(scored(place, "untrained:mae-000001", seed=s) for s in (0, 1))]
    assert len({one.record.weights for one in made}) == 4
    assert [one.record.epoch for one in made] == [None, 5, None, None]
    assert [one.record.retained for one in made] == [0.25, 0.25, None, None]
    assert made[2].record.encoder == "untrained:mae-000001"
    assert not made[2].record.leaks["checked"]


def test_a_timm_model_with_its_weights_in_a_file(place: tuple[Workspace, Dataset], tmp_path: Path) -> None:
    import timm

    model = timm.create_model(SMALL, pretrained=False, num_classes=10)
    torch.save(model.state_dict(), tmp_path / "small.pth")
    record = scored(place, f"timm:{SMALL}", checkpoint=tmp_path / "small.pth").record
    assert (record.encoder, record.run, record.retained) == (f"timm:{SMALL}", None, None)
    assert record.leaks == {
        "checked": False,
        "why": "the images that the encoder was pre-trained on are not known here, or there are none",
    }


@pytest.mark.parametrize(
    ("encoder", "options", "error", "sentence"),
    [
        ("run:nowhere", {}, NotFound, "no run is called 'nowhere'"),
        ("mae-000001", {}, NotFound, "write run:<id>, untrained:<run id> or timm:<model>"),
        ("run:", {}, NotFound, "no encoder is called 'run:'"),
        ("run:mae-000001", {"epoch": 3}, NotFound, "no snapshot of epoch 3; there are: 2, 5"),
        ("timm:no_such_vit", {}, NotFound, "timm has no model 'no_such_vit'"),
        ("timm:test_vit", {"epoch": 1}, BadInput, "epoch 1 makes no sense for timm:test_vit"),
        ("run:mae-000001", {"checkpoint": Path("x.pth")}, BadInput, "takes no --checkpoint"),
        ("timm:test_vit", {"checkpoint": Path("nowhere.pth")}, MissingWeights, "nowhere.pth is not there"),
        ("run:mae-000001", {"seed": -1}, BadInput, "seed -1 is below 0"),
    ],
)
def test_what_is_not_there_is_said(
    place: tuple[Workspace, Dataset],
    encoder: str,
    options: dict[str, Any],
    error: type[DataEffError],
    sentence: str,
) -> None:
    with pytest.raises(error, match=sentence):
        scored(place, encoder, **options)
    assert place[0].evaluations() == []


def test_an_unfinished_run_offers_its_snapshots(place: tuple[Workspace, Dataset]) -> None:
    make_run(place[0], place[1], run_id="mae-000002", finished=False, snapshots=(4,))
    with pytest.raises(Conflict, match=r"has not finished; resume it first .*--epoch \(4\)"):
        scored(place, "run:mae-000002")
    assert scored(place, "run:mae-000002", epoch=4).record.epoch == 4
    assert scored(place, "run:latest").record.run == "mae-000001"


class Harm:
    """A pickle that would run code."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.marker),)


def test_a_pickle_that_would_run_code_is_refused(place: tuple[Workspace, Dataset], tmp_path: Path) -> None:
    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"model": Harm(tmp_path / "harmed")}))
    with pytest.raises(BadInput, match=r"evil\.pth"):
        scored(place, f"timm:{SMALL}", checkpoint=tmp_path / "evil.pth")
    assert not (tmp_path / "harmed").exists()


def test_damaged_and_foreign_weights_are_one_sentence(place: tuple[Workspace, Dataset], tmp_path: Path) -> None:
    import timm

    other = timm.create_model("test_vit2", pretrained=False)
    torch.save(other.state_dict(), tmp_path / "other.pth")
    with pytest.raises(BadInput, match="does not fit the model"):
        scored(place, f"timm:{SMALL}", checkpoint=tmp_path / "other.pth")
    file = place[0].run("mae-000001").encoder_file
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(BadInput, match="no whole safetensors file"):
        scored(place)
    deeper = TINY.model_copy(update={"depth": 2})
    foreign = make_run(place[0], place[1], run_id="mae-000003", backbone=deeper)
    shutil.copy(foreign.encoder_file, file)
    with pytest.raises(BadInput, match="does not fit the model"):
        scored(place)
    twin = make_run(place[0], place[1], run_id="mae-000004", seed=9)
    shutil.copy(twin.encoder_file, file)
    with pytest.raises(BadInput, match="is not what run mae-000001 left"):
        scored(place)


def test_images_that_are_gone_are_left_out_with_their_reason(place: tuple[Workspace, Dataset]) -> None:
    dataset = place[1]
    (Path(dataset.record.sources[0].root) / "0003.png").unlink()
    (Path(dataset.record.sources[0].root) / "0005.png").write_bytes(b"other")
    found = scored(place)
    assert found.record.counts["left_out"] == 2
    gone = dict(found.left_out.itertuples(index=False, name=None))
    assert gone == {
        dataset.frames["frame_id"][3]: "the file is no longer there",
        dataset.frames["frame_id"][5]: "the file has changed since it was imported",
    }
    assert "2 images are left out" in found.record.notes["left_out"]


def test_no_image_that_can_be_read_is_one_sentence(place: tuple[Workspace, Dataset]) -> None:
    shutil.rmtree(place[1].record.sources[0].root)
    with pytest.raises(BadInput, match=r"no image of discs can be read \(the file is no longer there\)"):
        scored(place)


def test_images_smaller_than_the_input_are_enlarged_and_noted(tmp_path: Path) -> None:
    workspace, dataset = discs(tmp_path / "ws", 12)
    make_run(workspace, dataset, backbone=TINY.model_copy(update={"image_size": 128, "patch_size": 32}))
    found = scored((workspace, dataset))
    assert (
        found.record.notes["small"] == "12 images are smaller than the encoder's 128 x 128 pixels and were enlarged"
    )


def test_the_downstream_set_being_the_pretraining_set_is_warned_of(tmp_path: Path) -> None:
    workspace, dataset = discs(tmp_path / "ws", 12)
    make_run(workspace, dataset)
    found = scored((workspace, dataset)).record
    assert found.notes["leaks"].startswith("all 4 test images are in the pre-training set")
    assert (found.leaks["frames"], found.leaks["exact"]) == (4, 4)
    assert "score_without" not in found.leaks


def test_one_group_is_one_sentence(tmp_path: Path) -> None:
    made = [scene(one) for one in range(6)]
    workspace, dataset = make_dataset(
        tmp_path / "ws", [rgb for rgb, _ in made], masks=[disc for _, disc in made], groups=["all"] * 6
    )
    make_run(workspace, dataset)
    with pytest.raises(BadInput, match=r"downstream has 1 group \(all\).*--groups.*split_by=image"):
        scored((workspace, dataset))
    assert (
        scored((workspace, dataset), task=QUICK.model_copy(update={"split_by": "image"})).record.counts["test"] == 2
    )


def test_stopping_leaves_nothing_behind(place: tuple[Workspace, Dataset]) -> None:
    class Stopped(Reporter):
        def stop_asked(self) -> bool:
            return self.phase_name == "training the head" and self.done == 1

    with pytest.raises(Cancelled):
        scored(place, reporter=Stopped())
    assert place[0].evaluations() == []
    assert not list(place[0].evaluations_folder.glob("*"))


def run_cli(capsys: pytest.CaptureFixture[str], workspace: Workspace, *arguments: str) -> tuple[int, Any, str]:
    status = cli.main(["evaluate", *arguments, "--device", "cpu", "--json", "--workspace", str(workspace.root)])
    out, err = capsys.readouterr()
    return status, json.loads(out), err


def test_the_verb_says_what_the_contract_wants(
    place: tuple[Workspace, Dataset], capsys: pytest.CaptureFixture[str]
) -> None:
    status, result, _ = run_cli(
        capsys, place[0], "mae-0", "--on", "discs", "--set", "epochs=2", "--set", "hidden=8", "--name", "cli"
    )
    assert status == 0
    assert {"evaluation", "task", "miou", "per_image", "normdel", "retained", "seconds", "metrics"} <= set(result)
    assert result["retained"] == 0.25
    assert result["normdel"] == pytest.approx(normdel(result["miou"], 0.25))
    assert np.mean([one["iou"] for one in result["per_image"]]) == pytest.approx(result["miou"])
    assert len(result["per_image"]) == result["counts"]["test"]


def test_the_verb_classifies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = [scene(one, radius=14 if one % 2 else 0)[0] for one in range(24)]
    labels = ["polyp" if one % 2 else "normal" for one in range(24)]
    workspace, dataset = make_dataset(tmp_path / "ws", made, labels={"finding": labels})
    make_run(workspace, dataset)
    arguments = ["--encoder", "untrained:mae-000001", "--on", dataset.id, "--task", "classification"]
    status, result, _ = run_cli(capsys, workspace, *arguments, "--label", "finding")
    assert status == 0
    assert 0.9 < result["auc"] == result["metrics"]["auc_macro"] <= 1
    assert (result["retained"], result["normdel"]) == (None, None)
    assert set(result["per_image"][0]) == {"frame_id", "truth", "predicted"}
    assert workspace.evaluation("latest").record.label == "finding"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--on", "discs"], "name one encoder"),
        (["mae-000001", "--encoder", "timm:test_vit", "--on", "discs"], "name one encoder"),
        (["mae-000001", "--on", "nowhere"], "no dataset is called 'nowhere'"),
        (["mae-000001", "--on", "discs", "--label", "x"], "--label x makes no sense for segmentation"),
        (["mae-000001", "--on", "discs", "--set", "epochs=none"], "segmentation's epochs=none cannot be used"),
        (["mae-000001", "--on", "discs", "--task", "classification"], "has no labels"),
        (["mae-000001", "--on", "source"], "source has no masks"),
        (["mae-000001", "--on", "discs", "--device", "tpu"], "device 'tpu' is not one of"),
    ],
)
def test_the_verb_refuses_in_one_line(
    place: tuple[Workspace, Dataset], capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    status = cli.main(["evaluate", "--device", "cpu", *arguments, "--workspace", str(place[0].root)])
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert status == 2
    assert sentence in error


def test_the_verb_helps(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["evaluate", "--help"])
    told = capsys.readouterr().out
    for word in ("last_epochs", "frozen | finetuned", "neighbours", "untrained:<run id>", "--background"):
        assert word in told
