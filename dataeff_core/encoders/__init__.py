"""Encoders: images to vectors. A new one is a new file and its class in `ENCODERS`."""

from pathlib import Path
from typing import TYPE_CHECKING

from dataeff_core.encoders.base import Encoder, LoadedEncoder
from dataeff_core.encoders.descriptor import Descriptor
from dataeff_core.encoders.from_run import FromRun
from dataeff_core.encoders.timm_models import TimmModel
from dataeff_core.errors import NotFound, Stale

if TYPE_CHECKING:
    from dataeff_core.workspace.embeddings import Embedding
    from dataeff_core.workspace.root import Workspace

ENCODERS: tuple[type[Encoder], ...] = (Descriptor, TimmModel, FromRun)

__all__ = ["ENCODERS", "Encoder", "LoadedEncoder", "make", "reload"]


def make(name: str, *, checkpoint: Path | None = None, workspace: "Workspace | None" = None) -> Encoder:
    """The encoder the user names: 'descriptor', 'timm' or 'timm:<model>' (with its weights from `checkpoint`), or
    'run:<id>', a finished pre-training run of `workspace`.

    Raises NotFound for a name that is not known, BadInput where the encoder takes no model or no checkpoint.
    """
    kind, _, model = name.partition(":")
    return _known(kind).named(model, checkpoint, workspace)


def reload(workspace: "Workspace", embedding: "Embedding", *, device: str = "auto") -> LoadedEncoder:
    """The encoder that made `embedding`, loaded and fitted as it was, to turn further images into like vectors.

    Raises NotFound (its run is gone), MissingWeights, and Stale when the weights or the preprocessing are no longer
    those.
    """
    record = embedding.record
    kind, _, _ = record.encoder.partition(":")
    encoder = _known(kind).recorded(record.encoder_params, record.checkpoint, workspace)
    loaded = encoder.load(device=device)
    if (loaded.weights, loaded.preprocessing) != (record.weights, record.preprocessing):
        raise Stale(
            f"embedding {embedding.id} was made with other weights or an older version of {record.encoder}; "
            f"run `embed {record.dataset} --encoder {record.encoder}` again"
        )
    loaded.load_state(embedding.folder)
    return loaded


def _known(kind: str) -> type[Encoder]:
    known = {encoder.NAME: encoder for encoder in ENCODERS}
    if kind not in known:
        raise NotFound(f"no encoder is called {kind!r}; there are: {', '.join(known)} (also timm:<model>, run:<id>)")
    return known[kind]
