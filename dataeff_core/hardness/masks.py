"""Which parts are hidden while a patch is scored: the same for every patch, each part about equally often."""

import numpy as np

from dataeff_core.errors import BadInput


def fixed_masks(parts: int, visible: int, masks: int, seed: int) -> np.ndarray:
    """(masks, parts) int64: each row an order of the parts, the first `visible` of which are shown.

    Random orders are cut into sets that share no part, as many as fit, before the next order is drawn; so with a
    quarter visible each part is hidden in exactly three of every four masks (our choice; the paper's masks are not
    known). Equal for equal arguments; the first masks do not change as their number grows. Raises BadInput.
    """
    if not 0 < visible < parts or masks < 1:
        raise BadInput(f"{masks} masks that show {visible} of {parts} parts cannot be made; check them")
    rng = np.random.default_rng(seed)
    rows: list[np.ndarray] = []
    while len(rows) < masks:
        order = rng.permutation(parts)
        for start in range(0, parts - visible + 1, visible):
            rows.append(np.concatenate([order[start : start + visible], order[:start], order[start + visible :]]))
    return np.array(rows[:masks], np.int64)
