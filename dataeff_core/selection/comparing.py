"""Two selections of the same frames, set side by side."""

from dataclasses import dataclass

import numpy as np

from dataeff_core.errors import Stale
from dataeff_core.workspace import SavedSelection
from dataeff_core.workspace.embeddings import rows_of


@dataclass(frozen=True)
class Comparison:
    """What two selections, a and b, keep. Arrays are in the order of a's decisions."""

    frame_ids: np.ndarray  # (n,) object, str
    kept_a: np.ndarray  # (n,) bool, True = kept
    kept_b: np.ndarray  # (n,) bool

    @property
    def both(self) -> int:
        """Frames that both keep."""
        return int((self.kept_a & self.kept_b).sum())

    @property
    def only_a(self) -> int:
        """Frames that only a keeps."""
        return int((self.kept_a & ~self.kept_b).sum())

    @property
    def only_b(self) -> int:
        """Frames that only b keeps."""
        return int((self.kept_b & ~self.kept_a).sum())

    @property
    def neither(self) -> int:
        """Frames that both drop."""
        return int((~self.kept_a & ~self.kept_b).sum())

    @property
    def jaccard(self) -> float:
        """Frames that both keep out of those that at least one keeps; 1 where neither keeps any."""
        union = len(self.frame_ids) - self.neither
        return self.both / union if union else 1.0

    @property
    def codes(self) -> np.ndarray:
        """(n,) uint8: 0 both, 1 only a, 2 only b, 3 neither."""
        return (~self.kept_b).astype(np.uint8) + 2 * (~self.kept_a).astype(np.uint8)


def compare(a: SavedSelection, b: SavedSelection) -> Comparison:
    """Compare two selections. Raises Stale unless they chose from the same frames of one dataset."""
    one, other = a.record, b.record
    if one.dataset != other.dataset:
        raise Stale(
            f"{a.id} is a selection of {one.dataset_name} and {b.id} of {other.dataset_name}; compare two of one"
        )
    if one.dataset_fingerprint != other.dataset_fingerprint:
        older = a if one.created <= other.created else b
        raise Stale(f"{one.dataset_name} changed between the two selections; make {older.id} again and compare that")
    ids = a.decisions["frame_id"].to_numpy(dtype=object)
    rows = rows_of(b.decisions["frame_id"].to_numpy(dtype=object), ids, what=f"selection {b.id}")
    return Comparison(
        frame_ids=ids,
        kept_a=(a.decisions["decision"] == "kept").to_numpy(dtype=bool),
        kept_b=(b.decisions["decision"] == "kept").to_numpy(dtype=bool)[rows],
    )
