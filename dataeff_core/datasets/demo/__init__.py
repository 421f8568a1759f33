"""Synthetic endoscopy videos with masks, planted faults, and the truth about each frame.

`generate` writes the videos; `read_truth` and `score_against_truth` judge a selection of their frames.
"""

from .generator import DEFAULT_SIZE, DemoVideos, generate
from .truth import TruthScore, read_truth, score_against_truth

__all__ = ["DEFAULT_SIZE", "DemoVideos", "TruthScore", "generate", "read_truth", "score_against_truth"]
