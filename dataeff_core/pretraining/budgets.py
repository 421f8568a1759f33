"""How long to train: what is equal when a subset is compared with everything.

The paper's "same computational power" is equal images seen: a subset of share R is trained for 1 / R times as many
epochs (MedDEL, Table 2: 200 epochs of all, 4,000 of 5 %). Equal epochs is the other, cheaper comparison.
"""

from dataclasses import dataclass

from dataeff_core.errors import BadInput

DEFAULT_EPOCHS = 50  # our choice, for the small sets this is tried with; the paper trains 200 on all


@dataclass(frozen=True)
class Budget:
    """The length of one run."""

    images: int  # it trains on
    batch_size: int
    steps: int  # optimiser steps
    epochs: int  # passes over the images, rounded up

    @property
    def images_seen(self) -> int:
        """Exactly: what a last incomplete batch lacks is taken from the next pass."""
        return self.steps * self.batch_size

    def step_after(self, epoch: int) -> int:
        """How many steps are done when `epoch` passes are complete."""
        return min(-(-epoch * self.images // self.batch_size), self.steps)


def budget(images: int, batch_size: int, *, epochs: int | None = None, images_seen: int | None = None) -> Budget:
    """The length of a run over `images` images of `epochs` passes or of at least `images_seen` images.

    With neither, DEFAULT_EPOCHS. Raises BadInput for both, for a number below 1, and when the images do not fill
    one batch.
    """
    if epochs is not None and images_seen is not None:
        raise BadInput(f"epochs {epochs} and images seen {images_seen} say two lengths; give one of them")
    for what, value in (("epochs", epochs), ("images seen", images_seen)):
        if value is not None and value < 1:
            raise BadInput(f"{what} {value} is below 1; give 1 or more")
    if images < 1:
        raise BadInput("there are no images to train on; choose a dataset or selection that has some")
    if images < batch_size:
        raise BadInput(f"{images} images do not fill a batch of {batch_size}; lower batch_size to {images}")
    if images_seen is not None:
        return Budget(images, batch_size, -(-images_seen // batch_size), epochs_for(images_seen, images))
    passes = DEFAULT_EPOCHS if epochs is None else epochs
    return Budget(images, batch_size, -(-passes * images // batch_size), passes)


def epochs_for(images_seen: int, images: int) -> int:
    """Passes over `images` images in which `images_seen` are seen, rounded up."""
    if images < 1:
        raise BadInput("there are no images to train on; choose a dataset or selection that has some")
    return -(-images_seen // images)


@dataclass(frozen=True)
class FairBudgets:
    """The two ways to train a subset as long as everything."""

    equal_images_seen: Budget  # the paper's: epochs = full epochs / R
    equal_epochs: Budget


def fair(full_images: int, full_epochs: int, images: int, batch_size: int) -> FairBudgets:
    """For a subset of `images`, what compares with `full_epochs` passes over `full_images`. Raises BadInput."""
    seen = budget(full_images, batch_size, epochs=full_epochs).images_seen
    return FairBudgets(
        equal_images_seen=budget(images, batch_size, images_seen=seen),
        equal_epochs=budget(images, batch_size, epochs=full_epochs),
    )
