"""SAM's whole path with a small randomly initialised one, built from segment-anything's own classes."""

from pathlib import Path

import numpy as np
import pytest

from dataeff_core.errors import BadInput, MissingWeights
from dataeff_core.patches import make
from dataeff_core.patches.boxes import tidied
from dataeff_core.patches.proposing import propose
from dataeff_core.patches.sam_model import PUBLISHED, build
from tests.fabrication import fabricate
from tests.patches.making import scope_frame, tiny_sam, write_sam

LAX = {"points_per_side": 4, "pred_iou_thresh": 0, "stability_score_thresh": 0, "box_nms_thresh": 1}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sam(tmp_path_factory.mktemp("sam") / "tiny.pth", seed=1)


def test_a_sam_is_built_to_fit_its_tensors() -> None:
    wanted = tiny_sam().state_dict()
    got = build(wanted).state_dict()
    assert {name: one.shape for name, one in got.items()} == {name: one.shape for name, one in wanted.items()}
    assert [block.window_size for block in build(wanted).image_encoder.blocks] == [4, 0]


def test_boxes_come_from_its_masks(checkpoint: Path) -> None:
    image = scope_frame(disc=False)
    loaded = make("sam", LAX | {"checkpoint": str(checkpoint)}).load(device="cpu")
    found = loaded.candidates(image)
    assert len(found.boxes) == len(found.scores) > 0
    assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
    masks = loaded.generator.generate(image)
    rows, columns = np.nonzero(_mask(masks[0]["segmentation"]))
    expected = [rows.min() / 120, columns.min() / 160, (rows.max() + 1) / 120, (columns.max() + 1) / 160]
    np.testing.assert_allclose(found.boxes[0], expected)


def test_other_weights_than_the_published_are_told(checkpoint: Path) -> None:
    loaded = make("sam", LAX | {"checkpoint": str(checkpoint)}).load(device="cpu")
    assert loaded.weights in loaded.notes()["weights"] or loaded.weights[:16] in loaded.notes()["weights"]
    assert "not the published" in loaded.notes()["weights"]
    loaded.size, loaded.weights = "vit_b", PUBLISHED["vit_b"]
    assert loaded.notes() == {"weights": "the published SAM vit_b"}


def test_a_dataset_is_searched_with_it(tmp_path: Path, checkpoint: Path) -> None:
    workspace, dataset, _, _ = fabricate(tmp_path / "w", frames=4)
    asked = make("sam", LAX | {"checkpoint": str(checkpoint), "lit": 0, "max_area": 1, "min_side": 1})
    found = propose(workspace, dataset, asked, device="cpu", workers=0)
    assert found.record.patches == len(found.table) > 0
    assert "checkpoint" not in found.record.params
    assert found.record.weights == asked.load(device="cpu").weights
    image = scope_frame()
    assert tidied(asked.load(device="cpu").candidates(image), image, asked).shape[1] == 5


def test_bad_checkpoints_are_one_sentence(tmp_path: Path, checkpoint: Path) -> None:
    import torch

    with pytest.raises(MissingWeights, match="needs its weights"):
        make("sam").load()
    with pytest.raises(MissingWeights, match="is not there"):
        make("sam", {"checkpoint": str(tmp_path / "none.pth")}).load()
    cut = tmp_path / "cut.pth"
    cut.write_bytes(checkpoint.read_bytes()[:3000])
    with pytest.raises(BadInput, match="cut"):
        make("sam", {"checkpoint": str(cut)}).load()
    other = tmp_path / "other.pth"
    torch.save({"blocks.0.weight": torch.zeros(3)}, other)
    with pytest.raises(BadInput, match="holds no SAM"):
        make("sam", {"checkpoint": str(other)}).load()
    with pytest.raises(BadInput, match="width 16 and model=vit_b"):
        make("sam", {"checkpoint": str(checkpoint), "model": "vit_b"}).load()
    part = tiny_sam().state_dict()
    del part["mask_decoder.output_upscaling.0.weight"]
    torch.save(part, other)
    with pytest.raises(BadInput, match="no whole SAM"):
        make("sam", {"checkpoint": str(other)}).load()
    large = tiny_sam(width=768, depth=1).state_dict()
    torch.save(large, other)
    with pytest.raises(BadInput, match="SAM vit_b and model=vit_h"):
        make("sam", {"checkpoint": str(other), "model": "vit_h"}).load()


def _mask(rle: dict) -> np.ndarray:
    from segment_anything.utils.amg import rle_to_mask

    return rle_to_mask(rle)
