"""How the numbers behind a MedDEL selection came about, in words, for its record."""

import numpy as np

from dataeff_core.selection.scored import MedDELScores

ROUNDING = 1e-5  # similarities of float32 vectors differ by less than this between machines


def notes_of(scores: MedDELScores, *, eta: float, eta_from: str, by_share: bool) -> dict[str, str]:
    """Words by topic. `eta_from` is 'given', 'calibrated' or 'none'; `by_share`: a share of the frames was kept."""
    said = {
        "given": f"eta {eta:g} was given",
        "calibrated": f"eta {eta:g} was measured on this dataset's own frames, slightly changed (calibration)",
        "none": "there is no similarity limit; frames were ranked by similarity alone",
    }
    notes = {"eta": said[eta_from]}
    if scores.notes:
        notes["clustering"] = "; ".join(scores.notes)
    close = 0 if by_share else near_ties(scores, eta)
    if close:
        notes["rounding"] = (
            f"{close} frames lie within {ROUNDING:g} of a limit; another processor may round them to its other side"
        )
    return notes


def near_ties(scores: MedDELScores, eta: float) -> int:
    """Frames whose score is within ROUNDING of the limit that it is compared with."""
    score = scores.insertion_similarity
    close = np.abs(score - np.float32(eta)) <= ROUNDING  # NaN is not close
    close &= score != np.float32(scores.lowest_eta)  # set to it, since a pair was not confirmed
    close |= np.abs(scores.distances - np.float32(scores.epsilon)) <= ROUNDING
    return int(close.sum())
