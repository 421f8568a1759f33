import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dataeff_core.errors import BadInput
from dataeff_core.frame_reading.cutting import fitted
from dataeff_core.mosaics.layout import MosaicRules, lay_out, mosaic_size

SIZES = np.array([[480, 640], [500, 600], [400, 900]])


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 200), grid=st.integers(1, 3), seed=st.integers(0, 99))
def test_each_mosaic_takes_one_patch_of_each_band(n: int, grid: int, seed: int) -> None:
    cells = grid**2
    chosen = np.random.default_rng(n).permutation(1000)[:n]  # from the hardest on
    if n < cells:
        with pytest.raises(BadInput, match=f"{n} patches are fewer than the {cells}"):
            lay_out(chosen, MosaicRules(grid=grid), sizes=SIZES, seed=seed)
        return
    found = lay_out(chosen, MosaicRules(grid=grid), sizes=SIZES, seed=seed)
    assert len(found) == n // cells
    used = found.rows.ravel()
    assert len(set(used.tolist())) == len(used)
    place = {row: at for at, row in enumerate(chosen.tolist())}
    hardness = -np.array([[place[row] for row in mosaic] for mosaic in found.rows.tolist()])
    assert (np.sort(found.bands, axis=1) == np.arange(cells)).all()
    for band in range(cells - 1):  # every patch of a band is easier than every one of the next
        assert hardness[found.bands == band].max() < hardness[found.bands == band + 1].min()
    assert hardness.min() > -len(used) * 1.0  # what is left over are the easiest


def test_equal_seeds_lay_out_alike_and_others_otherwise() -> None:
    chosen = np.arange(80)
    one, other = (lay_out(chosen, MosaicRules(), sizes=SIZES, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.rows, other.rows)
    assert not np.array_equal(one.rows, lay_out(chosen, MosaicRules(), sizes=SIZES, seed=4).rows)
    few = lay_out(chosen, MosaicRules(), sizes=SIZES, count=5)
    assert set(few.rows.ravel().tolist()) == set(range(20))  # the hardest
    assert len({tuple(one) for one in one.bands.tolist()}) > 3  # a cell's place does not tell its band


@pytest.mark.parametrize("count", [0, 21])
def test_counts_that_cannot_be_made_are_refused(count: int) -> None:
    with pytest.raises(BadInput, match="ask for 1 to 20"):
        lay_out(np.arange(80), MosaicRules(), sizes=SIZES, count=count)


@pytest.mark.parametrize(("grid", "part"), [(2, 16), (3, 14), (1, 16), (2, 12)])
def test_seams_lie_on_the_vits_patches(grid: int, part: int) -> None:
    found = lay_out(np.arange(50), MosaicRules(grid=grid, part=part), sizes=SIZES)
    assert found.height % (grid * part) == found.width % (grid * part) == 0
    assert abs(found.height - 480) <= grid * part / 2
    assert abs(found.width - 640) <= grid * part / 2
    for cell in range(grid**2):
        top, left = found.place(cell)
        assert top % part == left % part == 0
    assert mosaic_size(SIZES, MosaicRules(height=100, width=16)) == (96, 32)


def test_a_crop_of_the_cells_size_is_taken_pixel_by_pixel() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
    for aspect in ("crop", "pad", "squash"):
        np.testing.assert_array_equal(fitted(crop, 16, 24, aspect), crop)  # type: ignore[arg-type]


def test_padding_keeps_the_whole_and_cropping_fills() -> None:
    wide = np.zeros((10, 40, 3), np.uint8)
    wide[:, :20], wide[:, 20:] = (200, 0, 0), (0, 100, 0)
    padded = fitted(wide, 32, 32, "pad")
    assert padded.shape == (32, 32, 3)
    np.testing.assert_array_equal(padded[0], np.tile([100, 50, 0], (32, 1)))
    np.testing.assert_array_equal(padded[16, 2], [200, 0, 0])
    filled = fitted(wide, 32, 32, "crop")
    assert filled.shape == (32, 32, 3)
    np.testing.assert_array_equal(filled[0, 0], [200, 0, 0])
    assert fitted(wide, 32, 32, "squash").shape == (32, 32, 3)


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(1, 70), min_size=4, max_size=4), aspect=st.sampled_from(["crop", "pad", "squash"]))
@example(sizes=[7, 1, 41, 1], aspect="crop")  # 41 (7 / 41) is a hair above 7
def test_any_size_fits_any_cell(sizes: list[int], aspect: str) -> None:
    rows, columns, height, width = sizes
    assert (
        fitted(np.full((rows, columns, 3), 7, np.uint8), height, width, aspect).tolist()
        == np.full(  # type: ignore[arg-type]
            (height, width, 3), 7
        ).tolist()
    )
