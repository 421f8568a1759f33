"""Whose images are scored: an encoder found by what the user calls it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataeff_core.backbones import Backbone
from dataeff_core.errors import BadInput, Conflict, NotFound
from dataeff_core.workspace import Run, Workspace
from dataeff_core.workspace.storage import fingerprint

KINDS = ("run", "untrained", "timm")


@dataclass(frozen=True)
class Subject:
    """An encoder in memory."""

    name: str  # 'run:<id>', 'untrained:<run id>', 'timm:<model>'
    backbone: Backbone
    vit: Any  # a timm VisionTransformer on the CPU
    weights: str  # their fingerprint
    run: Run | None = None  # the run that made the weights, or whose architecture it is
    epoch: int | None = None  # of a snapshot; None: the finished encoder

    @property
    def trained_here(self) -> bool:
        """Whether a run of this workspace made the weights."""
        return self.name.startswith("run:")


def find_subject(
    workspace: Workspace, encoder: str, *, epoch: int | None = None, checkpoint: Path | None = None, seed: int = 0
) -> Subject:
    """The encoder called `encoder`: a run's ('run:<id, prefix or name>'), at its end or at a snapshot's `epoch`; one
    of a run's architecture with random weights drawn from the run's seed and `seed` ('untrained:<run>'); or a timm
    ViT with published weights, or those in `checkpoint` ('timm:<model>').

    Raises NotFound, MissingWeights, BadInput, and Conflict when the run has not finished.
    """
    kind, colon, name = encoder.partition(":")
    if kind not in KINDS or not colon or not name:
        raise NotFound(f"no encoder is called {encoder!r}; write run:<id>, untrained:<run id> or timm:<model>")
    if kind != "run" and epoch is not None:
        raise BadInput(f"epoch {epoch} makes no sense for {encoder}; only run:<id> has snapshots")
    if kind != "timm" and checkpoint is not None:
        raise BadInput(f"{encoder} has its own weights and takes no --checkpoint; leave it out")
    if kind == "timm":
        return _timm(name, checkpoint)
    run = _newest_finished(workspace) if name == "latest" and epoch is None else workspace.run(name)
    return _untrained(run, seed) if kind == "untrained" else _trained(run, epoch)


def _newest_finished(workspace: Workspace) -> Run:
    done = [run for run in workspace.runs() if run.result is not None]
    if not done:
        raise NotFound("no run has finished yet, so 'latest' names none; pre-train first")
    return done[-1]


def _trained(run: Run, epoch: int | None) -> Subject:
    from dataeff_core.backbones import vit
    from dataeff_core.backbones.checkpoints import read_weights, weights_fingerprint

    file = _weights_file(run, epoch)
    backbone = Backbone.model_validate(run.record.backbone)
    built = vit.build(backbone, weights=read_weights(file), source=str(file))
    weights = weights_fingerprint(built)
    if epoch is None and run.result is not None and weights != run.result.weights:
        raise BadInput(f"{file} is not what run {run.id} left; pre-train again, or score a snapshot with --epoch")
    return Subject(f"run:{run.id}", backbone, built, weights, run, epoch)


def _weights_file(run: Run, epoch: int | None) -> Path:
    if epoch is not None:
        if epoch not in run.snapshots:
            there = ", ".join(map(str, run.snapshots)) or "none"
            raise NotFound(f"run {run.id} has no snapshot of epoch {epoch}; there are: {there}")
        return run.snapshots[epoch]
    if run.result is None:
        there = ", ".join(map(str, run.snapshots))
        way = f"; or score a snapshot with --epoch ({there})" if there else ""
        raise Conflict(f"run {run.id} has not finished; resume it first (pretrain --resume {run.id}){way}")
    return run.encoder_file


def _untrained(run: Run, seed: int) -> Subject:
    from dataeff_core.backbones import vit
    from dataeff_core.backbones.checkpoints import weights_fingerprint

    backbone = Backbone.model_validate(run.record.backbone)
    mixed = int(fingerprint("untrained", run.record.seed, seed)[:8], 16)
    built = vit.build(backbone, seed=mixed)
    return Subject(f"untrained:{run.id}", backbone, built, weights_fingerprint(built), run)


def _timm(model: str, checkpoint: Path | None) -> Subject:
    import timm

    from dataeff_core.backbones import vit
    from dataeff_core.backbones.checkpoints import read_weights, weights_fingerprint
    from dataeff_core.backbones.pretrained import check_name, pretrained_file

    check_name(model)
    if checkpoint is not None:
        weights = read_weights(checkpoint)
    else:
        overlay = {"file": str(pretrained_file(model))}
        weights = timm.create_model(
            model, pretrained=True, num_classes=0, pretrained_cfg_overlay=overlay
        ).state_dict()
    known = timm.get_pretrained_cfg(model)
    config = known.to_dict() if known is not None else {}
    backbone = Backbone(
        model=model,
        image_size=config.get("input_size", (3, 224, 224))[-1],
        **{key: config[key] for key in ("mean", "std") if config.get(key)},
    )
    built = vit.build(backbone, weights=weights, source=str(checkpoint or f"timm:{model}"))
    return Subject(f"timm:{model}", backbone, built, weights_fingerprint(built))
