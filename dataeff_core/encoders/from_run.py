"""The encoder of a pre-training run that has finished here. Only the declaration is in this file: no torch."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr

from dataeff_core.encoders.base import Encoder
from dataeff_core.errors import BadInput, NotFound
from dataeff_core.workspace.runs import Run

if TYPE_CHECKING:
    from dataeff_core.encoders.networks import Network
    from dataeff_core.workspace.root import Workspace

LATEST = "latest"


class FromRun(Encoder):
    """The mean patch token after the last norm, L2-normalised, of images squashed to the size the run trained on."""

    NAME: ClassVar[str] = "run"
    TITLE: ClassVar[str] = "Pre-trained here (a finished run)"
    READS: ClassVar[Literal["thumbnail", "original"]] = "original"
    USES_TORCH: ClassVar[bool] = True
    LISTED: ClassVar[bool] = True

    run: str = Field(
        default=LATEST,
        title="Run",
        description="a finished run's id or name; latest: the newest that has finished",
    )
    _found: Run | None = PrivateAttr(default=None)

    @classmethod
    def named(cls, model: str, checkpoint: Path | None, workspace: "Workspace | None" = None) -> Self:
        """'' is the newest finished run; a run by its id, a unique prefix of it, or its name."""
        if checkpoint is not None:
            raise BadInput(
                f"encoder {cls.NAME!r} does not take the checkpoint {checkpoint}: its weights are the run's; leave "
                "--checkpoint out, or choose timm:<model>"
            )
        if workspace is None:
            raise BadInput(f"the run {model or LATEST!r} is looked for in a workspace and none was given; give one")
        return cls.of(_newest(workspace) if model in ("", LATEST) else workspace.run(model))

    @classmethod
    def recorded(cls, params: dict[str, Any], checkpoint: str | None, workspace: "Workspace") -> Self:
        wanted = str(params["run"])
        found = next((run for run in workspace.runs() if run.id == wanted), None)
        if found is None:
            raise NotFound(f"run {wanted} is gone, and its encoder with it; pre-train again, or use another encoder")
        return cls.of(found)

    @classmethod
    def offered(cls, workspace: "Workspace") -> list[tuple[str, str]]:
        """One for each finished run, newest first."""
        return [(f"{cls.NAME}:{run.id}", _told(run)) for run in reversed(workspace.runs()) if run.state == "done"]

    @classmethod
    def of(cls, run: Run) -> Self:
        """The encoder that `run` left."""
        encoder = cls(run=run.id)
        encoder._found = run
        return encoder

    @property
    def full_name(self) -> str:
        return f"{self.NAME}:{self.run}"

    def load(self, *, device: str = "auto") -> "Network":
        """Raises NotFound when the run is gone, BadInput when it has not finished or its weights are damaged."""
        from dataeff_core.encoders.networks import load_run

        if self._found is None:
            raise BadInput(f"the run {self.run!r} is looked for in a workspace and none was given; use make(...)")
        return load_run(self._found, device)


def _newest(workspace: "Workspace") -> Run:
    done = [run for run in workspace.runs() if run.state == "done"]
    if not done:
        raise NotFound("no pre-training run has finished yet, so none can be an encoder; run `pretrain` first")
    return done[-1]


def _told(run: Run) -> str:
    record = run.record
    what = "frames" if record.tiling is None else f"mosaics of {record.images * record.tiling.cells} patches"
    images = f"{record.images} {what} of {record.dataset_name}"
    name = f"{record.name}: " if record.name else ""
    return f"{name}{record.method} on {images}, {record.images_seen} images seen, seed {record.seed}"
