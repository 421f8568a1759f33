"""The scope's path through the tube: travel, dwell (nearly still), turns, roll, and the hand's tremor.

The path is the known truth about which frames show practically the same view: see `view_groups`.
"""

from dataclasses import dataclass

import numpy as np

from .geometry import Tube
from .textures import Array

# Two frames show practically the same view when none of these is exceeded between their camera poses (our choice:
# a move of the picture by some 5 % of its width, a zoom of 5 %, a roll of 3 degrees)
SAME_POSITION = 0.07  # tube radii
SAME_DIRECTION_DEG = 4.0
SAME_ROLL_DEG = 3.0
SAME_INSTRUMENT = 0.04  # move of the instrument's tip, share of the frame's side


@dataclass(frozen=True)
class Pose:
    """origin: (3,) x, y, s; axes: (3, 3), rows right, down, forward (unit vectors)."""

    origin: Array
    axes: Array

    def turned(self, rays: Array) -> Array:
        """Rays (3, n) of the camera's frame in the tube's frame."""
        return turned(self.axes.T, rays)


@dataclass(frozen=True)
class Path:
    """depth: (n,) s of the camera; offset: (n, 2) from the axis; angles: (n, 3) yaw, pitch, roll in radians;
    dwells: (first frame, last frame) of each stretch in which the camera is nearly still."""

    depth: Array
    offset: Array
    angles: Array
    dwells: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.depth)

    def pose(self, frame: int, tube: Tube) -> Pose:
        """The camera of one frame in the tube: it looks along the axis ahead, then yaw, pitch and roll turn it."""
        depth = self.depth[frame : frame + 1]
        x, y, *_ = tube.axis_at(depth)
        ahead_x, ahead_y, *_ = tube.axis_at(depth + 1.2)
        origin = np.array([x[0] + self.offset[frame, 0], y[0] + self.offset[frame, 1], depth[0]], dtype=np.float32)
        forward = _unit(np.array([ahead_x[0], ahead_y[0], depth[0] + 1.2]) - origin)
        right = _unit(np.cross([0.0, 1.0, 0.0], forward))
        down = np.cross(forward, right)
        yaw, pitch, roll = self.angles[frame]
        forward, right = _turn(forward, right, yaw)
        forward, down = _turn(forward, down, pitch)
        right, down = _turn(right, down, roll)
        return Pose(origin=origin, axes=np.stack([right, down, forward]).astype(np.float32))


def make_path(frames: int, rng: np.random.Generator) -> Path:
    """A path of that many frames, from s >= 1; travel covers 0.12-0.22 radii a frame, a dwell next to none."""
    advance, offset, angles, dwells = _segments(frames, rng)
    depth = np.cumsum(advance)
    depth += 1.2 - depth.min()
    tremor = rng.normal(0, 1, (6, frames))
    tremor = tremor if frames < 3 else 0.5 * tremor + 0.25 * (np.roll(tremor, 1, 1) + np.roll(tremor, -1, 1))
    return Path(
        depth=(depth + 0.005 * tremor[0]).astype(np.float32),
        offset=(offset + 0.005 * tremor[1:3].T).astype(np.float32),
        angles=(angles + np.array([0.006, 0.006, 0.005]) * tremor[3:].T).astype(np.float32),
        dwells=dwells,
    )


def _segments(frames: int, rng: np.random.Generator) -> tuple[Array, Array, Array, tuple[tuple[int, int], ...]]:
    """Advance a frame (n,), offset (n, 2), angles (n, 3) and dwells: travels and dwells one after the other."""
    advance, lateral, angles = np.zeros(frames), np.zeros((frames, 2)), np.zeros((frames, 3))
    dwells: list[tuple[int, int]] = []
    state = _aim(rng, 0.35)
    direction, at, still = (1.0 if rng.random() < 0.7 else -1.0), 0, rng.random() < 0.4
    while at < frames:
        if still:
            end = min(frames, at + int(rng.integers(5, 14)))
            lateral[at:end], angles[at:end] = state[:2], state[2:]
            dwells.append((at, end - 1))
            still = False
        else:
            end = min(frames, at + int(rng.integers(5, 11)))
            target = _aim(rng, 0.95)
            target[4] = 0.6 * state[4] + rng.normal(0, 0.35)
            part = (np.arange(1, end - at + 1) / (end - at))[:, None]
            blend = state + (target - state) * part
            lateral[at:end], angles[at:end] = blend[:, :2], blend[:, 2:]
            advance[at:end] = direction * rng.uniform(0.12, 0.22)
            state, still = blend[-1], rng.random() < 0.72
            direction = -direction if rng.random() < 0.1 else direction
        at = end
    return advance, lateral, angles, tuple(dwells)


def _aim(rng: np.random.Generator, turn: float) -> Array:
    """Offset x, y, yaw, pitch, roll to steer to; turn: largest usual angle off the axis, radians."""
    around, away = rng.uniform(0, 2 * np.pi), rng.uniform(0.02, 0.24)
    side, angle = rng.uniform(0, 2 * np.pi), turn * np.sqrt(rng.uniform(0, 1))
    return np.array(
        [away * np.cos(around), away * np.sin(around), angle * np.cos(side), angle * np.sin(side), rng.normal(0, 0.3)]
    )


def view_groups(poses: list[Pose], same_content: list[tuple], tips: Array) -> list[int]:
    """Near-duplicate groups from the known poses, never from pixels.

    Each frame, in order, joins the earliest group from whose *first* frame its camera differs by at most
    SAME_POSITION, SAME_DIRECTION_DEG and SAME_ROLL_DEG, and which shows the same content; else it starts a group.
    poses: n cameras; same_content: n tuples that must be equal within a group (is an instrument in view), or () for
    a frame that belongs to no group (a planted fault); tips: (n, 2) the instrument's tip, as a share of the frame's
    side, NaN without one. Returns n group numbers from 0, -1 for no group.
    """
    firsts: list[int] = []
    groups: list[int] = []
    for frame, (pose, content) in enumerate(zip(poses, same_content, strict=True)):
        found = -1
        for group, first in enumerate(firsts) if content else ():
            moved = np.nan_to_num(np.hypot(*(tips[frame] - tips[first])))
            if content == same_content[first] and moved <= SAME_INSTRUMENT and same_view(pose, poses[first]):
                found = group
                break
        if content and found < 0:
            found = len(firsts)
            firsts.append(frame)
        groups.append(found)
    return groups


def same_view(one: Pose, other: Pose) -> bool:
    """Whether two cameras see practically the same: the three limits above."""
    turn = float(np.degrees(np.arccos(np.clip(one.axes[2] @ other.axes[2], -1, 1))))
    roll = float(np.degrees(np.arctan2(one.axes[0] @ other.axes[1], one.axes[0] @ other.axes[0])))
    near = float(np.linalg.norm(one.origin - other.origin)) <= SAME_POSITION
    return near and turn <= SAME_DIRECTION_DEG and abs(roll) <= SAME_ROLL_DEG


def turned(matrix: Array, vectors: Array) -> Array:
    """matrix (3, 3) times vectors (3, n); without BLAS, whose threads would get in the way of the other workers."""
    return np.einsum("ij,jn->in", matrix, vectors)


def _unit(vector: Array) -> Array:
    return vector / np.linalg.norm(vector)


def _turn(first: Array, second: Array, angle: float) -> tuple[Array, Array]:
    """first turned towards second by angle, and second with it."""
    return (
        np.cos(angle) * first + np.sin(angle) * second,
        np.cos(angle) * second - np.sin(angle) * first,
    )
