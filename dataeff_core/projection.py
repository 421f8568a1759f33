"""Vectors to a two-dimensional map: UMAP over exact neighbours, or PCA as the quick one. Made once an embedding."""

import contextlib
import io
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd

from dataeff_core.errors import BadInput, Cancelled
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.datasets import Dataset
from dataeff_core.workspace.embeddings import Embedding
from dataeff_core.workspace.maps import FrameMap, MapRecord
from dataeff_core.workspace.root import Workspace
from dataeff_core.workspace.storage import exclusive, fingerprint, new_folder, write_atomically

METHODS = ("umap", "pca")
VERSION = 1  # of this code path; part of a map's identity
NEIGHBOURS = 15  # UMAP's default: the frame itself and its 14 nearest
MIN_DIST = 0.1  # UMAP's default
EXACT_UP_TO = 200_000  # frames; above, neighbours are sought in the nearest PROBED of about 4 sqrt(n) cells
PROBED = 32
BLOCK = 4096  # rows handled at once


def project(
    workspace: Workspace,
    dataset: Dataset,
    embedding: Embedding,
    *,
    method: str = "umap",
    seed: int = 0,
    reporter: Reporter | None = None,
) -> FrameMap:
    """Two coordinates for every frame of `embedding`, each within [-1, 1], aspect kept; an equal map is reused.

    Equal vectors and seed give equal coordinates on one machine. Datasets of at most NEIGHBOURS frames are laid
    out by PCA, whatever the method: they have no neighbourhoods to speak of.

    Raises BadInput for an unknown method or a bad seed, Stale when the dataset has changed, Cancelled.
    """
    if method not in METHODS:
        raise BadInput(f"map method {method!r} is not one of {', '.join(METHODS)}; choose one of them")
    if not 0 <= seed < 2**32:
        raise BadInput(f"seed {seed} is not in 0..{2**32 - 1}; choose another")
    reporter = reporter or Reporter()
    embedding.check_fits(dataset)
    params: dict[str, Any] = {}
    if method == "umap":
        exact = embedding.record.frames <= EXACT_UP_TO
        params = {"n_neighbors": NEIGHBOURS, "min_dist": MIN_DIST, "seed": seed, "exact_neighbours": exact}
    name = f"{method}-{fingerprint(VERSION, embedding.id, dataset.fingerprint, method, params)[:10]}"
    folder = dataset.folder / "maps" / name
    with exclusive(folder.with_name(f".{name}.lock"), reporter):
        if not (folder / MapRecord.FILE).is_file():
            _make(folder, dataset, embedding, method, params, seed, reporter)
    return FrameMap(folder, MapRecord.read(folder))


def _make(
    folder: Any,
    dataset: Dataset,
    embedding: Embedding,
    method: str,
    params: dict[str, Any],
    seed: int,
    reporter: Reporter,
) -> None:
    began = time.monotonic()
    xy = layout(embedding.vectors, method=method, seed=seed, reporter=reporter)
    table = pd.DataFrame({"frame_id": embedding.frame_ids, "x": xy[:, 0], "y": xy[:, 1]})
    record = MapRecord(
        id=folder.name,
        dataset=dataset.id,
        dataset_fingerprint=dataset.fingerprint,
        embedding=embedding.id,
        method=method,
        params=params,
        frames=len(table),
        seconds=round(time.monotonic() - began, 3),
    )
    with new_folder(folder) as temporary:
        write_atomically(temporary / FrameMap.COORDINATES, lambda out: table.to_parquet(out, index=False))
        record.write(temporary)


def layout(
    vectors: np.ndarray, *, method: str = "umap", seed: int = 0, reporter: Reporter | None = None
) -> np.ndarray:
    """(n, 2) float32 within [-1, 1] for vectors (n, d) float16 or float32, perhaps memory-mapped."""
    reporter = reporter or Reporter()
    start = principal_axes(vectors, reporter)
    if method == "pca" or len(vectors) <= NEIGHBOURS:
        return into_square(start)
    return into_square(_umap(vectors, start, seed, reporter))


def into_square(xy: np.ndarray) -> np.ndarray:
    """Coordinates (n, 2) moved and scaled, alike in x and y, so that the wider side just fills [-1, 1]; float32."""
    xy = xy.astype(np.float64)
    low, high = xy.min(axis=0), xy.max(axis=0)
    half = float((high - low).max()) / 2
    scaled = (xy - (low + high) / 2) / (half if half > 1e-12 else 1.0)
    return np.clip(scaled, -1, 1).astype(np.float32)


def principal_axes(vectors: np.ndarray, reporter: Reporter) -> np.ndarray:
    """(n, 2) float32: the first two principal components; zeros where the vectors have no spread.

    The sign of each axis is fixed by its largest loading, so that equal vectors give equal maps.
    """
    n, d = vectors.shape
    total, products = np.zeros(d), np.zeros((d, d))
    blocks = range(0, n, BLOCK)
    for start in reporter.over(blocks, "principal axes", len(blocks)):
        block = _block(vectors, start)
        total += block.sum(axis=0, dtype=np.float64)
        products += block.T @ block
    mean = total / n
    _, axes = np.linalg.eigh(products / n - np.outer(mean, mean))
    axes = axes[:, ::-1][:, :2]
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])] < 0, -1, 1)
    xy = np.zeros((n, 2), np.float32)
    for start in blocks:
        xy[start : start + BLOCK, : axes.shape[1]] = (_block(vectors, start) - mean) @ axes
    xy[:, np.ptp(xy, axis=0) < 1e-5] = 0.0  # rounding noise of equal vectors is no spread
    return xy


def neighbours(vectors: np.ndarray, k: int, reporter: Reporter) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest rows of each row by cosine, itself first: indices (n, k) int64, distances (n, k) float32.

    Exact up to EXACT_UP_TO rows. A zero vector is at distance 1 from all others.
    """
    import faiss

    n, d = vectors.shape
    if n <= EXACT_UP_TO:
        index = faiss.IndexFlatIP(d)
    else:
        cells = int(4 * n**0.5)
        index = faiss.index_factory(d, f"IVF{cells},SQfp16", faiss.METRIC_INNER_PRODUCT)
        index.nprobe = PROBED
        sample = np.sort(np.random.default_rng(0).choice(n, min(n, 40 * cells), replace=False))
        reporter.phase("preparing the search")
        index.train(_unit(vectors[sample]))
    for start in range(0, n, BLOCK):
        index.add(_unit(_block(vectors, start)))
    indices, distances = np.empty((n, k), np.int64), np.empty((n, k), np.float32)
    blocks = range(0, n, BLOCK)
    for start in reporter.over(blocks, "nearest neighbours", len(blocks)):
        similarity, found = index.search(_unit(_block(vectors, start)), k)
        rows = np.arange(start, start + len(found))
        indices[rows], distances[rows] = _self_first(rows, found, 1.0 - similarity)
    return indices, distances


def _self_first(rows: np.ndarray, found: np.ndarray, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put each row itself at distance 0 before the others, as UMAP expects; where equal rows crowded it out of its
    own list, the farthest makes room. Unfilled places (-1) of an approximate search repeat the last neighbour."""
    is_self = found == rows[:, None]
    is_self[~is_self.any(axis=1), -1] = True
    order = np.argsort(~is_self, axis=1, kind="stable")
    found, distances = np.take_along_axis(found, order, 1), np.take_along_axis(distances, order, 1)
    found[:, 0], distances[:, 0] = rows, 0.0
    for column in range(1, found.shape[1]):
        empty = found[:, column] < 0
        found[empty, column], distances[empty, column] = found[empty, column - 1], distances[empty, column - 1]
    return found, np.clip(distances, 0.0, 2.0)


def _umap(vectors: np.ndarray, start: np.ndarray, seed: int, reporter: Reporter) -> np.ndarray:
    """UMAP (McInnes, Healy, Melville 2018, arXiv 1802.03426) from exact neighbours, begun at the principal axes.

    With the neighbours given, umap-learn looks at nothing else of the vectors, so it gets `start` in their place.
    """
    indices, distances = neighbours(vectors, NEIGHBOURS, reporter)
    reporter.phase("loading umap")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from umap import UMAP

        begin = into_square(start) * 10
        begin += np.random.default_rng(seed).normal(scale=1e-3, size=begin.shape).astype(np.float32)
        epochs = _Epochs(reporter)
        model = UMAP(
            n_neighbors=NEIGHBOURS,
            min_dist=MIN_DIST,
            metric="cosine",
            init=begin,
            precomputed_knn=(indices, distances, None),
            random_state=seed,
            n_jobs=1,
            verbose=True,
            tqdm_kwds={"file": epochs, "bar_format": "{n_fmt}/{total_fmt}", "mininterval": 0.1, "desc": "layout"},
        )
        with contextlib.redirect_stdout(io.StringIO()):
            xy = model.fit_transform(begin)
    return np.nan_to_num(np.asarray(xy, np.float32))


class _Epochs(io.TextIOBase):
    """What UMAP's progress bar writes to: hands the count of epochs on, and stops the layout when asked."""

    def __init__(self, reporter: Reporter) -> None:
        super().__init__()
        self.reporter = reporter
        self.cancelled: Cancelled | None = None

    def write(self, text: str) -> int:
        done, slash, total = text.strip().partition("/")
        if slash and done.isdigit() and total.isdigit():
            if self.reporter.phase_name != "layout":
                self.reporter.phase("layout", int(total))
            self.reporter.advance(int(done) - self.reporter.done)
        return len(text)


def _block(vectors: np.ndarray, start: int) -> np.ndarray:
    return np.asarray(vectors[start : start + BLOCK], np.float32)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1 (zero rows stay), float32, contiguous."""
    vectors = np.ascontiguousarray(vectors, np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
