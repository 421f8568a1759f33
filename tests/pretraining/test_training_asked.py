"""What may be asked of a run: images, selections, weights to begin with; and what is refused."""

from pathlib import Path

import pytest
import torch

from dataeff_core.backbones.checkpoints import read_weights
from dataeff_core.errors import BadInput, MissingWeights, Stale
from dataeff_core.pretraining.pretraining import pretrain
from tests.fabrication import fabricate_selection
from tests.pretraining.making import Made, Stopping, fresh, small, toy


def test_equal_images_seen_for_a_selection(tmp_path: Path) -> None:
    from tests.fabrication import fabricate

    workspace, dataset, embedding, _ = fabricate(tmp_path / "w", frames=20)
    saved = fabricate_selection(dataset, embedding, keep=0.5, name="half")
    kept = set(saved.decisions.loc[saved.decisions["decision"] == "kept", "frame_id"])
    run = pretrain(workspace, saved, toy(), images_seen=79)
    record = run.record
    assert (record.images, record.retained, record.images_seen, record.epochs) == (10, 0.5, 80, 8)
    assert (record.selection, record.selection_name) == (saved.id, "half")
    assert set(run.frames["frame_id"]) == kept


def test_unreadable_frames_are_left_out_and_named(tmp_path: Path, known_toy: None) -> None:
    workspace, dataset = fresh(tmp_path)
    lost = dataset.frames.iloc[4]
    dataset.file(lost).unlink()
    reporter = Stopping(99)
    run = pretrain(workspace, dataset, toy(image_size=208), epochs=1, reporter=reporter)
    assert (run.record.images, run.record.retained) == (19, 0.95)
    assert lost["frame_id"] not in set(run.frames["frame_id"])
    assert run.record.notes["unreadable"] == 1
    assert f"{lost['path']}: the file is no longer there" in run.record.notes["left_out"]
    assert "20 of 20 frames are smaller than the network's input of 208 x 208" in run.record.notes["scaled_up"]
    assert set(reporter.logged) >= {run.record.notes["left_out"], run.record.notes["scaled_up"]}
    assert "preparing images" in reporter.phases


def test_a_selection_of_an_older_dataset_is_refused(tmp_path: Path) -> None:
    from tests.fabrication import fabricate

    workspace, dataset, embedding, _ = fabricate(tmp_path / "w", frames=20)
    saved = fabricate_selection(dataset, embedding)
    dataset.record.model_copy(update={"fingerprint": "other"}).write(dataset.folder)
    with pytest.raises(Stale, match="run `select"):
        pretrain(workspace, saved, toy())


@pytest.mark.parametrize(
    ("changes", "options", "sentence"),
    [
        ({"batch_size": 32}, {}, "20 images do not fill a batch of 32; lower batch_size to 20"),
        ({"accumulate": 9}, {}, "accumulate 9 is more than the 8 images of a step"),
        ({}, {"epochs": 0}, "epochs 0 is below 1"),
        ({}, {"epochs": 1, "images_seen": 1}, "give one of them"),
        ({}, {"seed": -1}, "seed -1 is below 0"),
        ({}, {"snapshots": [1.5]}, "snapshot 1.5 is not between 0 and 1"),
        ({}, {"device": "tpu"}, "device 'tpu' is not one of"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_written(
    pictures: Made, changes: dict[str, object], options: dict[str, object], sentence: str
) -> None:
    workspace, dataset = pictures
    before = len(workspace.runs())
    with pytest.raises(BadInput, match=sentence):
        pretrain(workspace, dataset, toy(**changes), **options)
    assert len(workspace.runs()) == before


def test_nothing_to_train_on(tmp_path: Path) -> None:
    from tests.fabrication import fabricate

    workspace, dataset, embedding, _ = fabricate(tmp_path / "w", frames=20)
    saved = fabricate_selection(dataset, embedding)
    decisions = saved.decisions.assign(decision="dropped")
    decisions.to_parquet(saved.folder / saved.DECISIONS)
    with pytest.raises(BadInput, match="no images"):
        pretrain(workspace, workspace.selection(saved.id), toy())


def test_starting_from_weights(pictures: Made, tmp_path: Path) -> None:
    workspace, dataset = pictures
    first = pretrain(workspace, dataset, small("mae"), epochs=1)
    method = small("mae", start_from=str(first.encoder_file), learning_rate=1e-9)
    second = pretrain(workspace, dataset, method, epochs=1)
    assert len(second.record.notes["start_from_sha256"]) == 64
    old, new = read_weights(first.encoder_file), read_weights(second.encoder_file)
    assert all(torch.allclose(old[name], new[name], atol=1e-6) for name in old)
    with pytest.raises(MissingWeights, match=r"start_from .* is not there"):
        pretrain(workspace, dataset, small("mae", start_from=str(tmp_path / "none.pt")), epochs=1)
    with pytest.raises(BadInput, match="does not fit"):
        pretrain(workspace, dataset, small("mae", start_from=str(first.encoder_file), depth=2), epochs=1)


def test_a_method_that_compares_images_takes_no_parts(pictures: Made) -> None:
    workspace, dataset = pictures
    with pytest.raises(BadInput, match="accumulate 2 would change what simclr learns"):
        pretrain(workspace, dataset, small("simclr", accumulate=2), epochs=1)


def test_a_selection_without_its_overrules(tmp_path: Path, known_toy: None) -> None:
    from dataeff_core.review.pinning import pin
    from tests.fabrication import fabricate

    workspace, dataset, embedding, _ = fabricate(tmp_path / "w", frames=20)
    saved = fabricate_selection(dataset, embedding)
    kept = saved.machine.loc[saved.machine["decision"] == "kept", "frame_id"].tolist()
    pin(workspace, saved, [kept[0]], "drop", reviewer="A", reason="other", why="test")
    again = workspace.selection(saved.id)
    assert pretrain(workspace, again, toy(batch_size=2), epochs=1).record.images == len(kept) - 1
    made = pretrain(workspace, again, toy(batch_size=2), epochs=1, overruled=False)
    assert made.frames["frame_id"].tolist() == kept


def test_memory_that_does_not_suffice_says_what_to_lower(pictures: Made, known_toy: None) -> None:
    workspace, dataset = pictures
    with pytest.raises(BadInput, match=r"does not hold 8 images of 16 pixels .* raise accumulate \(now 1\)"):
        pretrain(workspace, dataset, toy(fits=4), epochs=1)
    assert pretrain(workspace, dataset, toy(fits=4, accumulate=2), epochs=1).state == "done"
    with pytest.raises(BadInput, match=r"once; lower batch_size \(now 8\) or image_size"):
        pretrain(workspace, dataset, toy(fits=0, accumulate=8), epochs=1)
