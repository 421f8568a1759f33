"""Vectors as the selection numerics want them: float32, unit length, a few rows at a time.

Embeddings lie on disk as float16 and may be larger than memory, so nothing here copies them whole. Half
precision only stores: every similarity that decides is computed in float32.
"""

import numpy as np

from dataeff_core.errors import BadInput

BLOCK_BYTES = 64 << 20  # float32 bytes of one block of rows


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """(m, d) of any float dtype -> (m, d) float32 rows of length 1; a zero row stays zero."""
    rows = np.array(vectors, dtype=np.float32, order="C")
    with np.errstate(over="ignore"):
        squares = np.einsum("ij,ij->i", rows, rows)
    extreme = np.flatnonzero(~((squares > 1e-30) & (squares < 1e30)))
    if len(extreme):  # their squares leave float32: bring the largest entry to 1 first
        largest = np.abs(rows[extreme]).max(axis=1, keepdims=True)
        rows[extreme] /= np.where(largest == 0, 1, largest)
        squares[extreme] = np.einsum("ij,ij->i", rows[extreme], rows[extreme])
    rows /= np.sqrt(np.where(squares == 0, 1, squares))[:, None]
    return rows


def blocks(vectors: np.ndarray, size: int | None = None) -> list[slice]:
    """Consecutive slices of rows; by default each holds at most BLOCK_BYTES as float32."""
    n, d = vectors.shape
    size = size or max(1, BLOCK_BYTES // (4 * max(1, d)))
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def check_vectors(vectors: np.ndarray, names: np.ndarray | None = None) -> None:
    """Raise BadInput unless `vectors` is a non-empty (n, d) float array of finite numbers.

    The message names the first bad row, by `names` (n,) where given.
    """
    if vectors.ndim != 2 or vectors.shape[1] == 0:
        raise BadInput(f"the vectors have shape {vectors.shape}; give an array of (frames, dimensions)")
    if len(vectors) == 0:
        raise BadInput("there are no frames to choose from; import some first")
    if vectors.dtype.kind != "f":
        raise BadInput(f"the vectors are of type {vectors.dtype}; give float16 or float32")
    for part in blocks(vectors):
        # A sum is finite unless a term is not (or it overflows, in which case the exact test decides).
        with np.errstate(over="ignore", invalid="ignore"):
            sums = vectors[part].sum(axis=1, dtype=np.float32)
        for row in np.flatnonzero(~np.isfinite(sums)) + part.start:
            if not np.isfinite(vectors[row]).all():
                name = f"row {row}" if names is None else f"frame {names[row]} (row {row})"
                raise BadInput(f"the vector of {name} holds NaN or infinity; embed the dataset again")
