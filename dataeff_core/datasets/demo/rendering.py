"""One frame: rays through a fisheye lens, marched to the wall, shaded by a light at the scope's tip."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, minimum_filter

from .camera import Pose
from .geometry import Tube, meet_wall
from .polyps import Polyp
from .textures import Array
from .tissue import DETAIL_UNITS, Tissue

HALF_ANGLE = np.radians(64.0)  # field of view from the centre to the middle of an edge
NO_POLYP = -1
BLOCK = 4
LAMP = np.float32(0.07)  # from the lens to each of the two light guides beside it, tube radii


@dataclass(frozen=True)
class Lens:
    """alpha: (h, w) 1 inside the field of view, 0 in the black surround; pixels: flat indices of the n pixels drawn;
    rays: (3, n) unit vectors right, down, forward; pixel_angle: radians a pixel."""

    alpha: Array
    pixels: NDArray[np.int64]
    rays: Array
    pixel_angle: float
    block_rays: Array  # (3, m) through the middles of a grid of BLOCK x BLOCK pixels
    block_of: NDArray[np.int64]  # (n,) which of them a pixel lies in


@dataclass(frozen=True)
class Scene:
    tube: Tube
    tissue: Tissue
    polyps: list[Polyp]


@dataclass(frozen=True)
class Surface:
    """What n rays meet. colour: (3, n) reflectance; normal: (3, n); gloss: (n,); shade: (n,) light that gets in."""

    colour: Array
    normal: Array
    gloss: Array
    shade: Array


@dataclass(frozen=True)
class View:
    """image: (h, w, 3) float32 linear light, before surround, faults and overlay; polyp: (h, w) index into the
    scene's polyps or NO_POLYP; distance: (h, w) to the wall in tube radii (0 outside the field of view)."""

    image: Array
    polyp: NDArray[np.int16]
    distance: Array


def make_lens(size: int, shape: str, rng: np.random.Generator) -> Lens:
    """A square frame's field of view: shape "octagon", "round" or "cut" (round with its top and bottom cut off)."""
    half = size / 2
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    x, y = (x + 0.5 - half) / half, (y + 0.5 - half) / half
    if shape == "octagon":
        corner = rng.uniform(1.38, 1.5)
        edge = np.maximum(np.maximum(np.abs(x), np.abs(y)), (np.abs(x) + np.abs(y)) / corner)
    elif shape == "round":
        edge = np.sqrt(x * x + y * y)
    else:
        edge = np.maximum(np.sqrt(x * x + y * y), np.abs(y) / 0.84)
    alpha = np.clip((0.985 - edge) * half * 0.7, 0, 1)
    pixels = np.flatnonzero(alpha > 0)
    rays = _fisheye(x.ravel()[pixels], y.ravel()[pixels])
    blocks = -(-size // BLOCK)
    down, across = ((np.mgrid[0:blocks, 0:blocks] + 0.5) * BLOCK - half) / half
    block_of = (pixels // size // BLOCK) * blocks + pixels % size // BLOCK
    block_rays = _fisheye(across.ravel(), down.ravel())
    return Lens(alpha.astype(np.float32), pixels, rays, float(HALF_ANGLE / half), block_rays, block_of)


def _fisheye(x: Array, y: Array) -> Array:
    """Rays (3, n) through places x, y (-1..1 over the frame), equidistant: the angle grows as the radius."""
    away = np.sqrt(x * x + y * y) + 1e-6
    angle = away * HALF_ANGLE
    return np.stack([np.sin(angle) * x / away, np.sin(angle) * y / away, np.cos(angle)]).astype(np.float32)


def render(scene: Scene, lens: Lens, pose: Pose) -> View:
    """Draw what the camera sees. Deterministic: noise and faults come later."""
    rays = pose.turned(lens.rays)
    distance = meet_wall(scene.tube, pose.origin, rays, _start(scene.tube, lens, pose))
    shape = lens.alpha.shape
    polyp = np.full(len(lens.pixels), NO_POLYP, dtype=np.int16)
    for index, candidate in enumerate(scene.polyps):
        if abs(candidate.centres[0, 2] - pose.origin[2]) < 6:
            hits, nearer = candidate.meet(pose.origin, rays, distance)
            distance[hits], polyp[hits] = nearer, index
    points = pose.origin[:, None] + rays * distance
    surface = _wall(scene, lens, points, rays, distance)
    for index, candidate in enumerate(scene.polyps):
        on = np.flatnonzero(polyp == index)
        if abs(candidate.centres[0, 2] - pose.origin[2]) < 6:
            _contact_shadow(candidate, points, polyp == NO_POLYP, surface.shade)
        if len(on):
            colour, normal = _polyp_surface(scene.tissue, candidate, lens, points[:, on], distance[on])
            surface.colour[:, on], surface.normal[:, on] = colour, normal
            surface.shade[on], surface.gloss[on] = 1.0, 0.7
    light = _shade(surface, pose, rays, lens.rays, distance)
    image = np.zeros((3, shape[0] * shape[1]), dtype=np.float32)
    image[:, lens.pixels] = light
    labels = np.full(shape[0] * shape[1], NO_POLYP, dtype=np.int16)
    labels[lens.pixels] = polyp
    depth = np.zeros(shape[0] * shape[1], dtype=np.float32)
    depth[lens.pixels] = distance
    return View(image.reshape(3, *shape).transpose(1, 2, 0).copy(), labels.reshape(shape), depth.reshape(shape))


def _start(tube: Tube, lens: Lens, pose: Pose) -> Array:
    """Where to start each pixel's ray, (n,): a little before the nearest wall in its block and those around it."""
    blocks = round(lens.block_rays.shape[1] ** 0.5)
    coarse = meet_wall(tube, pose.origin, pose.turned(lens.block_rays)).reshape(blocks, blocks)
    nearest = minimum_filter(coarse, 3, mode="nearest").ravel()
    return np.maximum(0.93 * nearest - 0.04, 0.02).astype(np.float32).take(lens.block_of)


def _wall(scene: Scene, lens: Lens, points: Array, rays: Array, distance: Array) -> Surface:
    """The wall's surface at points (3, n)."""
    tube, tissue = scene.tube, scene.tissue
    axis_x, axis_y, slope_x, slope_y = tube.axis_at(points[2])
    off_x, off_y = points[0] - axis_x, points[1] - axis_y
    r = np.maximum(np.sqrt(off_x**2 + off_y**2), np.float32(0.05))
    cos, sin = off_x / r, off_y / r
    u = np.arctan2(off_y, off_x) / np.float32(2 * np.pi)
    along, around, cavity = tube.relief.sample(points[2] / np.float32(tube.length), u, ("along", "around", "cavity"))
    around = around / r
    # gradient of radius(theta, s) - r, the axis's slope taken into account: it points into the lumen
    down_s = along + around * (slope_x * sin - slope_y * cos) + slope_x * cos + slope_y * sin
    smooth = np.stack([-cos - around * sin, -sin + around * cos, down_s])
    smooth /= np.sqrt((smooth * smooth).sum(0))
    facing = np.clip(-(smooth * rays).sum(0), 0.15, 1)
    texel = lens.pixel_angle * distance * np.float32(tissue.cells_per_unit) / np.sqrt(facing)
    inside = points[2] - r  # runs on over the face of a fold, where s alone hardly changes
    red, green, blue, wet = tissue.wall.sample(
        inside / np.float32(tube.length), u, ("red", "green", "blue", "wet"), np.log2(texel + 1e-6)
    )
    tile_v, tile_u = inside / np.float32(DETAIL_UNITS), u * np.float32(np.round(2 * np.pi / DETAIL_UNITS))
    tone, bump_s, bump_u = tissue.detail.sample(tile_v, tile_u, ("tone", "down", "across"), np.log2(2 * texel + 1e-6))
    firm = np.clip(2.2 * facing, 0.25, 1)  # at a grazing view the fine relief is finer than a pixel
    normal = smooth + firm * np.stack([sin * bump_u, -cos * bump_u, -bump_s])
    normal /= np.sqrt((normal * normal).sum(0))
    colour = np.stack([red, green, blue]) * (1 + np.float32(0.035) * tone)
    # crests of folds are stretched and pale, the creases between them deep red
    colour *= np.exp(np.clip(-cavity, -0.2, 0.2) * np.array([[0.2], [0.9], [0.8]], dtype=np.float32))
    shade = np.clip(1 - 1.8 * np.clip(cavity, 0, 1), 0.35, 1)
    return Surface(colour, normal, wet * np.float32(tissue.wetness), shade.astype(np.float32))


def _contact_shadow(polyp: Polyp, points: Array, on_wall: Array, shade: Array) -> None:
    """Darken (in place) the wall close to a polyp, where less light gets in."""
    off = points - polyp.centres[0][:, None]
    near = np.flatnonzero(on_wall & ((off * off).sum(0) < (1.5 * polyp.bound) ** 2))
    if len(near):
        gap, _ = polyp.surface(points[:, near])
        shade[near] *= 1 - 0.5 * np.exp(-np.maximum(gap, 0) / np.float32(0.05))


def _polyp_surface(tissue: Tissue, polyp: Polyp, lens: Lens, points: Array, distance: Array) -> tuple[Array, Array]:
    """Colour and normal (3, n) on a polyp: its own tint, pit pattern and relief."""
    _, normal = polyp.surface(points)
    first, second = polyp.texture_place(points)
    texel = 2 * lens.pixel_angle * distance * np.float32(tissue.cells_per_unit)
    tone, down, across = tissue.pits.sample(
        first / np.float32(DETAIL_UNITS),
        second / np.float32(DETAIL_UNITS),
        ("tone", "down", "across"),
        np.log2(texel),
    )
    (blotch,) = tissue.detail.sample(first / np.float32(3), second / np.float32(3), ("tone",))
    normal = (
        normal - polyp.frames[0][0][:, None] * down * polyp.pits - polyp.frames[0][1][:, None] * across * polyp.pits
    )
    normal /= np.sqrt((normal * normal).sum(0))
    base = (np.array(tissue.base, dtype=np.float32) * polyp.tint)[:, None]
    mottled = np.exp(np.array([[0.03], [0.14], [0.12]], dtype=np.float32) * polyp.pits * tone)
    return base * mottled * (1 + 0.06 * blotch), normal


def _shade(surface: Surface, pose: Pose, rays: Array, lens_rays: Array, distance: Array) -> Array:
    """Light that comes back, (3, n), after auto-exposure and the sensor's soft shoulder.

    rays: (3, n) in the tube's frame; lens_rays: the same in the camera's; distance: (n,).
    """
    colour, normal, gloss, shade = surface.colour, surface.normal, surface.gloss, surface.shade
    facing = np.clip(-(normal * rays).sum(0), 0, 1)
    lamp = np.power(np.maximum(lens_rays[2], 0.05), np.float32(0.35))  # the light guides shine forwards
    falloff = lamp / (distance**2 + np.float32(0.12)) * np.exp(-distance / 9)
    diffuse = (np.float32(0.26) + np.float32(0.74) * facing) * falloff * shade
    gain = 0.5 / float(np.percentile(diffuse[::7], 68))
    gain = min(gain, 9.0)
    # light that has gone through more tissue comes back redder
    deep = np.clip(diffuse * gain, 0.02, None)
    tint = np.stack([deep**-0.03, deep**0.03, deep**0.01])
    lit = 1 - np.exp(-1.9 * np.maximum(colour, 0.01) * tint * np.minimum(deep, 12))
    shine, towards_right = np.zeros_like(distance), np.einsum("i,in->n", pose.axes[0], normal)
    for side in (-1.0, 1.0):  # two light guides left and right of the lens: two highlights a bump
        half = distance * distance - side * LAMP * lens_rays[0] * distance + LAMP**2 / 4
        aside = (facing * distance + side * LAMP / 2 * towards_right) / np.sqrt(half)
        shine += np.clip((aside - np.float32(0.9965) + np.float32(0.003) * gloss) / np.float32(0.002), 0, 1) ** 2
    sheen = np.power(facing, np.float32(20)) * np.float32(0.035)
    strength = np.clip(gain * falloff, 0, 1.6)
    return lit + (np.float32(1.1) * shine + sheen * gloss) * strength


def finish(image: Array, alpha: Array, noise: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Bloom, sharpening, gamma, sensor noise and the black surround: (h, w, 3) linear -> uint8."""
    glow = np.clip(image - 0.85, 0, 1.5)
    size = image.shape[0]
    image = gaussian_filter(image, (0.0012 * size, 0.0012 * size, 0), truncate=2.5)  # the lens's own softness
    image += 0.5 * gaussian_filter(glow, (0.006 * size, 0.006 * size, 0), truncate=2.5)
    image = np.power(np.clip(image, 0, 1), np.float32(1 / 2.2))
    image += 0.3 * (image - gaussian_filter(image, (1.1, 1.1, 0), truncate=2.5))
    image += noise * rng.standard_normal(image.shape[:2], dtype=np.float32)[..., None] * (1 - 0.6 * image)
    return (np.clip(image * alpha[..., None], 0, 1) * 255 + 0.5).astype(np.uint8)
