"""The descriptor: near for what shows the same, far for what does not, and well-behaved on poor datasets."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage.color import rgb2lab

from dataeff_core.encoders import descriptor
from dataeff_core.encoders.descriptor import Descriptor, LoadedDescriptor
from dataeff_core.encoders.jitter import jitter


def view(seed: int, height: int = 160, width: int = 200) -> np.ndarray:
    """A scope's view of its own: folds and spots in reddish tones, within a disc on black; (h, w, 3) uint8."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((2, height, width))
    folds, spots = (ndimage.gaussian_filter(one, size) for one, size in zip(noise, (14, 5), strict=True))
    level = 130 + 45 * folds / folds.std() * 0.7 + 12 * spots / spots.std()
    tint = np.array([1.0, 0.62, 0.5]) + rng.uniform(-0.05, 0.05, 3)
    rows, columns = np.ogrid[:height, :width]
    lit = (rows - height / 2) ** 2 + (columns - width / 2) ** 2 < (0.47 * height) ** 2
    return (np.clip(level, 20, 255)[..., None] * tint * lit[..., None]).clip(0, 255).astype(np.uint8)


def fitted(features: np.ndarray) -> LoadedDescriptor:
    loaded = Descriptor().load()
    loaded.fit(features)
    return loaded


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return Descriptor().load().features([view(seed) for seed in range(60)])


def test_features_are_rows_of_their_own(features: np.ndarray) -> None:
    loaded = Descriptor().load()
    assert features.shape == (60, loaded.feature_dim)
    assert features.dtype == np.float32
    assert np.array_equal(loaded.features([view(3)])[0], features[3])
    assert loaded.features([]).shape == (0, loaded.feature_dim)


def test_copies_are_near_and_strangers_far(features: np.ndarray) -> None:
    loaded = fitted(features)
    vectors = loaded.finish(features)
    rng = np.random.default_rng(0)
    copies = loaded.finish(loaded.features([jitter(view(seed), rng) for seed in range(60)]))
    own = (vectors * copies).sum(axis=1)
    strangers = (vectors @ copies.T)[~np.eye(60, dtype=bool)]
    assert np.quantile(own, 0.05) > np.quantile(strangers, 0.999)
    assert np.median(own) - np.median(strangers) > 0.3


def test_exposure_hardly_counts(features: np.ndarray) -> None:
    loaded = fitted(features)
    frame = view(5)
    darker = (frame * 0.8).astype(np.uint8)
    first, second = loaded.finish(loaded.features([frame, darker]))
    assert first @ second > 0.9


def test_what_the_surround_shows_does_not_count(features: np.ndarray) -> None:
    loaded = fitted(features)
    frame, labelled = view(5), view(5)
    labelled[4:12, 2:30] = 255
    first, second = loaded.finish(loaded.features([frame, labelled]))
    assert first @ second > 0.98


def test_vectors_are_of_unit_length_and_a_known_size(features: np.ndarray) -> None:
    vectors = fitted(features).finish(features)
    assert vectors.shape == (60, 60)  # 59 axes that 60 frames span, and the constant
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_fit_is_the_whitening_it_says_from_any_chunks(features: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptor, "CHUNK_ROWS", 7)
    loaded = fitted(features)
    assert loaded.mean is not None and loaded.axes is not None
    centred = features.astype(np.float64) - features.mean(axis=0)
    scale = np.empty(features.shape[1])
    for index, weight in enumerate(descriptor.BLOCK_WEIGHTS):
        block = slice(descriptor.BLOCKS[index], descriptor.BLOCKS[index + 1])
        total = max(centred[:, block].var(axis=0, ddof=1).sum(), descriptor.LEAST_VARIANCE[index])
        scale[block] = weight / np.sqrt(total)
    _, singular, axes = np.linalg.svd(centred * scale, full_matrices=False)
    added = descriptor.SHRINKAGE * sum(weight**2 for weight in descriptor.BLOCK_WEIGHTS) / 59
    expected = (centred * scale) @ axes[:59].T / np.sqrt(singular[:59] ** 2 / 59 + added)
    got = (features - loaded.mean) @ loaded.axes
    assert np.allclose(got @ got.T, expected @ expected.T, rtol=1e-3, atol=1e-2)


def test_half_precision_on_disk_fits_alike(features: np.ndarray, tmp_path: Path) -> None:
    stored = np.memmap(tmp_path / "features.raw", dtype=np.float16, mode="w+", shape=features.shape)
    stored[:] = features
    one, other = fitted(features).finish(features), fitted(stored).finish(np.asarray(stored))
    assert (one * other).sum(axis=1).min() > 0.999 or np.allclose(one @ one.T, other @ other.T, atol=0.01)


def test_state_is_saved_and_read_again(features: np.ndarray, tmp_path: Path) -> None:
    loaded = fitted(features)
    loaded.save_state(tmp_path)
    again = Descriptor().load()
    again.load_state(tmp_path)
    assert np.array_equal(again.finish(features), loaded.finish(features))


def test_it_must_be_fitted_first(features: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fitted"):
        Descriptor().load().finish(features)
    with pytest.raises(ValueError, match="fitted"):
        Descriptor().load().save_state(tmp_path)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_frames_make_sound_vectors(features: np.ndarray, count: int) -> None:
    vectors = fitted(features[:count]).finish(features[:count])
    assert np.isfinite(vectors).all()
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_identical_frames_are_alike_to_the_full() -> None:
    features = Descriptor().load().features([view(1)] * 6)
    vectors = fitted(features).finish(features)
    assert np.allclose(vectors @ vectors.T, 1, atol=1e-5)


def test_copies_of_one_view_alone_are_still_alike() -> None:
    rng = np.random.default_rng(0)
    features = Descriptor().load().features([jitter(view(1), rng) for _ in range(12)])
    vectors = fitted(features).finish(features)
    assert (vectors @ vectors.T).min() > 0.7


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((90, 120, 3), np.uint8),
        np.full((90, 120, 3), 255, np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.full((1, 300, 3), 90, np.uint8),
        np.random.default_rng(0).integers(0, 256, (40, 7, 3)).astype(np.uint8),
    ],
    ids=["black", "white", "one pixel", "one row", "narrow noise"],
)
def test_any_frame_has_finite_features(frame: np.ndarray, features: np.ndarray) -> None:
    loaded = fitted(features)
    found = loaded.features([frame])
    assert np.isfinite(found.astype(np.float16)).all()
    assert np.isfinite(loaded.finish(found)).all()


def test_lab_is_that_of_scikit_image() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    assert np.allclose(descriptor._lab(rgb), np.moveaxis(rgb2lab(rgb), 2, 0), atol=0.1)


def test_gradient_histograms_name_the_direction() -> None:
    stripes = np.tile(np.sin(np.arange(descriptor.SIDE) / 2).astype(np.float32), (descriptor.SIDE, 1))
    across = descriptor._gradient_histograms(stripes).mean(axis=(1, 2))
    down = descriptor._gradient_histograms(stripes.T.copy()).mean(axis=(1, 2))
    assert across.argmax() == 0
    assert down.argmax() == descriptor.ORIENTATIONS // 2


def test_jitter_keeps_size_and_is_drawn_from_its_generator() -> None:
    frame = view(2)
    one, same, other = (jitter(frame, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.shape == frame.shape
    assert one.dtype == np.uint8
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    difference = np.abs(one.astype(int) - frame).mean()
    assert 1 < difference < 40
    assert Image.fromarray(one).size == (200, 160)
