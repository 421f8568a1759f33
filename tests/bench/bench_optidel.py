"""OptiDEL: superpixels, scoring beside the bare masked autoencoder, a moved margin, and mosaics from files."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dataeff_core import patches, pretraining
from dataeff_core.datasets.importing import import_frames
from dataeff_core.hardness.choosing import PatchRules, Ranked
from dataeff_core.hardness.information import Moments
from dataeff_core.mosaics.assembling import assembled
from dataeff_core.mosaics.layout import MosaicRules, lay_out
from dataeff_core.mosaics.saving import save_mosaics
from dataeff_core.patches.proposing import propose
from dataeff_core.pretraining.base import PretrainingMethod
from dataeff_core.pretraining.batches import Batches
from dataeff_core.pretraining.cells import CellStore
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import MosaicSet, Workspace
from tests.bench.bench_embedding import imported
from tests.bench.bench_training import PRESET, bare_steps, step_row
from tests.fabricated_scores import fabricate_patches, fabricate_scores
from tests.fabrication import picture

HALF_A_MILLION = 500_000


def run(quick: bool) -> list[dict[str, Any]]:
    rows = [margins(HALF_A_MILLION, limits=False), margins(HALF_A_MILLION, limits=True)]
    rows.append(alike(HALF_A_MILLION // 10 if quick else HALF_A_MILLION))
    rows.append(scoring(batches=2 if quick else 6))
    with tempfile.TemporaryDirectory() as folder:
        rows += proposing_and_mosaics(Path(folder), 160 if quick else 480)
        rows += training_on_mosaics(Path(folder) / "training", 128 if quick else 320, rounds=3 if quick else 8)
    return rows


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def margins(m: int, *, limits: bool) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    frames = np.sort(rng.integers(0, m // 20, m)).astype(object)
    groups = (frames.astype(np.int64) // 200).astype(object)
    moments = Moments(rng.random((m, 3)), rng.random(m) + 1, rng.random(m))
    ranked = Ranked(rng.lognormal(0, 1, m), frames, groups, moments)
    limit = {"per_frame": 3, "per_group": 1000} if limits else {}

    def moved(lower: float) -> None:
        rules = PatchRules(lower=lower, upper=lower + 0.4, **limit)  # type: ignore[arg-type]
        ranked.counts(rules)
        ranked.terms(rules)
        ranked.gallery(rules, "useful")

    times = [1000 * seconds(lambda lower=lower: moved(lower)) for lower in np.linspace(0.05, 0.55, 50)]
    middle = float(np.median(times))
    return {
        "name": f"a moved margin to counts, terms and gallery of {m:,} patches{', limits on' if limits else ''}",
        "value": f"{middle:.2f} ms",
        "target": "at most 5 ms",
        "passed": middle <= 5,
        "detail": f"slowest of {len(times)}: {max(times):.2f} ms",
    }


def alike(m: int) -> dict[str, Any]:
    """No two chosen patches too alike, of half of them: the first time, and after a margin has moved."""
    rng = np.random.default_rng(0)
    scenes = rng.standard_normal((m // 50, 192)).astype(np.float32)
    vectors = np.empty((m, 192), np.float16)
    for part in np.array_split(np.arange(m), max(1, m // 50_000)):
        some = scenes[rng.integers(0, len(scenes), len(part))]
        vectors[part] = 0.07 * (some + 0.5 * rng.standard_normal(some.shape).astype(np.float32))
    frames = np.sort(rng.integers(0, m // 20, m)).astype(object)
    moments = Moments(rng.random((m, 3)), rng.random(m) + 1, rng.random(m))
    ranked = Ranked(rng.lognormal(0, 1, m), frames, frames, moments, vectors=vectors)
    first, again = (
        seconds(lambda lower=lower: ranked.choose(PatchRules(lower=lower, alike=0.9)))  # type: ignore[misc]
        for lower in (0.5, 0.52)
    )
    return {
        "name": f"choosing of {m:,} patches those between the margins, none too alike",
        "value": f"{first:.1f} s",
        "target": "at most 60 s",
        "passed": first <= 60,
        "detail": f"{again:.1f} s after a margin has moved; 192 dimensions",
    }


def scoring(batches: int) -> dict[str, Any]:
    """Patches through the tiny preset's network with four masks, in turn as bare forward passes and as scoring."""
    import torch

    from dataeff_core.hardness.measuring import Measuring
    from dataeff_core.pretraining.mae_network import visible_count

    method = pretraining.make("mae", preset="tiny")
    network: Any = method.network(seed=0)
    count, masks = 32, 4
    visible = visible_count(network.patches, 0.75)
    measuring = Measuring(network, device=torch.device("cpu"), masks=masks, visible=visible, seed=0, batch=count)
    side = method.image_size
    crops = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)
    views, numbers = torch.randn(count, 1, 3, side, side), torch.rand(count, network.patches)

    @torch.inference_mode()
    def bare() -> None:
        for _ in range(masks):
            network(views, numbers)

    bare()
    measuring.measure(crops)
    pairs = [(seconds(bare), seconds(lambda: measuring.measure(crops))) for _ in range(5 * batches)]
    alone, ours = (float(np.median(times)) for times in zip(*pairs, strict=True))
    return {
        "name": f"scoring patches ({masks} masks), to the bare network's forward rate",
        "value": round(alone / ours, 2),
        "target": "at least 0.85",
        "passed": alone / ours >= 0.85,
        "detail": f"{count / ours:.0f} patches/s to {count / alone:.0f}",
    }


def proposing_and_mosaics(root: Path, frames: int) -> list[dict[str, Any]]:
    source = root / "frames"
    source.mkdir()
    for number in range(frames):
        Image.fromarray(picture(number, 320, 256)).save(source / f"{number:04d}.jpg")
    workspace = Workspace.open(root / "w")
    import_frames(workspace, source, name="frames")
    dataset = workspace.dataset("frames")
    asked = patches.make("superpixels", {"lit": 0})
    found = propose(workspace, dataset, asked, workers=2)
    rate = found.record.images_per_second
    used = found.table.groupby("frame_id", sort=False).head(2).index.to_numpy()
    sizes = dataset.frames[["height", "width"]].to_numpy(np.int64)
    layout = lay_out(used, MosaicRules(), sizes=sizes)
    took = seconds(lambda: list(assembled(dataset, found.table, layout, "crop", workers=2)))
    return [
        {
            "name": f"superpixels of {frames} frames of 320 x 256 pixels, two processes",
            "value": f"{rate:.0f} frames/s",
            "target": "at least 20 frames/s",
            "passed": rate >= 20,
            "detail": f"{found.record.patches / frames:.0f} patches a frame, starting the processes included",
        },
        {
            "name": f"{len(layout)} mosaics of {layout.width} x {layout.height} pixels from the frames' files",
            "value": f"{len(layout) / took:.0f} mosaics/s",
            "target": "none, for information",
            "passed": True,
            "detail": "as `mosaics --out` makes them; training puts them together itself",
        },
    ]


def training_on_mosaics(root: Path, frames: int, *, rounds: int) -> list[dict[str, Any]]:
    """Mosaics put together and augmented beside the bare step that takes them, and whole runs beside it."""
    from dataeff_core.backbones.devices import use_all_processors

    use_all_processors()
    root.mkdir()
    workspace, dataset = imported(root, frames)
    scored = fabricate_scores(dataset, fabricate_patches(dataset))
    mosaics = save_mosaics(dataset, scored, PatchRules(lower=0, upper=None), MosaicRules(), name="all")
    methods = [pretraining.make(name, {}, preset=PRESET) for name in ("mae", "simclr")]
    return [
        making_row(workspace, mosaics, methods[0], rounds=rounds),
        *(
            step_row(workspace, mosaics, method, rounds=rounds, steps=steps, what="mosaics")
            for method, steps in zip(methods, (8, 4), strict=True)
        ),
    ]


def making_row(workspace: Workspace, mosaics: MosaicSet, method: PretrainingMethod, *, rounds: int) -> dict[str, Any]:
    """Batches of mosaics as training makes them, in turn with the bare step on as many."""
    import torch

    from dataeff_core.pretraining.augmentations import NUMBERS

    store = CellStore(workspace, mosaics.record.tiling, method)
    store.fill(workspace.dataset(mosaics.record.dataset), mosaics.manifest, reporter=Reporter())
    images = store.images(mosaics.manifest)
    assert images is not None
    batches = Batches(images, method.batch_size, 0, method.VIEWS, NUMBERS, method.numbers())
    bare = bare_steps(method)

    def made() -> None:
        for step in range(4):
            batch = batches.at(step)
            method.augment(
                torch.from_numpy(batch.images), torch.from_numpy(batch.view_numbers), grid=mosaics.record.tiling.grid
            )

    made()
    bare(2)
    pairs = [(seconds(made), seconds(lambda: bare(4))) for _ in range(2 * rounds)]
    making, taking = (float(np.median(times)) for times in zip(*pairs, strict=True))
    count = 4 * method.batch_size
    return {
        "name": f"mosaics put together and augmented, to the rate at which {method.NAME} ({PRESET}) takes them",
        "value": round(taking / making, 2),
        "target": "at least 1",
        "passed": taking / making >= 1,
        "detail": f"{count / making:.0f} to {count / taking:.0f} mosaics/s, {method.image_size} pixels, cells cached",
    }
