import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from PIL import Image

from dataeff_core.datasets.importing import import_frames
from dataeff_core.encoders.embedding import _room, embed
from dataeff_core.encoders.feature_store import FeatureStore
from dataeff_core.errors import BadInput, Cancelled, Stale, StorageFailed, WorkerDied
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset, Workspace
from dataeff_core.workspace.datasets import save_frames
from dataeff_core.workspace.thumbnails import read_thumbnail
from tests.encoders.toy import Broken, Buggy, Deadly, Grid, GridOfOriginals, mean_colours
from tests.fabrication import fabricate


class Counting(Reporter):
    """Counts the steps of the embedding phase, and stops after `most`."""

    def __init__(self, most: int | None = None) -> None:
        super().__init__()
        self.most, self.embedded, self.to_embed = most, 0, 0

    def show(self) -> None:
        if self.phase_name.startswith("embedding"):
            self.embedded, self.to_embed = self.done, self.total or 0

    def stop_asked(self) -> bool:
        return self.most is not None and self.embedded >= self.most


@pytest.fixture
def made(tmp_path: Path) -> tuple[Workspace, Dataset]:
    workspace, dataset, _, _ = fabricate(tmp_path / "w", frames=30, hostile_names=True)
    return workspace, dataset


def by_hand(workspace: Workspace, dataset: Dataset) -> np.ndarray:
    raw = np.stack([mean_colours(read_thumbnail(workspace, key)) for key in dataset.frames["sha256"]])
    raw = raw.astype(np.float16).astype(np.float32)
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 50, 3), np.uint8))


def imported(root: Path, count: int) -> tuple[Workspace, Dataset, Path]:
    """A dataset of `count` PNG files, imported for real."""
    folder = root / "pictures"
    folder.mkdir()
    for number in range(count):
        picture(number).save(folder / f"p{number}.png")
    workspace = Workspace.open(root / "w")
    import_frames(workspace, folder, name="set", workers=1)
    return workspace, workspace.dataset("set"), folder


@pytest.mark.parametrize("workers", [0, 2])
def test_vectors_are_each_frames_own_in_the_datasets_order(made: tuple[Workspace, Dataset], workers: int) -> None:
    workspace, dataset = made
    embedding = embed(workspace, dataset, Grid(), workers=workers)
    assert embedding.frame_ids.tolist() == dataset.frames["frame_id"].tolist()
    assert embedding.vectors.dtype == np.float16
    np.testing.assert_allclose(embedding.vectors, by_hand(workspace, dataset), atol=1e-3)
    record = embedding.record
    assert (record.dim, record.frames, record.encoder) == (48, 30, "grid")
    assert record.images_per_second > 0
    assert {path.name for path in embedding.folder.iterdir()} == {"vectors.npy", "frames.parquet", "embedding.json"}


def test_an_equal_embedding_is_returned_at_once(made: tuple[Workspace, Dataset]) -> None:
    workspace, dataset = made
    first = embed(workspace, dataset, Grid())
    seen = Counting()
    assert embed(workspace, dataset, Grid(), reporter=seen).record == first.record
    assert seen.to_embed == 0
    assert [one.id for one in workspace.embeddings(dataset)].count(first.id) == 1


def test_originals_are_read_whatever_they_are_called(made: tuple[Workspace, Dataset]) -> None:
    workspace, dataset = made
    embedding = embed(workspace, dataset, GridOfOriginals(), workers=0)
    raw = [mean_colours(np.asarray(Image.open(dataset.file(row)))) for _, row in dataset.frames.iterrows()]
    expected = np.stack(raw) / np.linalg.norm(raw, axis=1, keepdims=True)
    np.testing.assert_allclose(embedding.vectors, expected, atol=1e-3)


def test_video_frames_are_the_wanted_ones(tmp_path: Path) -> None:
    import av

    path = tmp_path / "clip" / "v.mkv"
    path.parent.mkdir()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
        for number in range(30):
            shade = np.full((48, 64, 3), number * 8, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(shade, format="rgb24").reformat(format="bgr0")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    workspace = Workspace.open(tmp_path / "w")
    import_frames(workspace, path.parent, name="clip", fps=2.0, workers=1)
    dataset = workspace.dataset("clip")
    assert dataset.frames["frame_index"].tolist() == [0, 5, 10, 15, 20, 25]
    seen = Counting()
    store_of = embed(workspace, dataset, GridOfOriginals(), workers=1, reporter=seen)
    assert seen.embedded == 6
    shards = list((dataset.folder / "embeddings").glob(".features-*/features-*.npz"))
    with np.load(shards[0]) as shard:
        shades = {key.decode(): row[0] * 255 for key, row in zip(shard["keys"], shard["features"], strict=True)}
    assert [round(float(shades[key])) for key in dataset.frames["sha256"]] == [0, 40, 80, 120, 160, 200]
    assert not store_of.vectors[0].any()  # a black frame: its zero vector is allowed


def test_frames_that_are_gone_or_changed_are_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    workspace, dataset, folder = imported(tmp_path, 6)
    (folder / "p1.png").rename(tmp_path / "aside.png")
    picture(99).save(folder / "p2.png")
    with pytest.raises(BadInput, match=r"2 of 6 frames \(p1\.png: .*no longer there; p2\.png: .*changed"):
        embed(workspace, dataset, GridOfOriginals(), workers=0)
    assert workspace.embeddings(dataset) == []
    (tmp_path / "aside.png").rename(folder / "p1.png")
    picture(2).save(folder / "p2.png")
    seen = Counting()
    assert len(embed(workspace, dataset, GridOfOriginals(), workers=0, reporter=seen).vectors) == 6
    assert seen.to_embed == 2


def test_the_way_out_of_a_vanished_frame_is_importing_again(tmp_path: Path) -> None:
    workspace, dataset, folder = imported(tmp_path, 4)
    old = embed(workspace, dataset, GridOfOriginals(), workers=0)
    (folder / "p3.png").unlink()
    picture(50).save(folder / "new.png")
    import_frames(workspace, folder, name="set", workers=1)
    dataset = workspace.dataset("set")
    with pytest.raises(Stale, match="again"):
        old.check_fits(dataset)
    seen = Counting()
    new = embed(workspace, dataset, GridOfOriginals(), workers=0, reporter=seen)
    assert seen.to_embed == 1, "features of frames that were there before are used again"
    common = np.intersect1d(old.frame_ids, new.frame_ids)
    assert len(common) == 3
    np.testing.assert_array_equal(old.vectors[old.rows(common)], new.vectors[new.rows(common)])


def test_a_missing_thumbnail_is_named(made: tuple[Workspace, Dataset]) -> None:
    workspace, dataset = made
    workspace.thumbnail(dataset.frames["sha256"][4]).unlink()
    with pytest.raises(BadInput, match=r"1 of 30 frames \(.*missing or damaged.*import the same folder again"):
        embed(workspace, dataset, Grid())


def test_a_vector_that_is_not_finite_names_its_frame(tmp_path: Path) -> None:
    workspace, _, folder = imported(tmp_path, 3)
    Image.new("RGB", (40, 50), "white").save(folder / "white.png")
    Image.new("RGB", (40, 50), "black").save(folder / "black.png")
    import_frames(workspace, folder, name="set", workers=1)
    with pytest.raises(BadInput, match=r"broken gives no finite vector for 1 of 5 frames \(white\.png\)"):
        embed(workspace, workspace.dataset("set"), Broken())


def test_one_frame_and_equal_frames(tmp_path: Path) -> None:
    for count, distinct in ((1, None), (12, 1)):
        root = tmp_path / str(count)
        workspace, dataset, _, _ = fabricate(root, frames=count, groups=1, distinct=distinct)
        seen = Counting()
        vectors = embed(workspace, dataset, Grid(), reporter=seen).vectors
        assert vectors.shape == (count, 48)
        assert seen.to_embed == 1, "equal pictures are computed once"
        assert (vectors == vectors[0]).all()


def test_an_empty_dataset_is_refused(made: tuple[Workspace, Dataset]) -> None:
    workspace, dataset = made
    frames = dataset.all_frames.assign(present=False)
    save_frames(dataset.folder, dataset.record, frames, dataset.unreadable)
    with pytest.raises(BadInput, match="no frames"):
        embed(workspace, workspace.dataset(dataset.id), Grid())
    with pytest.raises(BadInput, match="workers -1"):
        embed(workspace, dataset, Grid(), workers=-1)


@pytest.mark.parametrize("workers", [0, 1])
def test_stopping_keeps_what_was_done(tmp_path: Path, workers: int) -> None:
    workspace, dataset, _, _ = fabricate(tmp_path / "w", frames=60)
    before = {one.pid for one in _workers_of(os.getpid())}  # of other tests, a browser among them
    with pytest.raises(Cancelled):
        embed(workspace, dataset, Grid(), workers=workers, reporter=Counting(most=20))
    left = [one for one in _workers_of(os.getpid()) if one.pid not in before]
    assert psutil.wait_procs(left, timeout=10)[1] == [], "workers end with the embedding"
    seen = Counting()
    embedding = embed(workspace, dataset, Grid(), workers=0, reporter=seen)
    assert 0 < seen.to_embed < 60
    np.testing.assert_allclose(embedding.vectors, by_hand(workspace, dataset), atol=1e-3)


def _workers_of(pid: int) -> list[psutil.Process]:
    """Processes under `pid` other than multiprocessing's own two helpers."""
    try:
        below = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    helpers = ("resource_tracker", "forkserver import main")
    return [one for one in below if one.is_running() and not any(h in " ".join(one.cmdline()) for h in helpers)]


KILLED = """
import sys
from dataeff_core.encoders import feature_store
from dataeff_core.encoders.embedding import _room, embed
from dataeff_core.workspace import Workspace
from tests.encoders.toy import Grid

if __name__ == "__main__":
    feature_store.FLUSH_SECONDS = 0.05
    workspace = Workspace.open(sys.argv[1])
    embed(workspace, workspace.dataset("latest"), Grid(pause_s=0.01), workers=2)
"""


def test_kill_and_resume(tmp_path: Path) -> None:
    workspace, dataset, _, _ = fabricate(tmp_path / "w", frames=160)
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen([sys.executable, str(script), str(workspace.root)], env=environment)
    shards = dataset.folder / "embeddings"
    deadline = time.monotonic() + 60
    while len(list(shards.glob(".features-*/features-*.npz"))) < 3:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    below = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [one.id for one in workspace.embeddings(dataset)] == ["descriptor-000001"]
    _, alive = psutil.wait_procs(below, timeout=10)
    assert alive == [], "workers end with their parent"
    seen = Counting()
    embedding = embed(workspace, dataset, Grid(), workers=0, reporter=seen)
    assert 0 < seen.to_embed < 160
    np.testing.assert_allclose(embedding.vectors, by_hand(workspace, dataset), atol=1e-3)
    resumed = np.array(embedding.vectors)
    shutil.rmtree(dataset.folder / "embeddings")
    np.testing.assert_array_equal(embed(workspace, dataset, Grid(), workers=0).vectors, resumed)


def test_two_at_once_make_one(tmp_path: Path) -> None:
    workspace, dataset, _, _ = fabricate(tmp_path / "w", frames=40)
    script = tmp_path / "both.py"
    script.write_text(KILLED.replace("workers=2", "workers=0"))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    both = [subprocess.Popen([sys.executable, str(script), str(workspace.root)], env=environment) for _ in "ab"]
    assert [process.wait(60) for process in both] == [0, 0]
    made = [one for one in workspace.embeddings(dataset) if one.record.encoder == "grid"]
    assert len(made) == 1
    assert not list((dataset.folder / "embeddings").glob(".*.tmp"))


def test_what_a_killed_run_left_half_written_is_cleared_away(made: tuple[Workspace, Dataset]) -> None:
    workspace, dataset = made
    embedding = embed(workspace, dataset, Grid())
    left = embedding.folder.with_name(f".{embedding.id}.4711.abcd.tmp")
    embedding.folder.rename(left)
    assert embed(workspace, dataset, Grid()).id == embedding.id
    assert not left.exists()


def test_a_worker_killed_from_outside_is_one_sentence(made: tuple[Workspace, Dataset]) -> None:
    workspace, dataset = made
    with pytest.raises(WorkerDied, match=r"signal 9.*--workers"):
        embed(workspace, dataset, Deadly(), workers=1)


def test_a_bug_in_a_worker_is_no_users_error(made: tuple[Workspace, Dataset]) -> None:
    workspace, dataset = made
    with pytest.raises(RuntimeError, match="traceback is above"):
        embed(workspace, dataset, Buggy(), workers=1)
    with pytest.raises(KeyError, match="a bug"):
        embed(workspace, dataset, Buggy(), workers=0)


def test_the_command_line(made: tuple[Workspace, Dataset], capfd: pytest.CaptureFixture[str]) -> None:
    from dataeff_core.cli import main

    workspace, dataset = made
    there = ["--workspace", str(workspace.root), "--json"]
    assert main(["embed", dataset.id, "--workers", "0", *there]) == 0
    result = json.loads(capfd.readouterr().out)
    assert {"embedding", "encoder", "weights", "dim", "frames", "images_per_second", "seconds"} <= set(result)
    assert (result["encoder"], result["weights"], result["frames"]) == ("descriptor", "none", 30)
    for wrong in (["--encoder", "nonsense"], ["--checkpoint", "x.pth"], ["--workers", "-3"]):
        assert main(["embed", dataset.id, *wrong, *there]) == 2
        assert "Traceback" not in capfd.readouterr().err


def test_a_stores_rows_come_back_by_key(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path / "s")
    store.open()
    keys = [f"{number:064x}" for number in range(10)]
    rows = np.arange(30, dtype=np.float16).reshape(10, 3)
    store.add(keys[:4], rows[:4])
    store.flush()
    store.add(keys[4:], rows[4:])
    store.flush()
    store.flush()
    again = FeatureStore(tmp_path / "s")
    again.open()
    assert [shard.name for shard in again.shards] == ["features-00000.npz", "features-00001.npz"]
    assert keys[7] in again and "f" * 64 not in again
    out = np.zeros((4, 3), np.float16)
    again.gather([keys[9], keys[0], keys[5], keys[9]], out)
    np.testing.assert_array_equal(out, rows[[9, 0, 5, 9]])


def test_a_damaged_shard_is_one_sentence(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path / "s")
    store.add(["0" * 64], np.zeros((1, 3)))
    store.flush()
    shard = store.shards[0]
    for damage in (b"", b"PK\x03\x04 rubbish", shard.read_bytes()[:200]):
        shard.write_bytes(damage)
        with pytest.raises(StorageFailed, match=r"features-00000\.npz is damaged"):
            FeatureStore(tmp_path / "s").open()


def test_a_full_disk_is_an_error_before_anything_is_mapped() -> None:
    with pytest.raises(OSError, match="No space left") as caught:
        _room(Path("/dev/full"), (100, 100))
    assert caught.value.errno == errno.ENOSPC


def test_frames_of_one_content_in_another_order(made: tuple[Workspace, Dataset]) -> None:
    """Regrouping the frames changes their order, not their vectors, and computes nothing."""
    workspace, dataset = made
    first = embed(workspace, dataset, Grid())
    frames = dataset.all_frames.copy()
    frames["group"], frames["order"] = "one", np.arange(len(frames))[::-1]
    save_frames(dataset.folder, dataset.record, frames, dataset.unreadable)
    again = workspace.dataset(dataset.id)
    seen = Counting()
    second = embed(workspace, again, Grid(), reporter=seen)
    assert seen.to_embed == 0 and second.id != first.id
    ids = pd.Index(first.frame_ids)
    np.testing.assert_array_equal(second.vectors, first.vectors[ids.get_indexer(second.frame_ids)])
