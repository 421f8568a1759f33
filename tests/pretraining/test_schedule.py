import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataeff_core.errors import BadInput
from dataeff_core.pretraining.budgets import DEFAULT_EPOCHS, budget, epochs_for, fair
from dataeff_core.pretraining.schedule import learning_rate


def test_a_line_to_the_peak_and_half_a_cosine_down() -> None:
    rates = [learning_rate(step, steps=10, peak=1.0, warmup=0.2) for step in range(10)]
    down = [(1 + math.cos(math.pi * k / 8)) / 2 for k in range(8)]
    assert rates == pytest.approx([1 / 3, 2 / 3, *down])
    assert rates[2] == 1.0


@given(steps=st.integers(1, 5000), warmup=st.floats(0, 0.5), peak=st.floats(1e-6, 1))
def test_every_rate_is_above_zero_and_at_most_the_peak(steps: int, warmup: float, peak: float) -> None:
    rates = [learning_rate(step, steps=steps, peak=peak, warmup=warmup) for step in range(steps)]
    assert max(rates) == peak
    assert min(rates) > 0
    top = rates.index(peak)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)


def test_no_warmup_begins_at_the_peak() -> None:
    assert learning_rate(0, steps=5, peak=0.3, warmup=0) == 0.3
    assert learning_rate(0, steps=1, peak=0.3, warmup=0.5) == 0.3


@given(images=st.integers(1, 10_000), batch=st.integers(1, 64), epochs=st.integers(1, 40))
def test_a_budget_is_whole_batches_that_cover_the_epochs(images: int, batch: int, epochs: int) -> None:
    if images < batch:
        with pytest.raises(BadInput, match=f"lower batch_size to {images}"):
            budget(images, batch, epochs=epochs)
        return
    length = budget(images, batch, epochs=epochs)
    assert length.images_seen == length.steps * batch
    assert epochs * images <= length.images_seen < epochs * images + batch
    assert length.step_after(epochs) == length.steps
    after = [length.step_after(epoch) for epoch in range(1, epochs + 1)]
    assert all(step * batch >= epoch * images for epoch, step in enumerate(after, 1))
    assert all((step - 1) * batch < epoch * images for epoch, step in enumerate(after, 1))


def test_the_papers_epochs() -> None:
    """Table 2: as many images seen as 200 passes over all 88,282, within the 5 % that its rounded ratios leave."""
    for kept, epochs in ((43_484, 400), (28_352, 600), (16_789, 1000), (9_055, 2000), (4_461, 4000)):
        assert epochs_for(200 * 88_282, kept) == pytest.approx(epochs, rel=0.055)


def test_fair_budgets_are_equal_in_what_they_say() -> None:
    both = fair(1000, 20, 100, 10)
    assert both.equal_images_seen.images_seen == 20_000
    assert both.equal_images_seen.epochs == 200
    assert both.equal_epochs.epochs == 20
    assert both.equal_epochs.images_seen == 2000


def test_lengths_that_cannot_be_used() -> None:
    assert budget(10, 5).epochs == DEFAULT_EPOCHS
    for wrong in ({"epochs": 0}, {"images_seen": 0}, {"epochs": 2, "images_seen": 20}):
        with pytest.raises(BadInput):
            budget(10, 5, **wrong)
    with pytest.raises(BadInput, match="no images"):
        budget(0, 5)
