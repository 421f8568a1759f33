"""The removals of a selection in the order of review, as the browser gets them: frame by frame over HTTP, with what
reviewers have decided so far."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dataeff_core.errors import NotFound, Stale
from dataeff_core.review.lesions import lesions_of
from dataeff_core.review.queue import Queue, past_limit, queue_of
from dataeff_core.review.stability import Stability, stability_of, stays_words
from dataeff_core.selection.explaining import number, rank_of, sentence, threshold_of
from dataeff_core.selection.saving import check_same
from dataeff_core.suppliers import Suppliers, foreground
from dataeff_core.ui import cached, gallery, words
from dataeff_core.ui.quantities import counted, share
from dataeff_core.ui.review.step_marks import Marks
from dataeff_core.ui.theme import style_of
from dataeff_core.workspace import Dataset, Embedding, SavedSelection, Workspace
from dataeff_core.workspace.pins import Pins, Placed, pins_of
from dataeff_core.workspace.trail import trail_of

CHUNK = 24  # frames told in one answer
BLOCK = 8192  # vectors compared at once
CLOSE, FAR = 0.1, 0.5  # shares of the removals for the same reason that were closer to staying
TOLD = 5e-4  # numbers are told to the third decimal
RARE = 3  # frames of one view, up to which it is called rare
COMPARED = {"duplicate": "insertion_similarity", "outlier": "distance", "invalid": "invalid_score"}
EASIER = "Share of the frames that are easier"
SUPPLIERS = Suppliers()


class Steps:
    """One selection's removals. Shared by all visitors: holds what the method decided, which never changes, and asks
    the trail for the rest."""

    def __init__(self, dataset: Dataset, saved: SavedSelection, embedding: Embedding | None = None) -> None:
        check_same(saved.record, dataset)
        self.dataset, self.saved, self.machine = dataset, saved, saved.machine
        self.frames = dataset.frames
        self.ids = saved.index
        if not self.ids.equals(dataset.index):
            raise Stale(f"selection {saved.id} lists other frames than {dataset.record.name}; run `select` again")
        self.alone = self.machine["representative_id"].isna().to_numpy(bool)
        self.contents = self.frames["sha256"].to_numpy(object)
        self.embedding = embedding
        self.queue = _queue(dataset, saved)
        self.position = np.full(len(self.machine), -1)
        self.position[self.queue.rows] = np.arange(len(self.queue.rows))
        self.nearer = _nearer(self.machine, self.queue)
        self.stays = np.zeros(0, np.float32)  # of each row, the share of repeats that keep it, with `again`
        self.again: Stability | None = None

    def __len__(self) -> int:
        return len(self.queue.rows)

    def row_of(self, frame_id: str) -> int:
        """The frame's row, -1 for none."""
        return int(self.ids.get_indexer(pd.Index([frame_id], dtype=object))[0])

    def marks(self) -> Marks:
        """What reviewers and rules have decided by now. Raises StorageFailed, Conflict."""
        pins = pins_of(self.dataset.folder)
        return Marks(self, self._placed(pins).holding(self.machine), pins.last)

    def changes(self, after: int) -> dict[str, Any]:
        """What a browser that knows the trail up to entry `after` needs: frame id -> its mark now, None for no mark.

        All marks (`whole`) where `after` is 0, and where a picture was decided on that has moved: then a mark may be
        on a frame that no entry names.
        """
        trail = trail_of(self.dataset.folder)
        if after and trail.last == after:
            return {"last": after, "whole": False, "marks": {}}
        marks = self.marks()
        told = marks.told()
        touched = trail.entries(after=after, upto=marks.last, machine=False) if after else []
        rows = self.ids.get_indexer(pd.Index([one.frame_id for one in touched], dtype=object))
        still = all(row >= 0 and self.contents[row] == one.content for row, one in zip(rows, touched, strict=True))
        if not after or not still:
            return {"last": marks.last, "whole": True, "marks": told}
        return {
            "last": marks.last,
            "whole": False,
            "marks": {one.frame_id: told.get(one.frame_id) for one in touched},
        }

    def items(self, first: int, count: int) -> list[dict[str, Any]]:
        """The frames at these positions of the queue, with all that the page says of them."""
        positions = range(max(0, first), min(len(self), max(0, first) + min(count, CHUNK)))
        self._measured()
        rows = self.queue.rows[list(positions)]
        beside = self._most_alike(rows[self.alone[rows]])
        return [self._item(one, beside) for one in positions]

    def _item(self, position: int, beside: dict[int, int]) -> dict[str, Any]:
        row = int(self.queue.rows[position])
        said, frame = self.machine.iloc[row], self.frames.iloc[row]
        reason, standing = str(said["reason"]), said["representative_id"]
        partner = -1 if pd.isna(standing) else self.row_of(str(standing))
        threshold, similarity = threshold_of(self.saved.record, reason), number(said["similarity"])
        measure, rank = frame.get("invalid_measure"), rank_of(self.saved, row)
        return {
            "at": position,
            **self._picture(row, reason),
            "sentence": sentence(
                reason,
                frame,
                standing=None if partner < 0 else self.frames.iloc[partner],
                similarity=similarity,
                threshold=threshold,
                fault="" if measure is None or pd.isna(measure) else SUPPLIERS.fault(str(measure)),
                rank=rank,
            ),
            "partner": self._partner(partner if partner >= 0 else beside.get(row, -1), stands=partner >= 0),
            "nearer": number(self.nearer[position]),
            "close": self._closeness(position, reason),
            "tags": self._tags(position),
            "numbers": _numbers(said, reason, threshold, ranked=rank is not None),
        }

    def _partner(self, row: int, *, stands: bool) -> dict[str, Any] | None:
        """The kept frame to be shown beside: the one that stands for the removed one, or else is most like it."""
        return None if row < 0 else {**self._picture(row, "kept"), "stands": stands}

    def _most_alike(self, rows: np.ndarray) -> dict[int, int]:
        """The kept frame that is most like each of these; none where the selection knows no vectors."""
        kept = np.flatnonzero((self.machine["decision"] == "kept").to_numpy(bool))
        if self.embedding is None or not len(rows) or not len(kept):
            return {}
        at = self.embedding.rows(self.ids.to_numpy(object))
        vectors = self.embedding.vectors
        wanted = np.asarray(vectors[at[rows]], np.float32)
        best, found = np.full(len(rows), -np.inf, np.float32), np.full(len(rows), -1)
        for first in range(0, len(kept), BLOCK):
            block = kept[first : first + BLOCK]
            cosine = wanted @ np.asarray(vectors[at[block]], np.float32).T
            nearest = cosine.argmax(axis=1)
            value = cosine[np.arange(len(rows)), nearest]
            found = np.where(value > best, block[nearest], found)
            best = np.maximum(best, value)
        return dict(zip(rows.tolist(), found.tolist(), strict=True))

    def _picture(self, row: int, reason: str) -> dict[str, str]:
        frame, style = self.frames.iloc[row], style_of(reason)
        state = style.plain if reason == "kept" else f"Removed: {style.plain.lower()}"
        title = gallery.caption_of(frame)
        return {
            "id": str(frame["frame_id"]),
            "key": str(frame["sha256"]),
            "title": title,
            "group": str(frame["group"]),
            "state": state,
            "mark": style.mark,
            "light": style.light,
            "dark": style.dark,
            "alt": f"{title}, {frame['group']}: {state}",
        }

    def _closeness(self, position: int, reason: str) -> str:
        """How near the frame was to staying, in words."""
        nearer = self.nearer[position]
        if np.isnan(nearer):
            return "How close it was to staying is not known: this way of choosing gives no number."
        told = "A close call" if nearer < CLOSE else "Not very close" if nearer < FAR else "Clearly removed"
        alike = f"of those removed as “{style_of(reason).plain.lower()}”"
        if nearer == 0:
            return f"{told}: none {alike} was closer to staying."
        return f"{told}: {share(float(nearer))} {alike} were closer to staying."

    def _tags(self, position: int) -> list[str]:
        """Why it comes where it does."""
        view = round(1 / self.queue.rarity[position])
        tags = ["a finding is marked on it"] if self.queue.lesion[position] > 0 else []
        if view <= RARE:
            tags.append("the only frame of its view" if view == 1 else f"a rare view: {counted(view, 'frame')}")
        if self.again is not None:
            stays = float(self.stays[int(self.queue.rows[position])])
            tags.append(stays_words(stays, len(self.again.record.runs)))
        return tags

    def _measured(self) -> None:
        """Look whether the selection was made again otherwise since, and how often each frame stayed."""
        found = stability_of(self.saved)
        if found is not None and (self.again is None or self.again.id != found.id):
            self.stays = found.stays
            self.again = found

    def _placed(self, pins: Pins) -> Placed:
        """The pins on their rows; quickly where every pin is still on its own frame."""
        if not pins.standing:
            return Placed({})
        rows = self.ids.get_indexer(pd.Index([one.frame_id for one in pins.standing], dtype=object))
        if all(row >= 0 and self.contents[row] == one.content for row, one in zip(rows, pins.standing, strict=True)):
            on = {int(row): one for row, one in zip(rows, pins.standing, strict=True)}
            return Placed(on, together=pins.together)
        return pins.on(self.ids.tolist(), self.contents.tolist())


def opened(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> Steps:
    """The selection's removals, opened once for the process. Raises Stale."""
    return _opened(str(saved.folder), saved.record.model_dump_json(), dataset.fingerprint, workspace, dataset, saved)


@st.cache_resource(max_entries=8, show_spinner=False)
def _opened(
    folder: str, record: str, fingerprint: str, _workspace: Workspace, _dataset: Dataset, _saved: SavedSelection
) -> Steps:
    return Steps(_dataset, _saved, _embedding(_workspace, _dataset, _saved))


def _embedding(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> Embedding | None:
    """The vectors that the selection was made with, where they are still there and of these frames."""
    if not saved.record.embedding:
        return None
    try:
        found = cached.embedding(workspace, dataset, saved.record.embedding)
        found.check_fits(dataset)
    except (NotFound, Stale):
        return None
    return found


def _queue(dataset: Dataset, saved: SavedSelection) -> Queue:
    shown = lesions_of(dataset, foreground)
    machine = saved.machine
    lesion = None if shown is None else machine["frame_id"].isin(set(shown.frame_ids)).to_numpy(np.float64)
    return queue_of(machine, lesion=lesion)


def _nearer(machine: pd.DataFrame, queue: Queue) -> np.ndarray:
    """(m,) share of the frames removed for the same reason whose score was closer to the limit; NaN for no score."""
    score = past_limit(machine)[queue.rows]
    reason = machine["reason"].iloc[queue.rows].to_numpy(object).astype(str)
    nearer = np.full(len(score), np.nan)
    for one in np.unique(reason):
        rows = np.flatnonzero((reason == one) & np.isfinite(score))
        ordered = np.sort(score[rows])
        nearer[rows] = np.searchsorted(ordered, score[rows], side="left") / max(1, len(rows))
    return nearer


def _numbers(said: pd.Series, reason: str, threshold: float | None, *, ranked: bool) -> list[list[str]]:
    """Names and values, for the switch; what was compared with the limit stands once where it is the likeness."""
    similarity, score = number(said["similarity"]), number(said["score"])
    told_twice = similarity is not None and score is not None and abs(similarity - score) < TOLD
    compared = words.label(COMPARED[reason], plain=True) if reason in COMPARED else EASIER if ranked else "Score"
    named = (
        (f"{words.label('similarity', plain=True)} (to the frame beside it)", similarity),
        (compared, None if told_twice else score),
        ("Limit", threshold),
        (words.label("distance", plain=True), number(said["distance"]) if reason != "outlier" else None),
    )
    return [[name, f"{value:.3f}"] for name, value in named if value is not None]
