"""Whether the images of a test were seen in pre-training: the same file, or nearly the same picture.

It stands here, above the families, because it puts the descriptor and the registration together.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from dataeff_core.reporting import Reporter
from dataeff_core.workspace.datasets import Dataset
from dataeff_core.workspace.root import Workspace
from dataeff_core.workspace.runs import Run
from dataeff_core.workspace.storage import exclusive, fingerprint, write_atomically

LEAST, MOST = 0.4, 0.6  # cosines of whitened descriptors between which the limit for candidates is put: copies as the
# next video frame would show them are above, and how far strangers reach up differs from dataset to dataset
SAMPLE = 200_000  # pairs that the limit is found from
MOST_CANDIDATES = 100  # for each image of the test, the most alike first
BLOCK = 1024  # images of the test compared at once
VERSION = 1  # of this code path, part of the cache's key
EXAMPLES = 20
COLUMNS = ("frame_id", "other_id", "kind", "cosine")


@dataclass(frozen=True)
class Leaks:
    """What was found. `pairs` has a row a pair: frame_id (of the test), other_id (in pre-training), kind ('exact' or
    'near'), cosine."""

    checked: bool
    why_not: str = ""
    tested: int = 0
    limit: float = LEAST  # the cosine from which pairs were looked at closely
    pairs: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(COLUMNS)))

    @property
    def frames(self) -> np.ndarray:
        """Ids of the test images that leak."""
        return self.pairs["frame_id"].unique()

    @property
    def sentence(self) -> str:
        """A warning, '' where there is nothing to warn of."""
        count = len(self.frames)
        if not count:
            return ""
        if count == self.tested:
            return (
                f"all {count} test images are in the pre-training set, so the score says how well it remembers, not "
                "how well it would do on new images; choose another dataset or selection"
            )
        exact = self.pairs[self.pairs["kind"] == "exact"]["frame_id"].nunique()
        return (
            f"{count} of {self.tested} test images are in the pre-training set ({exact} the same file, "
            f"{count - exact} nearly the same picture), so the score may be too high"
        )

    def summary(self, scores: pd.Series | None) -> dict[str, Any]:
        """For EvaluationRecord.leaks; `scores` of the test images by frame_id, where the task has one an image."""
        if not self.checked:
            return {"checked": False, "why": self.why_not}
        exact = self.pairs[self.pairs["kind"] == "exact"]["frame_id"].nunique()
        best = self.pairs.drop_duplicates("frame_id").head(EXAMPLES)
        found: dict[str, Any] = {
            "checked": True,
            "threshold": round(self.limit, 4),
            "tested": self.tested,
            "frames": len(self.frames),
            "exact": int(exact),
            "near": int(len(self.frames) - exact),
            "examples": best.to_dict("records"),
        }
        rest = scores[~scores.index.isin(self.frames)] if scores is not None else None
        if rest is not None and len(self.frames) and len(rest):
            found["score_without"] = float(rest.mean())
        return found


def find_leaks(workspace: Workspace, on: Dataset, tested: pd.DataFrame, run: Run | None, reporter: Reporter) -> Leaks:
    """Which of the frames `tested` (of `on`) are among those that `run` was trained on, exactly (sha256) or nearly:
    the descriptor's cosine names candidates, registration confirms each pair (as for selections).

    Not checked without a run, or where its dataset or selection is gone or has changed. What is compared is kept
    beside `on`, for whole datasets, so that the next run on the same frames costs nothing. Raises Cancelled.
    """
    if run is None:
        return Leaks(False, "the images that the encoder was pre-trained on are not known here, or there are none")
    trained = _trained_on(workspace, run)
    if isinstance(trained, str):
        return Leaks(False, trained)
    source, ids = trained
    pairs, limit = _pairs(workspace, on, source, reporter)
    among = pairs["frame_id"].isin(tested["frame_id"]) & pairs["other_id"].isin(ids)
    return Leaks(True, tested=len(tested), limit=limit, pairs=pairs[among].reset_index(drop=True))


def _trained_on(workspace: Workspace, run: Run) -> tuple[Dataset, np.ndarray] | str:
    """The run's dataset and the ids of its frames that it saw, or why that is not known."""
    record = run.record
    dataset = next((one for one in workspace.datasets() if one.id == record.dataset), None)
    if dataset is None:
        return f"the dataset {record.dataset_name} that {run.id} was trained on is gone"
    if dataset.fingerprint != record.dataset_fingerprint:
        return f"the dataset {record.dataset_name} has changed since {run.id} was trained on it"
    return dataset, run.frames["frame_id"].to_numpy(object)  # not the selection: it may have been overruled since


def _pairs(workspace: Workspace, on: Dataset, source: Dataset, reporter: Reporter) -> tuple[pd.DataFrame, float]:
    """All pairs of a frame of `on` and one of `source` that are the same or nearly so, most alike first, columns
    COLUMNS; and the limit. Read from the cache, or computed and kept there."""
    file = _cache(on, source)
    with exclusive(file.with_suffix(".lock"), reporter):
        if not file.is_file():
            pairs, limit = _compared(workspace, on, source, reporter)
            write_atomically(file, lambda stream: _write(stream, pairs, limit))
    with np.load(file, allow_pickle=False) as kept:
        return pd.DataFrame({name: kept[name] for name in COLUMNS}), float(kept["limit"])


def _write(stream: IO[bytes], pairs: pd.DataFrame, limit: float) -> None:
    ids, others, kinds = (pairs[name].to_numpy(np.str_) for name in COLUMNS[:3])
    cosine = pairs["cosine"].to_numpy(np.float32)
    np.savez(stream, frame_id=ids, other_id=others, kind=kinds, cosine=cosine, limit=np.float64(limit))


def _cache(on: Dataset, source: Dataset) -> Path:
    return on.folder / "leaks" / f"{fingerprint(VERSION, on.fingerprint, source.fingerprint)[:16]}.npz"


def _compared(workspace: Workspace, on: Dataset, source: Dataset, reporter: Reporter) -> tuple[pd.DataFrame, float]:
    keys, other_keys = (one.frames["sha256"].to_numpy(object) for one in (on, source))
    ids, other_ids = (one.frames["frame_id"].to_numpy(object) for one in (on, source))
    queries, gallery = _vectors(workspace, on, source, reporter)
    limit = _limit(queries, gallery, keys, other_keys)
    left, right, cosine = _candidates(queries, gallery, limit, reporter)
    exact = np.array(keys[left] == other_keys[right], bool)
    kept = exact.copy()
    both = np.concatenate([keys, other_keys])
    kept[~exact] = _confirmed(workspace, both, left[~exact], right[~exact] + len(keys), reporter)
    kind = np.where(exact, "exact", "near")
    table = pd.DataFrame({"frame_id": ids[left], "other_id": other_ids[right], "kind": kind, "cosine": cosine})[kept]
    return table.sort_values(["kind", "cosine", "frame_id"], ascending=[True, False, True]), limit


def _limit(queries: np.ndarray, gallery: np.ndarray, keys: np.ndarray, other_keys: np.ndarray) -> float:
    """The cosine that strangers hardly reach, by the tail of their distribution (see encoders.calibration)."""
    from dataeff_core.encoders.calibration import floor_against

    rng = np.random.default_rng(0)
    left, right = (rng.integers(0, len(side), SAMPLE) for side in (queries, gallery))
    different = np.array(keys[left] != other_keys[right], bool)
    cosine = np.einsum("ij,ij->i", queries[left[different]], gallery[right[different]])
    return float(np.clip(floor_against(cosine, len(gallery)), LEAST, MOST))


def _candidates(
    queries: np.ndarray, gallery: np.ndarray, limit: float, reporter: Reporter
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of `queries`, rows of `gallery` and cosines of the pairs that are alike at first sight, of each query
    MOST_CANDIDATES at most."""
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for start in reporter.over(range(0, len(queries), BLOCK), "comparing with the pre-training images"):
        cosine = queries[start : start + BLOCK] @ gallery.T
        if cosine.shape[1] > MOST_CANDIDATES:
            least = -np.partition(-cosine, MOST_CANDIDATES - 1, axis=1)[:, MOST_CANDIDATES - 1 : MOST_CANDIDATES]
            cosine[cosine < least] = -1
        rows, columns = np.nonzero(cosine >= limit)
        found.append((rows + start, columns, cosine[rows, columns]))
    left, right, cosines = (np.concatenate(part) for part in zip(*found, strict=True))
    return left, right, cosines


def _vectors(workspace: Workspace, on: Dataset, source: Dataset, reporter: Reporter) -> tuple[np.ndarray, np.ndarray]:
    """Descriptor vectors (n, d) and (m, d) float32 of both datasets' frames, whitened alike: by the embedding of
    `source` where it has one, else over the frames of both."""
    from dataeff_core.encoders import reload
    from dataeff_core.encoders.descriptor import Descriptor

    fresh = Descriptor().load()
    wanted = (Descriptor.NAME, fresh.preprocessing, source.fingerprint)  # one by an older version is of no use
    known = [(one, one.record) for one in workspace.embeddings(source)]
    current = [
        one for one, about in known if (about.encoder, about.preprocessing, about.dataset_fingerprint) == wanted
    ]
    if current:
        loaded = reload(workspace, current[-1])
        ids = source.frames["frame_id"].to_numpy(object)
        gallery = np.asarray(current[-1].vectors[current[-1].rows(ids)], np.float32)
        return loaded.finish(_features(workspace, on, loaded, reporter)), gallery
    features = [_features(workspace, one, fresh, reporter) for one in (on, source)]
    fresh.fit(np.concatenate(features))
    return fresh.finish(features[0]), fresh.finish(features[1])


def _features(workspace: Workspace, dataset: Dataset, loaded: Any, reporter: Reporter) -> np.ndarray:
    """(n, feature_dim) float32 of the thumbnails, by row of `dataset.frames`."""
    from dataeff_core.frame_reading.decoding import default_workers, prepared_chunks
    from dataeff_core.frame_reading.reading import thumbnail_tasks

    frames = dataset.frames
    rows = frames.groupby("sha256").indices
    wanted = frames.drop_duplicates("sha256")
    features = np.zeros((len(frames), loaded.feature_dim), np.float32)
    reporter.phase(f"describing the images of {dataset.record.name}", len(wanted))
    tasks, workers = thumbnail_tasks(workspace, wanted), default_workers(len(wanted))
    for chunk in prepared_chunks(tasks, loaded.preparation(), workers=workers, reporter=reporter):
        for at, key in enumerate(chunk.keys):
            if chunk.rows is not None:
                features[rows[key]] = chunk.rows[at]
        reporter.advance(len(chunk.keys) + len(chunk.bad))
    return features


def _confirmed(
    workspace: Workspace, keys: np.ndarray, left: np.ndarray, right: np.ndarray, reporter: Reporter
) -> np.ndarray:
    """(m,) bool: the pairs of rows of `keys` (sha256) that registration finds to show the same view."""
    from dataeff_core.selection.registration import confirmer, picture
    from dataeff_core.workspace.thumbnails import read_thumbnail

    confirm = confirmer(lambda row: picture(read_thumbnail(workspace, keys[row])))
    same = np.zeros(len(left), bool)
    for start in reporter.over(range(0, len(left), BLOCK), "looking closely at pairs that are alike"):
        part = slice(start, start + BLOCK)
        same[part] = confirm(left[part], right[part])
    return same
