"""Forceps and snares: a shaft from the frame's border towards its middle, drawn over the tissue."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter

from .camera import Path
from .textures import Array

KINDS = ("forceps", "snare")
_HAND = np.array([0.72, 1.08])  # where the working channel lets the shaft into the picture, share of the side
_SHEATHS = np.array([[0.16, 0.30, 0.62], [0.75, 0.76, 0.78], [0.10, 0.42, 0.30], [0.62, 0.55, 0.12]])


@dataclass(frozen=True)
class Instrument:
    """kind: of KINDS; tip: (2,) x, y as shares of the frame's side; opening: 0-1; sheath: (3,) linear colour."""

    kind: str
    tip: Array
    opening: float
    sheath: Array


def plan_instruments(path: Path, rng: np.random.Generator) -> list[Instrument | None]:
    """One entry a frame: an instrument comes in, works and goes, in about a seventh of a video's frames."""
    frames = len(path)
    plan: list[Instrument | None] = [None] * frames
    count = max(8, frames // 7)
    if frames < 2 * count or rng.random() < 0.25:
        return plan
    dwells = [first for first, last in path.dwells if last - first >= 6 and first + count <= frames]
    start = int(rng.choice(dwells)) if dwells else int(rng.integers(0, frames - count))
    kind, sheath = KINDS[int(rng.integers(2))], _SHEATHS[int(rng.integers(len(_SHEATHS)))]
    goal = rng.uniform((0.42, 0.42), (0.58, 0.62))
    for step in range(count):
        inside = min(1.0, (step + 1) / 4, (count - step) / 4)
        tip = _HAND + (goal - _HAND) * (0.35 + 0.65 * inside) + rng.normal(0, 0.003, 2)
        opening = float(0.5 - 0.5 * np.cos(min(1.0, step / max(1, count - 6)) * np.pi))
        plan[start + step] = Instrument(kind, tip, opening, sheath)
    return plan


def draw_instrument(image: Array, instrument: Instrument) -> tuple[Array, Array]:
    """Draw on a linear image (h, w, 3). Returns the new image and how much of each pixel is covered, (h, w) 0-1."""
    size = image.shape[0]
    y, x = (np.mgrid[0:size, 0:size].astype(np.float32) + 0.5) / size
    paint = _Paint(image.copy(), np.zeros((size, size), dtype=np.float32), x, y)
    direction = (instrument.tip - _HAND) / np.linalg.norm(instrument.tip - _HAND)
    side = np.array([-direction[1], direction[0]])
    metal = np.array([0.55, 0.56, 0.60])
    if instrument.kind == "forceps":
        neck = instrument.tip - 0.11 * direction
        paint.rod(_HAND, neck, (0.052, 0.026), metal * 0.75, rings=46.0)
        for sign in (-1.0, 1.0):
            hinge = neck + 0.035 * direction
            spread = sign * (0.012 + 0.028 * instrument.opening)
            elbow = hinge + 0.03 * direction + spread * side
            paint.rod(neck, elbow, (0.017, 0.015), metal, rings=0.0)
            paint.rod(elbow, instrument.tip + 0.5 * spread * side, (0.017, 0.008), metal, rings=0.0)
    else:
        mouth = instrument.tip - (0.05 + 0.13 * instrument.opening) * direction
        paint.rod(_HAND, mouth, (0.046, 0.024), instrument.sheath, rings=0.0)
        turn = np.linspace(0, 2 * np.pi, 25)
        reach = np.linalg.norm(instrument.tip - mouth) / 2
        loop = mouth + reach * (
            (1 - np.cos(turn))[:, None] * direction + 0.75 * instrument.opening * np.sin(turn)[:, None] * side
        )
        for one, other in pairwise(loop):
            paint.rod(one, other, (0.0055, 0.0055), metal, rings=0.0)
    shadow = gaussian_filter(np.roll(paint.cover, (round(0.02 * size), round(-0.015 * size)), (0, 1)), 0.012 * size)
    dimmed = image * (1 - 0.55 * shadow * (1 - paint.cover))[..., None]
    drawn = np.where(paint.cover[..., None] > 0, paint.image, dimmed)
    blend = paint.cover[..., None]
    return (drawn * blend + dimmed * (1 - blend)).astype(np.float32), paint.cover


@dataclass
class _Paint:
    image: Array
    cover: Array
    x: Array
    y: Array

    def rod(self, start: Array, end: Array, radii: tuple[float, float], colour: Array, rings: float) -> None:
        """A tapering rod lit from the scope: bright ridge, dark flanks; rings: turns of wire a frame's side."""
        pad, size = max(radii) + 0.01, self.image.shape[0]
        low = np.clip(np.floor((np.minimum(start, end) - pad) * size), 0, size).astype(int)
        high = np.clip(np.ceil((np.maximum(start, end) + pad) * size), 0, size).astype(int)
        window = (slice(low[1], high[1]), slice(low[0], high[0]))
        x, y = self.x[window] - start[0], self.y[window] - start[1]
        line = end - start
        length = max(float(np.linalg.norm(line)), 1e-6)
        along = np.clip((x * line[0] + y * line[1]) / length**2, 0, 1)
        away_x, away_y = x - along * line[0], y - along * line[1]
        signed = (away_x * -line[1] + away_y * line[0]) / length
        radius = radii[0] + (radii[1] - radii[0]) * along
        cover = np.clip((radius - np.sqrt(away_x**2 + away_y**2)) * size + 0.5, 0, 1)
        across = np.clip(signed / radius, -1, 1)
        body = 0.18 + 0.82 * np.sqrt(1 - across**2)
        if rings:
            body = body * (0.72 + 0.28 * np.cos(2 * np.pi * rings * along * length + 2.2 * across))
        glint = np.exp(-(((across + 0.25) / 0.16) ** 2)) * 0.9 + np.exp(-(((across - 0.45) / 0.1) ** 2)) * 0.3
        lit = body[..., None] * colour * (1.25 - 0.5 * along[..., None]) + glint[..., None] * 0.8
        share = cover[..., None]
        self.image[window] = self.image[window] * (1 - share) + lit * share
        self.cover[window] = np.maximum(self.cover[window], cover)
