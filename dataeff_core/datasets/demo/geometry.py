"""The bowel as a tube: a curved axis, and a wall whose radius varies with angle and depth (haustral folds).

Lengths are in units of the bowel's mean radius. A point is (x, y, s): s runs along the tube, and the tube's
axis at s lies at (axis_x(s), axis_y(s)). Angles theta are about that axis. Everything is periodic in s.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from .textures import Array, WrappedMaps, fractal_noise, gradient

NARROWEST, WIDEST = 0.42, 1.45
FARTHEST = 13.0  # rays that meet no wall within this distance end in the dark of the lumen


@dataclass(frozen=True)
class Tube:
    """radius: (rows, columns) over s and theta; relief: its slopes and its cavity; axis: (4, rows)."""

    length: float
    cells_per_unit: float
    radius: Array
    relief: WrappedMaps
    axis: Array  # x, y, dx/ds, dy/ds

    def axis_at(self, s: Array) -> tuple[Array, Array, Array, Array]:
        """x, y of the axis and their slopes along s, linearly interpolated. s: (n,)."""
        rows = self.axis.shape[1]
        place = s * np.float32(rows / self.length)
        low = np.floor(place)
        part = place - low
        index = low.astype(np.int64)
        first, second = index % rows, (index + 1) % rows
        x, y, dx, dy = (line.take(first) * (1 - part) + line.take(second) * part for line in self.axis)
        return x, y, dx, dy

    def radius_at(self, theta: Array, s: Array) -> Array:
        (radius,) = self.relief.sample(s / np.float32(self.length), theta / np.float32(2 * np.pi), ("radius",))
        return radius

    def clearance(self, x: Array, y: Array, s: Array) -> Array:
        """Radial distance from each point to the wall, from the nearest cell (fast): > 0 inside the lumen."""
        rows, columns = self.radius.shape
        row = (s * np.float32(rows / self.length)).astype(np.int32) % rows
        off_x, off_y = x - self.axis[0].take(row), y - self.axis[1].take(row)
        theta = np.arctan2(off_y, off_x)
        column = (theta * np.float32(columns / (2 * np.pi)) + np.float32(columns)).astype(np.int32) % columns
        return self.radius.ravel().take(row * columns + column) - np.sqrt(off_x * off_x + off_y * off_y)


def make_tube(length: float, cells_per_unit: float, rng: np.random.Generator) -> Tube:
    """A bowel of its own for one video. length, cells_per_unit: see the module; columns = 2 pi cells."""
    rows, columns = int(np.ceil(length * cells_per_unit)), int(np.ceil(2 * np.pi * cells_per_unit))
    theta = ((np.arange(columns, dtype=np.float32) + 0.5) * np.float32(2 * np.pi / columns))[None, :]
    s = ((np.arange(rows, dtype=np.float32) + 0.5) * np.float32(length / rows))[:, None]
    swell = fractal_noise((rows, columns), 1.8 * cells_per_unit, rng, shortest=0.5 * cells_per_unit, slope=2.0)
    turn = 2 * np.pi * s / length
    corners = np.cos(3 * theta + rng.uniform(0, 6.3) + 0.8 * np.sin(rng.integers(1, 4) * turn))
    radius = 1.0 + 0.045 * swell + rng.uniform(0.03, 0.11) * corners
    radius -= np.minimum(_folds(s, theta, length, rng), 0.56)
    radius = np.clip(radius, NARROWEST, WIDEST).astype(np.float32)
    return with_radius(radius, length, cells_per_unit, _axis(s[:, 0], length, rng))


def with_radius(radius: Array, length: float, cells_per_unit: float, axis: Array) -> Tube:
    """A tube from its radius map (rows, columns); its slopes and cavities are worked out here."""
    along, around = gradient(radius, cells_per_unit)
    # d radius / d theta: columns are 2 pi / columns apart, which is about one cell at radius 1
    cavity = radius - gaussian_filter(radius, 0.16 * cells_per_unit, mode="wrap")
    relief = WrappedMaps.build({"radius": radius, "along": along, "around": around, "cavity": cavity}, levels=3)
    return Tube(length=length, cells_per_unit=cells_per_unit, radius=radius, relief=relief, axis=axis)


def meet_wall(tube: Tube, origin: Array, rays: Array, start: Array | None = None) -> Array:
    """Distance to the wall along each ray, (n,): steps of half the clearance, then a secant step onto the wall.

    origin: (3,); rays: (3, n) unit vectors; start: (n,) distances known to lie before the wall.
    """
    count = rays.shape[1]
    near = np.full(count, 0.02, dtype=np.float32) if start is None else start.copy()
    near_gap = np.full(count, 0.05, dtype=np.float32)
    far, far_gap = near.copy(), near_gap.copy()
    active = np.arange(count)
    for _ in range(90):
        at = far[active]
        dx, dy, ds = rays[0].take(active), rays[1].take(active), rays[2].take(active)
        gap = tube.clearance(origin[0] + dx * at, origin[1] + dy * at, origin[2] + ds * at)
        far_gap[active] = gap
        going = (gap > 0.004 * at) & (at < FARTHEST)
        active, at, gap = active[going], at[going], gap[going]
        near[active], near_gap[active] = at, gap
        far[active] = at + np.maximum(np.float32(0.5) * gap, np.float32(0.012) * at)
        if not len(active):
            break
    span = near_gap - far_gap
    part = np.where(np.abs(span) > 1e-5, near_gap / np.where(np.abs(span) > 1e-5, span, 1), 1)
    distance = near + (far - near) * np.clip(part, 0, 1.2)
    return _polish(tube, origin, rays, distance.astype(np.float32))


def _polish(tube: Tube, origin: Array, rays: Array, distance: Array) -> Array:
    """One Newton step with the smooth radius, which takes the map's cells out of the surface."""
    x, y, s = origin[0] + rays[0] * distance, origin[1] + rays[1] * distance, origin[2] + rays[2] * distance
    axis_x, axis_y, slope_x, slope_y = tube.axis_at(s)
    off_x, off_y = x - axis_x, y - axis_y
    r = np.sqrt(off_x**2 + off_y**2)
    gap = tube.radius_at(np.arctan2(off_y, off_x), s) - r
    closing = ((rays[0] - slope_x * rays[2]) * off_x + (rays[1] - slope_y * rays[2]) * off_y) / np.maximum(r, 1e-3)
    most = np.float32(0.01) + np.float32(0.015) * distance
    step = np.clip(gap / np.maximum(closing, 0.12), -most, most) * (distance < FARTHEST)
    return (distance + step).astype(np.float32)


def _axis(s: Array, length: float, rng: np.random.Generator) -> Array:
    lines = []
    turn = 2 * np.pi * s / length
    for _ in range(2):
        value, slope = np.zeros_like(s), np.zeros_like(s)
        for _wave in range(4):
            count = int(rng.integers(1, max(2, round(length / 6)) + 1))
            steepness, phase = rng.uniform(0.05, 0.22), rng.uniform(0, 2 * np.pi)
            value += steepness * length / (2 * np.pi * count) * np.sin(count * turn + phase)
            slope += steepness * np.cos(count * turn + phase)
        lines.append((value, slope))
    return np.stack([lines[0][0], lines[1][0], lines[0][1], lines[1][1]]).astype(np.float32)


def _folds(s: Array, theta: Array, length: float, rng: np.random.Generator) -> Array:
    """Height of the haustral folds over (s, theta): crescents and rings, tilted and wavy."""
    rows = s.shape[0]
    height = np.zeros((rows, theta.shape[1]), dtype=np.float32)
    spacing = rng.uniform(0.8, 1.5)
    place = 0.0
    while place < length - 0.5 * spacing:
        thickness, wander = rng.uniform(0.10, 0.2), rng.uniform(0.05, 0.3)
        crest = place + wander * np.sin(theta + rng.uniform(0, 6.3)) + 0.03 * np.sin(3 * theta + rng.uniform(0, 6.3))
        reach = int(np.ceil((3 * thickness + 0.35) / length * rows))
        near = np.arange(int(place / length * rows) - reach, int(place / length * rows) + reach) % rows
        distance = s[near] - crest
        distance -= length * np.rint(distance / length)
        span = (
            1.0
            if rng.random() < 0.3
            else np.exp(
                -(np.abs(np.angle(np.exp(1j * (theta - rng.uniform(0, 6.3)))) / rng.uniform(0.8, 1.5)) ** 2.5)
            )
        )
        profile = np.exp(-(np.abs(distance / thickness) ** 1.8)) * span
        height[near] = np.maximum(height[near], (rng.uniform(0.18, 0.52) * profile).astype(np.float32))
        place += spacing * rng.uniform(0.6, 1.4)
    return height
