"""Subsets out: one file a format; every export writes the manifest."""
