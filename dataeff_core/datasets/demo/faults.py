"""Planted faults: what makes a frame useless, put over short stretches of each video.

Every fault takes the linear-light image of the tissue, before sensor noise and the black surround, so that the
surround stays sharp and black as on a real scope; text screens and black frames replace the whole frame.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import convolve1d, gaussian_filter, rotate

from .textures import Array, fractal_noise

WHOLE_FRAME = ("text_screen", "black")  # nothing of the bowel is left to see


@dataclass(frozen=True)
class Stretch:
    """Frames first..last (both included) have this fault. strength: 0-1; seed: draws the fault's shapes."""

    kind: str
    first: int
    last: int
    strength: float
    seed: int


def plan_faults(frames: int, video: int, rng: np.random.Generator) -> list[Stretch]:
    """Stretches of 2-5 frames, about one for every 24 frames, spread evenly; the kinds go round over the videos."""
    count = frames // 24 if frames >= 24 else int(frames >= 10)
    stretches = []
    for number in range(count):
        slot = frames / count
        length = int(rng.integers(2, 6))
        first = int(number * slot + rng.uniform(0, max(1.0, slot - length - 1)))
        last = min(first + length, int((number + 1) * slot)) - 1
        kind = KINDS[(video * 4 + number) % len(KINDS)]
        stretches.append(Stretch(kind, first, last, float(rng.uniform(0, 1)), int(rng.integers(2**31))))
    return stretches


def apply_fault(image: Array, alpha: Array, stretch: Stretch, frame: int) -> tuple[Array, Array]:
    """The image with the fault, and how much of each pixel something opaque lies over (stool), 0-1.

    image: (h, w, 3) linear light; alpha: (h, w) field of view; frame: number in the video. A fault drifts a little
    from frame to frame of its stretch. Returns (h, w, 3) and (h, w) float32.
    """
    rng = np.random.default_rng(stretch.seed)
    shift = frame - stretch.first
    changed, cover = _FAULTS[stretch.kind](image, alpha, stretch.strength, shift, rng)
    return changed.astype(np.float32), cover.astype(np.float32)


def text_screen(size: int, stretch: Stretch) -> NDArray[np.uint8]:
    """A screen of neutral, made-up text as a processor shows between examinations: (size, size, 3) uint8."""
    rng = np.random.default_rng(stretch.seed)
    back = [(8, 10, 14), (10, 22, 96), (24, 26, 30), (0, 58, 74)][int(rng.integers(4))]
    canvas = Image.new("RGB", (size, size), back)
    draw = ImageDraw.Draw(canvas)
    number = int(rng.integers(1000, 9999))
    lines = [
        "SYNTHETIC EXAMINATION",
        "",
        f"ID No.   DEMO-{number}",
        "Name     NO PATIENT",
        f"Scope    SIM-{int(rng.integers(100, 400))}",
        f"Light    {int(rng.integers(40, 100))} %",
        f"Gain     {('OFF', 'LOW', 'HIGH')[int(rng.integers(3))]}",
        "",
        ("PRESS START", "RECORDING PAUSED", "SELECT EXAMINATION")[int(rng.integers(3))],
    ]
    font = ImageFont.load_default(size=max(8, size // 20))
    draw.rectangle((size * 0.06, size * 0.07, size * 0.94, size * 0.17), outline=(190, 200, 210))
    for row, line in enumerate(lines):
        draw.text((size * 0.1, size * (0.09 + 0.095 * row)), line, fill=(214, 220, 226), font=font)
    return np.asarray(canvas)


def _motion_blur(image: Array, alpha: Array, strength: float, shift: int, rng: np.random.Generator) -> tuple:
    length = max(5, round((0.07 + 0.07 * strength) * len(image))) | 1
    angle = float(rng.uniform(0, 180)) + 6 * shift
    both = np.dstack([image, np.ones_like(alpha)]) * alpha[..., None]
    turned = rotate(both, angle, reshape=True, order=1)
    smeared = convolve1d(turned, np.full(length, 1 / length), axis=1, mode="constant")
    back = rotate(smeared, -angle, reshape=True, order=1)
    top, left = (back.shape[0] - len(image)) // 2, (back.shape[1] - len(image)) // 2
    back = back[top : top + len(image), left : left + len(image)]
    return back[..., :3] / np.maximum(back[..., 3:], 1e-3), np.zeros_like(alpha)


def _defocus(image: Array, alpha: Array, strength: float, shift: int, rng: np.random.Generator) -> tuple:
    sigma = (0.016 + 0.014 * strength) * len(image) * (1 + 0.1 * np.sin(shift))
    weight = gaussian_filter(alpha, sigma)
    blurred = gaussian_filter(image * alpha[..., None], (sigma, sigma, 0))
    return blurred / np.maximum(weight, 1e-3)[..., None], np.zeros_like(alpha)


def _darkness(image: Array, alpha: Array, strength: float, shift: int, rng: np.random.Generator) -> tuple:
    return image * (0.045 - 0.025 * strength) * (1 + 0.15 * np.sin(1.7 * shift)), np.zeros_like(alpha)


def _overexposure(image: Array, alpha: Array, strength: float, shift: int, rng: np.random.Generator) -> tuple:
    flood = image * (8 + 5 * strength) + gaussian_filter(np.clip(image, 0, 1), (9, 9, 0)) * (2 + strength)
    return flood + 0.15 + 0.02 * shift, np.zeros_like(alpha)


def _bubbles(image: Array, alpha: Array, strength: float, shift: int, rng: np.random.Generator) -> tuple:
    """Foam: crowded clear discs with a bright rim, a glint and a lightened inside."""
    size = len(image)
    y, x = (np.mgrid[0:size, 0:size].astype(np.float32) + 0.5) / size
    changed = image.copy()
    middle = rng.uniform(0.3, 0.7, 2)
    for _ in range(int(190 + 130 * strength)):
        radius = float(np.exp(rng.normal(-3.35, 0.5)))
        cx, cy = rng.normal(middle, 0.24) + 0.006 * shift * rng.normal(0, 1, 2)
        low_x, high_x = (int(np.clip((cx + sign * radius) * size + sign, 0, size)) for sign in (-1, 1))
        low_y, high_y = (int(np.clip((cy + sign * radius) * size + sign, 0, size)) for sign in (-1, 1))
        box = (slice(low_y, high_y), slice(low_x, high_x))
        dx, dy = (x[box] - cx) / radius, (y[box] - cy) / radius
        away = np.sqrt(dx * dx + dy * dy)
        disc = np.clip((1 - away) * radius * size, 0, 1)
        rim = np.exp(-(((away - 0.86) / 0.13) ** 2)) * disc * (0.55 - 0.35 * dy)
        glint = np.exp(-((dx + 0.35) ** 2 + (dy + 0.4) ** 2) / 0.03) * disc
        pale = changed[box] * (0.82 + 0.1 * away[..., None]) + np.array([0.07, 0.06, 0.035])
        changed[box] = changed[box] * (1 - disc[..., None]) + pale * disc[..., None]
        changed[box] += (0.55 * rim + 0.9 * glint)[..., None] * np.array([1, 0.93, 0.75])
    return changed, np.zeros_like(alpha)  # foam is clear: what lies under it still shows


def _stool(image: Array, alpha: Array, strength: float, shift: int, rng: np.random.Generator) -> tuple:
    """Brown, lumpy, opaque matter over most of the view, shaded like the wall behind it."""
    size = len(image)
    cloud = fractal_noise((size, size), 0.7 * size, rng, slope=1.6, shortest=0.02 * size)
    lumps = fractal_noise((size, size), 0.16 * size, rng, slope=0.9, shortest=0.012 * size)
    cloud = np.roll(cloud, 2 * shift, 0)
    cover = 1 / (1 + np.exp(-(cloud + 0.3 + 0.5 * strength) * 7))
    light = gaussian_filter(image.max(2), 0.03 * size)
    relief = np.clip(
        1 + 0.006 * size * np.gradient(gaussian_filter(lumps, 0.008 * size), axis=0) + 0.1 * lumps, 0.25, 2
    )
    colour = np.array([0.50, 0.27, 0.055]) * (light * relief * (0.7 + 0.2 * np.tanh(cloud)))[..., None]
    shine = np.clip(lumps - 2.4, 0, 1)[..., None] * light[..., None]
    return image * (1 - cover[..., None]) + (colour + shine) * cover[..., None], cover


def _interference(image: Array, alpha: Array, strength: float, shift: int, rng: np.random.Generator) -> tuple:
    """Electrosurgery noise: rows torn sideways, bright and coloured bars, diagonal ripple."""
    size = len(image)
    rows = np.arange(size)
    changed = image.copy()
    for _ in range(int(6 + 6 * strength)):
        top, tall = int(rng.integers(size)), int(rng.integers(max(2, size // 60), max(3, size // 9)))
        top = (top + 11 * shift) % size
        band = slice(top, min(size, top + tall))
        changed[band] = np.roll(changed[band], int(rng.normal(0, 0.14 * size)), axis=1)
        changed[band] = changed[band] * rng.uniform(0.2, 1.1) + rng.uniform(0, 0.55) * rng.dirichlet((1, 1, 1))
    grain = np.kron(rng.random((size // 3 + 1, size // 40 + 1)), np.ones((3, 40)))
    lines = (rng.random(size) < 0.1)[:, None] * (grain[:size, :size] > 0.45)
    ripple = np.sin(2 * np.pi * (rows[:, None] * 0.19 + rows[None, :] * 0.043) + shift)
    return np.clip(changed + 0.06 * ripple[..., None] + 0.8 * lines[..., None], 0, None), np.zeros_like(alpha)


def _nothing_left(image: Array, alpha: Array, strength: float, shift: int, rng: np.random.Generator) -> tuple:
    return np.zeros_like(image), np.ones_like(alpha)


_FAULTS: dict[str, Callable[..., tuple[Array, Array]]] = {
    "motion_blur": _motion_blur,
    "darkness": _darkness,
    "bubbles": _bubbles,
    "text_screen": _nothing_left,
    "defocus": _defocus,
    "overexposure": _overexposure,
    "stool": _stool,
    "interference": _interference,
    "black": _nothing_left,
}
KINDS = tuple(_FAULTS)
