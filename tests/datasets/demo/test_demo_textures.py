import numpy as np
import pytest

from dataeff_core.datasets.demo.textures import WrappedMaps, band_noise, fractal_noise, gradient


def test_sampling_gives_a_cell_at_its_middle_and_the_mean_between() -> None:
    cells = np.arange(12, dtype=np.float32).reshape(3, 4)
    maps = WrappedMaps.build({"value": cells})
    rows, columns = np.indices((3, 4))
    (value,) = maps.sample((rows.ravel() + 0.5) / 3, (columns.ravel() + 0.5) / 4, ("value",))
    np.testing.assert_allclose(value, cells.ravel(), atol=1e-5)
    (between,) = maps.sample(np.array([0.5 / 3]), np.array([1 / 4]), ("value",))
    assert between[0] == pytest.approx(0.5, abs=1e-5)


def test_sampling_wraps_both_ways() -> None:
    maps = WrappedMaps.build({"value": np.random.default_rng(0).random((5, 7)).astype(np.float32)})
    v, u = np.random.default_rng(1).random((2, 50))
    for shift in (-2, 1, 3):
        np.testing.assert_allclose(
            maps.sample(v, u, ("value",)), maps.sample(v + shift, u - shift, ("value",)), atol=1e-5
        )


def test_mip_levels_are_block_means() -> None:
    cells = np.random.default_rng(0).random((8, 8)).astype(np.float32)
    maps = WrappedMaps.build({"value": cells}, levels=2)
    (value,) = maps.sample(np.array([0.125]), np.array([0.125]), ("value",), np.array([1.0]))
    assert value[0] == pytest.approx(cells[:2, :2].mean(), abs=1e-6)
    (beyond,) = maps.sample(np.array([0.125]), np.array([0.125]), ("value",), np.array([9.0]))
    assert beyond[0] == value[0]


@pytest.mark.parametrize("shape", [(64, 64), (33, 50)])
def test_noise_is_normalised_and_tiles(shape: tuple[int, int]) -> None:
    for noise in (
        band_noise(shape, 8.0, np.random.default_rng(0)),
        fractal_noise(shape, 30.0, np.random.default_rng(0), shortest=6),
    ):
        assert noise.shape == shape
        assert noise.mean() == pytest.approx(0, abs=1e-4)
        assert noise.std() == pytest.approx(1, abs=1e-3)
        seam, usual = np.abs(noise[0] - noise[-1]).mean(), np.abs(np.diff(noise, axis=0)).mean()
        assert seam < 2 * usual


def test_gradient_of_a_wave() -> None:
    x = np.arange(200) / 10.0  # ten cells a unit
    height = np.tile(np.sin(2 * np.pi * x / 20), (4, 1)).astype(np.float32)
    down, across = gradient(height, 10.0)
    np.testing.assert_allclose(down, 0, atol=1e-6)
    np.testing.assert_allclose(across[0], 2 * np.pi / 20 * np.cos(2 * np.pi * x / 20), atol=1e-3)
