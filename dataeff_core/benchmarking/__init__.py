"""The benchmark matrix: methods x kept fractions x seeds, each cell a selection, a pre-training and an evaluation.

It composes the families (selection, pretraining, evaluation), so it may import them all; none imports it.
"""
