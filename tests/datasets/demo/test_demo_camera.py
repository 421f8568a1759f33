import av
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dataeff_core.datasets.demo import DemoVideos
from dataeff_core.datasets.demo.camera import (
    SAME_DIRECTION_DEG,
    SAME_POSITION,
    Pose,
    make_path,
    same_view,
    view_groups,
)
from dataeff_core.datasets.demo.geometry import make_tube


def pose(s: float = 0.0, yaw: float = 0.0, roll: float = 0.0) -> Pose:
    yaw, roll = np.radians(yaw), np.radians(roll)
    forward = np.array([np.sin(yaw), 0, np.cos(yaw)])
    right, down = np.array([np.cos(yaw), 0, -np.sin(yaw)]), np.array([0.0, 1.0, 0.0])
    axes = np.stack([np.cos(roll) * right + np.sin(roll) * down, np.cos(roll) * down - np.sin(roll) * right, forward])
    return Pose(np.array([0.0, 0.0, s]), axes)


def test_same_view_at_its_limits() -> None:
    assert same_view(pose(), pose())
    assert same_view(pose(), pose(s=0.9 * SAME_POSITION))
    assert not same_view(pose(), pose(s=1.1 * SAME_POSITION))
    assert same_view(pose(), pose(yaw=0.9 * SAME_DIRECTION_DEG))
    assert not same_view(pose(), pose(yaw=1.1 * SAME_DIRECTION_DEG))
    assert same_view(pose(), pose(roll=2.5))
    assert not same_view(pose(), pose(roll=-3.5))


def test_groups_are_led_by_their_first_frame() -> None:
    step = 0.6 * SAME_POSITION
    poses = [pose(0), pose(step), pose(2 * step), pose(3 * step), pose(0.01), pose(0.01)]
    content: list[tuple] = [(False,)] * 5 + [()]
    nowhere = np.full((6, 2), np.nan)
    assert view_groups(poses, content, nowhere) == [0, 0, 1, 1, 0, -1]


def test_an_instrument_and_its_place_part_groups() -> None:
    poses = [pose()] * 4
    content: list[tuple] = [(False,), (True,), (True,), (True,)]
    tips = np.array([[np.nan, np.nan], [0.5, 0.5], [0.51, 0.5], [0.6, 0.5]])
    assert view_groups(poses, content, tips) == [0, 1, 1, 2]


def test_camera_axes_are_orthonormal_and_inside_the_lumen() -> None:
    rng = np.random.default_rng(2)
    path = make_path(60, rng)
    tube = make_tube(float(path.depth.max()) + 14, 30.0, rng)
    assert len(path) == 60
    for frame in range(60):
        camera = path.pose(frame, tube)
        np.testing.assert_allclose(camera.axes @ camera.axes.T, np.eye(3), atol=1e-5)
        assert np.linalg.det(camera.axes) == pytest.approx(1, abs=1e-5)
        assert tube.clearance(*(camera.origin[:, None]))[0] > 0.05


@pytest.mark.parametrize("frames", [1, 2, 3, 17])
def test_short_paths(frames: int) -> None:
    path = make_path(frames, np.random.default_rng(0))
    assert path.depth.shape == (frames,)
    assert path.angles.shape == (frames, 3)
    assert np.isfinite(path.depth).all()


def test_frames_of_one_group_look_more_alike_than_frames_of_different_groups(
    demo: DemoVideos, truth: pd.DataFrame
) -> None:
    pictures = []
    for video in demo.videos:
        with av.open(str(video)) as container:
            for frame in container.decode(video=0):
                small = Image.fromarray(frame.to_ndarray(format="gray")).resize((32, 32), Image.Resampling.BOX)
                pictures.append(np.asarray(small, dtype=float).ravel())
    clean = (truth["fault"] == "").to_numpy()
    centred = (np.stack(pictures) - np.mean(np.stack(pictures)[clean], axis=0))[clean]
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    alike = centred @ centred.T
    group = truth["near_duplicate_group"].to_numpy()[clean]
    same = group[:, None] == group[None]
    upper = np.triu(np.ones_like(same), 1)
    within, across = alike[same & upper], alike[~same & upper]
    assert len(within) > 10
    assert np.quantile(within, 0.05) > np.quantile(across, 0.98)
    assert within.min() > np.median(across)
