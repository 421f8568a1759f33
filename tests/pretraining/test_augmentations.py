"""Augmentation: each change by itself against what it should be, and independence of the batch."""

import colorsys
import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from dataeff_core.backbones import MEAN, STD, Backbone
from dataeff_core.backbones.vit import normalised
from dataeff_core.pretraining import METHODS
from dataeff_core.pretraining.augmentation import Augmentation
from dataeff_core.pretraining.augmentations import LUMA, NUMBERS, USES, augmented

S = 24
NEUTRAL = {
    "crop": 1.0, "stretch": 1.0, "flip": False, "rotate": False, "brightness": 0.0, "contrast": 0.0,
    "saturation": 0.0, "hue": 0.0, "blur": 0.0,
}  # fmt: skip
ALL = {
    "crop": 0.2, "stretch": 1.5, "flip": True, "rotate": True, "brightness": 0.4, "contrast": 0.4,
    "saturation": 0.4, "hue": 0.05, "blur": 0.03,
}  # fmt: skip


def frames(n: int = 3, side: int = S, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, (n, side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def drawn(n: int, views: int = 1, seed: int = 1, **fixed: float) -> torch.Tensor:
    """Uniform numbers, those of the uses named in `fixed` set."""
    numbers = torch.rand(n, views, NUMBERS, generator=torch.Generator().manual_seed(seed))
    for use, value in fixed.items():
        numbers[..., USES.index(use)] = value
    return numbers


def views_of(images: torch.Tensor, numbers: torch.Tensor, size: int = S, **changes: float) -> torch.Tensor:
    """(n, views, size, size, 3) in [0, 255]: augmented with all but `changes` off, the normalisation undone."""
    asked = Augmentation.model_validate(NEUTRAL | changes)
    out = augmented(images, numbers, asked, size=size, mean=MEAN, std=STD)
    assert (out.shape, out.dtype) == ((len(images), numbers.shape[1], 3, size, size), torch.float32)
    return (out.permute(0, 1, 3, 4, 2) * torch.tensor(STD) + torch.tensor(MEAN)) * 255


def test_with_all_switched_off_a_view_is_the_frame() -> None:
    out = augmented(frames(), drawn(3, 2), Augmentation.model_validate(NEUTRAL), size=S, mean=MEAN, std=STD)
    for view in range(2):
        torch.testing.assert_close(out[:, view], normalised(frames(), Backbone()), rtol=0, atol=0)


@pytest.mark.parametrize(
    "changes", [ALL, {**ALL, "blur": 0.0}, {**NEUTRAL, "crop": 0.3}, {**NEUTRAL, "contrast": 0.5}]
)
def test_each_view_is_a_function_of_its_frame_and_numbers_alone(changes: dict[str, float]) -> None:
    images, numbers = frames(7), drawn(7, 2)
    asked = Augmentation.model_validate(changes)

    def views(images: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        return augmented(images, numbers, asked, size=S, mean=MEAN, std=STD)

    torch.manual_seed(0)
    together = views(images, numbers)
    torch.manual_seed(1)
    state, before = torch.get_rng_state(), (images.clone(), numbers.clone())
    for i in range(7):
        assert torch.equal(views(images[i : i + 1], numbers[i : i + 1])[0], together[i])
        assert torch.equal(views(images[i : i + 1], numbers[i : i + 1, 1:])[0, 0], together[i, 1])
    order = torch.tensor([4, 2, 6, 0, 1, 5, 3])
    assert torch.equal(views(images[order], numbers[order]), together[order])
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(images, before[0])
    assert torch.equal(numbers, before[1])


@pytest.mark.parametrize("mirror_x", [0.2, 0.8])
@pytest.mark.parametrize("mirror_y", [0.2, 0.8])
@pytest.mark.parametrize("quarters", range(4))
def test_mirrors_and_turns_move_whole_pixels(mirror_x: float, mirror_y: float, quarters: int) -> None:
    numbers = drawn(3, mirror_x=mirror_x, mirror_y=mirror_y, turn=quarters / 4 + 0.1)
    out = views_of(frames(), numbers, flip=True, rotate=True)[:, 0]
    wanted = np.rot90(frames().numpy(), quarters, axes=(1, 2))
    wanted = wanted[:, :, ::-1] if mirror_x < 0.5 else wanted
    wanted = wanted[:, ::-1] if mirror_y < 0.5 else wanted
    np.testing.assert_allclose(out.numpy(), wanted, atol=0.02)


def test_a_mirror_or_turn_that_is_off_is_not_done() -> None:
    numbers = drawn(3, mirror_x=0.2, mirror_y=0.2, turn=0.6)
    half_turn = views_of(frames(), numbers, rotate=True)[:, 0].numpy()
    np.testing.assert_allclose(half_turn, frames().numpy()[:, ::-1, ::-1], atol=0.02)
    both_mirrors = views_of(frames(), numbers, flip=True)[:, 0].numpy()
    np.testing.assert_allclose(both_mirrors, frames().numpy()[:, ::-1, ::-1], atol=0.02)


@pytest.mark.parametrize(("x", "y", "left", "top"), [(0, 0, 0, 0), (1, 0, 12, 0), (0, 1, 0, 12), (0.5, 0.5, 6, 6)])
def test_a_quarter_of_the_frame_is_cropped_where_it_should_be(x: float, y: float, left: int, top: int) -> None:
    out = views_of(frames(), drawn(3, area=0, aspect=0.5, x=x, y=y), size=12, crop=0.25, stretch=1.5)[:, 0]
    np.testing.assert_allclose(out, frames()[:, top : top + 12, left : left + 12], atol=0.02)


@pytest.mark.parametrize(("aspect", "ratio"), [(0.0, 0.5), (0.5, 1.0), (1.0, 2.0)])
def test_a_crop_has_the_area_and_the_shape_drawn(aspect: float, ratio: float) -> None:
    """Read off a frame whose red is its column and whose green its row."""
    ramp = torch.arange(64, dtype=torch.uint8)
    image = torch.stack((ramp.expand(64, 64), ramp.view(64, 1).expand(64, 64), ramp.expand(64, 64)), dim=-1)[None]
    out = views_of(image, drawn(1, area=0, aspect=aspect, x=0.5, y=0.5), size=64, crop=0.25, stretch=2)[0, 0]
    width = (out[0, -1, 0] - out[0, 0, 0]) / 63
    height = (out[-1, 0, 1] - out[0, 0, 1]) / 63
    assert float(width * height) == pytest.approx(0.25, rel=0.01)
    assert float(width / height) == pytest.approx(ratio, rel=0.01)


def test_a_crop_never_leaves_the_frame() -> None:
    """A frame in a frame: with the rim of another colour repeated outside, nothing but the frame is read."""
    image = torch.zeros(1, 64, 64, 3, dtype=torch.uint8)
    ramp = torch.arange(64, dtype=torch.uint8)
    image[..., 0], image[..., 1] = ramp, ramp.view(64, 1)
    numbers = torch.rand(200, 1, NUMBERS, generator=torch.Generator().manual_seed(3))
    out = views_of(image.expand(200, -1, -1, -1), numbers, size=64, crop=0.2, stretch=2.0)[:, 0]
    steps = (out[:, 0, 1:, 0] - out[:, 0, :-1, 0]).std(dim=1)
    assert steps.max() < 0.3  # a rim read twice would be a step of nothing in an even ramp
    area = (out[:, 0, -1, 0] - out[:, 0, 0, 0]) / 63 * (out[:, -1, 0, 1] - out[:, 0, 0, 1]) / 63
    assert 0.19 < area.min() < 0.3
    assert 0.9 < area.max() <= 1.001


@pytest.mark.parametrize("number", [0.0, 0.3, 0.9])
def test_brightness_multiplies(number: float) -> None:
    out = views_of(frames(), drawn(3, brightness=number), brightness=0.3)[:, 0]
    factor = 1 + 0.3 * (2 * number - 1)
    np.testing.assert_allclose(out, np.minimum(frames().numpy() * factor, 255), atol=0.02)


@pytest.mark.parametrize("number", [0.0, 0.9])
def test_contrast_spreads_about_the_mean_grey(number: float) -> None:
    out = views_of(frames(), drawn(3, contrast=number), contrast=0.5)[:, 0]
    factor = 1 + 0.5 * (2 * number - 1)
    grey = (frames().numpy() @ np.array(LUMA)).mean(axis=(1, 2)).reshape(3, 1, 1, 1)
    np.testing.assert_allclose(out, np.clip((frames().numpy() - grey) * factor + grey, 0, 255), atol=0.02)


@pytest.mark.parametrize("number", [0.0, 0.9])
def test_saturation_goes_towards_grey_and_away(number: float) -> None:
    out = views_of(frames(), drawn(3, saturation=number), saturation=0.5)[:, 0]
    factor = 1 + 0.5 * (2 * number - 1)
    grey = frames().numpy() @ np.array(LUMA)
    wanted = grey[..., None] + factor * (frames().numpy() - grey[..., None])
    np.testing.assert_allclose(out, np.clip(wanted, 0, 255), atol=0.02)


def test_all_colour_changes_are_done_one_after_the_other() -> None:
    images, numbers = frames() // 2 + 64, drawn(3)  # far from where values are cut off
    steps = ("brightness", "contrast", "saturation", "hue")
    together = views_of(images, numbers, **dict.fromkeys(steps, 0.05))[:, 0]
    for i in range(3):
        b, c, s, angle = (0.05 * (2 * float(numbers[i, 0, USES.index(step)]) - 1) for step in steps)
        x = images[i].double().numpy() * (1 + b)
        grey = (x @ LUMA).mean()
        x = grey + (1 + c) * (x - grey)
        x = (x @ LUMA)[..., None] + (1 + s) * (x - (x @ LUMA)[..., None])
        across = np.cross(np.full(3, 1 / math.sqrt(3)), np.eye(3)).T  # K v = the grey axis cross v
        sin, cos = math.sin(2 * math.pi * angle), math.cos(2 * math.pi * angle)
        turn = np.eye(3) + sin * across + (1 - cos) * across @ across  # Rodrigues
        np.testing.assert_allclose(together[i], x @ turn.T, atol=0.02)


@pytest.mark.parametrize("number", [0.0, 0.25, 0.75])
def test_hue_turns_colours_and_leaves_greys(number: float) -> None:
    image = torch.tensor([[[[128, 128, 128], [160, 110, 100]], [[110, 140, 120], [0, 0, 0]]]], dtype=torch.uint8)
    out = views_of(image, drawn(1, hue=number), size=2, hue=0.02)[0, 0] / 255
    np.testing.assert_allclose(out[0, 0], 128 / 255, atol=1e-4)
    np.testing.assert_allclose(out[1, 1], 0, atol=1e-4)
    for row, column in ((0, 1), (1, 0)):
        before = colorsys.rgb_to_hsv(*(image[0, row, column] / 255).tolist())
        after = colorsys.rgb_to_hsv(*out[row, column].tolist())
        turned = (after[0] - before[0] + 0.5) % 1 - 0.5
        assert turned == pytest.approx(0.02 * (2 * number - 1), abs=0.004)


def test_blur_is_a_gaussian() -> None:
    out = views_of(frames(), drawn(3, blur=0.5), blur=0.05)[:, 0]
    sigma = 0.5 * 0.05 * S
    wanted = [
        gaussian_filter(frame.astype(float), (sigma, sigma, 0), mode="nearest", radius=(3, 3, 0))
        for frame in frames().numpy()
    ]
    np.testing.assert_allclose(out, np.stack(wanted), atol=0.02)


def test_blur_of_nothing_is_nothing() -> None:
    np.testing.assert_allclose(views_of(frames(), drawn(3, blur=0.0), blur=0.05)[:, 0], frames(), atol=0.01)


def test_values_stay_colours() -> None:
    out = views_of(frames(40), drawn(40, 2), **ALL)
    assert out.min() >= -0.01
    assert out.max() <= 255.01


def test_frames_of_another_size_are_brought_to_the_size_asked() -> None:
    even = torch.full((2, 40, 40, 3), 77, dtype=torch.uint8)
    np.testing.assert_allclose(views_of(even, drawn(2), size=16), 77, atol=0.01)
    out = views_of(frames(2, side=32).float().div(2).byte(), drawn(2), size=16)
    wanted = frames(2, side=32).float().div(2).byte().view(2, 16, 2, 16, 2, 3).float().mean(dim=(2, 4))
    np.testing.assert_allclose(out[:, 0], wanted, atol=0.02)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.NAME)
def test_each_methods_views_have_the_shape_its_network_takes(method: type) -> None:
    made = method(image_size=32)
    views = made.augment(frames(2, side=32), drawn(2, method.VIEWS))
    assert views.shape == (2, method.VIEWS, 3, 32, 32)
    assert views.is_contiguous()
    if method.VIEWS > 1:
        assert not torch.equal(views[:, 0], views[:, 1])
