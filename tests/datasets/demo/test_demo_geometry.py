import numpy as np
import pytest

from dataeff_core.datasets.demo.camera import Pose
from dataeff_core.datasets.demo.geometry import FARTHEST, NARROWEST, Tube, make_tube, meet_wall, with_radius
from dataeff_core.datasets.demo.polyps import Polyp
from dataeff_core.datasets.demo.rendering import NO_POLYP, Scene, make_lens, render
from dataeff_core.datasets.demo.tissue import Tissue, make_tissue


@pytest.fixture(scope="module")
def cylinder() -> Tube:
    """A straight tube of radius 1."""
    return with_radius(np.ones((640, 252), dtype=np.float32), 16.0, 40.0, np.zeros((4, 640), dtype=np.float32))


@pytest.fixture(scope="module")
def tissue() -> Tissue:
    return make_tissue(16.0, 40.0, 0, np.random.default_rng(0))


def test_rays_meet_a_straight_cylinder_where_geometry_says(cylinder: Tube) -> None:
    angle = np.radians(np.linspace(8, 88, 30))
    turn = np.linspace(0, 6, 30)
    rays = np.stack([np.sin(angle) * np.cos(turn), np.sin(angle) * np.sin(turn), np.cos(angle)]).astype(np.float32)
    origin = np.array([0, 0, 1.5], dtype=np.float32)
    np.testing.assert_allclose(meet_wall(cylinder, origin, rays), 1 / np.sin(angle), rtol=0.005)


def test_a_ray_down_the_lumen_meets_nothing(cylinder: Tube) -> None:
    rays = np.array([[0.0], [0.0], [1.0]], dtype=np.float32)
    assert meet_wall(cylinder, np.zeros(3, dtype=np.float32), rays)[0] >= FARTHEST


def test_hits_on_a_bowel_lie_on_its_wall() -> None:
    tube = make_tube(18.0, 60.0, np.random.default_rng(3))
    rng = np.random.default_rng(4)
    rays = rng.normal(size=(3, 500)).astype(np.float32)
    rays[2] = np.abs(rays[2]) + 0.2
    rays /= np.linalg.norm(rays, axis=0)
    x, y, *_ = tube.axis_at(np.array([2.0], dtype=np.float32))
    origin = np.array([x[0], y[0], 2.0], dtype=np.float32)
    distance = meet_wall(tube, origin, rays)
    points = origin[:, None] + rays * distance
    axis_x, axis_y, *_ = tube.axis_at(points[2])
    off_x, off_y = points[0] - axis_x, points[1] - axis_y
    gap = tube.radius_at(np.arctan2(off_y, off_x), points[2]) - np.hypot(off_x, off_y)
    assert np.quantile(np.abs(gap), 0.95) < 0.03
    assert tube.radius.min() >= NARROWEST


def test_the_mask_of_a_ball_is_the_cone_of_rays_that_meet_it(cylinder: Tube, tissue: Tissue) -> None:
    centre, radius = np.array([0.35, -0.2, 3.0], dtype=np.float32), 0.3
    ball = Polyp(
        name="ball",
        centres=centre[None],
        frames=np.eye(3, dtype=np.float32)[None],
        radii=np.full((1, 3), radius, dtype=np.float32),
        tint=np.ones(3, dtype=np.float32),
        pits=1.0,
        bound=radius,
    )
    lens = make_lens(128, "round", np.random.default_rng(0))
    pose = Pose(np.array([0, 0, 1.5], dtype=np.float32), np.eye(3, dtype=np.float32))
    view = render(Scene(cylinder, tissue, [ball]), lens, pose)
    towards = centre - pose.origin
    far = np.linalg.norm(towards)
    inside = (towards / far) @ lens.rays > np.sqrt(1 - (radius / far) ** 2)
    expected = np.full(128 * 128, NO_POLYP)
    expected[lens.pixels[inside]] = 0
    assert (view.polyp.ravel() == 0).sum() > 300
    np.testing.assert_array_equal(view.polyp.ravel(), expected)
    middle = lens.pixels[np.argmax((towards / far) @ lens.rays)]
    assert view.distance.ravel()[middle] == pytest.approx(far - radius, abs=0.01)


def test_the_far_lumen_is_darker_than_the_near_wall(cylinder: Tube, tissue: Tissue) -> None:
    lens = make_lens(128, "round", np.random.default_rng(0))
    pose = Pose(np.array([0, 0, 1.5], dtype=np.float32), np.eye(3, dtype=np.float32))
    image = render(Scene(cylinder, tissue, []), lens, pose).image.mean(2)
    assert image[60:68, 60:68].mean() < 0.2 * image[60:68, 8:24].mean()
