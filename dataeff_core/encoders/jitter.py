"""A frame as it would come a second time: as the next frame of the video, or as another copy of the same one.

What is varied, and how far, is our choice. Between frames 0.1 s apart a hand-held scope moves by a few per cent
of the picture and rolls by a degree or two, and the processor regulates its light; copies differ by resolution,
compression, and a little blur or noise. All happen at once, mostly mildly.
"""

import io

import numpy as np
from PIL import Image, ImageFilter

from dataeff_core import field_of_view

MOTION = 0.03  # of the picture's side: shift across and down, and zoom in or out
LARGEST_MOTION = 0.055
ROLL = 1.5  # degrees
LARGEST_ROLL = 3.5
LIGHT = 0.06  # of brightness, and of gamma
LARGEST_LIGHT = 0.15
SMALLEST_SCALE = 0.6  # of the resolution, before it is brought back
BLUR = 1.0  # pixels of a 256-pixel thumbnail, at most
NOISE = 4.0  # grey levels, at most
JPEG_QUALITY = (35, 92)


def jitter(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A copy of an RGB thumbnail (h, w, 3) uint8, of the same size, changed in all the ways above."""
    moved = _moved(rgb, rng)
    if rng.random() < 0.5:  # the scope moved, not the picture: the surround stays where it was
        moved = _inside_the_field(moved, rgb)
    return _compressed(_seen_through_a_lens(_relit(moved, rng), rng), rng)


def _spread(rng: np.random.Generator, usual: float, largest: float) -> float:
    return float(np.clip(rng.normal(0, usual), -largest, largest))


def _moved(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = rgb.shape[:2]
    across, down, zoom = (_spread(rng, MOTION, LARGEST_MOTION) for _ in range(3))
    angle = np.deg2rad(_spread(rng, ROLL, LARGEST_ROLL))
    cosine, sine = np.cos(angle) / (1 + zoom), np.sin(angle) / (1 + zoom)
    x, y = width / 2, height / 2
    matrix = (
        cosine, sine, x - cosine * x - sine * y + across * width,
        -sine, cosine, y + sine * x - cosine * y + down * height,
    )  # fmt: skip
    image = Image.fromarray(rgb).transform((width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    return np.asarray(image)


def _inside_the_field(moved: np.ndarray, still: np.ndarray) -> np.ndarray:
    both = field_of_view.lit_part(still) & field_of_view.lit_part(moved)
    return np.where(both[..., None], moved, still)


def _relit(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    gain, gamma = (1 + _spread(rng, LIGHT, LARGEST_LIGHT) for _ in range(2))
    levels = 255 * gain * (np.arange(256) / 255) ** gamma
    return np.clip(levels, 0, 255).round().astype(np.uint8)[rgb]


def _seen_through_a_lens(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = rgb.shape[:2]
    scale = rng.uniform(SMALLEST_SCALE, 1)
    image = Image.fromarray(rgb).resize((max(1, round(width * scale)), max(1, round(height * scale))))
    image = image.resize((width, height)).filter(ImageFilter.GaussianBlur(rng.uniform(0, BLUR)))
    noisy = np.asarray(image) + rng.normal(0, rng.uniform(0, NOISE), rgb.shape)
    return np.clip(noisy, 0, 255).round().astype(np.uint8)


def _compressed(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "JPEG", quality=int(rng.integers(*JPEG_QUALITY)))
    return np.asarray(Image.open(stream).convert("RGB"))
