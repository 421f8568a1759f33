"""The Results page: benchmarks and single evaluations, their figures, forms and sentences."""
