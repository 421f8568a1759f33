"""The blind audit: removed frames drawn at random, mixed with kept ones, judged without knowing which is which.

An item is a frame beside a kept one, and the question is the same for all: does the frame show anything that the
other does not? For a removed frame the other is what stands for it; for a kept one, and for a removed one that
nothing stands for, it is the most alike kept frame by the selection's vectors, or without vectors the nearest kept
frame of its group. While enough are kept, no frame is judged in one item and shown beside in another. A removal was
wrong when its frame is NEEDED. What was drawn is written once, beside the dataset; the marks are entries on the
trail, and each reviewer is given only their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from dataeff_core.errors import BadInput, Conflict, NotFound
from dataeff_core.review.drawing import Stratum, Vectors, mix, partners, standing_rows, strata_of, stratified
from dataeff_core.review.pinning import person
from dataeff_core.workspace import Dataset, Embedding, EmbeddingRecord, SavedSelection
from dataeff_core.workspace.records import Record, find, fresh_id
from dataeff_core.workspace.storage import new_folder
from dataeff_core.workspace.trail import MARK, UNDO, Decision, Entry, fresh_key, trail_of

NEEDED, NOT_NEEDED, UNSURE = "needed", "not_needed", "unsure"
VERDICTS = {
    NEEDED: "shows something that the other does not",
    NOT_NEEDED: "shows nothing that the other does not",
    UNSURE: "cannot tell",
}
EVERYBODY = "all reviewers"  # in a result; nobody's name
KEPT_SHARE = 0.5  # kept frames mixed in, for each removed one


class AuditItem(BaseModel):
    """One frame to be judged, as it is stored; reviewers see `Shown`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    frame_id: str
    content: str
    path: str
    beside: str | None  # frame id of the kept frame that it is shown beside
    stratum: int  # position in AuditRecord.strata; -1 for a kept frame


class AuditRecord(Record):
    """What was drawn, from which selection, with which seed."""

    FILE: ClassVar[str] = "audit.json"
    KIND: ClassVar[str] = "audit"

    name: str = ""
    dataset: str
    dataset_fingerprint: str
    selection: str
    pins: int  # the newest entry of the trail that the decisions obeyed
    seed: int
    strata: tuple[Stratum, ...]
    items: tuple[AuditItem, ...]  # in the order of showing


@dataclass(frozen=True)
class Shown:
    """An item without what the machine decided."""

    frame_id: str
    beside: str | None
    verdict: str | None  # the reviewer's own, so far


def draw(
    dataset: Dataset,
    saved: SavedSelection,
    *,
    size: int = 100,
    seed: int = 0,
    kept_share: float = KEPT_SHARE,
    name: str = "",
) -> AuditRecord:
    """Draw `size` removed frames, stratified by reason and group, mix kept ones among them, and write that down.

    All removed frames are drawn where there are no more than `size`. Raises BadInput for a size below 1, a share
    below 0, a selection older than the frames or without removed ones.
    """
    if size < 1:
        raise BadInput(f"size {size} is below 1; draw at least one frame")
    if not 0 <= kept_share <= 10:
        raise BadInput(f"kept_share {kept_share:g} is not in 0..10; 0.5 mixes in one kept frame for two removed ones")
    if saved.record.dataset_fingerprint != dataset.fingerprint:
        raise BadInput(f"selection {saved.id} was made before {dataset.record.name} changed; run `select` again")
    decisions, frames, rng = saved.decisions, dataset.frames, np.random.default_rng(seed)
    removed = (decisions["decision"] == "dropped").to_numpy(bool)
    if not removed.any():
        raise BadInput(f"selection {saved.id} removes no frame, so there is nothing to audit")
    groups = frames["group"].to_numpy(object)
    names = strata_of(decisions["reason"].to_numpy(object), groups, removed, most=max(1, size // 2))
    rows, strata, stratum = stratified(names, removed, size, rng)
    kept, standing, vectors = np.flatnonzero(~removed), standing_rows(decisions), _vectors(dataset, saved)
    beside = partners(rows, kept, groups, standing, vectors)
    mixed = mix(kept, beside, round(kept_share * len(rows)), rng)
    others = np.setdiff1d(kept, mixed)
    beside_mixed = partners(mixed, others if len(others) else kept, groups, standing, vectors)
    items = list(
        zip(
            np.concatenate([rows, mixed]).tolist(),
            np.concatenate([beside, beside_mixed]).tolist(),
            [*stratum.tolist(), *[-1] * len(mixed)],
            strict=True,
        )
    )
    record = AuditRecord(
        id=fresh_id("audit"),
        name=name,
        dataset=dataset.id,
        dataset_fingerprint=dataset.fingerprint,
        selection=saved.id,
        pins=saved.pins.last,
        seed=seed,
        strata=strata,
        items=tuple(_item(frames, *items[at]) for at in rng.permutation(len(items))),
    )
    with new_folder(audits_folder(dataset) / record.id) as making:
        record.write(making)
    return record


def audits(dataset: Dataset) -> list[AuditRecord]:
    """All audits of a dataset, oldest first."""
    return AuditRecord.read_all(audits_folder(dataset))


def audit(dataset: Dataset, wanted: str = "latest") -> AuditRecord:
    """An audit by id, unique prefix, name, or `latest`. Raises NotFound, BadInput."""
    return find(audits(dataset), wanted, kind="audit")


def audits_folder(dataset: Dataset) -> Path:
    """Where a dataset's audits lie."""
    return dataset.folder / "review" / "audits"


def mark(
    dataset: Dataset, record: AuditRecord, frame_id: str, verdict: str, *, reviewer: str, key: str | None = None
) -> Entry:
    """Write one reviewer's verdict on one item on the trail; a second one replaces it until all items have one, since
    from then on the reviewer may see what was removed. `key` as in `pin`.

    Raises NotFound for a frame that is no item, BadInput for a verdict that is not one of VERDICTS or for a name
    that would pass for a rule's or for all reviewers, Conflict for who has judged all items.
    """
    person(reviewer)
    if reviewer.strip() == EVERYBODY:
        raise BadInput(f"the name {reviewer!r} stands for everybody in a result; give a person's name")
    item = next((one for one in record.items if one.frame_id == frame_id), None)
    if item is None:
        raise NotFound(f"frame {frame_id!r:.80} is not part of the audit {record.id}")
    if verdict not in VERDICTS:
        raise BadInput(f"verdict {verdict!r:.80} is not one of {', '.join(VERDICTS)}")
    trail = trail_of(dataset.folder)
    entries = trail.entries(machine=False)
    closed = len(marks_of(entries, record).get(reviewer.strip(), {})) == len(record.items)
    if closed and not any(one.key == key and one.action == MARK for one in entries):
        raise Conflict("you have judged all frames of this sample, so your answers no longer change; draw a new one")
    said = Decision(
        reviewer=reviewer,
        action=MARK,
        content=item.content,
        frame_id=item.frame_id,
        path=item.path,
        sample=record.id,
        verdict=verdict,
        key=key or fresh_key(),
    )
    return trail.append([said])[0]


def shown_to(dataset: Dataset, record: AuditRecord, reviewer: str) -> list[Shown]:
    """The items in their order with this reviewer's own marks, and nothing of the machine's or of others'."""
    own = marks_of(trail_of(dataset.folder).entries(machine=False), record).get(reviewer.strip(), {})
    return [Shown(one.frame_id, one.beside, own.get(one.frame_id)) for one in record.items]


def marks_of(entries: Sequence[Entry], record: AuditRecord) -> dict[str, dict[str, str]]:
    """Reviewer -> frame id -> their newest verdict that was not taken back. Who has judged all items is through: what
    they mark or take back later, knowing what was removed, does not count."""
    said: dict[str, dict[str, list[Entry]]] = {}
    by_number: dict[int, Entry] = {}
    for one in entries:
        marked = by_number.get(one.undoes or 0) if one.action == UNDO else one
        if marked is None or marked.action != MARK or marked.sample != record.id:
            continue
        own = said.setdefault(marked.reviewer, {})
        if len(own) == len(record.items):
            continue
        stack = own.setdefault(marked.frame_id, [])
        if one.action == MARK:
            by_number[one.seq] = one
            stack.append(one)
        elif marked in stack:
            stack.remove(marked)
        if not stack:
            del own[marked.frame_id]
    return {name: {frame: stack[-1].verdict for frame, stack in own.items()} for name, own in said.items() if own}


def _vectors(dataset: Dataset, saved: SavedSelection) -> Vectors | None:
    """What the selection compared frames by; None where it compared none, or that is gone."""
    wanted = saved.record.embedding
    records = EmbeddingRecord.read_all(dataset.folder / "embeddings") if wanted else []
    record = next((one for one in records if one.id == wanted), None)
    if record is None or record.dataset_fingerprint != dataset.fingerprint:
        return None
    embedding = Embedding(dataset.folder / "embeddings" / record.id, record)
    order = embedding.rows(dataset.frames["frame_id"].to_numpy(object))
    return lambda rows: embedding.vectors[order[rows]]


def _item(frames: pd.DataFrame, row: int, beside: int, stratum: int) -> AuditItem:
    one = frames.iloc[row]
    return AuditItem(
        frame_id=str(one["frame_id"]),
        content=str(one["sha256"]),
        path=str(one["path"]),
        beside=str(frames["frame_id"].iat[beside]) if beside >= 0 else None,
        stratum=stratum,
    )
