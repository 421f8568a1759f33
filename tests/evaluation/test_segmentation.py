"""The head by hand, frozen against fine-tuned at step 0, and that it learns what can be learnt."""

import numpy as np
import pandas as pd
import pytest

from dataeff_core.backbones import Backbone
from dataeff_core.errors import BadInput
from dataeff_core.evaluation import Segmentation, make_task
from dataeff_core.evaluation.base import Examples, Material
from dataeff_core.evaluation.masks import Masks
from dataeff_core.evaluation.overlays import chosen, overlay
from dataeff_core.reporting import Reporter
from tests.evaluation.making import TINY, scene

torch = pytest.importorskip("torch")
torch.set_num_threads(1)
QUICK = {"epochs": 30, "learning_rate": 5e-3, "batch_size": 8, "hidden": 32, "last_epochs": 3}


def material(count: int = 20, *, backbone: Backbone = TINY, seed: int = 0, empty_test: bool = False) -> Material:
    from dataeff_core.backbones import vit
    from dataeff_core.evaluation.pictures import Squashed

    made = [scene(one) for one in range(count)]
    split = np.array(["train"] * (count - 8) + ["validation"] * 3 + ["test"] * 5, object)
    masks = [disc & (not empty_test or split[one] != "test") for one, (_, disc) in enumerate(made)]
    ids = np.array([f"frame{one}" for one in range(count)], object)
    frames = pd.DataFrame({"frame_id": ids, "group": ids})
    return Material(
        backbone=backbone,
        vit=vit.build(backbone, seed=seed),
        images=Squashed(backbone.image_size)([rgb for rgb, _ in made]),
        examples=Examples(frames, Masks.of(masks), np.full(count, "foreground", object)),
        split=split,
        units=ids,
        seed=seed,
        device=torch.device("cpu"),
        reporter=Reporter(),
    )


def test_cells_stand_where_their_patch_is() -> None:
    """With the last layer's bias alone every patch answers with its cells, row by row."""
    from dataeff_core.evaluation.heads import MaskHead

    head = MaskHead(8, hidden=4, detail=2)
    torch.nn.init.zeros_(head.layers[-1].weight)
    head.layers[-1].bias.data = torch.tensor([1.0, 2.0, 3.0, 4.0])
    cells = head(torch.randn(1, 4, 8))[0]
    assert cells.tolist() == [[1, 2, 1, 2], [3, 4, 3, 4], [1, 2, 1, 2], [3, 4, 3, 4]]


def test_patches_are_laid_out_row_by_row() -> None:
    from dataeff_core.evaluation.heads import MaskHead

    head = MaskHead(8, hidden=4, detail=1).eval()
    tokens = torch.randn(1, 9, 8)
    each = [head.layers(tokens[0, one]).item() for one in range(9)]
    np.testing.assert_allclose(head(tokens)[0].detach().reshape(-1).tolist(), each, rtol=1e-5)


def test_the_head_begins_by_answering_the_share_of_foreground() -> None:
    from dataeff_core.evaluation.heads import build_head

    head = build_head(16, hidden=8, detail=2, seed=0, foreground=0.2)
    assert torch.sigmoid(head.layers[-1].bias).mean().item() == pytest.approx(0.2)
    again = build_head(16, hidden=8, detail=2, seed=0, foreground=0.2)
    assert all(torch.equal(a, b) for a, b in zip(head.parameters(), again.parameters(), strict=True))


def test_loss_by_hand() -> None:
    from dataeff_core.evaluation.heads import mask_loss

    logits = torch.tensor([[[0.0, 0.0], [0.0, 0.0]]])
    target = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    dice = (2 * 0.5 + 1) / (2.0 + 1.0 + 1)
    assert mask_loss(logits, target).item() == pytest.approx(np.log(2) + 1 - dice)
    sure = mask_loss(torch.full((1, 2, 2), -30.0), torch.zeros(1, 2, 2))
    assert sure.item() == pytest.approx(0, abs=1e-6)  # an empty mask, and nothing found


def test_frozen_tokens_are_those_of_fine_tuning_before_its_first_step() -> None:
    from dataeff_core.evaluation.segmenting import prepare

    rows = np.array([3, 0, 7])
    frozen = prepare(Segmentation(encoder="frozen"), material()).logits(rows)
    tuned = prepare(Segmentation(encoder="finetuned"), material()).logits(rows)
    assert tuned.requires_grad
    torch.testing.assert_close(frozen, tuned, rtol=1e-4, atol=1e-5)


def test_tokens_too_many_to_keep_are_computed_when_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataeff_core.evaluation import segmenting

    task = make_task("segmentation", QUICK | {"epochs": 2})
    kept = task.score(material()).per_image
    monkeypatch.setattr(segmenting, "MOST_KEPT_BYTES", 0)
    np.testing.assert_allclose(task.score(material()).per_image["iou"], kept["iou"], atol=1e-3)


def test_a_task_that_can_be_learnt_is_learnt() -> None:
    scored = make_task("segmentation", QUICK).score(material())
    assert scored.metrics["fg_iou_mean_per_image"] > 0.75
    low, high = scored.intervals["fg_iou_mean_per_image"]
    assert low <= scored.metrics["fg_iou_mean_per_image"] <= high
    assert scored.per_image["iou"].mean() == pytest.approx(scored.metrics["fg_iou_mean_per_image"])
    assert scored.per_epoch["epoch"].tolist() == [28, 29, 30]
    assert scored.per_epoch["fg_iou_mean_per_image"].iloc[-1] > 0.7
    assert len(scored.per_image) == 5


def test_fine_tuning_learns_it_too_and_changes_the_encoder() -> None:
    given = material()
    before = {name: value.clone() for name, value in given.vit.state_dict().items()}
    scored = make_task("segmentation", QUICK | {"encoder": "finetuned", "epochs": 12}).score(given)
    assert scored.metrics["fg_iou_mean_per_image"] > 0.6
    assert any((value != before[name]).any() for name, value in given.vit.state_dict().items())


def test_a_frozen_encoder_is_not_changed() -> None:
    given = material()
    before = {name: value.clone() for name, value in given.vit.state_dict().items()}
    make_task("segmentation", QUICK | {"epochs": 2}).score(given)
    assert all((value == before[name]).all() for name, value in given.vit.state_dict().items())


def test_the_seed_decides() -> None:
    task = make_task("segmentation", QUICK | {"epochs": 3})
    first, again = (task.score(material()).per_image for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


def test_fewer_epochs_than_last_ones_are_all_scored() -> None:
    scored = make_task("segmentation", QUICK | {"epochs": 2, "last_epochs": 10}).score(material())
    assert scored.per_epoch["epoch"].tolist() == [1, 2]


def test_an_empty_test_split_is_warned_of() -> None:
    scored = make_task("segmentation", QUICK | {"epochs": 2}).score(material(empty_test=True))
    assert "all 5 test masks are empty" in scored.notes["test"]


def test_a_loss_that_is_no_number_is_one_sentence() -> None:
    given = material()
    given.vit.patch_embed.proj.weight.data[:] = float("nan")
    with pytest.raises(BadInput, match="loss of the segmentation was nan in epoch 1; lower learning_rate"):
        make_task("segmentation", QUICK).score(given)


def test_settings_are_refused_in_a_sentence() -> None:
    with pytest.raises(BadInput, match=r"segmentation's epochs=0 is not in \[1, 5000\]"):
        make_task("segmentation", {"epochs": "0"})
    with pytest.raises(BadInput, match="segmentation has no parameter 'depth'; it has"):
        make_task("segmentation", {"depth": "3"})
    with pytest.raises(BadInput, match="there is no task 'detection'; choose segmentation, classification"):
        make_task("detection", {})


@pytest.mark.parametrize("count", [1, 2, 3, 7, 12, 50])
def test_overlays_show_none_twice(count: int) -> None:
    iou = np.random.default_rng(0).random(count)
    rows = chosen(iou)
    every = [row for kind in rows.values() for row in kind]
    assert len(every) == len(set(every)) == min(12, count if count < 3 else 3 * min(4, count // 3))
    assert iou[rows["best"][0]] == iou.max()
    if count > 1:
        assert iou[rows["worst"][0]] == iou.min()


def test_an_overlay_draws_outline_and_tint() -> None:
    rgb = np.full((40, 40, 3), 200, np.uint8)
    truth, predicted = np.zeros((2, 40, 40), bool)
    truth[10:30, 10:30] = True
    predicted[15:25, 15:25] = True
    drawn = overlay(rgb, truth, predicted)
    assert drawn[10, 20].tolist() == [240, 228, 66]  # on the truth's rim
    assert drawn[9, 20].tolist() == [0, 0, 0]  # just around it
    assert drawn[20, 20, 2] > drawn[20, 20, 0]  # found: tinted blue
    assert drawn[2, 2].tolist() == drawn[13, 13].tolist() == [200, 200, 200]
