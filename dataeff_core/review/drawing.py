"""Drawing a stratified random sample of removed frames, and choosing what each is shown beside."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict


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


def beside_of(decisions: pd.DataFrame, groups: np.ndarray) -> list[str | None]:
    """(n,) frame ids: what stands for a removed frame, else the nearest kept frame of the same group in its order
    that is not itself (the later of two equally near), else None. Rows are in the dataset's order."""
    ids, standing = decisions["frame_id"].tolist(), decisions["representative_id"].tolist()
    kept = np.flatnonzero((decisions["decision"] == "kept").to_numpy(bool))
    found: list[str | None] = []
    for row, (group, stand_in) in enumerate(zip(groups, standing, strict=True)):
        if not pd.isna(stand_in):
            found.append(str(stand_in))
            continue
        at = int(np.searchsorted(kept, row))
        after = at + 1 if at < len(kept) and kept[at] == row else at
        near = [int(kept[one]) for one in (after, at - 1) if 0 <= one < len(kept)]
        near = [one for one in near if groups[one] == group]
        found.append(ids[min(near, key=lambda one: abs(one - row))] if near else None)
    return found
