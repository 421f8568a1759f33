"""Polyps: groups of ellipsoids on the wall (flat, sessile, pedunculated), met by rays in closed form."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .camera import Path, Pose, turned
from .geometry import Tube, meet_wall, with_radius
from .textures import Array


@dataclass(frozen=True)
class Polyp:
    """centres: (k, 3) x, y, s; frames: (k, 3, 3) rows are the ellipsoid's axes; radii: (k, 3); tint: (3,) on the
    tissue's colour; frame of the first lobe also carries the pit texture. bound: radius around centres[0]."""

    name: str
    centres: Array
    frames: Array
    radii: Array
    tint: Array
    pits: float
    bound: float

    def meet(self, origin: Array, rays: Array, farthest: Array) -> tuple[NDArray[np.int64], Array]:
        """Rays that meet a lobe nearer than `farthest`. rays: (3, n) unit vectors; farthest: (n,).

        Returns (indices into the rays, distances).
        """
        towards = self.centres[0] - origin
        along = towards[0] * rays[0] + towards[1] * rays[1] + towards[2] * rays[2]
        aside = np.float32(towards @ towards) - along * along
        near = np.flatnonzero((aside < self.bound**2) & (along > -self.bound) & (along - self.bound < farthest))
        distance = np.full(len(near), np.inf, dtype=np.float32)
        some = rays[:, near]
        for centre, frame, radii in zip(self.centres, self.frames, self.radii, strict=True):
            start = (frame @ (origin - centre)) / radii
            step = turned(frame / radii[:, None], some)
            a, b, c = (step * step).sum(0), (start[:, None] * step).sum(0), start @ start - 1
            root = b * b - a * c
            hit = (-b - np.sqrt(np.maximum(root, 0))) / a
            distance = np.where((root > 0) & (hit > 0.02), np.minimum(distance, hit), distance)
        wins = distance < farthest[near]
        return near[wins].astype(np.int64), distance[wins].astype(np.float32)

    def surface(self, points: Array) -> tuple[Array, Array]:
        """Distance to the lobes (about; < 0 inside) and blended outward normals at points (3, n): (n,), (3, n)."""
        distances, normals = [], []
        for centre, frame, radii in zip(self.centres, self.frames, self.radii, strict=True):
            local = turned(frame, points - centre[:, None]) / radii[:, None]
            size = np.sqrt((local * local).sum(0)) + np.float32(1e-6)
            slope = turned(frame.T, local / radii[:, None])
            length = np.sqrt((slope * slope).sum(0)) + np.float32(1e-6)
            distances.append((size - 1) * size / length)
            normals.append(slope / length)
        gap = np.stack(distances)
        weight = np.exp(-(gap - gap.min(0)) / np.float32(0.18 * self.radii.min()))
        normal = sum(part * share for part, share in zip(normals, weight / weight.sum(0), strict=True))
        return gap.min(0), normal / np.sqrt((normal * normal).sum(0))

    def texture_place(self, points: Array) -> tuple[Array, Array]:
        """Two tangential coordinates of points (3, n) on the head, in tube radii, for the pit texture."""
        local = turned(self.frames[0], points - self.centres[0][:, None])
        stretch = 1 + np.float32(0.5) * (local[0] ** 2 + local[1] ** 2) / np.float32(self.radii[0, :2].max() ** 2)
        return local[0] * stretch, local[1] * stretch


def place_polyps(video: str, tube: Tube, path: Path, rng: np.random.Generator) -> tuple[Tube, list[Polyp]]:
    """Polyps in view of the path, most of them where it dwells; the wall swells under each (hence the new tube)."""
    count = max(1, round(len(path) / 45))
    dwells = [path.dwells[index] for index in rng.permutation(len(path.dwells))]
    anchors = [int(rng.integers(first, last + 1)) for first, last in dwells]
    anchors += [int(rng.integers(len(path))) for _ in range(count)]
    radius = tube.radius.copy()
    polyps: list[Polyp] = []
    for anchor in anchors:
        if len(polyps) == count:
            break
        theta, s = _spot(path.pose(anchor, tube), tube, rng)
        if any(abs(s - polyp.centres[0, 2]) < 0.8 for polyp in polyps):
            continue
        polyp, swell = _make(f"{video}_polyp_{len(polyps) + 1}", tube, theta, s, rng)
        polyps.append(polyp)
        _raise_wall(radius, tube, theta, s, swell)
    return with_radius(radius, tube.length, tube.cells_per_unit, tube.axis), polyps


def _spot(pose: Pose, tube: Tube, rng: np.random.Generator) -> tuple[float, float]:
    """Angle and depth of a place on the wall well in that camera's view: one of 40 rays, at a good distance."""
    slant, side = np.radians(38) * np.sqrt(rng.uniform(0, 1, 40)), rng.uniform(0, 2 * np.pi, 40)
    looks = np.stack([np.sin(slant) * np.cos(side), np.sin(slant) * np.sin(side), np.cos(slant)])
    rays = pose.turned(looks).astype(np.float32)
    distance = meet_wall(tube, pose.origin, rays)
    best = int(np.argmin(np.abs(np.log(distance / rng.uniform(0.7, 1.5)))))
    x, y, s = pose.origin + rays[:, best] * distance[best]
    axis_x, axis_y, *_ = tube.axis_at(np.array([s], dtype=np.float32))
    return float(np.arctan2(y - axis_y[0], x - axis_x[0])), float(s)


def _raise_wall(radius: Array, tube: Tube, theta: float, s: float, swell: tuple[float, float]) -> None:
    """Lift the wall (radius map, in place) by swell[0] within about swell[1] of (theta, s)."""
    rows, columns = radius.shape
    along = np.arange(rows) * (tube.length / rows) - s
    along -= tube.length * np.rint(along / tube.length)
    around = np.angle(np.exp(1j * (np.arange(columns) * (2 * np.pi / columns) - theta)))
    lift = swell[0] * np.exp(-(along[:, None] ** 2 + around[None, :] ** 2) / swell[1] ** 2)
    radius -= lift.astype(np.float32)


def _make(
    name: str, tube: Tube, theta: float, s: float, rng: np.random.Generator
) -> tuple[Polyp, tuple[float, float]]:
    wall = float(tube.radius_at(np.array([theta], np.float32), np.array([s], np.float32))[0])
    x, y, *_ = tube.axis_at(np.array([s], dtype=np.float32))
    inward = np.array([-np.cos(theta), -np.sin(theta), rng.normal(0, 0.12)])
    inward /= np.linalg.norm(inward)
    around = np.cross(inward, [0.0, 0.0, 1.0])
    around /= np.linalg.norm(around)
    frame = np.stack([around, np.cross(inward, around), inward])
    foot = np.array([x[0] + wall * np.cos(theta), y[0] + wall * np.sin(theta), s])
    kind = rng.choice(("sessile", "sessile", "flat", "pedunculated"))
    size = {
        "sessile": rng.uniform(0.16, 0.4),
        "flat": rng.uniform(0.22, 0.42),
        "pedunculated": rng.uniform(0.13, 0.23),
    }
    lobes = _lobes(str(kind), size[str(kind)], rng)
    room = wall - 0.38  # keeps the head off the scope's way
    tallest = max(centre[2] + radii[2] for centre, radii in lobes)
    shrink = min(1.0, room / tallest)
    centres = np.stack([foot + shrink * np.array(centre) @ frame for centre, _ in lobes])
    radii = np.stack([shrink * np.array(radii) for _, radii in lobes])
    frames = np.stack([_tilted(frame, rng.normal(0, 0.2, 2)) for _ in lobes])
    bound = float((np.linalg.norm(centres - centres[0], axis=1) + radii.max(1)).max())
    tint = np.array([(1.0, 0.74, 0.74), (1.0, 0.97, 1.0), (1.0, 0.88, 0.86), (0.95, 0.62, 0.6)])[rng.integers(4)]
    polyp = Polyp(
        name=name,
        centres=centres.astype(np.float32),
        frames=frames.astype(np.float32),
        radii=radii.astype(np.float32),
        tint=(tint * rng.normal(1, 0.04, 3)).astype(np.float32),
        pits=float(rng.uniform(0.35, 1.2)),
        bound=bound,
    )
    lift, spread = {"sessile": (0.55, 1.3), "flat": (0.45, 1.4), "pedunculated": (0.4, 1.0)}[str(kind)]
    return polyp, (lift * float(radii[-1, 2]), spread * float(radii[-1, :2].mean()))


def _lobes(kind: str, size: float, rng: np.random.Generator) -> list[tuple[tuple, tuple]]:
    """(centre, radii) of each ellipsoid in the foot's frame: two along the wall, the third inward; the head first."""
    if kind == "pedunculated":
        stalk, lean = rng.uniform(0.3, 0.45), rng.normal(0, 0.08, 2)
        head = ((lean[0], lean[1], stalk + 0.4 * size), (size, size * rng.uniform(0.8, 1.1), size * 0.85))
        bump = ((lean[0] + 0.5 * size, lean[1] + 0.3 * size, stalk + 0.35 * size), (0.6 * size,) * 3)
        return [head, bump, ((lean[0] / 2, lean[1] / 2, stalk / 2), (0.42 * size, 0.42 * size, 0.75 * stalk))]
    height = size * (rng.uniform(0.28, 0.4) if kind == "flat" else rng.uniform(0.5, 0.9))
    stretch = rng.uniform(0.75, 1.35)
    lobes: list[tuple[tuple, tuple]] = [((0.0, 0.0, 0.08 * height), (size, size * stretch, height))]
    for _ in range(int(rng.integers(1, 5))):
        angle, away, part = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 0.62) * size, rng.uniform(0.45, 0.7)
        place = (away * np.cos(angle), away * stretch * np.sin(angle), 0.25 * height)
        lobes.append((place, (part * size, part * size * rng.uniform(0.8, 1.2), part * height * 1.2)))
    return [lobes[0], *lobes[1:]]


def _tilted(frame: Array, angles: Array) -> Array:
    tilted = frame + np.stack([angles[0] * frame[2], angles[1] * frame[2], 0 * frame[2]])
    first = tilted[0] / np.linalg.norm(tilted[0])
    second = tilted[1] - (tilted[1] @ first) * first
    second /= np.linalg.norm(second)
    return np.stack([first, second, np.cross(first, second)])
