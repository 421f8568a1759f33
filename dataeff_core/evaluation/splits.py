"""Who trains, who validates, who tests: by group, so that no patient or video is in two splits."""

import numpy as np

from dataeff_core.errors import BadInput

SPLITS = ("train", "validation", "test")
FILLED_FIRST = ("train", "test", "validation")  # with few groups: what they are given to first


def split(
    groups: np.ndarray, strata: np.ndarray, *, validation: float, test: float, seed: int, name: str = "the dataset"
) -> np.ndarray:
    """(n,) groups and (n,) strata (str) -> (n,) object: 'train', 'validation' or 'test'.

    Whole groups in an order drawn by `seed`, those with a rare stratum first, each to the split that lacks most of
    its share of that stratum, then of images (our choice). Every split gets a group, and every stratum that is in
    three groups or more is in every split. Raises BadInput with fewer than three groups.
    """
    names, group = np.unique(groups.astype(str), return_inverse=True)
    if len(names) < len(SPLITS):
        raise BadInput(
            f"{name} has {len(names)} group{'s' if len(names) != 1 else ''} ({', '.join(names)[:80]}) and no group "
            "may be in two of train, validation and test; import it again with --groups that tell patients or videos "
            "apart, or set split_by=image where its images are independent"
        )
    kinds, stratum = np.unique(strata.astype(str), return_inverse=True)
    counts = np.zeros((len(names), len(kinds)))
    np.add.at(counts, (group, stratum), 1)
    shares = np.array([1 - validation - test, test, validation])  # as FILLED_FIRST
    wanted = shares[:, None] * counts.sum(axis=0)  # (splits, strata) images
    given = np.zeros_like(wanted)
    chosen = np.empty(len(names), dtype=np.int64)
    for one, rarest in _order(counts, np.random.default_rng(seed)):
        lacking = 1 - given[:, rarest] / wanted[:, rarest]
        lacking_images = 1 - given.sum(axis=1) / wanted.sum(axis=1)
        chosen[one] = np.lexsort((-lacking_images.round(9), -lacking.round(9)))[0]
        given[chosen[one]] += counts[one]
    return np.array(FILLED_FIRST, dtype=object)[chosen[group]]


def _order(counts: np.ndarray, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Groups in the order they are given away, each with its rarest stratum; counts (groups, strata)."""
    rarity = np.argsort(np.argsort((counts > 0).sum(axis=0), kind="stable"), kind="stable")
    rarest = np.where(counts > 0, rarity, counts.shape[1]).argmin(axis=1)
    shuffled = rng.permutation(len(counts))
    return [(int(one), int(rarest[one])) for one in shuffled[np.argsort(rarity[rarest[shuffled]], kind="stable")]]
