"""What an encoder is: a frozen declaration of parameters that can be loaded to turn frames into vectors."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from dataeff_core.errors import BadInput

if TYPE_CHECKING:
    from dataeff_core.workspace.root import Workspace


class LoadedEncoder(ABC):
    """An encoder in memory, its weights resolved: what actually sees pixels. Picklable where `preparation` is not
    overridden.

    Work is split in two so that an encoder may look at the whole dataset: `features` is a function of each
    frame alone; `fit` learns what it needs from all features (the descriptor's mean and whitening; nothing for
    a network) and `finish` makes the final vectors. A fitted state saves to and loads from the embedding's
    folder, so that later frames, or jittered copies of old ones, are embedded alike.
    """

    weights: str  # fingerprint of the weights, 'none' where there are none
    preprocessing: str  # version of this code path; part of an embedding's identity
    feature_dim: int
    batch_size: int = 1  # how many prepared frames `infer` takes at once; 1: any number. May change between calls

    @abstractmethod
    def features(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """(n, feature_dim) float32 for n RGB uint8 images (h, w, 3), each of any size; rows independent."""

    def preparation(self) -> Callable[[Sequence[np.ndarray]], np.ndarray]:
        """The part of `features` that decode workers do: n RGB uint8 images -> array of n rows for `infer`.

        Picklable and free of torch. All of `features`, unless a network says otherwise.
        """
        return self.features

    def infer(self, prepared: np.ndarray) -> np.ndarray:
        """The rest of `features`, done in the main process: n prepared rows -> (n, feature_dim) float32."""
        return prepared

    def fit(self, features: np.ndarray) -> None:  # noqa: B027  (nothing to learn is the common case)
        """Learn from all features (n, feature_dim), float16 or float32, possibly memory-mapped."""

    def finish(self, features: np.ndarray) -> np.ndarray:
        """(n, dim) float32 final vectors, rows L2-normalised; a zero row stays zero."""
        norms = np.linalg.norm(features.astype(np.float32), axis=1, keepdims=True)
        return features / np.maximum(norms, 1e-12)

    def save_state(self, folder: Path) -> None:  # noqa: B027
        """Write what `fit` learned into an embedding's folder (npz without pickle)."""

    def load_state(self, folder: Path) -> None:  # noqa: B027
        """Read what `save_state` wrote."""

    def notes(self) -> dict[str, Any]:
        """What was found at run time and is worth keeping (precision, batch size); JSON-able."""
        return {}


class Encoder(BaseModel):
    """One way to turn frames into vectors; the instance is its parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    NAME: ClassVar[str]  # 'descriptor', 'timm'; what stands before ':' in what the user types
    TITLE: ClassVar[str]  # one plain line for the form
    READS: ClassVar[Literal["thumbnail", "original"]]  # what `features` gets
    USES_TORCH: ClassVar[bool] = False
    LISTED: ClassVar[bool] = False  # chosen from what `offered` lists, instead of by its fields

    @classmethod
    def named(cls, model: str, checkpoint: Path | None, workspace: "Workspace | None" = None) -> "Encoder":
        """The encoder for what the user typed after ':' ('' for nothing) and a checkpoint file; `workspace` is where
        one that was made here is looked for. Raises BadInput, NotFound."""
        if model or checkpoint is not None:
            extra = f"the model {model!r}" if model else f"the checkpoint {checkpoint}"
            raise BadInput(f"encoder {cls.NAME!r} does not take {extra}; leave it out, or choose timm:<model>")
        return cls()

    @classmethod
    def recorded(cls, params: dict[str, Any], checkpoint: str | None, workspace: "Workspace") -> "Encoder":
        """The encoder that an embedding's record tells of: its `params()` and its `checkpoint_file`. Raises NotFound
        when what it was made from is gone from `workspace`."""
        return cls(**params, **({"checkpoint": checkpoint} if checkpoint else {}))

    @classmethod
    def offered(cls, workspace: "Workspace") -> list[tuple[str, str]]:
        """What a user of `workspace` may choose of this kind: (as it is typed, one plain line), best first."""
        return [(cls.NAME, cls.TITLE)]

    @property
    def full_name(self) -> str:
        """As the user types it, e.g. 'timm:vit_base_patch16_224'."""
        return self.NAME

    def params(self) -> dict[str, Any]:
        """The parameters that determine the vectors, JSON-able."""
        return self.model_dump(mode="json")

    @property
    def checkpoint_file(self) -> str | None:
        """The file the weights come from, where the user named one."""
        return None

    def load(self, *, device: str = "auto") -> LoadedEncoder:
        """Resolve and load the weights. Raises MissingWeights, BadInput."""
        raise TypeError(f"{type(self).__name__} does not say how it is loaded")
