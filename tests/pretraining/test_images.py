import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataeff_core.errors import Cancelled, StorageFailed
from dataeff_core.pretraining.images import VERSION, Store, side_of, small_frames
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset, Workspace
from tests.pretraining.making import fresh, small, toy

SIDE = 24


class StopsAfter(Reporter):
    def __init__(self, frames: int) -> None:
        super().__init__()
        self.frames = frames

    def stop_asked(self) -> bool:
        return self.done >= self.frames


def by_hand(dataset: Dataset) -> np.ndarray:
    return np.stack(
        [
            np.asarray(Image.open(dataset.file(frame)).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC))
            for _, frame in dataset.frames.iterrows()
        ]
    )


def keys_of(dataset: Dataset) -> list[str]:
    return dataset.frames["sha256"].tolist()


@contextmanager
def full_disk(kilobytes: int) -> Iterator[None]:
    """No file may grow beyond this size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.fixture
def made(tmp_path: Path) -> tuple[Workspace, Dataset, Store]:
    workspace, dataset = fresh(tmp_path)
    return workspace, dataset, Store(workspace, SIDE)


@pytest.mark.parametrize("workers", [0, 2])
def test_each_frame_is_its_original_squashed(made: tuple[Workspace, Dataset, Store], workers: int) -> None:
    _, dataset, store = made
    assert store.images(keys_of(dataset)) is None
    assert store.fill(dataset, dataset.frames, workers=workers, reporter=Reporter()) == {}
    images = store.images(keys_of(dataset))
    assert images is not None
    assert len(images) == 20
    np.testing.assert_array_equal(images.take(np.arange(20)), by_hand(dataset))
    assert images.pixels.flags.writeable is False


def test_a_selection_is_rows_of_it_in_its_own_order(made: tuple[Workspace, Dataset, Store]) -> None:
    _, dataset, store = made
    store.fill(dataset, dataset.frames, workers=0, reporter=Reporter())
    chosen = [17, 3, 3, 8]
    images = store.images([keys_of(dataset)[one] for one in chosen])
    assert images is not None
    np.testing.assert_array_equal(images.take(np.arange(4)), by_hand(dataset)[chosen])


def test_what_is_there_is_not_read_again(made: tuple[Workspace, Dataset, Store]) -> None:
    workspace, dataset, store = made
    store.fill(dataset, dataset.frames[:15], workers=0, reporter=Reporter())
    shutil.rmtree(Path(dataset.record.sources[0].root))
    bad = store.fill(dataset, dataset.frames, workers=0, reporter=Reporter())
    assert sorted(bad) == sorted(keys_of(dataset)[15:])
    assert "no longer there" in next(iter(bad.values()))
    assert Store(workspace, SIDE).images(keys_of(dataset)[:15]) is not None


def test_a_filling_that_was_stopped_goes_on(made: tuple[Workspace, Dataset, Store]) -> None:
    _, dataset, store = made
    with pytest.raises(Cancelled):
        store.fill(dataset, dataset.frames, workers=0, reporter=StopsAfter(16))
    assert len(store.missing(keys_of(dataset))) == 4
    store.fill(dataset, dataset.frames, workers=0, reporter=Reporter())
    images = store.images(keys_of(dataset))
    assert images is not None
    np.testing.assert_array_equal(images.take(np.arange(20)), by_hand(dataset))


@pytest.mark.parametrize(("pixels", "keys"), [(100, 0), (SIDE * SIDE * 3, 0), (0, 20), (-100, 0), (0, -50)])
def test_what_a_killed_process_left_half_written_is_made_again(
    made: tuple[Workspace, Dataset, Store], pixels: int, keys: int
) -> None:
    _, dataset, store = made
    store.fill(dataset, dataset.frames[:12], workers=0, reporter=Reporter())
    for name, change in (("pixels.bin", pixels), ("keys.bin", keys)):
        data = (store.folder / name).read_bytes()
        (store.folder / name).write_bytes(data[:change] if change < 0 else data + b"x" * change)
    store.fill(dataset, dataset.frames, workers=0, reporter=Reporter())
    images = store.images(keys_of(dataset))
    assert images is not None
    np.testing.assert_array_equal(images.take(np.arange(20)), by_hand(dataset))


def test_a_full_disk_is_a_sentence_and_what_fitted_stays(made: tuple[Workspace, Dataset, Store]) -> None:
    _, dataset, store = made
    with full_disk(30), pytest.raises(StorageFailed, match="disk is full"):
        store.fill(dataset, dataset.frames, workers=0, reporter=Reporter())
    store.fill(dataset, dataset.frames, workers=0, reporter=Reporter())
    images = store.images(keys_of(dataset))
    assert images is not None
    np.testing.assert_array_equal(images.take(np.arange(20)), by_hand(dataset))


def test_a_broken_frame_is_named_and_the_rest_goes_on(made: tuple[Workspace, Dataset, Store]) -> None:
    _, dataset, store = made
    dataset.file(dataset.frames.iloc[4]).write_bytes(b"no picture")
    dataset.file(dataset.frames.iloc[9]).unlink()
    bad = store.fill(dataset, dataset.frames, workers=2, reporter=Reporter())
    assert bad == {
        keys_of(dataset)[4]: "the file has changed since it was imported",
        keys_of(dataset)[9]: "the file is no longer there",
    }
    assert store.missing(keys_of(dataset)) == set(bad)


def test_another_size_is_another_store(made: tuple[Workspace, Dataset, Store]) -> None:
    workspace, dataset, store = made
    store.fill(dataset, dataset.frames, workers=0, reporter=Reporter())
    other = Store(workspace, 16)
    assert other.images(keys_of(dataset)) is None
    assert other.folder == workspace.root / "prepared" / f"{VERSION}-16"


def test_images_are_kept_larger_only_for_crops() -> None:
    assert side_of(small("mae", crop=0.5)) == 40
    assert side_of(small("mae", crop=1, stretch=1)) == 32
    assert side_of(toy(image_size=224)) == 280


def test_frames_smaller_than_the_input_are_counted(made: tuple[Workspace, Dataset, Store]) -> None:
    _, dataset, _ = made
    assert small_frames(dataset.frames, 192) == 0
    assert small_frames(dataset.frames, 193) == 20
