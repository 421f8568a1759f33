"""Near-duplicates and faults to plant among real frames: what a scorer of selections knows the truth of.

Near-duplicates are what the next video frame, another export or another resolution of one frame look like; faults are
what makes a frame useless. Every function takes and gives RGB uint8 arrays and draws from the generator
passed in.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def jpeg(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Compressed as JPEG of quality 35 to 90."""
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "JPEG", quality=int(rng.integers(35, 91)))
    return np.asarray(Image.open(stream).convert("RGB"))


def rescale(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """At 0.5 to 1.3 times the size."""
    factor = rng.uniform(0.5, 1.3)
    height, width = rgb.shape[:2]
    size = (max(16, round(width * factor)), max(16, round(height * factor)))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))


def shift_and_zoom(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Moved by 1 to 5 % across and down and zoomed in by 1 to 5 %; what comes in at the edges is black."""
    height, width = rgb.shape[:2]
    zoom, across, down = rng.uniform(0.01, 0.05, 3) * [1, rng.choice([-1, 1]), rng.choice([-1, 1])]
    matrix = (1 - zoom, 0, (zoom / 2 + across) * width, 0, 1 - zoom, (zoom / 2 + down) * height)
    image = Image.fromarray(rgb).transform((width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    return np.asarray(image)


def rotate(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turned by up to 3 degrees; what comes in at the corners is black."""
    image = Image.fromarray(rgb).rotate(rng.uniform(-3, 3), Image.Resampling.BICUBIC)
    return np.asarray(image)


def relight(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Brightness and gamma changed by up to 12 %."""
    gain, gamma = rng.uniform(0.88, 1.12, 2)
    table = np.clip(255 * gain * (np.arange(256) / 255) ** gamma, 0, 255).round().astype(np.uint8)
    return table[rgb]


def soften(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blurred slightly: a Gaussian of 0.1 to 0.3 % of the longer side."""
    radius = rng.uniform(0.001, 0.003) * max(rgb.shape)
    return np.asarray(Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(radius)))


def grain(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """With Gaussian noise of 2 to 7 grey levels."""
    return np.clip(rgb + rng.normal(0, rng.uniform(2, 7), rgb.shape), 0, 255).round().astype(np.uint8)


NEAR_DUPLICATE_CHANGES: tuple[Change, ...] = (rescale, shift_and_zoom, rotate, relight, soften, grain)


def near_duplicate(rgb: np.ndarray, rng: np.random.Generator, *, changes: int | None = None) -> np.ndarray:
    """A copy with `changes` kinds of change at once (None: one to all of them, by chance), then JPEG."""
    count = int(rng.integers(1, len(NEAR_DUPLICATE_CHANGES) + 1)) if changes is None else changes
    for index in sorted(rng.choice(len(NEAR_DUPLICATE_CHANGES), count, replace=False)):
        rgb = NEAR_DUPLICATE_CHANGES[index](rgb, rng)
    return jpeg(rgb, rng)


def heavy_blur(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Out of focus: a Gaussian of 1.5 to 4 % of the longer side."""
    radius = rng.uniform(0.015, 0.04) * max(rgb.shape)
    return np.asarray(Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(radius)))


def black(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """No light: 2 % of it left, with sensor noise."""
    return np.clip(rgb * 0.02 + rng.normal(2, 1.5, rgb.shape), 0, 255).astype(np.uint8)


def white(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Over-exposed until little but white is left."""
    return np.clip(rgb * 2.0 + rng.uniform(150, 240), 0, 255).astype(np.uint8)


def noise(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Buried in noise of 50 to 90 grey levels."""
    return np.clip(rgb + rng.normal(0, rng.uniform(50, 90), rgb.shape), 0, 255).astype(np.uint8)


def bars(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Interference: 6 to 20 bright, dark or coloured bars across the frame."""
    out = rgb.copy()
    height = len(rgb)
    for _ in range(int(rng.integers(6, 21))):
        top = int(rng.integers(0, height))
        thick = max(2, int(rng.uniform(0.01, 0.05) * height))
        out[top : top + thick] = rng.integers(0, 256, 3)
    return out


def caption(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A text screen in place of the frame: lines of lettering on a plain ground."""
    height, width = rgb.shape[:2]
    ground = tuple(int(v) for v in rng.integers(0, 90, 3))
    image = Image.new("RGB", (width, height), ground)
    draw = ImageDraw.Draw(image)
    size = max(10, height // 14)
    for line in range(int(rng.integers(3, 9))):
        letters = "".join(chr(int(c)) for c in rng.integers(65, 91, int(rng.integers(8, 24))))
        draw.text((width // 12, size + line * size * 3 // 2), letters, fill=(235, 235, 235), font_size=size)
    return np.asarray(image)


def half_frame(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One half lost: grey or black, as after a transmission error."""
    out = rgb.copy()
    height, width = rgb.shape[:2]
    halves = (
        np.s_[height // 2 :],
        np.s_[: height // 2],
        np.s_[:, width // 2 :],
        np.s_[:, : width // 2],
    )
    out[halves[int(rng.integers(4))]] = rng.choice([0, 128])
    return out


FAULTS: tuple[Change, ...] = (heavy_blur, black, white, noise, bars, caption, half_frame)
