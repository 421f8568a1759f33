"""A small dataset imported for real: images with awkward names, a video, masks, labels."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from dataeff_core.datasets.importing import import_frames
from dataeff_core.selection import make
from dataeff_core.selection.saving import select
from dataeff_core.workspace import SavedSelection, Source, Workspace
from tests.fabrication import picture

NAMES = (
    b"p1/a.png",
    b"p1/A.PNG",
    b"p1/=cmd()|' '!A0.png",
    b"p1/line\nbreak.jpg",
    b"p1/ <b> \xf0\x9f\x94\xac.png",
    b"p2/not-utf8-\xff\xfe.png",
    b"p2/x..png",
    b"p2/con.png",
    b"p2/back\\slash.png",
    b"p2/a.b/a.png",
)
VIDEO_FRAMES = 8


def write_source(root: Path) -> tuple[Path, Path]:
    """A folder of originals and a folder of masks: two blobs for p1/a.png, one for video frame 3."""
    source, masks = root / "source", root / "masks"
    for number, name in enumerate(NAMES):
        path = source / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(number, 40, 56)).save(path, "JPEG" if name.endswith(b"jpg") else "PNG")
    write_video(source / "v.mp4")
    blobs = np.zeros((40, 56), np.uint8)
    blobs[2:9, 3:20] = blobs[20:35, 40:50] = 255
    blobs[4:6, 5:7] = 0
    (masks / "p1").mkdir(parents=True)
    Image.fromarray(blobs).save(masks / "p1" / "a.png")
    frame = np.zeros((48, 64), np.uint8)
    frame[10:20, 30:40] = 255
    Image.fromarray(frame).save(masks / "v_000003.png")
    return source, masks


def write_video(path: Path, frames: int = VIDEO_FRAMES) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(100 + number, 48, 64), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def import_all(root: Path, source: Path, masks: Path) -> Workspace:
    workspace = Workspace.open(root / "workspace")
    labels = root / "labels.csv"
    labels.write_text("path,finding\np1/a.png,=polyp\n")
    import_frames(workspace, source, name="mixed", masks=masks, labels=labels, workers=1)
    return workspace


@pytest.fixture(scope="package")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Path]:
    root = tmp_path_factory.mktemp("imported")
    source, masks = write_source(root)
    return import_all(root, source, masks), source


@pytest.fixture(scope="package")
def workspace(imported: tuple[Workspace, Path]) -> Workspace:
    return imported[0]


@pytest.fixture(scope="package")
def everything(workspace: Workspace) -> SavedSelection:
    """A selection that keeps all frames."""
    return select(workspace, workspace.dataset("mixed"), make("random", {}), keep=1.0)


@pytest.fixture(scope="package")
def half(workspace: Workspace) -> SavedSelection:
    return select(workspace, workspace.dataset("mixed"), make("random", {}), keep=0.5, seed=3)


@pytest.fixture
def fresh(
    imported: tuple[Workspace, Path], everything: SavedSelection, tmp_path: Path
) -> Callable[[], tuple[Workspace, SavedSelection, Path]]:
    """A copy of the dataset, and of a selection of all of it, whose originals may be harmed."""

    def build() -> tuple[Workspace, SavedSelection, Path]:
        shutil.copytree(imported[1].parent, tmp_path / "copy")
        source = tmp_path / "copy" / "source"
        workspace = Workspace.open(tmp_path / "copy" / "workspace")
        dataset = workspace.dataset("mixed")
        places = {"sources": (Source(root=str(source)),), "masks": str(source.parent / "masks")}
        dataset.record.model_copy(update=places).write(dataset.folder)
        return workspace, workspace.selection(everything.id), source

    return build
