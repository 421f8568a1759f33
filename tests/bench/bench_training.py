"""Training from files beside the bare step on tensors in memory, and MAE's encoder beside all patches."""

import contextlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dataeff_core.errors import Cancelled
from dataeff_core.pretraining import make
from dataeff_core.pretraining.base import PretrainingMethod
from dataeff_core.pretraining.pretraining import pretrain
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset, MosaicSet, Workspace
from tests.bench.bench_embedding import imported

PRESET = "tiny"


def run(quick: bool) -> list[dict[str, Any]]:
    from dataeff_core.backbones.devices import use_all_processors

    use_all_processors()
    with tempfile.TemporaryDirectory() as folder:
        workspace, dataset = imported(Path(folder), 128 if quick else 320)
        rows = [
            step_row(workspace, dataset, make(name, {}, preset=PRESET), rounds=3 if quick else 8, steps=steps)
            for name, steps in (("mae", 8), ("simclr", 4))
        ]
    return [*rows, encoder_row(rounds=5 if quick else 15)]


def step_row(
    workspace: Workspace,
    source: Dataset | MosaicSet,
    method: PretrainingMethod,
    *,
    rounds: int,
    steps: int,
    what: str = "files",
) -> dict[str, Any]:
    """A run from files that pauses after every `steps` steps for as many steps of the bare network."""
    bare = bare_steps(method)
    bare(2)  # warm
    reporter = InTurn(lambda: bare(steps), steps, rounds)
    with contextlib.suppress(Cancelled):
        pretrain(workspace, source, method, epochs=10_000, preset=PRESET, reporter=reporter)
    loop, alone = sum(reporter.loop), sum(reporter.bare)
    images = method.batch_size * steps * rounds
    return {
        "name": f"{method.NAME}, {PRESET}: training from {what}, as a share of the bare step's rate",
        "value": round(alone / loop, 3),
        "target": ">= 0.85",
        "passed": alone / loop >= 0.85,
        "detail": f"{images / loop:.1f} against {images / alone:.1f} images/s in {rounds} rounds of {steps} steps in "
        f"turn; {method.batch_size} images a step of {method.image_size} pixels",
    }


class InTurn(Reporter):
    """Asked once after each step of the run: times the run, and between its rounds the bare steps.

    The run's thread that prepares batches is idle while the bare steps are timed: it is ahead as far as it may be.
    """

    def __init__(self, bare: Callable[[], object], steps: int, rounds: int) -> None:
        super().__init__()
        self.work, self.steps, self.rounds = bare, steps, rounds
        self.loop: list[float] = []
        self.bare: list[float] = []
        self.began: float | None = None

    def stop_asked(self) -> bool:
        if self.phase_name != "pre-training" or self.done % self.steps:
            return False
        if self.began is not None and self.done > self.steps:
            self.loop.append(time.perf_counter() - self.began)
            time.sleep(0.2)
            self.bare.append(timed(self.work))
        self.began = time.perf_counter()
        return len(self.loop) == self.rounds


def bare_steps(method: PretrainingMethod) -> Callable[[int], None]:
    """The same network and optimiser on views that lie in memory: forward, backward, clip, step, nothing else."""
    import torch

    from dataeff_core.backbones.devices import has_bfloat16
    from dataeff_core.pretraining.training import optimiser_for

    network = method.network(seed=0).train()
    optimiser = optimiser_for(network, method)
    size = method.image_size
    generator = torch.Generator().manual_seed(0)
    views = torch.randn(method.batch_size, method.VIEWS, 3, size, size, generator=generator)
    numbers = torch.rand(method.batch_size, method.numbers(), generator=generator)
    precise = not has_bfloat16(torch.device("cpu"))

    def some(steps: int) -> None:
        for _ in range(steps):
            with torch.autocast("cpu", torch.bfloat16, enabled=not precise):
                loss = network(views, numbers)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), method.clip_norm)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

    return some


def encoder_row(*, rounds: int) -> dict[str, Any]:
    """MAE's encoder at 75 % masking beside the same encoder on all patches, in float32 and on one thread: the work,
    not how well it is divided."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    method = make("mae", {"decoder_depth": 1, "decoder_dim": 32, "model": "vit_small_patch16_224"})
    network: Any = method.network(seed=0)
    images = torch.randn(8, 3, method.image_size, method.image_size, generator=torch.Generator().manual_seed(0))
    numbers = torch.rand(8, method.numbers(), generator=torch.Generator().manual_seed(1))

    def masked() -> torch.Tensor:
        visible, _ = split(numbers, network.visible)
        return network.encode(patchify(images, network.patch), visible).square().mean()

    def whole() -> torch.Tensor:
        return network.encoder.forward_features(images).square().mean()

    from dataeff_core.pretraining.mae_network import patchify, split

    works = (masked, whole, lambda: masked().backward(), lambda: whole().backward())
    for work in works:
        work()
    part, all_, part_both, all_both = (
        min(column) for column in zip(*([timed(work) for work in works] for _ in range(rounds)), strict=True)
    )
    torch.set_num_threads(threads)
    return {
        "name": "MAE's encoder at 75 % masking, as a share of the time of a full forward",
        "value": round(part / all_, 3),
        "target": "<= 0.27",  # a quarter of the patches, and the class token
        "passed": part / all_ <= 0.27,
        "detail": f"ViT-S/16 at 224: {part * 1000:.0f} ms against {all_ * 1000:.0f} ms for {len(images)} images, "
        f"best of {rounds} in turn; {part_both / all_both:.3f} with the backward pass",
    }


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
