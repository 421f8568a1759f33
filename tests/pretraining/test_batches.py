import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataeff_core.pretraining.batches import Batch, Batches, divided, epoch_order
from dataeff_core.pretraining.images import Images


def batches(images: int = 10, size: int = 4, seed: int = 0, **share: int) -> Batches:
    pixels = np.arange(images, dtype=np.uint8).reshape(images, 1, 1, 1).repeat(3, axis=3)
    return Batches(Images(pixels, np.arange(images)), size, seed, 2, 5, 3, **share)


@given(images=st.integers(1, 40), size=st.integers(1, 40), seed=st.integers(0, 9))
def test_every_pass_has_every_image_once_and_nothing_is_left_out(images: int, size: int, seed: int) -> None:
    size = min(size, images)
    steps = -(-3 * images // size)
    seen = np.concatenate([batches(images, size, seed).positions(step) for step in range(steps)])
    for epoch in range(3):
        assert sorted(seen[epoch * images : (epoch + 1) * images]) == list(range(images))


def test_orders_differ_between_epochs_and_seeds() -> None:
    orders = {tuple(epoch_order(30, seed, epoch)) for seed in range(3) for epoch in range(3)}
    assert len(orders) == 9


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    first, again = batches().at(7), batches().at(7)
    other, seeded = batches().at(8), batches(seed=1).at(7)
    for field in ("images", "view_numbers", "loss_numbers"):
        np.testing.assert_array_equal(getattr(first, field), getattr(again, field))
    assert not np.array_equal(first.view_numbers, other.view_numbers)
    assert not np.array_equal(first.view_numbers, seeded.view_numbers)
    assert first.view_numbers.shape == (4, 2, 5)
    assert first.loss_numbers.shape == (4, 3)
    assert 0 <= first.loss_numbers.min() <= first.loss_numbers.max() < 1


def together(parts: list[Batch]) -> tuple[np.ndarray, ...]:
    return tuple(np.concatenate([getattr(part, one) for part in parts]) for one in vars(parts[0]))


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_the_shares_of_all_processes_are_the_batch(processes: int) -> None:
    whole = batches().at(3)
    shares = [batches(rank=rank, processes=processes).at(3) for rank in range(processes)]
    for mine, theirs in zip(together(shares), together([whole]), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 9])
def test_the_parts_of_a_batch_are_the_batch(parts: int) -> None:
    whole = batches().at(2)
    pieces = divided(whole, parts)
    assert sum(share for _, share in pieces) == pytest.approx(1)
    assert all(share == len(piece.images) / 4 for piece, share in pieces)
    for mine, theirs in zip(together([piece for piece, _ in pieces]), together([whole]), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_batches_made_ahead_come_in_order_and_are_made_while_others_are_used() -> None:
    made: list[int] = []

    def prepare(batch: Batch) -> np.ndarray:
        made.append(len(made))
        return batch.images

    stream = batches().ahead(5, 12, prepare)
    first = next(stream)
    np.testing.assert_array_equal(first, batches().at(5).images)
    until = time.monotonic() + 10
    while len(made) < 3:
        assert time.monotonic() < until
    for step, images in enumerate(stream, 6):
        np.testing.assert_array_equal(images, batches().at(step).images)
    assert len(made) == 7


def test_what_goes_wrong_while_preparing_is_raised() -> None:
    def prepare(batch: Batch) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        next(batches().ahead(0, 5, prepare))


def test_a_run_that_is_given_up_leaves_no_thread_waiting() -> None:
    stream = batches().ahead(0, 1000, lambda batch: batch.images)
    next(stream)
    stream.close()
    assert list(stream) == []
