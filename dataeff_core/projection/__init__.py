"""Vectors to a two-dimensional map: UMAP over nearest neighbours, or PCA as the quick one. Made once an embedding."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.storage import exclusive, fingerprint, new_folder, write_atomically

if TYPE_CHECKING:
    from dataeff_core.workspace.datasets import Dataset
    from dataeff_core.workspace.embeddings import Embedding
    from dataeff_core.workspace.maps import FrameMap
    from dataeff_core.workspace.root import Workspace

METHODS = ("umap", "pca")
VERSION = 1  # of this code path; part of a map's identity
NEIGHBOURS = 15  # a frame and its 14 nearest, umap-learn's default
MIN_DIST = 0.1  # umap-learn's default
FIT_ROWS = 4096  # that the principal axes are fitted to where UMAP only begins with them


def project(
    workspace: "Workspace",
    dataset: "Dataset",
    embedding: "Embedding",
    *,
    method: str = "umap",
    seed: int = 0,
    reporter: Reporter | None = None,
) -> "FrameMap":
    """Two coordinates for every frame of `embedding`, each within [-1, 1], aspect kept; an equal map is reused.

    Equal vectors and seed give equal coordinates on one machine. At most NEIGHBOURS frames are laid out by PCA,
    whatever the method: they have no neighbourhoods to speak of.

    Raises BadInput for an unknown method or a bad seed, Stale when the dataset has changed, StorageFailed, Cancelled.
    """
    from dataeff_core.workspace.maps import FrameMap, MapRecord

    if method not in METHODS:
        raise BadInput(f"map method {method!r} is not one of {', '.join(METHODS)}; choose one of them")
    if not 0 <= seed < 2**32:
        raise BadInput(f"seed {seed} is not in 0..{2**32 - 1}; choose another")
    reporter = reporter or Reporter()
    embedding.check_fits(dataset)
    params = {"n_neighbors": NEIGHBOURS, "min_dist": MIN_DIST, "seed": seed} if method == "umap" else {}
    name = f"{method}-{fingerprint(VERSION, embedding.id, dataset.fingerprint, method, params)[:10]}"
    folder = dataset.folder / "maps" / name
    with exclusive(folder.with_name(f".{name}.lock"), reporter):
        if not (folder / MapRecord.FILE).is_file():
            _make(folder, dataset, embedding, method, params, reporter)
    return FrameMap(folder, MapRecord.read(folder))


def _make(  # noqa: PLR0917
    folder: Path, dataset: "Dataset", embedding: "Embedding", method: str, params: dict[str, Any], reporter: Reporter
) -> None:
    import pandas as pd

    from dataeff_core.workspace.maps import FrameMap, MapRecord

    began = time.monotonic()
    xy = layout(embedding.vectors, method=method, seed=params.get("seed", 0), reporter=reporter)
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
    from dataeff_core.projection.pca import along, principal_axes

    reporter = reporter or Reporter()
    if method == "pca" or len(vectors) <= NEIGHBOURS:
        return into_square(along(vectors, *principal_axes(vectors, 2, reporter=reporter)))
    from dataeff_core.projection.neighbours import COMPONENTS, nearest
    from dataeff_core.projection.umap_layout import umap_layout

    mean, axes = principal_axes(vectors, COMPONENTS, reporter=reporter, fit_rows=FIT_ROWS)
    indices, distances = nearest(vectors, NEIGHBOURS, axes=axes, seed=seed, reporter=reporter)
    start = into_square(along(vectors, mean, axes))
    return into_square(umap_layout(indices, distances, start=start, min_dist=MIN_DIST, seed=seed, reporter=reporter))


def into_square(xy: np.ndarray) -> np.ndarray:
    """Coordinates (n, 2) moved and scaled, alike in x and y, so that the wider side just fills [-1, 1]; float32.

    Points that are all in one place come to (0, 0).
    """
    xy = xy.astype(np.float64)
    low, high = xy.min(axis=0), xy.max(axis=0)
    half = float((high - low).max()) / 2
    scaled = (xy - (low + high) / 2) / (half if half > 1e-12 else 1.0)
    return np.clip(scaled, -1, 1).astype(np.float32)
