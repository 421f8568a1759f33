"""Drawing a stratified random sample of removed frames, and choosing what each is shown beside."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

Vectors = Callable[[np.ndarray], np.ndarray]
"""(m,) rows of the dataset -> (m, d) float: what the selection compared frames by."""
BLOCK = 256  # frames compared at once


class Stratum(BaseModel):
    """Removed frames that are alike in why and where."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    removed: int  # frames in it
    drawn: int


def strata_of(reason: np.ndarray, group: np.ndarray, removed: np.ndarray, *, most: int) -> np.ndarray:
    """(n,) object, the name of each frame's stratum: reason and group; the reason alone where that makes more than
    `most` strata among the removed, as with many patients; one for all where even that does."""
    both = np.array([f"{one} in {where}" for one, where in zip(reason, group, strict=True)], dtype=object)
    for names in (both, np.array([str(one) for one in reason], dtype=object)):
        if len(set(names[removed])) <= most:
            return names
    return np.full(len(reason), "removed", dtype=object)


def stratified(
    names: np.ndarray, removed: np.ndarray, size: int, rng: np.random.Generator
) -> tuple[np.ndarray, tuple[Stratum, ...], np.ndarray]:
    """Rows drawn without replacement, the strata, and for each row the position of its stratum."""
    order = sorted(set(names[removed]))
    members = [np.flatnonzero(removed & (names == name)) for name in order]
    drawn = allocate([len(rows) for rows in members], size)
    rows = [rng.choice(one, count, replace=False) for one, count in zip(members, drawn, strict=True)]
    strata = tuple(
        Stratum(name=str(name), removed=len(one), drawn=count)
        for name, one, count in zip(order, members, drawn, strict=True)
    )
    return np.concatenate(rows), strata, np.repeat(np.arange(len(order)), drawn)


def allocate(sizes: Sequence[int], total: int) -> list[int]:
    """How many to draw from each stratum: one at least, the rest in proportion to the sizes (largest remainders,
    earlier ones first), no more than there are."""
    total = min(max(total, len(sizes)), sum(sizes))
    counts = [1] * len(sizes)
    while sum(counts) < total:
        room = [size - count for size, count in zip(sizes, counts, strict=True)]
        wish = [total * size / sum(sizes) - count for size, count in zip(sizes, counts, strict=True)]
        best = max((at for at in range(len(sizes)) if room[at] > 0), key=lambda at: (wish[at], -at))
        counts[best] += min(room[best], max(1, int(wish[best])), total - sum(counts))
    return counts


def mix(kept: np.ndarray, partners: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` of the rows `kept`, or all, drawn by chance: first those that are nobody's partner in this sample, for
    a frame that is judged here and is shown beside another there would be known for a kept one."""
    free = kept[~np.isin(kept, partners)]
    others = kept[np.isin(kept, partners)]
    return np.concatenate([rng.permutation(free), rng.permutation(others)])[:count]


def partners(
    rows: np.ndarray, kept: np.ndarray, groups: np.ndarray, standing: np.ndarray, vectors: Vectors | None
) -> np.ndarray:
    """(m,) int64, the row of the kept frame that each of `rows` is shown beside, -1 for none: what stands for it by
    `standing` ((n,), -1 for nothing); else the most alike of the rows `kept` by `vectors`, where there are any; else
    the nearest of them in its group (the later of two equally near). Never the frame itself."""
    found = standing[rows]
    alone = np.flatnonzero(found < 0)
    if vectors is not None and len(alone):
        found[alone] = _most_alike(rows[alone], kept, vectors)
    else:
        found[alone] = [_nearest(int(row), kept, groups) for row in rows[alone]]
    return found


def standing_rows(decisions: pd.DataFrame) -> np.ndarray:
    """(n,) int64, the row of what stands for each removed frame, -1 for nothing. Rows are in the dataset's order."""
    index = pd.Index(decisions["frame_id"].to_numpy(object))
    wanted = decisions["representative_id"].astype(object).fillna("").to_numpy(object)
    removed = (decisions["decision"] == "dropped").to_numpy(bool)
    return np.where(removed, index.get_indexer(pd.Index(wanted, dtype=object)), -1).astype(np.int64)


def _most_alike(rows: np.ndarray, kept: np.ndarray, vectors: Vectors) -> np.ndarray:
    """(m,) int64, of the rows `kept` the one with the highest cosine to each of `rows`; -1 where no other is."""
    found = np.full(len(rows), -1, np.int64)
    if not len(kept):
        return found
    others = _unit(vectors(kept))
    for start in range(0, len(rows), BLOCK):
        part = slice(start, start + BLOCK)
        cosines = _unit(vectors(rows[part])) @ others.T
        cosines[rows[part, None] == kept] = -np.inf
        best = cosines.argmax(axis=1)
        found[part] = np.where(np.isneginf(cosines.max(axis=1)), -1, kept[best])
    return found


def _unit(vectors: np.ndarray) -> np.ndarray:
    """(m, d) of any float dtype -> (m, d) float32 rows of length 1; a zero row stays zero."""
    rows = np.asarray(vectors, np.float32)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length == 0, 1, length)


def _nearest(row: int, kept: np.ndarray, groups: np.ndarray) -> int:
    at = int(np.searchsorted(kept, row))
    after = at + 1 if at < len(kept) and kept[at] == row else at
    near = [int(kept[one]) for one in (after, at - 1) if 0 <= one < len(kept)]
    near = [one for one in near if groups[one] == groups[row]]
    return min(near, key=lambda one: abs(one - row)) if near else -1
