"""What a pre-trained encoder is worth: downstream scores with intervals, and NormDEL."""
