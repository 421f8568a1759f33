"""DataEff: which medical images are worth pre-training on, and why."""

__version__ = "0.1.0"
