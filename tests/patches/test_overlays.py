from pathlib import Path

import numpy as np
from PIL import Image

from dataeff_core.datasets.importing import import_frames
from dataeff_core.patches import make
from dataeff_core.patches.boxes import shares_of
from dataeff_core.patches.overlays import FEWEST, overlay_masks, steady_part
from dataeff_core.patches.proposing import propose
from dataeff_core.workspace import Workspace


def moving(count: int, seed: int = 0) -> np.ndarray:
    """(count, 48, 64) scenes with a panel in the lower left that stays."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(60, 220, (count, 6, 8))
    grey = np.kron(coarse, np.ones((8, 8)))
    grey[:, 32:, :24] = 140
    return grey.astype(np.float32)


def test_what_stays_while_the_scene_moves_is_found() -> None:
    mask = steady_part(moving(20))
    assert mask is not None
    assert mask[32:, :24].all()
    assert mask.sum() == 16 * 24


def test_nothing_is_told_of_few_frames_still_scenes_or_without_overlay() -> None:
    assert steady_part(moving(FEWEST - 1)) is None
    assert steady_part(np.repeat(moving(1), 20, axis=0)) is None
    bare = moving(20)
    bare[:, 32:, :24] += np.arange(20)[:, None, None] * 4
    assert steady_part(bare) is None
    assert steady_part(np.zeros((20, 8, 8), np.float32)) is None


def test_patches_on_an_overlay_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "frames" / "video"
    folder.mkdir(parents=True)
    for number, grey in enumerate(moving(16)):
        frame = np.stack([grey, grey * 0.6, grey * 0.5], axis=2)
        Image.fromarray(frame.astype(np.uint8)).resize((192, 144), Image.Resampling.NEAREST).save(
            folder / f"{number:02d}.png"
        )
    workspace = Workspace.open(tmp_path / "w")
    import_frames(workspace, tmp_path / "frames", name="video", workers=1)
    dataset = workspace.dataset("video")
    masks = overlay_masks(workspace, dataset.frames)
    assert list(masks) == [(dataset.frames["group"][0], 192, 144)]
    found = propose(workspace, dataset, make("grid", {"min_side": 8}), workers=0).table
    boxes = found[["top", "left", "bottom", "right"]].to_numpy() / np.array([144, 192, 144, 192])
    assert (shares_of(next(iter(masks.values())), boxes) <= 0.1).all()
    everywhere = propose(workspace, dataset, make("grid", {"min_side": 8, "lit": 0}), workers=0).table
    assert len(everywhere) > len(found) > 0
