"""Masks as people have them: what is foreground, what fits, what is left out and why."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dataeff_core.errors import BadInput
from dataeff_core.evaluation.masks import Masks, Unusable, foreground, masks_fingerprint, read_masks
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset
from tests.evaluation.making import make_dataset, scene

DISC = np.hypot(*(np.mgrid[:40, :60] - np.array([20, 30])[:, None, None])) < 12


def saved(path: Path, pixels: np.ndarray, mode: str | None = None, **options: Any) -> Path:
    Image.fromarray(pixels, mode).save(path, **options)
    return path


@pytest.mark.parametrize("name", ["mask.png", "mask.bmp", "mask.tif", "mask.webp", "mask.gif"])
def test_black_and_white(tmp_path: Path, name: str) -> None:
    options = {"lossless": True} if name.endswith("webp") else {}
    found = foreground(saved(tmp_path / name, (DISC * 255).astype(np.uint8), **options))
    assert found.dtype == bool
    assert (found == DISC).all()


def test_zero_and_one(tmp_path: Path) -> None:
    assert (foreground(saved(tmp_path / "mask.png", DISC.astype(np.uint8))) == DISC).all()


def test_boolean(tmp_path: Path) -> None:
    Image.fromarray(DISC).save(tmp_path / "mask.png")
    assert (foreground(tmp_path / "mask.png") == DISC).all()


@pytest.mark.parametrize("colour", [(128, 0, 0), (64, 0, 0), (255, 255, 255), (0, 0, 255)])
def test_palette(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    image = Image.fromarray(DISC.astype(np.uint8), "P")
    image.putpalette([0, 0, 0, *colour])
    image.save(tmp_path / "mask.png")
    assert (foreground(tmp_path / "mask.png") == DISC).all()


def test_colours_and_transparency(tmp_path: Path) -> None:
    red = np.zeros((40, 60, 3), np.uint8)
    red[DISC] = (255, 0, 0)
    assert (foreground(saved(tmp_path / "rgb.png", red)) == DISC).all()
    opaque = np.dstack([red, np.full((40, 60), 255, np.uint8)])
    assert (foreground(saved(tmp_path / "opaque.png", opaque)) == DISC).all()
    cut_out = np.dstack([np.full((40, 60, 3), 255, np.uint8), (DISC * 255).astype(np.uint8)])
    assert (foreground(saved(tmp_path / "cut-out.png", cut_out)) == DISC).all()
    black_cut_out = np.dstack([np.zeros((40, 60, 3), np.uint8), (DISC * 255).astype(np.uint8)])
    assert (foreground(saved(tmp_path / "black.png", black_cut_out)) == DISC).all()
    grey = np.dstack([(DISC * 255).astype(np.uint8), np.full((40, 60), 255, np.uint8)])
    assert (foreground(saved(tmp_path / "la.png", grey)) == DISC).all()


def test_sixteen_bits(tmp_path: Path) -> None:
    assert (foreground(saved(tmp_path / "mask.png", (DISC * 65535).astype(np.uint16))) == DISC).all()


@pytest.mark.parametrize("quality", [30, 75, 95])
def test_jpeg_ringing_changes_nothing(tmp_path: Path, quality: int) -> None:
    square = np.zeros((64, 64), bool)
    square[13:45, 21:50] = True
    file = saved(tmp_path / "mask.jpg", (square * 255).astype(np.uint8), quality=quality)
    stored = np.asarray(Image.open(file))
    assert len(np.unique(stored)) > 2
    assert (foreground(file) == square).mean() > 0.99


def test_an_empty_jpeg_with_noise_is_empty(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 2, (40, 60)).astype(np.uint8)
    assert not foreground(saved(tmp_path / "mask.jpg", noise, quality=95)).any()


def test_what_is_no_mask_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="go up to 37"):
        foreground(saved(tmp_path / "dim.png", (DISC * 37).astype(np.uint8)))
    (tmp_path / "broken.png").write_bytes((tmp_path / "dim.png").read_bytes()[:60])
    with pytest.raises(Unusable, match="cannot be read"):
        foreground(tmp_path / "broken.png")
    with pytest.raises(Unusable, match="gone"):
        foreground(tmp_path / "nowhere.png")


def test_masks_keep_every_bit_and_their_share() -> None:
    rng = np.random.default_rng(0)
    given = [rng.random((7, 11)) > 0.5, np.zeros((3, 5), bool), np.ones((2, 2), bool)]
    masks = Masks.of(given)
    for row, mask in enumerate(given):
        assert (masks.mask(row) == mask).all()
    np.testing.assert_allclose(masks.shares, [mask.mean() for mask in given])
    assert (masks[np.array([False, True, True])].mask(1) == given[2]).all()
    assert (masks[np.array([2, 0])].mask(1) == given[0]).all()


def test_coverage_by_hand() -> None:
    mask = np.zeros((4, 4), bool)
    mask[:2, :2] = True
    mask[0, 2] = True
    np.testing.assert_allclose(Masks.of([mask]).coverage(2)[0], [[1, 0.25], [0, 0]])


def pictured(tmp_path: Path, masks: list[np.ndarray | None]) -> Dataset:
    return make_dataset(tmp_path / "ws", [scene(one)[0] for one in range(len(masks))], masks=masks)[1]


def test_missing_and_misfitting_masks_are_left_out_with_their_reason(tmp_path: Path) -> None:
    disc = scene(0)[1]
    half, wide = disc[::2, ::2], np.repeat(disc, 2, axis=1)
    dataset = pictured(tmp_path, [disc, None, half, wide, disc])
    (Path(str(dataset.record.sources[0].masks)) / "0004.png").write_bytes(b"no picture")
    frames, masks, left_out, notes = read_masks(dataset, Reporter())
    ids = dataset.frames["frame_id"]
    assert frames["frame_id"].tolist() == [ids[0], ids[2]]
    assert masks.shapes == ((64, 64), (32, 32))
    assert left_out[ids[1]] == "it has no mask"
    assert left_out[ids[3]] == "its mask is 128 x 64 pixels and it is 64 x 64: other proportions"
    assert "cannot be read" in left_out[ids[4]]
    assert "1 masks are of another size" in notes["mask_sizes"]


def test_nothing_to_learn_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="all 3 masks of downstream are empty, so there is no foreground to learn"):
        read_masks(pictured(tmp_path, [np.zeros((64, 64), bool)] * 3), Reporter())


def test_no_masks_is_one_sentence(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "ws", [scene(0)[0]])[1]
    with pytest.raises(BadInput, match=r"has no masks.*--masks FOLDER"):
        read_masks(dataset, Reporter())
    with pytest.raises(BadInput, match="has no masks"):
        masks_fingerprint(dataset)


def test_no_usable_mask_is_one_sentence(tmp_path: Path) -> None:
    dataset = pictured(tmp_path, [np.zeros((64, 30), bool)] * 2)
    with pytest.raises(BadInput, match=r"none of downstream's masks can be used .*other proportions"):
        read_masks(dataset, Reporter())


def test_a_changed_mask_changes_the_fingerprint(tmp_path: Path) -> None:
    dataset = pictured(tmp_path, [scene(one)[1] for one in range(3)])
    before = masks_fingerprint(dataset)
    assert before == masks_fingerprint(dataset)
    saved(Path(str(dataset.record.sources[0].masks)) / "0001.png", np.zeros((64, 64), np.uint8))
    assert masks_fingerprint(dataset) != before
