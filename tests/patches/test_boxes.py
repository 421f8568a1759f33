import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataeff_core.errors import BadInput
from dataeff_core.patches import PROPOSERS, make, proposer_named
from dataeff_core.patches.base import Candidates
from dataeff_core.patches.boxes import in_pixels, intersection_over_union, lit_mask, shares_of, suppressed, tidied
from tests.patches.making import scope_frame

WEIGHTLESS = [one for one in PROPOSERS if not one.USES_TORCH]


def test_overlap_by_hand() -> None:
    found = intersection_over_union(np.array([0, 0, 2, 2.0]), np.array([[1, 1, 3, 3.0], [0, 0, 2, 2], [5, 5, 6, 6]]))
    np.testing.assert_allclose(found, [1 / 7, 1, 0])
    assert intersection_over_union(np.zeros(4), np.zeros((1, 4)))[0] == 0


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), limit=st.floats(0, 1))
def test_suppression_keeps_no_overlapping_pair_and_covers_the_rest(seed: int, limit: float) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.random((40, 2)) * 0.7
    boxes = np.concatenate([corners, corners + 0.05 + 0.25 * rng.random((40, 2))], axis=1)
    kept = suppressed(boxes, limit)
    pairs = np.array([intersection_over_union(box, boxes) for box in boxes])
    among = pairs[np.ix_(kept, kept)] - np.eye(len(kept))
    assert (among <= limit).all()
    for row in np.setdiff1d(np.arange(40), kept):
        assert any(pairs[row, one] > limit for one in kept if one < row)


def test_candidates_are_clipped_sorted_and_limited() -> None:
    image = scope_frame(disc=False)
    rules = make("grid", {"lit": 0, "max_area": 0.3, "min_area": 0.01, "most": 2})
    boxes = np.array(
        [
            [-0.2, -0.2, 0.3, 0.3],  # clipped to a corner
            [0.0, 0.0, 1.0, 1.0],  # too large
            [0.5, 0.5, 0.51, 0.51],  # too small
            [0.9, 0.5, 0.4, 0.9],  # upside down
            [np.nan, 0.0, 0.3, 0.3],
            [0.5, 0.5, 0.9, 0.9],
            [0.5, 0.0, 0.8, 0.3],
        ]
    )
    found = tidied(Candidates(boxes, np.array([0.5, 1, 1, 1, 1, 0.9, 0.5])), image, rules)
    np.testing.assert_allclose(found, [[0.5, 0.5, 0.9, 0.9, 0.9], [0, 0, 0.3, 0.3, 0.5]])
    assert tidied(Candidates.none(), image, rules).shape == (0, 5)


def test_boxes_outside_the_lit_field_go() -> None:
    image = scope_frame()
    found = Candidates(np.array([[0, 0, 0.3, 0.2], [0.4, 0.4, 0.6, 0.6]]), np.ones(2))
    np.testing.assert_allclose(tidied(found, image, make("grid"))[:, :4], [[0.4, 0.4, 0.6, 0.6]])
    assert len(tidied(found, image, make("grid", {"lit": 0}))) == 2


def test_an_overlay_beside_the_field_is_no_part_of_it() -> None:
    image = scope_frame(160, 280)
    image[10:40, 4:50] = 240  # a caption's block, well away from the field
    assert not lit_mask(image)[:14, :16].any()
    assert lit_mask(image).any()


def test_a_dark_frame_has_no_lit_part() -> None:
    assert not lit_mask(np.zeros((80, 100, 3), np.uint8)).any()


def test_shares_by_hand() -> None:
    mask = np.zeros((10, 10), bool)
    mask[:5] = True
    np.testing.assert_allclose(
        shares_of(mask, np.array([[0, 0, 1, 1], [0, 0, 0.5, 1], [0.4, 0, 0.6, 0.5]])), [0.5, 1, 0.5]
    )


def test_pixels_are_whole_and_short_sides_go() -> None:
    pixels, rows = in_pixels(np.array([[0, 0, 0.5, 0.5], [0, 0, 0.1, 0.9]]), 100, 200, 24)
    np.testing.assert_array_equal(pixels, [[0, 0, 50, 100]])
    np.testing.assert_array_equal(rows, [0])


@pytest.mark.parametrize("proposer", WEIGHTLESS, ids=lambda one: one.NAME)
@pytest.mark.parametrize("size", [(120, 160), (30, 40), (200, 90)])
def test_boxes_obey_the_rules_and_depend_on_pixels_alone(proposer: type, size: tuple[int, int]) -> None:
    rules = proposer()
    image = scope_frame(*size)
    found = tidied(rules.load().candidates(image), image, rules)
    again = tidied(proposer().load().candidates(image.copy()), image, rules)
    np.testing.assert_array_equal(found, again)
    assert len(found)
    area = (found[:, 2] - found[:, 0]) * (found[:, 3] - found[:, 1])
    assert ((area >= rules.min_area) & (area <= rules.max_area)).all()
    assert (found[:, :4] >= 0).all()
    assert (found[:, :4] <= 1).all()
    assert (shares_of(lit_mask(image), found[:, :4]) >= rules.lit).all()


def test_superpixels_find_the_thing_that_stands_out() -> None:
    image = scope_frame(disc=False)
    rules = make("superpixels", {"segments": 24})
    found = tidied(rules.load().candidates(image), image, rules)[:, :4]
    truth = np.array([40 / 120, 80 / 160, 64 / 120, 104 / 160])
    assert intersection_over_union(truth, found).max() > 0.6


@pytest.mark.parametrize("proposer", WEIGHTLESS, ids=lambda one: one.NAME)
def test_blank_and_tiny_frames_do_not_break(proposer: type) -> None:
    rules = proposer()
    for image in (
        np.zeros((64, 64, 3), np.uint8),
        np.full((50, 70, 3), 255, np.uint8),
        scope_frame(3, 5, disc=False),
    ):
        found = tidied(rules.load().candidates(image), image, rules)
        assert found.shape[1] == 5


def test_grid_counts() -> None:
    image = scope_frame(disc=False)
    assert len(make("grid", {"cells": 3}).load().candidates(image).boxes) == 9
    assert len(make("grid", {"cells": 3, "shift": 0.5}).load().candidates(image).boxes) == 25


def test_unknown_names_and_values_are_one_sentence() -> None:
    with pytest.raises(BadInput, match="superpixels, grid, sam"):
        proposer_named("mesh")
    with pytest.raises(BadInput, match="segments"):
        make("superpixels", {"segments": 1})
    with pytest.raises(BadInput, match=r"min_area 0\.5 is above max_area 0\.1"):
        make("grid", {"min_area": 0.5, "max_area": 0.1})
