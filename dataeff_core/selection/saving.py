"""From a dataset in the workspace to a saved selection, and from its recipe to the same selection again."""

import time
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from dataeff_core import __version__
from dataeff_core.errors import Stale
from dataeff_core.reporting import Reporter
from dataeff_core.selection import make
from dataeff_core.selection.base import Pool, Selection, Selector, check_seed
from dataeff_core.selection.clusterings import Clusterings
from dataeff_core.selection.confirming import SameView
from dataeff_core.selection.meddel import MedDEL
from dataeff_core.selection.scored import MedDELScores
from dataeff_core.suppliers import Suppliers
from dataeff_core.workspace import Dataset, Embedding, SavedSelection, SelectionRecord, Workspace
from dataeff_core.workspace.pins import overruling_sentence, pins_of
from dataeff_core.workspace.records import fresh_id
from dataeff_core.workspace.selections import DECISION_COLUMNS
from dataeff_core.workspace.storage import new_folder, write_atomically

SUPPLIERS = Suppliers()


def pool_of(
    workspace: Workspace,
    dataset: Dataset,
    embedding: Embedding | None,
    *,
    suppliers: Suppliers = SUPPLIERS,
    remember: bool = True,
) -> Pool:
    """The frames of `dataset` as selection sees them, in the order of `dataset.frames`.

    Vectors are joined by frame id and stay memory-mapped where the order is the same. With `remember`, clusters
    and scores are read from and kept beside the dataset. Raises Stale when the embedding does not fit.
    """
    frames = dataset.frames
    ids = frames["frame_id"].to_numpy(dtype=object)
    score = frames["invalid_score"].fillna(0).to_numpy(np.float32) if "invalid_score" in frames else None
    limit = None if score is None or suppliers.invalid_limit is None else float(suppliers.invalid_limit(score))
    known = None if embedding is None or suppliers.calibrated_eta is None else suppliers.calibrated_eta(embedding)
    return Pool(
        frame_ids=ids,
        vectors=None if embedding is None else joined(dataset, embedding, ids),
        groups=frames["group"].to_numpy(dtype=object),
        order=frames["order"].to_numpy(np.int64),
        invalid_score=score,
        invalid_limit=limit,
        calibrated_eta=known,
        confirm=SameView(workspace, dataset),
        patch_scores=None if suppliers.patch_scores is None else partial(suppliers.patch_scores, dataset),
        store=Clusterings(dataset, embedding) if remember and embedding is not None else None,
    )


def select(
    workspace: Workspace,
    dataset: Dataset,
    selector: Selector,
    *,
    encoder: str = "latest",
    keep: float | None = None,
    seed: int = 0,
    name: str = "",
    suppliers: Suppliers = SUPPLIERS,
    reporter: Reporter | None = None,
) -> SavedSelection:
    """Decide on every frame and save it under `<dataset>/selections/<id>`, complete or not at all. Frames that
    reviewers have pinned are as they said, whatever the method decides (SavedSelection.decisions).

    `encoder` names an embedding by id or encoder. Where the method wants a calibrated eta and none is stored,
    the suppliers measure one first. Raises NotFound without an embedding, Stale for an old one, BadInput for
    what the method cannot do, StorageFailed, Cancelled.
    """
    started = time.monotonic()
    reporter = reporter or Reporter()
    check_seed(seed)
    embedding = workspace.embedding(dataset, encoder) if selector.NEEDS_VECTORS else None
    pool = pool_of(workspace, dataset, embedding, suppliers=suppliers)
    if embedding and selector.wants_calibration(keep) and pool.calibrated_eta is None and suppliers.calibrate:
        suppliers.calibrate(workspace, dataset, embedding, reporter)
        pool = pool_of(workspace, dataset, embedding, suppliers=suppliers)
    selection = selector.select(pool, seed=seed, keep=keep, reporter=reporter)
    machine = decisions_of(selection)
    pinned, told = with_pins(dataset, machine, keep)
    kept = pinned["decision"] == "kept"
    record = SelectionRecord(
        id=fresh_id(selector.NAME),
        name=name,
        dataset=dataset.id,
        dataset_name=dataset.record.name,
        dataset_fingerprint=dataset.fingerprint,
        **of_embedding(embedding),
        method=selector.NAME,
        params=selection.params,
        keep=keep,
        seed=seed,
        frames=len(pool),
        kept=int(kept.sum()),
        dropped={str(why): int(count) for why, count in sorted(pinned.loc[~kept, "reason"].value_counts().items())},
        notes=selection.notes | told,
        code_version=__version__,
        seconds=round(time.monotonic() - started, 3),
    )
    return save(dataset, record, selection)


def with_pins(dataset: Dataset, machine: pd.DataFrame, keep: float | None) -> tuple[pd.DataFrame, dict[str, str]]:
    """A method's decisions on all frames of `dataset` with the reviewers' pins on top, and what is to be said of
    it. Pins never change what the method decides on other frames, so that its recipe alone makes it again."""
    frames = dataset.frames
    placed = pins_of(dataset.folder).on(frames["frame_id"].tolist(), frames["sha256"].tolist()).holding(machine)
    pinned = placed.put_on(machine)
    told = {"pins": overruling_sentence(machine, pinned, keep), "pins_gone": placed.gone_sentence}
    return pinned, {name: sentence for name, sentence in told.items() if sentence}


def select_again(
    workspace: Workspace, saved: SavedSelection, suppliers: Suppliers = SUPPLIERS, reporter: Reporter | None = None
) -> pd.DataFrame:
    """What the method decides (columns DECISION_COLUMNS), made anew from the recipe alone, nothing remembered and
    no pins on it.

    Raises NotFound or Stale when the dataset or embedding is gone or has changed.
    """
    record = saved.record
    dataset = workspace.dataset(record.dataset)
    check_same(record, dataset)
    embedding = None if record.embedding is None else workspace.embedding(dataset, record.embedding)
    pool = pool_of(workspace, dataset, embedding, suppliers=suppliers, remember=False)
    selector = make(record.method, record.params)
    return decisions_of(selector.select(pool, seed=record.seed, keep=record.keep, reporter=reporter))


def load_or_score(
    workspace: Workspace,
    dataset: Dataset,
    embedding: Embedding,
    selector: MedDEL,
    *,
    seed: int = 0,
    suppliers: Suppliers = SUPPLIERS,
    reporter: Reporter | None = None,
) -> MedDELScores:
    """MedDEL's scores of a dataset: read where they were computed before, else computed and kept."""
    return selector.score(pool_of(workspace, dataset, embedding, suppliers=suppliers), seed=seed, reporter=reporter)


def save(dataset: Dataset, record: SelectionRecord, selection: Selection) -> SavedSelection:
    """Write a selection's folder. Raises StorageFailed."""
    folder = dataset.folder / "selections" / record.id
    with new_folder(folder) as making:
        tables = {SavedSelection.DECISIONS: decisions_of(selection)}
        if selection.scores:
            tables[SavedSelection.SCORES] = pd.DataFrame({"frame_id": selection.frame_ids, **selection.scores})
        for file, table in tables.items():
            write_atomically(making / file, lambda stream, t=table: t.to_parquet(stream, index=False))  # type: ignore[misc]
        record.write(making)
    return SavedSelection(folder, record)


def decisions_of(selection: Selection) -> pd.DataFrame:
    """A selection as a table with the columns DECISION_COLUMNS, in the pool's order."""
    has = selection.representative >= 0
    representative = np.full(len(has), None, dtype=object)
    representative[has] = selection.frame_ids[selection.representative[has]]
    columns = {
        "frame_id": selection.frame_ids,
        "decision": np.where(selection.kept, "kept", "dropped"),
        "reason": selection.reason,
        "representative_id": representative,
        "similarity": selection.similarity,
        "distance": selection.distance,
        "score": selection.score,
    }
    return pd.DataFrame(columns).reindex(columns=list(DECISION_COLUMNS)).astype(DECISION_COLUMNS)


def joined(dataset: Dataset, embedding: Embedding, frame_ids: np.ndarray) -> np.ndarray:
    """(n, d) vectors in the order of `frame_ids`; the memory-mapped file itself where that is its own order."""
    embedding.check_fits(dataset)
    rows = embedding.rows(frame_ids)
    vectors = embedding.vectors
    return vectors if np.array_equal(rows, np.arange(len(vectors))) else vectors[rows]


def of_embedding(embedding: Embedding | None) -> dict[str, Any]:
    """What a selection's record says of the vectors it was made from."""
    if embedding is None:
        return {}
    of = embedding.record
    return {"embedding": of.id, "encoder": of.encoder, "encoder_params": of.encoder_params, "weights": of.weights}


def check_same(record: SelectionRecord, dataset: Dataset) -> None:
    """Raise Stale unless the selection was made from just the frames that `dataset` has now."""
    if record.dataset_fingerprint != dataset.fingerprint:
        raise Stale(
            f"selection {record.id} was made before {dataset.record.name} changed; run `select {dataset.id}` again"
        )
