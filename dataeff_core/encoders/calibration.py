"""The similarity limit eta, measured on the dataset's own frames instead of taken from a paper.

A sample of frames is jittered as the next video frame or another copy would be (`jitter`) and embedded with the
same encoder; eta is put where the wished share of these copies is recognised, and no lower than where frames that
have nothing to do with each other would begin to be removed. The procedure is our choice.
"""

from collections.abc import Sequence

import numpy as np

from dataeff_core import suppliers
from dataeff_core.encoders.base import LoadedEncoder
from dataeff_core.encoders.jitter import jitter
from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.calibrations import Calibration, CalibrationRecord, calibrations_folder, eta_for
from dataeff_core.workspace.datasets import Dataset
from dataeff_core.workspace.embeddings import Embedding
from dataeff_core.workspace.root import Workspace
from dataeff_core.workspace.storage import new_folder, write_atomically
from dataeff_core.workspace.thumbnails import read_thumbnail

SAMPLE = 256  # frames that are jittered, each twice
CHUNK = 16  # frames embedded at once
OTHERS = 2048  # frames that the sample is compared with as strangers; also about the most in one cluster
MOST_LOST = 0.05  # strangers' pairs above the floor a frame, by the tail of their distribution
REAL_COPIES = 8  # near-duplicates that a frame of the dataset may have on average
NEIGHBOURHOOD = (
    0.02  # of a group's length: frames nearer in order than this are no strangers, where there is one group
)


def calibrate(
    workspace: Workspace,
    dataset: Dataset,
    embedding: Embedding,
    *,
    recall: float = 0.99,
    seed: int = 0,
    loaded: LoadedEncoder | None = None,
    reporter: Reporter | None = None,
) -> Calibration:
    """Measure eta for `embedding` and store it beside it, with both distributions; an equal one is replaced.

    Copies are made from the 256-pixel thumbnails, for encoders that read originals too: those see no more pixels,
    and what the thumbnail takes away is one change more. `loaded` is the encoder as it made `embedding` (default:
    loaded again from its record). Frames that are unusable by the default limit are not sampled.

    Raises BadInput (recall outside (0, 1], no frames), Stale, MissingWeights, NotFound (thumbnails), StorageFailed,
    Cancelled.
    """
    if not 0 < recall <= 1:
        raise BadInput(f"recall {recall:g} is not in (0, 1]; 0.99 finds 99 % of the copies")
    reporter = reporter or Reporter()
    embedding.check_fits(dataset)
    if loaded is None:
        from dataeff_core.encoders import reload

        loaded = reload(workspace, embedding)
    rng = np.random.default_rng(seed)
    rows = _sample(dataset, rng)
    copies = _similarities_of_copies(
        rows, workspace=workspace, dataset=dataset, embedding=embedding, loaded=loaded, rng=rng, reporter=reporter
    )
    strangers = _similarities_of_strangers(dataset, embedding, rows, rng)
    floor = floor_against(strangers, min(len(dataset.frames), OTHERS))
    eta = eta_for(copies, recall, floor)
    record = CalibrationRecord(
        id=f"recall-{recall:.6g}-seed-{seed}",
        embedding=embedding.id,
        wanted_recall=recall,
        seed=seed,
        eta=eta,
        recall=float((copies > eta).mean()),
        wrong_removal=float((strangers > eta).mean()) if len(strangers) else 0.0,
        floor=floor,
        copies=len(copies),
        pairs=len(strangers),
    )
    return _saved(embedding, record, copies, strangers)


def floor_against(strangers: np.ndarray, compared: int) -> float:
    """The limit above which a frame meets MOST_LOST strangers among `compared` frames, each pair counted once.

    The distribution's far end holds the dataset's real near-duplicates, so it is not read off there but continued
    exponentially from where 10 % and 2 % of the pairs (p,) lie above; from farther inside for few frames, of which
    a few near-duplicates are a larger share. -1 with fewer than 50 pairs.
    """
    if len(strangers) < 50:
        return -1.0
    far = float(np.clip(REAL_COPIES / max(compared, 1), 0.02, 0.2))
    near = min(5 * far, 0.5)
    begin, end = np.quantile(strangers, [1 - near, 1 - far])
    decay = np.log(near / far) / max(end - begin, 1e-6)
    wanted = 2 * MOST_LOST / max(compared, 1)
    return float(np.clip(end + np.log(max(far / wanted, 1.0)) / decay, -1, 1))


def _sample(dataset: Dataset, rng: np.random.Generator) -> np.ndarray:
    """Rows of usable frames to jitter, ascending; of all frames where none is usable."""
    frames = dataset.frames
    if frames.empty:
        raise BadInput(f"dataset {dataset.record.name!r} has no frames to calibrate on; import some first")
    usable = np.ones(len(frames), dtype=bool)
    if "invalid_score" in frames:
        scores = frames["invalid_score"].to_numpy(np.float32)
        usable = ~(scores > suppliers.invalid_limit(scores))
    rows = np.flatnonzero(usable) if usable.any() else np.arange(len(frames))
    return np.sort(rng.choice(rows, min(SAMPLE, len(rows)), replace=False))


def _similarities_of_copies(
    rows: np.ndarray,
    *,
    workspace: Workspace,
    dataset: Dataset,
    embedding: Embedding,
    loaded: LoadedEncoder,
    rng: np.random.Generator,
    reporter: Reporter,
) -> np.ndarray:
    """(3 r,) float32: each sampled frame to its two copies, and these to each other."""
    keys = dataset.frames["sha256"].to_numpy(dtype=object)[rows]
    vectors = _unit(embedding.vectors[embedding.rows(dataset.frames["frame_id"].to_numpy(dtype=object)[rows])])
    reporter.phase("calibrating", len(rows))
    similarities = []
    for start in range(0, len(rows), CHUNK):
        frames = [read_thumbnail(workspace, key) for key in keys[start : start + CHUNK]]
        first, second = (_embedded(loaded, [jitter(frame, rng) for frame in frames]) for _ in range(2))
        own = vectors[start : start + CHUNK]
        similarities += [(own * first).sum(axis=1), (own * second).sum(axis=1), (first * second).sum(axis=1)]
        reporter.advance(len(frames))
    return np.sort(np.concatenate(similarities).clip(-1, 1)).astype(np.float32)


def _embedded(loaded: LoadedEncoder, images: Sequence[np.ndarray]) -> np.ndarray:
    return _unit(loaded.finish(loaded.features(images)))


def _unit(vectors: np.ndarray) -> np.ndarray:
    rows = np.asarray(vectors, np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def _similarities_of_strangers(
    dataset: Dataset, embedding: Embedding, rows: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """(p,) float32: sampled frames to frames of other groups; with one group only, to frames far off in its order."""
    frames = dataset.frames
    others = np.sort(rng.choice(len(frames), min(OTHERS, len(frames)), replace=False))
    group = frames["group"].astype(str).to_numpy()
    order = frames["order"].to_numpy(np.int64)
    if len(np.unique(group)) > 1:
        strange = group[rows][:, None] != group[others]
    else:
        near = max(1, round(NEIGHBOURHOOD * len(frames)))
        strange = np.abs(order[rows][:, None] - order[others]) > near
    at = embedding.rows(frames["frame_id"].to_numpy(dtype=object))
    cosines = _unit(embedding.vectors[at[rows]]) @ _unit(embedding.vectors[at[others]]).T
    return np.sort(cosines[strange].clip(-1, 1))


def _saved(embedding: Embedding, record: CalibrationRecord, copies: np.ndarray, strangers: np.ndarray) -> Calibration:
    folder = calibrations_folder(embedding) / record.id
    with new_folder(folder, replace=True) as making:
        write_atomically(
            making / Calibration.SIMILARITIES,
            lambda stream: np.savez_compressed(stream, copies=copies, strangers=strangers),
        )
        record.write(making)
    return Calibration(folder, record)
