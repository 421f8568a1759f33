import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataeff_core.workspace import Dataset, Workspace
from dataeff_core.workspace.datasets import save_frames
from tests.fabrication import fabricate


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Dataset, Dataset]:
    """A workspace with a dataset to pre-train on, embedded, and one of the same pictures with masks, not embedded."""
    root = tmp_path_factory.mktemp("benchmark") / "w"
    workspace, dataset, _, _ = fabricate(root, frames=60)
    _, on, _, _ = fabricate(root, frames=60, name="downstream")
    shutil.rmtree(on.folder / "embeddings")
    return workspace, dataset, with_masks(workspace, on)


def with_masks(workspace: Workspace, dataset: Dataset) -> Dataset:
    """The dataset, each frame with a mask: a disc, smaller or larger."""
    masks = Path(dataset.record.sources[0].root).with_name("masks")
    y, x = np.mgrid[-1:1:192j, -1:1:224j]
    frames = dataset.all_frames.copy()
    for number, path in enumerate(frames["path_bytes"]):
        file = masks / path.decode()
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(((np.hypot(x, y) < 0.3 + 0.01 * (number % 30)) * 255).astype(np.uint8)).save(file)
    frames["mask_bytes"] = frames["path_bytes"]
    record = dataset.record.model_copy(update={"masks": str(masks)})
    save_frames(dataset.folder, record, frames, dataset.unreadable)
    return workspace.dataset(dataset.id)
