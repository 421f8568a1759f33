"""The loop: every method is trained by it, on a CPU or GPU, in one process or several.

A step is a function of the run's record, the parameters before it and the step's number. So a run that was stopped
and resumed has the same loss curve as one that was not; to the bit on a CPU with as many threads.
"""

import math
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from dataeff_core.backbones.devices import has_bfloat16, is_out_of_memory, repeatable
from dataeff_core.errors import BadInput, Cancelled
from dataeff_core.pretraining import artifacts, interrupts, metrics, training_state
from dataeff_core.pretraining.augmentations import NUMBERS
from dataeff_core.pretraining.base import PretrainingMethod
from dataeff_core.pretraining.batches import Batch, Batches, divided
from dataeff_core.pretraining.budgets import Budget
from dataeff_core.pretraining.distributed import Processes
from dataeff_core.pretraining.images import Images
from dataeff_core.pretraining.schedule import learning_rate
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.runs import Run

BETAS = (0.9, 0.95)  # of AdamW; MAE's (the paper gives none)
UNDECAYED = ("pos_embed", "cls_token", "reg_token", "mask_token", "hidden_token")  # beside biases and norms
CHECKPOINT_SECONDS = 120.0  # at most between two checkpoints ...
EPOCH_SECONDS = 20.0  # ... and at least so long before the end of an epoch makes one
CHECKPOINT_SHARE = 0.05  # of the time at most, however long writing one takes
METRICS_LINES, MOST_STEPS_A_LINE = 1000, 50  # about so many lines over a run, but never more steps in one
PICTURES = 12  # reconstructions over a run, about


def train(
    run: Run,
    method: PretrainingMethod,
    network: Any,
    images: Images,
    *,
    processes: Processes,
    reporter: Reporter,
) -> None:
    """Train `network` from the run's checkpoint, or from its beginning, to its end; the first process writes.

    Raises BadInput when the loss is no longer finite or memory does not suffice, StorageFailed on a full disk,
    Cancelled: the last checkpoint stays and the run can be resumed.
    """
    random_states = torch.random.fork_rng(devices=[processes.device] if processes.device.type == "cuda" else [])
    with random_states, repeatable(processes.device):
        try:
            training = _Training(run, method, network, images, processes=processes, reporter=reporter)
            training.work()
            training.finish()
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise out_of_memory(method, processes) from error
            raise


@dataclass(frozen=True)
class Part:
    """What goes through the network at once."""

    images: torch.Tensor  # on a CPU (m, VIEWS, 3, s, s) the views; for a GPU (m, side, side, 3) uint8
    view_numbers: torch.Tensor | None  # where the views are still to be made
    loss_numbers: torch.Tensor
    share: float  # of the step's images


class _Training:
    """One process's share of a run."""

    def __init__(
        self,
        run: Run,
        method: PretrainingMethod,
        network: Any,  # an nn.Module as PretrainingMethod.network makes it
        images: Images,
        *,
        processes: Processes,
        reporter: Reporter,
    ) -> None:
        record = run.record
        self.run, self.method, self.images, self.processes, self.reporter = run, method, images, processes, reporter
        self.device, self.seed, self.steps = processes.device, record.seed, record.steps
        self.network = network.to(self.device).train()
        self.optimiser = optimiser_for(network, method)
        self.parameters = [one for one in network.parameters() if one.requires_grad]
        self.bfloat16 = method.precision == "bfloat16" or (method.precision == "auto" and has_bfloat16(self.device))
        self.budget = Budget(record.images, method.batch_size, record.steps, record.epochs)
        self.batches = Batches(
            images,
            method.batch_size,
            self.seed,
            method.VIEWS,
            NUMBERS,
            method.numbers(),
            rank=processes.rank,
            processes=processes.count,
        )
        self.log_every = max(1, min(MOST_STEPS_A_LINE, self.steps // METRICS_LINES))
        self.snapshot_at = {self.budget.step_after(epoch): epoch for epoch in record.snapshots}
        every = max(1, -(-record.epochs // PICTURES))
        shown = [*range(every, record.epochs, every), record.epochs] if method.RECONSTRUCTS else []
        self.picture_at = {self.budget.step_after(epoch): epoch for epoch in shown}
        self.progress = training_state.restore(run, self.network, self.optimiser)
        self.saved_step = self.progress.step
        self.saved_at = time.monotonic()
        self.saving_seconds = 0.0

    # ---- the loop ---------------------------------------------------------------------------------------------

    def work(self) -> None:
        if self.processes.writes:
            metrics.cut(self.run, self.progress.step)
        self.reporter.phase("pre-training", self.steps, done=self.progress.step)
        self.began = time.monotonic() - self.progress.seconds
        self.sums = torch.tensor(
            [self.progress.loss_sum, self.progress.norm_sum],
            dtype=torch.float32 if self.device.type == "mps" else torch.float64,
            device=self.device,
        )
        steps = self.batches.ahead(self.progress.step, self.steps, self.prepared)
        with interrupts.noted() as interrupted, closing(steps):
            for parts in steps:
                self.step(parts)
                self.progress.step += 1
                self.after_step(interrupted)

    def prepared(self, batch: Batch) -> list[Part]:
        """A step's images, augmented already where a CPU trains; called in another thread."""
        parts = []
        for piece, share in divided(batch, self.method.accumulate):
            images, of_views, of_loss = (
                torch.from_numpy(np.ascontiguousarray(one))
                for one in (piece.images, piece.view_numbers, piece.loss_numbers)
            )
            if self.device.type == "cuda":
                parts.append(Part(images.pin_memory(), of_views.pin_memory(), of_loss.pin_memory(), share))
            else:
                parts.append(Part(self.method.augment(images, of_views, grid=self.images.grid), None, of_loss, share))
        return parts

    def step(self, parts: list[Part]) -> None:
        """One step of the optimiser: all parts' gradients, averaged, clipped, applied."""
        torch.manual_seed(self.seed * 1_000_003 + self.progress.step)  # for networks with dropout
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate(self.progress.step)
        for part in parts:
            views, numbers = self.on_device(part)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
                loss = self.network(views, numbers) * part.share
            loss.backward()
            self.sums[0] += loss.detach()
        self.processes.average_gradients(self.parameters)
        norm = nn.utils.clip_grad_norm_(self.parameters, self.method.clip_norm or math.inf)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.sums[1] += norm
        self.progress.summed += 1

    def on_device(self, part: Part) -> tuple[torch.Tensor, torch.Tensor]:
        images = part.images.to(self.device, non_blocking=True)
        numbers = part.loss_numbers.to(self.device, non_blocking=True)
        if part.view_numbers is None:
            return images, numbers
        of_views = part.view_numbers.to(self.device, non_blocking=True)
        return self.method.augment(images, of_views, grid=self.images.grid), numbers

    def rate(self, step: int) -> float:
        return learning_rate(step, steps=self.steps, peak=self.method.learning_rate, warmup=self.method.warmup)

    # ---- between steps ----------------------------------------------------------------------------------------

    def after_step(self, interrupted: Callable[[], bool]) -> None:
        step = self.reporter.done = self.progress.step
        if step % self.log_every == 0 or step == self.steps:
            self.log()
        if step in self.snapshot_at and self.processes.writes:
            artifacts.write_encoder(self.run.snapshot_file(self.snapshot_at[step]), self.network, self.method)
        if step in self.picture_at and self.processes.writes:
            file = self.run.reconstruction_file(self.picture_at[step])
            artifacts.draw_reconstruction(file, self.network, self.method, self.images, seed=self.seed)
        stop = step < self.steps and (interrupted() or self.reporter.stop_asked())
        stop, due = self.processes.any(stop, self.checkpoint_due())
        if stop or due:
            self.checkpoint()
        if stop:
            raise Cancelled(f"stopped after step {step} of {self.steps}; resume run {self.run.id} to go on")

    def log(self) -> None:
        """Add a line to the metrics, and tell how it goes."""
        self.agree_on_sums()
        progress, step = self.progress, self.progress.step
        loss, norm = progress.loss_sum / progress.summed, progress.norm_sum / progress.summed
        seen = progress.summed * self.method.batch_size
        line = {
            "step": step,
            "epoch": step * self.method.batch_size / len(self.images),
            "images_seen": step * self.method.batch_size,
            "loss": loss,
            "learning_rate": self.rate(step - 1),
            "gradient_norm": norm,
            "images_per_second": seen / max(progress.seconds - progress.logged_at, 1e-9),
            "seconds": progress.seconds,
        }
        progress.logged_at, progress.summed = progress.seconds, 0
        progress.loss_sum = progress.norm_sum = 0.0
        self.sums.zero_()
        self.reporter.note = f"epoch {line['epoch']:.1f} of {self.budget.epochs}, loss {loss:.4f}"
        self.reporter.show()
        if self.processes.writes:
            metrics.add(self.run, line)

    def agree_on_sums(self) -> None:
        """Bring the sums, the mean of all processes', into `progress`. Raises BadInput when they are not finite."""
        self.sums = self.processes.mean(self.sums)
        self.progress.loss_sum, self.progress.norm_sum = self.sums.tolist()
        self.progress.seconds = time.monotonic() - self.began
        if not math.isfinite(self.progress.loss_sum) or not math.isfinite(self.progress.norm_sum):
            raise not_finite(self)

    def checkpoint_due(self) -> bool:
        since = time.monotonic() - self.saved_at
        epoch_ends = self.progress.step * self.method.batch_size % len(self.images) < self.method.batch_size
        least = EPOCH_SECONDS if epoch_ends else CHECKPOINT_SECONDS
        return self.progress.step < self.steps and since > max(least, self.saving_seconds / CHECKPOINT_SHARE)

    def checkpoint(self) -> None:
        self.agree_on_sums()
        began = time.monotonic()
        if self.processes.writes:
            training_state.save(self.run, self.progress, self.network, self.optimiser)
        self.saved_step, self.saved_at = self.progress.step, time.monotonic()
        self.saving_seconds = self.saved_at - began

    def finish(self) -> None:
        if self.processes.writes:
            artifacts.write_encoder(self.run.encoder_file, self.network, self.method)
            if self.method.RECONSTRUCTS:
                artifacts.write_decoder(self.run.decoder_file, self.network)
            precision = "bfloat16" if self.bfloat16 else "float32"
            seconds, last = self.progress.seconds, self.budget.step_after(1)
            artifacts.write_result(
                self.run, self.network, seconds=seconds, device=self.device.type, precision=precision, last=last
            )
        self.processes.wait()


def optimiser_for(network: nn.Module, method: PretrainingMethod) -> torch.optim.AdamW:
    """AdamW, its weight decay on matrices only (as MAE and most ViT recipes)."""
    trained = [(name, one) for name, one in network.named_parameters() if one.requires_grad]
    decayed = [one for name, one in trained if one.ndim > 1 and not name.endswith(UNDECAYED)]
    others = [one for name, one in trained if one.ndim <= 1 or name.endswith(UNDECAYED)]
    groups = [{"params": decayed, "weight_decay": method.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=method.learning_rate, betas=BETAS, fused=True)


def not_finite(training: _Training) -> BadInput:
    kept = f"the checkpoint of step {training.saved_step} is kept" if training.saved_step else "no checkpoint yet"
    precision = " or precision float32" if training.bfloat16 else ""
    return BadInput(
        f"the loss or its gradient is no longer finite at step {training.progress.step} of {training.steps} "
        f"({kept}); pre-train again with a learning_rate below {training.method.learning_rate:g}{precision}"
    )


def out_of_memory(method: PretrainingMethod, processes: Processes) -> BadInput:
    at_once = max(1, method.batch_size // processes.count // method.accumulate)
    more = f"raise accumulate (now {method.accumulate}), or " if at_once > 1 and method.DIVIDES else ""
    return BadInput(
        f"the memory of {processes.device.type} does not hold {at_once} images of {method.image_size} pixels at "
        f"once; {more}lower batch_size (now {method.batch_size}) or image_size, or choose a smaller model"
    )
