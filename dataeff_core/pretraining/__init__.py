"""Self-supervised pre-training: each method one class in one file, one loop for all. Importing it needs no torch."""
